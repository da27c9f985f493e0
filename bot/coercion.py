"""Typing what people gave by a JSON Schema: all problems at once, each with what was seen and is allowed."""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from bot.messages.fields import Schema, allowed, choices, properties, resolve
from bot.messages.text import listed
from ml.contract import FieldProblem

_MINUS_SIGNS = re.compile("^[‐‑‒–—−]")
# Joiners, marks of direction and the like, which come along where text is copied; nobody sees or types them.
INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_YES = frozenset({"true", "yes", "y", "on", "1"})
_NO = frozenset({"false", "no", "n", "off", "0"})
MAX_SHOWN = 200


class _Unfit(ValueError):
    """A value that the schema does not allow; the message says why."""


def coerce(inputs: Mapping[str, Any], schema: Schema) -> tuple[dict[str, Any], tuple[FieldProblem, ...]]:
    """Return the inputs typed by *schema* under its own names, and every problem found.

    Names match whatever their case, with "-" and "_" alike. Unknown names are answered with the nearest one,
    missing required ones are named. Defaults are left to whoever owns the schema. A schema that cannot be
    read lets the text through unchanged.
    """
    fields = {name: (field, required) for name, field, required in properties(schema)}
    by_folded = {fold(name): name for name in fields}
    values: dict[str, Any] = {}
    problems: list[FieldProblem] = []
    for given, value in inputs.items():
        name = by_folded.get(fold(given))
        if name is None:
            if schema.get("additionalProperties", False):
                values[given] = value
            else:
                problems.append(_unknown(given, value, tuple(fields)))
            continue
        try:
            values[name] = _typed(value, fields[name][0], schema)
        except _Unfit as unfit:
            problems.append(_problem(name, value, fields[name][0], str(unfit)))
    seen = {by_folded.get(fold(given)) for given in inputs}
    problems.extend(
        _missing(name, field) for name, (field, needed) in fields.items() if needed and name not in seen
    )
    return values, tuple(problems)


def as_text(value: Any) -> str:
    """Return a value of JSON as people would type it, so that it is judged just as theirs."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(map(as_text, value)) if isinstance(value, list | tuple) else str(value)


def fold_case(word: str) -> str:
    """Return a word in its one spelling: half width, lower case; folding again changes nothing."""
    for _ in range(4):
        word, before = unicodedata.normalize("NFKC", word).casefold(), word
        if word == before:
            break
    return word


def fold(name: str) -> str:
    """Return an input's name in its one spelling, with "_" for "-"."""
    return fold_case(name).replace("-", "_")


def _typed(value: Any, field: Schema, schema: Schema) -> Any:
    """Return one value typed by its field, or raise _Unfit; a value that is not text is left as it is."""
    if not isinstance(value, str):
        return value
    if not value.strip():
        raise _Unfit("no value is given")
    named = choices(field)
    if named:
        return _choice(value, named)
    kind = field.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader:
        return reader(value, field)
    if kind == "array":
        return _items(value, field, schema)
    return _text(value, field) if kind == "string" else value


def _half_width(value: str) -> str:
    return _MINUS_SIGNS.sub("-", unicodedata.normalize("NFKC", INVISIBLE.sub("", value)).strip())


def _choice(value: str, named: tuple[Any, ...]) -> Any:
    by_text = {_half_width(str(choice)).casefold(): choice for choice in named}
    exact = {str(choice): choice for choice in named}
    folded = _half_width(value).casefold()
    if value in exact:
        return exact[value]
    if folded in by_text:
        return by_text[folded]
    near = difflib.get_close_matches(folded[:60], by_text, n=3, cutoff=0.6)
    raise _Unfit(
        f"did you mean {listed((str(by_text[one]) for one in near), 'or')}?"
        if near
        else "it is not one of the choices"
    )


def _integer(value: str, field: Schema) -> int:
    text = _half_width(value)
    if not re.fullmatch(r"[+-]?[0-9]{1,30}(?:\.0{1,10})?", text):
        raise _Unfit("it is not a whole number")
    number = int(text.partition(".")[0])
    _check_range(number, field)
    return number


def _number(value: str, field: Schema) -> float:
    text = _half_width(value)
    if not re.fullmatch(
        r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,3})?", text
    ):
        raise _Unfit("it is not a number")
    number = float(text)
    if not math.isfinite(number):
        raise _Unfit("it is too large")
    _check_range(number, field)
    return number


def _check_range(number: float, field: Schema) -> None:
    checks: tuple[tuple[str, Callable[[float], bool], str], ...] = (
        ("minimum", lambda limit: number < limit, "it is too small"),
        ("maximum", lambda limit: number > limit, "it is too large"),
        ("exclusiveMinimum", lambda limit: number <= limit, "it is too small"),
        ("exclusiveMaximum", lambda limit: number >= limit, "it is too large"),
    )
    for key, breaks, why in checks:
        limit = field.get(key)
        if isinstance(limit, int | float) and not isinstance(limit, bool) and breaks(limit):
            raise _Unfit(why)


def _boolean(value: str, field: Schema) -> bool:
    word = _half_width(value).casefold()
    if word not in _YES | _NO:
        raise _Unfit("it is neither yes nor no")
    return word in _YES


_READERS: dict[str, Callable[[str, Schema], Any]] = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}


def _items(value: str, field: Schema, schema: Schema) -> list[Any]:
    inner = resolve(field.get("items"), schema)
    return [_typed(item, inner, schema) for item in re.split("[,、，]", value) if item.strip()]


def _text(value: str, field: Schema) -> str:
    by_format = {"date": _date, "date-time": _moment}.get(str(field.get("format")))
    if by_format:
        return by_format(value)
    shapes = tuple(dict.fromkeys((value, _half_width(value), _half_width(value).upper())))
    fitting = next((shape for shape in shapes if _fits(shape, field)), None)
    if fitting is None:
        raise _Unfit(_why_not(value, field))
    return fitting


def _fits(text: str, field: Schema) -> bool:
    return _length_fits(text, field) and _pattern_fits(text, field)


def _length_fits(text: str, field: Schema) -> bool:
    low, high = field.get("minLength", 0), field.get("maxLength", math.inf)
    return not all(isinstance(one, int | float) for one in (low, high)) or low <= len(text) <= high


def _pattern_fits(text: str, field: Schema) -> bool:
    try:
        return "pattern" not in field or re.search(str(field["pattern"]), text) is not None
    except re.error:  # a pattern in another dialect: its owner will judge
        return True


def _why_not(value: str, field: Schema) -> str:
    if not _length_fits(value, field):
        return "it is too long" if len(value) > field.get("maxLength", math.inf) else "it is too short"
    return "it does not have the right form"


def _date(value: str) -> str:
    found = re.fullmatch(r"([0-9]{4})[-/.‐–]([0-9]{1,2})[-/.‐–]([0-9]{1,2})", _half_width(value))
    if not found:
        raise _Unfit("it is not a date")
    try:
        return date(*map(int, found.groups())).isoformat()
    except ValueError as error:
        raise _Unfit("there is no such date") from error


def _moment(value: str) -> str:
    text = _half_width(value)
    try:
        return datetime.fromisoformat(text).isoformat()
    except ValueError as error:
        raise _Unfit("it is not a time") from error


def _problem(name: str, value: Any, field: Schema, why: str) -> FieldProblem:
    shown = value if not isinstance(value, str) or len(value) <= MAX_SHOWN else value[:MAX_SHOWN] + "…"
    return FieldProblem(field=name, value=shown, allowed=allowed(field), message=why)


def _missing(name: str, field: Schema) -> FieldProblem:
    return FieldProblem(field=name, value=None, allowed=allowed(field), message="")


def _unknown(given: str, value: Any, names: tuple[str, ...]) -> FieldProblem:
    folded = {fold(name): name for name in names}
    near = [folded[one] for one in difflib.get_close_matches(fold(given)[:60], folded, n=2, cutoff=0.6)]
    why = f"there is no such input; did you mean {listed(near, 'or')}?" if near else "there is no such input"
    return FieldProblem(
        field=given[:MAX_SHOWN],
        value=str(value)[:MAX_SHOWN],
        allowed=f"the inputs {listed(names)}" if names else "no inputs",
        message=why,
    )
