"""What is wrong with values, in words for a person: field, value seen, what is allowed, nearest known
choices.

pydantic finds the problems; the wording of what is allowed comes from the same JSON Schema that draws the
form.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, to_json

from ml.contract import FieldProblem
from ml.errors import Refused

LONGEST_VALUE = 80
MOST_CHOICES = 20
LONGEST_NAME = 200
"""Characters beyond which nothing is a slip for a name; looking for one in megabytes takes a minute."""
MOST_PROBLEMS = 20
"""So many of a request's or a row's faults are told; of more, how many there are."""
LONGEST_SENTENCE = 500
"""Characters of what is said of one fault; a recipe's own sentence may quote whatever was sent."""


def nearest(value: object, choices: Iterable[str], count: int = 3) -> tuple[str, ...]:
    """Return the known choices that are spelled most like *value*, best first, whatever its case.

    Of equally similar ones those come first that begin alike: the first letter is seldom the wrong one.
    """
    asked = str(value).casefold()
    if len(asked) > LONGEST_NAME:
        return ()
    return _nearest(asked, tuple(choices), count)


@lru_cache(maxsize=256)
def _nearest(asked: str, choices: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Return what `nearest` does; a file whose heading is wrong asks the same for each of its rows."""
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
    return cut(value if isinstance(value, str) else repr(value), LONGEST_VALUE)


def cut(text: str, longest: int) -> str:
    """Return *text*, or its beginning where it has more than so many characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def abridge(value: Any) -> Any:
    """Return *value* as it is written down with a refusal: as it is where it is short.

    Of a long one its beginning, its type and how long it was: a hundred thousand characters help nobody to
    find out what was wrong with them, and would be kept for as long as predictions are.
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    text = value if isinstance(value, str) else to_json(value, inf_nan_mode="null", fallback=repr).decode()
    if len(text) <= LONGEST_VALUE:
        return value
    kind = "list" if isinstance(value, Sequence) else "object"
    size = f"text of {len(text):,} characters" if isinstance(value, str) else f"{kind} of {len(value):,}"
    return f"{cut(text, LONGEST_VALUE)} ({size})"


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
    seen = {"field": shorten(field), "value": shorten(value)}
    told = {"allowed": cut(allowed, LONGEST_SENTENCE), "message": cut(text + hint, LONGEST_SENTENCE)}
    return FieldProblem(**seen, **told), suggestions


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
    error: ValidationError,
    model: type[BaseModel],
    *,
    reason_code: str = "invalid_value",
    left_out: int = 0,
    brief: bool = False,
) -> Refused:
    """Return (to be raised) pydantic's findings about *model* in the words of its JSON Schema.

    Args:
        error: What pydantic found.
        model: What it was to be.
        reason_code: The code of the refusal.
        left_out: Faults that pydantic was not asked about.
        brief: Whether to tell the first fault only, without a guess at what was meant.
    """
    schema, details = _schema(model), error.errors(include_url=False)
    most = 1 if brief else MOST_PROBLEMS
    found = [_read_detail(detail, schema, guess=not brief) for detail in details[:most]]
    problems = tuple(problem for problem, _ in found)
    suggestions = tuple(dict.fromkeys(name for _, names in found for name in names))
    untold = len(details) - len(found) + left_out
    return Refused(
        reason_code,
        "; ".join(
            [*(problem.message for problem in problems), *([f"and {untold:,} more"] if untold else [])]
        ),
        errors=problems,
        suggestions=suggestions,
    )


@lru_cache(maxsize=256)
def _schema(model: type[BaseModel]) -> Mapping[str, Any]:
    """Return the model's JSON Schema, made once: ten thousand bad rows ask for the same one."""
    return model.model_json_schema()


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
    if schema.get("prefixItems"):
        return "a list of " + " and ".join(describe_allowed(item) for item in schema["prefixItems"])
    return _NOUNS.get(str(kind)) or _describe_text(schema)


_NOUNS = {"boolean": "true or false", "object": "an object of values by name", "array": "a list"}


def _describe_text(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minLength"), schema.get("maxLength")
    if high is not None:
        return f"a text of {low or 0} to {high} characters"
    pattern = schema.get("pattern")
    return f"a text that matches {pattern}" if pattern else "a text"


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


def _resolve(schema: Any, definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a JSON Schema with its own references followed, also those among which one may choose."""
    while "$ref" in schema:
        schema = definitions.get(schema["$ref"].rpartition("/")[2], {})
    options = [_resolve(option, definitions) for option in schema.get("anyOf", ())]
    return {**schema, "anyOf": options} if options else schema


def _descend(schema: Mapping[str, Any], place: Sequence[int | str]) -> tuple[str, Mapping[str, Any]]:
    """Return the dotted name of a place in a JSON value and the schema of the object that holds it.

    It stops where the schema says no more: of a list as a whole rather than of its third entry.
    """
    definitions, names = schema.get("$defs", {}), [str(part) for part in place[:1]]
    for deeper in place[1:]:
        inner = _resolve(schema.get("properties", {}).get(names[-1], {}), definitions)
        holders = [option for option in (inner, *inner.get("anyOf", ())) if "properties" in option]
        if not holders:
            break
        schema = holders[0]
        names.append(str(deeper))
    properties = schema.get("properties", {})
    return ".".join(names), {name: _resolve(each, definitions) for name, each in properties.items()}


def _read_detail(
    detail: ErrorDetails, whole_schema: Mapping[str, Any], *, guess: bool
) -> tuple[FieldProblem, tuple[str, ...]]:
    field, properties = _descend(whole_schema, detail["loc"]) if detail["loc"] else ("row", {})
    name = field.rpartition(".")[2]
    value, kind = detail.get("input"), detail["type"]
    if kind == "extra_forbidden":
        near = nearest(name, properties) if guess else ()
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        allowed = f"a known field: {_describe_choices(list(properties))}"
        message = f"there is no field {shorten(field)!r}{hint}"
        return build_problem(field, value, allowed, message=message)[0], near
    schema = properties.get(name)
    if kind == "missing" and str(detail["loc"][-1]) == name:
        return build_problem(field, None, describe_allowed(schema or {}), message=f"{field} is missing")
    if schema is None or kind.startswith("value_error"):
        text = detail["msg"].removeprefix("Value error, ")
        return build_problem(field, value, text, message=text)
    options = [schema, *schema.get("anyOf", ())]
    choices = [str(choice) for option in options for choice in option.get("enum", ())] if guess else []
    return build_problem(field, value, describe_allowed(schema), choices=choices)
