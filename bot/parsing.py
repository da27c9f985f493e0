"""Reading what people type after the slash command, as phones type it, and writing it back.

Understood: `key=value`, `key:value` (not in URLs and times), `--key value`, `--key=value`, en and em dashes,
curly quotes, full-width letters, signs and spaces, line breaks, characters that nobody sees, and the forms in
which Slack escapes people, channels and links. Nothing here raises for any text: what is wrong comes back as
a list of problems.
Typing the values by a schema is next door, in `coercion`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.coercion import INVISIBLE, coerce, fold, fold_case
from bot.messages.text import escape_markup, unescape
from ml.contract import FieldProblem

__all__ = ["Parsed", "coerce", "format_command", "parse"]

_DOUBLE = '"“”„‟＂'
_SINGLE = "'‘’‚‛＇"
_FAMILY = {**dict.fromkeys(_DOUBLE, _DOUBLE), **dict.fromkeys(_SINGLE, _SINGLE)}
_SIGNS = "=＝:："
# A phone makes "--" into a dash; a dash before a digit is a minus sign and stays with its number.
_DASHES = re.compile(r"^[-‐‑‒–—―−－]{1,2}(?=[^\W\d])")
_KEY = re.compile(r"([^\W\d][\w-]*)([=＝:：])(.*)", re.DOTALL)
_BARE_KEY = re.compile(r"[^\W\d][\w-]*")
_FOLDED_KEY = re.compile(r"[^\W\d]\w*")
# https://docs.slack.dev/messaging/formatting-message-text: <@U1|name>, <#C1|name>, <!subteam^S1>, <url|label>
_SLACK_FORM = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
_SAFE = re.compile(r"^[\w./,+%-]+$")
_ESCAPABLE = re.compile(f"([\\\\{_DOUBLE}])")


@dataclass(frozen=True)
class Parsed:
    """What was typed: the verb, the words after it, the inputs as text, and what was wrong.

    Keys are in lower case with "_" for "-"; an input that was named without a value is "".
    """

    verb: str | None = None
    words: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[FieldProblem, ...] = ()


@dataclass(frozen=True)
class _Token:
    """One word as typed; `quoted_from` is where its first quoted part began (None: nowhere)."""

    text: str
    quoted_from: int | None = None
    closed: bool = True


def parse(text: str) -> Parsed:
    """Return what *text* asks for; see the module's docstring for what is understood."""
    tokens = list(_tokens(_SLACK_FORM.sub(_slack_form, text)))
    problems = [_unclosed(token) for token in tokens if not token.closed]
    words: list[str] = []
    inputs: dict[str, str] = {}
    for key, value in _pairs(tokens):
        if key is None:
            words.append(value)
        elif key in inputs:
            problems.append(_repeated(key, value))
        else:
            inputs[key] = value
    verb = fold_case(words.pop(0)) if words else None
    return Parsed(verb, tuple(words), inputs, tuple(problems))


def format_command(parsed: Parsed) -> str:
    """Return text that `parse` reads back as the same verb, words and inputs, escaped as Slack sends it."""
    parts = [] if parsed.verb is None else [_quote(parsed.verb)]
    parts.extend(_quote(word) for word in parsed.words)
    parts.extend(f"{key}={_quote(value)}" for key, value in parsed.inputs.items())
    return escape_markup(" ".join(parts))


def _slack_form(found: re.Match[str]) -> str:
    kind, target, label = found[1], found[2], found[3]
    if kind == "!":
        name, _, identifier = target.partition("^")
        return identifier or f"@{name}"
    if kind:
        return target
    # Slack makes links of bare words such as "example.com", and of dates, which look like telephone numbers
    # to it: then the label is what was typed.
    if target.startswith("tel:"):
        return label or target.removeprefix("tel:")
    added = target.removeprefix("mailto:").removeprefix("http://").removeprefix("https://")
    return label if label is not None and added == label else target


def _tokens(text: str) -> Iterator[_Token]:
    """Yield the words of *text*, with quotes taken off and Slack's escapes undone."""
    clean = unescape(text)
    at, end = 0, len(clean)
    while at < end:
        if clean[at].isspace() or INVISIBLE.match(clean[at]):
            at += 1
            continue
        token, at = _token(clean, at)
        yield token


def _token(text: str, start: int) -> tuple[_Token, int]:
    """Read one word from *start*; quotes count at its beginning and after the sign of `key=`."""
    at, signs = start, 0
    while at < len(text) and not text[at].isspace():
        first_sign_before = signs == 1 and text[at - 1] in _SIGNS
        if text[at] in _FAMILY and (at == start or (first_sign_before and _ends_in_key(text[start:at]))):
            inner, after, closed = _quoted(text, at)
            return _Token(text[start:at] + inner, at - start, closed), after
        signs += text[at] in _SIGNS
        at += 1
    return _Token(INVISIBLE.sub("", text[start:at])), at


def _ends_in_key(text: str) -> bool:
    return _KEY.fullmatch(_DASHES.sub("", text)) is not None


def _quoted(text: str, start: int) -> tuple[str, int, bool]:
    """Read a quoted part; a quote only closes before white space or the end, so that "it's" stays whole."""
    family = _FAMILY[text[start]]
    collected: list[str] = []
    at = start + 1
    while at < len(text):
        following = text[at + 1 : at + 2]
        if text[at] == "\\" and following and (following == "\\" or following in family):
            collected.append(following)
            at += 2
            continue
        if text[at] in family and (not following or following.isspace()):
            return "".join(collected), at + 1, True
        collected.append(text[at])
        at += 1
    return "".join(collected), at, False


def _pairs(tokens: Sequence[_Token]) -> Iterator[tuple[str | None, str]]:
    """Yield (key, value) for inputs and (None, word) for words."""
    at = 0
    while at < len(tokens):
        token, at = tokens[at], at + 1
        key, value = _key_and_value(token)
        if key is None and at + 1 < len(tokens) and _is_lone_sign(tokens[at]) and token.quoted_from is None:
            key = _fold(token.text)  # "until = 2013-06"
            at += key is not None
        waits = key is not None and value is None
        if waits and at < len(tokens) and _is_value(tokens[at]):
            value, at = tokens[at].text, at + 1
        if key is None:
            yield None, token.text
        else:
            yield key, value or ""


def _key_and_value(token: _Token) -> tuple[str | None, str | None]:
    """Return the token's key and value; a value of None is still to come (`--key` or `key:`)."""
    if token.quoted_from == 0:
        return None, None
    bare = _DASHES.sub("", token.text)
    found = _KEY.fullmatch(bare)
    if found and not _is_address(found):
        missing = found[3] == "" and token.quoted_from is None
        return _fold(found[1]), None if missing else found[3]
    return (_fold(bare) if bare != token.text else None), None


def _is_address(found: re.Match[str]) -> bool:
    return found[2] == ":" and found[3].startswith("//")


def _is_lone_sign(token: _Token) -> bool:
    return token.text in ("=", "＝") and token.quoted_from is None


def _is_value(token: _Token) -> bool:
    return token.quoted_from == 0 or _key_and_value(token)[0] is None


def _fold(key: str) -> str | None:
    """Return the key in its one spelling, or None for what cannot be a key."""
    if not _BARE_KEY.fullmatch(key):
        return None
    folded = fold(key)
    return folded if _FOLDED_KEY.fullmatch(folded) else None


def _quote(text: str) -> str:
    if _SAFE.match(text) and not _DASHES.match(text):
        return text
    return '"' + _ESCAPABLE.sub(r"\\\1", text) + '"'


def _repeated(key: str, value: str) -> FieldProblem:
    return FieldProblem(field=key, value=value, allowed="one value", message="it is given more than once")


def _unclosed(token: _Token) -> FieldProblem:
    key, value = _key_and_value(token)
    return FieldProblem(
        field=key or "text",
        value=value or token.text,
        allowed="a closing quote",
        message="the quote is not closed",
    )
