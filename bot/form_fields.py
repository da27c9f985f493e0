"""One field of a form: from its JSON Schema to Slack's element, and from what was entered to typed text.

Choices travel as their number, so that texts of any length and kind come back whole.
Source: https://docs.slack.dev/reference/block-kit/block-elements
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

from bot.coercion import INVISIBLE, as_text, fold_case
from bot.messages.errors import as_sentence
from bot.messages.fields import Schema, allowed, choices, resolve
from bot.messages.text import plain

Element = dict[str, Any]
Kind = Literal["choice", "choices", "suggestion", "yes_no", "date", "moment", "number", "text"]

ACTION = "form.value"
SUGGESTIONS = "x-suggestions"
"""A field's key for texts that are proposed while a person types; any other text is taken, too."""

MOST_RADIO = 5
"""More choices than these are easier to read in a menu."""
MOST_OPTIONS = 100
MOST_OPTION_TEXT = 75
MOST_OPTION_VALUE = 150
MOST_PLACEHOLDER = 150
MOST_TYPED = 3000
MOST_LABEL = 2000
MOST_HINT = 500
"""Of the 2,000 characters that Slack takes: more is no hint any more."""
MOST_DIGITS = 20
LONG_TEXT = 200
YES_NO = ("yes", "no")
FIRST_MOMENT, LAST_MOMENT = 1_000_000_000, 9_999_999_999
"""A datetimepicker takes seconds of ten digits."""


def kind_of(field: Schema, schema: Schema) -> Kind:
    """Return what a field is to a person who fills it in."""
    if offered(field):
        return "choice"
    if isinstance(field.get(SUGGESTIONS), list):
        return "suggestion"
    kind = field.get("type")
    if kind == "array":
        return "choices" if offered(resolve(field.get("items"), schema)) else "text"
    if kind in ("integer", "number"):
        return "number"
    if kind == "boolean":
        return "yes_no"
    by_format: dict[str, Kind] = {"date": "date", "date-time": "moment"}
    return by_format.get(str(field.get("format")), "text") if kind == "string" else "text"


def offered(field: Schema) -> tuple[Any, ...]:
    """Return the choices of a field that a menu can show: those with a text."""
    return tuple(one for one in choices(field) if str(one).strip())


def build_element(
    field: Schema,
    schema: Schema,
    value: Any,
    raw: str | None,
    most_options: int = MOST_OPTIONS,
    *,
    optional: bool = False,
) -> Element:
    """Return Slack's element for a field, with *value* (typed; None: none) in it.

    *raw* is what was given where it could not be typed; only a text field can show it. More choices than
    *most_options* are searched for instead of sent along. Where a choice is *optional* it stands in a menu,
    because radio buttons cannot be unset; a field with a default always has a choice.
    """
    unset = optional and field.get("default") is None
    kind = kind_of(field, schema)
    if kind == "choice":
        return _menu(offered(field), [value] if value is not None else [], most_options, unset=unset)
    if kind == "choices":
        inner = offered(resolve(field["items"], schema))
        return _menu(inner, value if isinstance(value, list) else [], most_options, several=True)
    if kind == "suggestion":
        return _suggestion(value)
    if kind == "yes_no":
        shown = [YES_NO[0] if value else YES_NO[1]] if isinstance(value, bool) else []
        return _menu(YES_NO, shown, most_options, unset=unset)
    if kind == "date":
        return _element("datepicker", initial_date=_date(value))
    if kind == "moment":
        return _element("datetimepicker", initial_date_time=_seconds(value))
    if kind == "number":
        return _number(field, value)
    return _text(field, value, raw)


def read_element(field: Schema, schema: Schema, state: Mapping[str, Any]) -> Any:
    """Return what was entered into a field as people would type it; None where nothing was.

    Source: https://docs.slack.dev/reference/views/view-state
    """
    if "selected_date" in state or "selected_date_time" in state:
        return _picked_time(state)
    kind = kind_of(field, schema)
    if kind == "suggestion":
        return (state.get("selected_option") or {}).get("value")
    if kind in ("choice", "yes_no"):
        named: tuple[Any, ...] = YES_NO if kind == "yes_no" else offered(field)
        picked = _numbered(named, [state.get("selected_option")])
        return str(picked[0]) if picked else None
    if kind == "choices":
        inner = offered(resolve(field["items"], schema))
        return _several(_numbered(inner, state.get("selected_options") or []))
    typed = str(state.get("value") or "")
    return typed if typed.strip() else None


def matching_options(field: Schema, schema: Schema, typed: str) -> list[dict[str, Any]]:
    """Return the options that fit what is typed into a searching menu: beginnings first, 100 at most."""
    if kind_of(field, schema) == "suggestion":
        names = [str(one) for one in field[SUGGESTIONS] if 0 < len(str(one)) <= MOST_OPTION_VALUE]
        found = [names[at] for at in _ranked(names, typed)]
        own = typed.strip()
        if own and own not in found and len(own) <= MOST_OPTION_VALUE:
            found = [*found[: MOST_OPTIONS - 1], own]  # what nobody proposed may still be there
        return [_option(name, name) for name in found]
    inner = field if kind_of(field, schema) == "choice" else resolve(field.get("items"), schema)
    named = offered(inner)
    return [_numbered_option(named, at) for at in _ranked([str(one) for one in named], typed)]


def placeholder(field: Schema) -> str | None:
    """Return the first example of a field, for an empty one to show."""
    examples = field.get("examples")
    first = one_line(as_text(examples[0])) if isinstance(examples, list) and examples else ""
    return first[:MOST_PLACEHOLDER] or None


def hint(field: Schema, schema: Schema) -> str | None:
    """Return what stands below a field: its meaning, and what is allowed where that does not show."""
    shown = as_sentence(field.get("description") or "")
    kind = kind_of(field, schema)
    if kind == "number" or (kind == "text" and (field.get("type") == "array" or "pattern" in field)):
        limits = allowed(field)
        shown = f"{shown} {as_sentence(limits)}".strip()
    return one_line(shown)[:MOST_HINT] or None


def one_line(text: object) -> str:
    """Return text for a place that shows one line without markup."""
    return " ".join(plain(text).split())


def _element(kind: str, **fields: Any) -> Element:
    given = {name: value for name, value in fields.items() if value is not None}
    return {"type": kind, "action_id": ACTION, **given}


def _menu(
    named: Sequence[Any],
    values: Iterable[Any],
    most_options: int,
    *,
    several: bool = False,
    unset: bool = False,
) -> Element:
    """Return radio buttons, a menu, or a menu that searches, whichever holds that many choices.

    What may be *unset* again is a menu.
    """
    at = {str(one): number for number, one in enumerate(named)}
    picked = [_numbered_option(named, at[str(one)]) for one in values if str(one) in at]
    filled: dict[str, Any] = {}
    if picked:
        filled = {"initial_options": picked[:MOST_OPTIONS]} if several else {"initial_option": picked[0]}
    prefix = "multi_" if several else ""
    if len(named) > most_options:
        return _element(f"{prefix}external_select", min_query_length=0, **filled)
    options = [_numbered_option(named, number) for number in range(len(named))]
    kind = "static_select" if several or unset or len(named) > MOST_RADIO else "radio_buttons"
    return _element(f"{prefix}{kind}", options=options, **filled)


def _suggestion(value: Any) -> Element:
    text = str(value or "").strip()
    filled = _option(text, text) if 0 < len(text) <= MOST_OPTION_VALUE else None
    return _element("external_select", min_query_length=0, initial_option=filled)


def _option(text: str, value: str) -> dict[str, Any]:
    line = one_line(text) or "–"
    shown = line if len(line) <= MOST_OPTION_TEXT else f"{line[: MOST_OPTION_TEXT - 1]}…"
    return {"text": {"type": "plain_text", "text": shown}, "value": value}


def _numbered_option(named: Sequence[Any], number: int) -> dict[str, Any]:
    return _option(str(named[number]), str(number))


def _numbered(named: Sequence[Any], options: Iterable[Any]) -> list[Any]:
    numbers = [str((one or {}).get("value", "")) for one in options]
    return [named[int(one)] for one in numbers if one.isdecimal() and int(one) < len(named)]


def _several(values: list[Any]) -> Any:
    """Return several choices as typed text, or as they are where one of them has a comma in it."""
    if any(sign in str(one) for one in values for sign in ",、，"):
        return values
    return ",".join(map(str, values)) or None


def _ranked(names: Sequence[str], typed: str) -> list[int]:
    wanted = fold_case(INVISIBLE.sub("", typed)).strip()
    folded = [fold_case(name) for name in names]
    begin = [at for at, name in enumerate(folded) if name.startswith(wanted)]
    within = [at for at, name in enumerate(folded) if wanted in name and not name.startswith(wanted)]
    return [*begin, *within][:MOST_OPTIONS]


def _date(value: Any) -> str | None:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        return None


def _seconds(value: Any) -> int | None:
    """Return a time as the picker has it; one without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(str(value))
        seconds = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None
    return seconds if FIRST_MOMENT <= seconds <= LAST_MOMENT else None


def _picked_time(state: Mapping[str, Any]) -> str | None:
    seconds = state.get("selected_date_time")
    if seconds is not None:
        return datetime.fromtimestamp(int(seconds), UTC).isoformat()
    return state.get("selected_date") or None


def _number(field: Schema, value: Any) -> Element:
    return _element(
        "number_input",
        is_decimal_allowed=field.get("type") == "number",
        min_value=_digits(field.get("minimum")),
        max_value=_digits(field.get("maximum")),
        initial_value=_digits(value),
    )


def _digits(value: Any) -> str | None:
    """Return a number in plain digits; None where it is none, or too long for a field."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    if isinstance(value, int) and abs(value) >= 10**MOST_DIGITS:
        return None
    text = format(Decimal(str(value)).normalize(), "f")
    return text if len(text) <= MOST_DIGITS else None


def _text(field: Schema, value: Any, raw: str | None) -> Element:
    longest = field.get("maxLength", MOST_TYPED)
    longest = max(1, min(longest, MOST_TYPED)) if field.get("type") == "string" else MOST_TYPED
    shown = as_text(value) if value is not None else raw or ""
    return _element(
        "plain_text_input",
        multiline=True if field.get("maxLength", 0) > LONG_TEXT else None,
        max_length=longest,
        initial_value=shown.encode("utf-8", "replace").decode()[:longest] or None,
    )
