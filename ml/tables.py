"""Rows in columns: what a recipe loads, what a snapshot holds, and what serving builds from a request.

A table is a set of numpy columns of equal length. Text columns are fixed-width (`U` or `S`), days are
`datetime64[D]`, everything else is numbers with NaN for "unknown". No pickled object can be in one.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import numpy as np
from pydantic import BaseModel

from ml.errors import Corrupt

Kind = Literal["text", "day", "number"]
TEXT_WIDTH = 64
"""Characters of a text that count when rows are compared."""

EPOCH = date(1970, 1, 1).toordinal()
NO_DAY = np.iinfo(np.int64).min
"""How numpy keeps "not a time"."""

ARCHIVE_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip archive can hold; fixed, so that equal rows are equal bytes."""


@dataclass(frozen=True)
class Table:
    """Columns of equal length by name; `len()` is the number of rows."""

    columns: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        lengths = {len(column) for column in self.columns.values()}
        if len(lengths) > 1:
            raise ValueError(f"columns of unequal length: {sorted(lengths)}")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def take(self, rows: np.ndarray | slice) -> Table:
        """Return the chosen rows, by a mask, by positions or by a slice."""
        return Table({name: column[rows] for name, column in self.columns.items()})

    def write(self) -> bytes:
        """Return the table as an uncompressed `.npz`; equal tables give equal bytes on every machine.

        Raises:
            TypeError: A column holds Python objects, as those of a data frame often do; names it.
        """
        objects = [name for name, column in self.columns.items() if column.dtype.hasobject]
        if objects:
            raise TypeError(
                f"the column {objects[0]!r} holds Python objects; make it text (astype(str)), numbers or days"
            )
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as files:
            for name in sorted(self.columns):
                content = io.BytesIO()
                np.lib.format.write_array(
                    content, np.ascontiguousarray(self.columns[name]), version=(1, 0), allow_pickle=False
                )
                files.writestr(zipfile.ZipInfo(f"{name}.npy", ARCHIVE_TIME), content.getvalue())
        return archive.getvalue()

    def row_hashes(self) -> np.ndarray:
        """Return a 64-bit hash per row over its values, equal for equal rows; for counting, no proof."""
        weights = np.random.default_rng(0)
        hashes = np.zeros(len(self), dtype=np.uint64)
        for name in sorted(self.columns):
            column = np.ascontiguousarray(_comparable(self.columns[name]))
            cells = column.view(np.uint8).reshape(len(self), column.dtype.itemsize).astype(np.uint64)
            hashes += cells @ weights.integers(1, 2**64, column.dtype.itemsize, dtype=np.uint64)
        return hashes


def _comparable(column: np.ndarray) -> np.ndarray:
    """Return texts in a width that does not depend on the other rows of the table."""
    return column.astype(f"{column.dtype.kind}{TEXT_WIDTH}") if column.dtype.kind in "US" else column


def read_table(path: str, data: bytes) -> Table:
    """Return the table that `Table.write` wrote; *path* names it in errors.

    Raises:
        Corrupt: It is no such file, or holds anything but plain columns.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as columns:
            return Table({name: columns[name] for name in columns.files})
    except (ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise Corrupt(path, f"is no table of rows ({error})") from error


def join_tables(parts: Sequence[Table]) -> Table:
    """Return the rows of all *parts*, which have the same columns, one after the other."""
    return Table({name: np.concatenate([part[name] for part in parts]) for name in parts[0].columns})


def column_kinds(row_type: type[BaseModel]) -> dict[str, Kind]:
    """Return for each field of a typed row how its column is kept; true and false are kept as 1 and 0.

    Raises:
        TypeError: A field is of another type; names it.
    """
    kinds = {}
    for name, field in row_type.model_fields.items():
        try:
            kinds[name] = _kind(field.annotation)
        except TypeError as error:
            raise TypeError(f"{row_type.__name__}.{name}: {error}") from None
    return kinds


def build_table(kinds: Mapping[str, Kind], rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return *rows* (validated) as a table; None becomes NaN in numbers and the empty text in texts."""
    return Table({name: build_column(kind, [row[name] for row in rows]) for name, kind in kinds.items()})


def build_column(kind: Kind, values: Iterable[Any]) -> np.ndarray:
    """Return one column of *kind*; numbers are float32, the precision in which models see them."""
    if kind == "number":
        return np.array(values, dtype=np.float32)
    if kind == "day":
        # Ten times as fast as letting numpy take the dates apart.
        days = [NO_DAY if value is None else value.toordinal() - EPOCH for value in values]
        return np.array(days, dtype=np.int64).view("datetime64[D]")
    texts = ["" if value is None else value for value in values]
    return np.array(texts, dtype=np.str_) if texts else np.empty(0, dtype="U1")


def _kind(annotation: Any) -> Kind:
    types = _plain_types(annotation)
    if types <= {int, float, bool}:
        return "number"
    if types == {date}:
        return "day"
    if types == {str}:
        return "text"
    raise TypeError(f"a typed row holds numbers, true or false, texts or days, not {annotation!r}")


def _plain_types(annotation: Any) -> set[type]:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _plain_types(get_args(annotation)[0])
    if origin in (Union, UnionType):
        parts = [_plain_types(part) for part in get_args(annotation) if part is not NoneType]
        return set().union(*parts)
    if origin is Literal:
        return {type(choice) for choice in get_args(annotation)}
    return {annotation}
