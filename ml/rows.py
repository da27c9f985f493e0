"""Reading what a predict request brings: rows or columns, inputs of a person or full typed rows, good or bad.

The usual request is validated in one pass over its bytes. Only when that fails is it read again, row by row,
so that a bad row is refused in its place with field, value and what is allowed, and the others are answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic_core import from_json

from ml.contract import MAX_ROWS, Caller
from ml.errors import Refused
from ml.problems import MOST_PROBLEMS, build_problem, read_validation_error, shorten
from ml.recipe import Recipe, Row

MANY_ROWS = 50
"""Full typed rows from which they are treated as columns, which is how volume is answered and logged."""

MANY_BYTES = 10_000
"""Size from which a body is likely to hold so many."""


MOST_FIELDS = 1_000
"""Fields of one row beyond which nobody looks at what they are called."""


MOST_TOLD = 1_000
"""Faults of one request that are told in full; of each row after them the first one, and how many there are.

Ten thousand rows under a wrong heading are one mistake; to tell it two hundred thousand times takes seconds.
"""


LARGE_BODY = 1 << 20
"""Bytes from which it is worth counting what a body holds before reading it."""


@dataclass(slots=True)
class Slot:
    """One row of a request: what was given, the full typed row made of it, or why it is refused."""

    given: Mapping[str, Any]
    features: Mapping[str, Any] | None = None
    filled_in: Mapping[str, Any] = field(default_factory=dict)
    actual: float | str | None = None
    refusal: Refused | None = None


@dataclass(slots=True)
class Reading:
    """A request as read: its rows in order, and who asked from where.

    `columns` holds the typed rows as columns where the request brought such columns, or many such rows, and
    nothing is wrong with them; there are no slots then.
    """

    caller: Caller
    slots: list[Slot] = field(default_factory=list)
    columns: dict[str, list[Any]] | None = None


class _Envelope(BaseModel):
    """What every request body has around its rows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    caller: Caller


class RowReader:
    """Reads the requests of one recipe; safe to share between threads.

    A recipe whose inputs are the full typed row looks nothing up. For the others a row that has every field
    of the full typed row is taken as it is.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        inputs, row = recipe.inputs, recipe.row
        self._input_names, self._row_names = set(inputs.model_fields), set(row.model_fields)
        own = [name for name in row.model_fields if name not in self._input_names]
        marks = [name for name in own if row.model_fields[name].is_required()] or own
        self._looks_up = inputs is not row
        self._row_mark = f'"{marks[0]}"'.encode() if marks else None
        # A validator that sees the whole row, or that the class itself holds, does not come with the fields.
        self._by_column = not _has_validators(row)
        self._pick = itemgetter(*row.model_fields) if len(row.model_fields) > 1 else None
        self._inputs = TypeAdapter(_envelope("rows", _bounded(inputs)))
        self._rows = TypeAdapter(_envelope("rows", _bounded(row)))
        self._columns = TypeAdapter(_envelope("columns", _columns_model(row)))

    def read(self, body: bytes) -> Reading:
        """Return the request in *body*.

        Raises:
            Refused: `malformed_json`, or the request as a whole cannot be answered; single bad rows are
            slots.
        """
        try:
            reading = self._read_carefully(body) if self._is_wide(body) else self._read_quickly(body)
        except ValidationError:
            reading = self._read_carefully(body)
        count = len(next(iter(reading.columns.values()))) if reading.columns else len(reading.slots)
        if not 1 <= count <= MAX_ROWS:
            raise _whole("rows", count, f"1 to {MAX_ROWS:,} rows", "too_many_rows" if count else "no_rows")
        return reading

    def _is_wide(self, body: bytes) -> bool:
        """Return whether a large body may hold far more fields than its rows can have.

        A class keeps a fault for each field that it does not know, and a body has room for millions.
        """
        return len(body) > LARGE_BODY and body.count(b":") > 4 * MAX_ROWS * len(self._row_names)

    def _read_quickly(self, body: bytes) -> Reading:
        if b'"columns"' in body[:200] or b'"columns"' in body[-400:]:
            if not self._by_column:
                return self._read_carefully(body)
            found = self._columns.validate_json(body)
            columns = {name: values for name, values in found.columns.__dict__.items() if values is not None}
            if len({len(values) for values in columns.values()}) == 1:
                return Reading(found.caller, columns=self._with_unknowns(columns))
            return self._read_carefully(body)
        if not self._looks_up or (self._row_mark is not None and self._row_mark in body):
            if len(body) >= MANY_BYTES and (reading := self._read_many(body)) is not None:
                return reading
            found = self._rows.validate_json(body)
            rows = [row.__dict__ for row in found.rows]
            if len(rows) >= MANY_ROWS:
                columns = {name: [row[name] for row in rows] for name in self._recipe.row.model_fields}
                return Reading(found.caller, columns=columns)
            return Reading(found.caller, [Slot(row, row) for row in rows])
        found = self._inputs.validate_json(body)
        return Reading(found.caller, [self._completed(inputs) for inputs in found.rows])

    def _read_many(self, body: bytes) -> Reading | None:
        """Return many full typed rows, validated column by column, which is cheaper than row by row.

        None where they are few, where a row leaves a field out, or where anything is wrong.
        """
        if not self._by_column or self._pick is None:
            return None
        try:
            content = from_json(body, cache_strings="keys")
            if not isinstance(content, dict) or content.keys() != {"rows", "caller"}:
                return None
            rows, names = content["rows"], self._recipe.row.model_fields
            if len(rows) < MANY_ROWS or set(map(len, rows)) != {len(names)}:
                return None
            columns = dict(zip(names, map(list, zip(*map(self._pick, rows), strict=True)), strict=True))
            found = self._columns.validate_python({"columns": columns, "caller": content["caller"]})
        except (ValueError, KeyError, TypeError):
            return None
        return Reading(found.caller, columns=dict(found.columns.__dict__))

    def _with_unknowns(self, columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
        rows = len(next(iter(columns.values())))
        return {name: columns.get(name) or [None] * rows for name in self._recipe.row.model_fields}

    def _read_carefully(self, body: bytes) -> Reading:
        try:
            content = from_json(body)
        except ValueError as error:
            raise Refused("malformed_json", f"the body is no JSON: {error}") from None
        if not isinstance(content, dict):
            raise Refused(
                "invalid_request", "the body must be a JSON object with rows (or columns) and caller"
            )
        if len(content) > MOST_FIELDS:
            raise _whole("body", f"{len(content):,} fields", "an object with rows (or columns) and caller")
        shapes = [name for name in ("rows", "columns") if content.get(name) is not None]
        if len(shapes) != 1:
            raise _whole("rows", shapes or None, "given, or columns instead, and not both")
        rows = _rows_of_columns(content["columns"]) if shapes == ["columns"] else content["rows"]
        rest = {name: value for name, value in content.items() if name not in ("rows", "columns")}
        try:
            caller = _Envelope.model_validate(rest).caller
        except ValidationError as error:
            raise read_validation_error(error, _Envelope, reason_code="invalid_request") from None
        if not isinstance(rows, list):
            raise _whole("rows", rows, "a list of objects")
        if len(rows) > MAX_ROWS:
            raise _whole("rows", len(rows), f"1 to {MAX_ROWS:,} rows", "too_many_rows")
        slots, told = list[Slot](), 0
        for row in rows:
            slots.append(slot := self._slot(row, brief=told >= MOST_TOLD))
            told += len(slot.refusal.errors) if slot.refusal is not None else 0
        return Reading(caller, slots)

    def _slot(self, row: Any, *, brief: bool) -> Slot:
        """Return one row, valid or refused; briefly where a person was told enough already."""
        if not isinstance(row, dict):
            return Slot({"row": shorten(row)}, refusal=_whole("row", row, "an object of inputs by name"))
        if len(row) > MOST_FIELDS:
            many = _whole("row", f"{len(row):,} fields", f"an object of at most {MOST_FIELDS:,} fields")
            return Slot({"row": f"{len(row):,} fields"}, refusal=many)
        own_names = self._row_names - self._input_names
        full = not self._looks_up or any(name in own_names for name in row)
        model = self._recipe.row if full else self._recipe.inputs
        try:
            valid = model.model_validate(row)
        except ValidationError as error:
            return _refused(row, model, error, brief=brief)
        return Slot(row, valid.__dict__) if full else self._completed(valid, row)

    def _completed(self, inputs: Row, given: Mapping[str, Any] | None = None) -> Slot:
        """Return a person's inputs with the rest looked up."""
        slot = Slot(_given(inputs) if given is None else given)
        try:
            found = self._recipe.complete(inputs)
            # What was looked up is checked as strictly as what is given: sources have bad days too.
            slot.features = self._recipe.row.model_validate(found.features).__dict__
        except Refused as refusal:
            slot.refusal = refusal
        except ValidationError as error:
            wrong = read_validation_error(error, self._recipe.row)
            slot.refusal = Refused("lookup_failed", f"what was looked up is wrong: {wrong.detail}")
        except Exception as error:  # noqa: BLE001 - a broken lookup costs its row an answer, not the request
            slot.refusal = Refused("lookup_failed", f"the lookup broke: {type(error).__name__}")
        else:
            slot.filled_in, slot.actual = found.filled_in, found.actual
        return slot


def _given(inputs: Row) -> dict[str, Any]:
    return {name: value for name, value in inputs.__dict__.items() if value is not None}


def _refused(row: dict[str, Any], model: type[Row], error: ValidationError, *, brief: bool) -> Slot:
    """Return a row that is not as it should be; of many unknown fields the first are told and kept.

    pydantic tells all that it found or nothing, and each takes longer than finding it: so it is asked again.
    """
    unknown = [name for name in row if name not in model.model_fields]
    others = set(unknown[MOST_PROBLEMS:])
    if not others:
        return Slot(row, refusal=read_validation_error(error, model, brief=brief))
    kept = {name: value for name, value in row.items() if name not in others}
    told = error
    try:
        model.model_validate(kept)
    except ValidationError as shorter:
        told = shorter
    left_out = error.error_count() - told.error_count()
    refusal = read_validation_error(told, model, left_out=left_out, brief=brief)
    return Slot({**kept, "…": f"and {len(others):,} more fields"}, refusal=refusal)


def _bounded(item: Any) -> Any:
    """Return the type of a list of *item* that is given up at its first fault, and beyond the last row.

    A request of 32 MiB may hold fifteen million faults, which nobody could keep, let alone read.
    """
    return Annotated[list.__class_getitem__(item), Field(max_length=MAX_ROWS, fail_fast=True)]


def _envelope(name: str, content: Any) -> Any:
    fields: dict[str, Any] = {name: (content, ...)}
    return create_model(f"Predict{name.title()}", __base__=_Envelope, **fields)


def _has_validators(row: type[Row]) -> bool:
    found = row.__pydantic_decorators__
    return bool(found.validators or found.field_validators or found.root_validators or found.model_validators)


def _columns_model(row: type[Row]) -> type[BaseModel]:
    """Return a model whose fields are the lists of the row type's fields."""
    fields: dict[str, Any] = {}
    for name, info in row.model_fields.items():
        values: Any = _bounded(info.rebuild_annotation())
        fields[name] = (values, ...) if info.is_required() else (values | None, None)
    return create_model(f"{row.__name__}Columns", __config__=row.model_config, **fields)


def _rows_of_columns(columns: Any) -> list[dict[str, Any]]:
    """Return columns as rows, so that each can be judged by itself."""
    if isinstance(columns, dict) and len(columns) > MOST_FIELDS:
        raise _whole("columns", f"{len(columns):,} columns", f"at most {MOST_FIELDS:,} columns")
    if not isinstance(columns, dict) or not columns or not all(isinstance(c, list) for c in columns.values()):
        raise _whole("columns", columns, "lists of equal length by name")
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise _whole("columns", counts, "lists of equal length by name", "unequal_columns")
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _whole(field_name: str, value: Any, allowed: str, reason_code: str = "invalid_request") -> Refused:
    """Return the refusal of a request (or a row) as a whole."""
    problem, _ = build_problem(field_name, value, allowed)
    return Refused(reason_code, problem.message, errors=(problem,))
