"""Text for Slack: escaping, mentions, code, lists of words, and cutting without breaking any of these.

Text from people or models always passes through `escape` (several lines), `inline` (one line), `code` (a
command or a value) or `plain` (places where Slack reads no markup). Nothing here knows about blocks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# https://docs.slack.dev/messaging/formatting-message-text#escaping
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_UNESCAPES = {entity: character for character, entity in _ESCAPES.items()}
_CALLS = re.compile(r"@(?=(?:here|channel|everyone)\b)|<(?=[!@#])", re.IGNORECASE)
# Invisible marks that turn the direction of a whole line: they could make a message read as something else.
_DIRECTION_MARKS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_USER = re.compile(r"^[UW][A-Z0-9]{1,30}$")
_GROUP = re.compile(r"^S[A-Z0-9]{1,30}$")
_CHANNEL = re.compile(r"^[CDG][A-Z0-9]{1,30}$")
# A "<" that is not written as an entity begins a mention or a link.
_OPEN_MARKUP = re.compile(r"(?:&[a-z]{0,4}|<[^<>]{0,2000})$")
WORD_JOINER = "\u2060"
FENCE = "```"


def plain(text: object) -> str:
    """Return text that is safe where Slack reads no markup (headers, table cells, button labels).

    Control characters go, except line breaks; half characters become "?"; `@here`, `<!channel>` and their
    like are broken by an invisible joiner, so that they ring nobody's phone wherever the text ends up.
    """
    whole = str(text).encode("utf-8", "replace").decode("utf-8")
    whole = _DIRECTION_MARKS.sub("", whole.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    kept = _CONTROLS.sub("", whole)
    return _CALLS.sub(lambda found: found[0] + WORD_JOINER, kept)


def escape(text: object) -> str:
    """Return text that Slack shows as it is: no mention, no link, no broken code around it.

    A backtick becomes an apostrophe, because one without a partner would swallow the markup that follows.
    """
    return escape_markup(plain(text)).replace("`", "'")


def escape_markup(text: str) -> str:
    """Replace Slack's three markup characters, and nothing else."""
    return re.sub("[&<>]", lambda found: _ESCAPES[found[0]], text)


def unescape(text: str) -> str:
    """Undo Slack's three escapes, once."""
    return re.sub("&(?:amp|lt|gt);", lambda found: _UNESCAPES[found[0]], text)


def inline(text: object) -> str:
    """Return escaped text as one line; right-to-left text is isolated, so that it cannot reorder its line."""
    line = " ".join(escape(text).split())
    if any(unicodedata.bidirectional(c) in ("R", "AL") for c in line):
        return f"\u2068{line}\u2069"
    return line


def code(text: object) -> str:
    """Return one line of escaped text as code."""
    return f"`{' '.join(escape(text).split()) or ' '}`"


def mention(user_id: str) -> str:
    """Return a mention of a user or user group by its Slack id; anything else is shown as plain text.

    Source: https://docs.slack.dev/messaging/formatting-message-text#mentioning-users
    """
    if _USER.match(user_id):
        return f"<@{user_id}>"
    if _GROUP.match(user_id):
        return f"<!subteam^{user_id}>"
    return inline(user_id)


def channel_link(channel_id: str) -> str:
    """Return a link to a channel by its Slack id, also as `slack:team/channel`; else plain text."""
    bare = (
        channel_id.rpartition("/")[2].removeprefix("slack:")
        if channel_id.startswith("slack:")
        else channel_id
    )
    return f"<#{bare}>" if _CHANNEL.match(bare) else inline(channel_id)


def listed(words: Iterable[str], last: str = "and") -> str:
    """Return "a", "a and b" or "a, b and c"."""
    items = list(words)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return "1 run" or "1,200 runs"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def cut(text: str, limit: int) -> str:
    """Return at most *limit* characters of marked-up text, ending in "…" if some are missing.

    No escape, mention or code span is left open at the end.
    """
    if len(text) <= limit:
        return text
    head = _OPEN_MARKUP.sub("", text[: max(limit - 5, 0)]).rstrip("`")
    fenced = head.count(FENCE) % 2
    spanned = head.replace(FENCE, "").count("`") % 2
    return (head + "…" + (f"\n{FENCE}" if fenced else "`" if spanned else ""))[:limit]


def split(text: str, limit: int) -> list[str]:
    """Return the text in pieces of at most *limit* characters, cut between lines or, failing that, words.

    A code fence that a cut would open is closed before it and opened again after it.
    """
    pieces: list[str] = []
    rest = text
    room = limit - 2 * (len(FENCE) + 1)
    while len(rest) > limit:
        end = max(rest.rfind("\n", room // 2, room), -1)
        if end < 0:
            end = max(rest.rfind(" ", room // 2, room), -1)
        head = rest[: end if end > 0 else room]
        head = _OPEN_MARKUP.sub("", head) or head
        rest = rest[len(head) :].lstrip("\n")
        if head.count(FENCE) % 2:
            head, rest = f"{head}\n{FENCE}", f"{FENCE}\n{rest}"
        elif head.replace(FENCE, "").count("`") % 2:
            head, rest = f"{head}`", f"`{rest}"
        pieces.append(head)
    return [*pieces, rest]


def fenced_lines(lines: Iterable[str]) -> str:
    """Return lines of plain text escaped and set in fixed width."""
    return "\n".join((FENCE, *map(escape, lines), FENCE))
