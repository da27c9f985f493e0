"""What is wrong with values, in words for a person: field, value seen, what is allowed, nearest known
choices.

pydantic finds the problems; the wording of what is allowed comes from the same JSON Schema that draws the
form.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ml.contract import FieldProblem
from ml.errors import Refused

LONGEST_VALUE = 80
MOST_CHOICES = 20


def nearest(value: object, choices: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """Return the known choices that are spelled most like *value*, best first, whatever its case.

    Of equally similar ones those come first that begin alike: the first letter is seldom the wrong one.
    """
    asked = str(value).casefold()
    by_folded = {choice.casefold(): choice for choice in choices}
    found = difflib.get_close_matches(asked, by_folded, n=4 * count, cutoff=0.5)
    found.sort(key=lambda name: _shared_start(name, asked), reverse=True)
    return tuple(by_folded[name] for name in found[:count])


def _shared_start(one: str, other: str) -> int:
    """Return how many letters both begin with."""
    return next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def shorten(value: Any) -> Any:
    """Return *value* as it may be shown: short texts and plain numbers, everything else as short text."""
    if value is None or isinstance(value, bool | int):
        return value if not isinstance(value, int) or abs(value) < 1e15 else shorten(str(value))
    if isinstance(value, float) and math.isfinite(value):
        return value
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def build_problem(
    field: str,
    value: Any,
    allowed: str,
    *,
    message: str = "",
    choices: Sequence[str] = (),
) -> tuple[FieldProblem, tuple[str, ...]]:
    """Return a problem with one field, and the known choices nearest to the value seen."""
    suggestions = nearest(value, choices)
    hint = f"; did you mean {' or '.join(suggestions)}?" if suggestions else ""
    text = message or f"{field} must be {allowed}"
    return FieldProblem(field=field, value=shorten(value), allowed=allowed, message=text + hint), suggestions


def refuse_field(
    field: str,
    value: Any,
    allowed: str,
    *,
    message: str = "",
    choices: Sequence[str] = (),
    reason_code: str = "invalid_value",
) -> Refused:
    """Return (to be raised) the refusal of one field's value."""
    problem, suggestions = build_problem(field, value, allowed, message=message, choices=choices)
    return Refused(reason_code, problem.message, errors=(problem,), suggestions=suggestions)


def read_validation_error(
    error: ValidationError, model: type[BaseModel], *, reason_code: str = "invalid_value"
) -> Refused:
    """Return (to be raised) pydantic's findings about *model* in the words of its JSON Schema."""
    properties = model.model_json_schema().get("properties", {})
    found = [_read_detail(detail, properties) for detail in error.errors(include_url=False)]
    problems = tuple(problem for problem, _ in found)
    suggestions = tuple(dict.fromkeys(name for _, names in found for name in names))
    return Refused(
        reason_code,
        "; ".join(problem.message for problem in problems),
        errors=problems,
        suggestions=suggestions,
    )


def describe_allowed(schema: Mapping[str, Any]) -> str:
    """Return what one property of a JSON Schema allows, as a phrase that follows "must be"."""
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    if options:
        return " or ".join(describe_allowed({**schema, "anyOf": (), **option}) for option in options)
    if "enum" in schema:
        return _describe_choices([str(choice) for choice in schema["enum"]])
    kind = schema.get("type")
    if kind in {"number", "integer"}:
        return _describe_number("a whole number" if kind == "integer" else "a number", schema)
    if schema.get("format") == "date":
        return "a day such as 2013-07-04"
    if schema.get("examples"):
        return "a text such as " + " or ".join(str(example) for example in schema["examples"])
    return "true or false" if kind == "boolean" else "a text"


def _describe_number(noun: str, schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{noun} from {low:g} to {high:g}"
    limits = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    found = [f"{words} {schema[key]:g}" for key, words in limits.items() if key in schema]
    return f"{noun} {' and '.join(found)}".rstrip()


def _describe_choices(choices: Sequence[str]) -> str:
    if len(choices) == 1:
        return choices[0]
    if len(choices) <= MOST_CHOICES:
        return "one of " + ", ".join(choices)
    return f"one of {len(choices)} known values ({', '.join(choices[:5])} …)"


def _read_detail(detail: ErrorDetails, properties: Mapping[str, Any]) -> tuple[FieldProblem, tuple[str, ...]]:
    field = str(detail["loc"][0]) if detail["loc"] else "row"
    value, kind = detail.get("input"), detail["type"]
    if kind == "extra_forbidden":
        near = nearest(field, properties)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        allowed = f"a known field: {_describe_choices(list(properties))}"
        return build_problem(field, value, allowed, message=f"there is no field {shorten(field)!r}{hint}")[
            0
        ], near
    schema = properties.get(field)
    if kind == "missing":
        return build_problem(field, None, describe_allowed(schema or {}), message=f"{field} is missing")
    if schema is None or kind.startswith("value_error"):
        text = detail["msg"].removeprefix("Value error, ")
        return build_problem(field, value, text, message=text)
    options = [schema, *schema.get("anyOf", ())]
    choices = [str(choice) for option in options for choice in option.get("enum", ())]
    return build_problem(field, value, describe_allowed(schema), choices=choices)
