"""What a JSON Schema lets a person give, in words: the same for help, forms and refusals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.messages.blocks import Block, section, table
from bot.messages.text import counted, listed

Schema = Mapping[str, Any]

MAX_CHOICES_SHOWN = 12
_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_TEXTS = ("pattern", "format", "description", "title", "type")
# Keywords whose value is of another type are ignored: who wrote such a schema will judge the value anyway.
_KEYWORDS: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(_NUMBERS, (int, float)),
    **dict.fromkeys(_TEXTS, str),
    "minLength": int,
    "maxLength": int,
}


def properties(schema: Schema) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield each field's name, its flattened schema, and whether it must be given."""
    fields = schema.get("properties")
    needed = schema.get("required")
    required = needed if isinstance(needed, list) else []
    for name, field in fields.items() if isinstance(fields, Mapping) else ():
        yield str(name), resolve(field, schema), name in required


def resolve(field: Any, schema: Schema) -> dict[str, Any]:
    """Return a field's schema with its `$ref` followed and "or null" taken off (one other type: merged)."""
    flat: dict[str, Any] = dict(field) if isinstance(field, Mapping) else {}
    for _ in range(5):
        target = flat.pop("$ref", None)
        if isinstance(target, str):
            found = _definition(target, schema)
            flat = {**found, **flat}
        options = flat.get("anyOf") or flat.get("oneOf") or flat.get("allOf")
        if isinstance(options, list):
            real = [one for one in options if isinstance(one, Mapping) and one.get("type") != "null"]
            if len(real) != 1:
                break
            flat = {**real[0], **{k: v for k, v in flat.items() if k not in ("anyOf", "oneOf", "allOf")}}
        elif target is None:
            break
    return {key: value for key, value in flat.items() if isinstance(value, _KEYWORDS.get(key, object))}


def _definition(target: str, schema: Schema) -> dict[str, Any]:
    definitions = schema.get("$defs") or schema.get("definitions") or {}
    found = definitions.get(target.rsplit("/", 1)[-1]) if isinstance(definitions, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else {}


def choices(field: Schema) -> tuple[Any, ...]:
    """Return the values a field is limited to, or nothing."""
    if isinstance(field.get("enum"), list):
        return tuple(value for value in field["enum"] if value is not None)
    return (field["const"],) if "const" in field else ()


def allowed(field: Schema) -> str:
    """Return in words what a field takes: "a whole number from 0 to 10", "one of EWR, JFK or LGA"."""
    named = choices(field)
    if named:
        shown = [str(value) for value in named[:MAX_CHOICES_SHOWN]]
        if len(named) > len(shown):
            return f"one of {', '.join(shown)} and {len(named) - len(shown)} more"
        return shown[0] if len(shown) == 1 else f"one of {listed(shown, 'or')}"
    return _by_type(field)


def _by_type(field: Schema) -> str:
    kind = field.get("type")
    if kind in ("integer", "number"):
        return ("a whole number" if kind == "integer" else "a number") + _range(field)
    if kind == "boolean":
        return "yes or no"
    if kind == "array":
        inner = field.get("items")
        return (
            f"a list of values with commas between ({allowed(inner if isinstance(inner, Mapping) else {})})"
        )
    by_format = {"date": "a date like 2013-07-04", "date-time": "a time like 2013-07-04T05:15"}
    words = by_format.get(str(field.get("format")), "text")
    if "minLength" in field or "maxLength" in field:
        words += _length(field)
    examples, pattern = field.get("examples"), field.get("pattern")
    if pattern and words.startswith("text"):
        return (
            f"text like {examples[0]}"
            if isinstance(examples, list) and examples
            else f"text matching {pattern}"
        )
    return words


def _range(field: Schema) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    above, below = field.get("exclusiveMinimum"), field.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f" from {low:,} to {high:,}"
    parts = (
        f"{low:,} or more" if low is not None else "",
        f"{high:,} or less" if high is not None else "",
        f"over {above:,}" if above is not None else "",
        f"under {below:,}" if below is not None else "",
    )
    said = listed(part for part in parts if part)
    return f", {said}" if said else ""


def _length(field: Schema) -> str:
    low, high = field.get("minLength", 0), field.get("maxLength")
    if high is None:
        return f" of at least {counted(low, 'character')}"
    if low == high:
        return f" of exactly {counted(low, 'character')}"
    return (
        f" of {low} to {counted(high, 'character')}" if low else f" of at most {counted(high, 'character')}"
    )


def inputs_block(schema: Schema) -> Block:
    """Return a table of a schema's fields: name, what is allowed, whether it is needed, what it means."""
    rows = [
        [
            name,
            allowed(field),
            "yes" if needed else _default(field),
            field.get("description") or field.get("title") or "",
        ]
        for name, field, needed in properties(schema)
    ]
    if not rows:
        return section("It takes no inputs.")
    return table(["input", "allowed", "needed", "meaning"], rows)


def _default(field: Schema) -> str:
    default = field.get("default")
    if default is None or default == "":
        return "no"
    shown = {True: "yes", False: "no"}[default] if isinstance(default, bool) else default
    return f"no (else {shown})"
