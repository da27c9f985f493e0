"""Rows in columns, as files and as hashes."""

from __future__ import annotations

import io
import pickle
from datetime import date
from typing import Annotated, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import Field

from ml.errors import Corrupt
from ml.recipe import Row
from ml.tables import Table, build_column, build_table, column_kinds, join_tables, read_table


class Flight(Row):
    """Every kind of field."""

    carrier: Literal["UA", "AA"]
    gate: str | None
    day: date
    delay: Annotated[float, Field(ge=-60)] | None
    seats: int
    full: bool | None


ROW = {"carrier": "UA", "gate": None, "day": date(2013, 7, 4), "delay": None, "seats": 180, "full": None}


def test_kinds_follow_the_fields() -> None:
    """Choices and texts are text, numbers are numbers, whether they may be missing or not."""
    assert column_kinds(Flight) == {
        "carrier": "text",
        "gate": "text",
        "day": "day",
        "delay": "number",
        "seats": "number",
        "full": "number",
    }


def test_rows_become_columns() -> None:
    """A missing number is NaN, a missing text is empty, numbers are float32, true is 1."""
    table = build_table(column_kinds(Flight), [ROW, {**ROW, "delay": 1.5, "gate": "A1", "full": True}])
    assert np.array_equal(table["full"], np.array([np.nan, 1], np.float32), equal_nan=True)
    assert np.isnan(table["delay"][0])
    assert (table["delay"].dtype, table["delay"][1]) == (np.float32, 1.5)
    assert table["gate"].tolist() == ["", "A1"]
    assert table["day"][0] == np.datetime64("2013-07-04")


def test_a_field_of_another_type_is_named() -> None:
    """A typed row with, say, a list in it is the recipe writer's mistake."""

    class Wrong(Row):
        """Not a row."""

        legs: list[int]

    with pytest.raises(TypeError, match=r"Wrong\.legs: .* not list\[int\]"):
        column_kinds(Wrong)


def test_python_objects_in_a_column_are_named() -> None:
    """Texts from a data frame are objects, which no snapshot can hold."""
    table = Table({"weight": np.array([1.0]), "zone": np.array(["far"], dtype=object)})
    with pytest.raises(TypeError, match=r"'zone' holds Python objects.*astype\(str\)"):
        table.write()


def test_equal_tables_are_equal_bytes() -> None:
    """The order of the columns and the time of day leave no trace in the file."""
    columns = {"b": np.array([1.0, np.nan]), "a": np.array(["x", "yy"])}
    first = Table(columns).write()
    assert first == Table(dict(reversed(columns.items()))).write()
    back = read_table("rows", first)
    assert back["a"].tolist() == ["x", "yy"]
    assert np.array_equal(back["b"], columns["b"], equal_nan=True)


@pytest.mark.parametrize("data", [b"", b"rows", pickle.dumps({"a": [1]}), b"PK\x03\x04 half"])
def test_other_files_are_refused(data: bytes) -> None:
    """Nothing but plain columns is read, least of all a pickle."""
    with pytest.raises(Corrupt, match=r"snapshot\.npz"):
        read_table("snapshot.npz", data)


def test_pickled_columns_are_refused() -> None:
    """An archive of objects would run code when it is read."""
    file = io.BytesIO()
    np.savez(file, a=np.array([{"x": 1}], dtype=object))
    with pytest.raises(Corrupt):
        read_table("snapshot.npz", file.getvalue())


def test_columns_of_unequal_length_are_no_table() -> None:
    """A table has as many rows in each column."""
    with pytest.raises(ValueError, match="unequal"):
        Table({"a": np.zeros(2), "b": np.zeros(3)})


@given(some.lists(some.tuples(some.text("abc", max_size=5), some.floats(width=32)), min_size=1, max_size=20))
def test_a_row_has_the_same_hash_in_any_company(rows: list[tuple[str, float]]) -> None:
    """A row's hash depends on its values only, not on the widest text among the others."""

    def table(some_rows: list[tuple[str, float]]) -> Table:
        return Table(
            {
                "text": np.array([text for text, _ in some_rows], dtype=np.str_),
                "number": np.array([number for _, number in some_rows], dtype=np.float32),
            }
        )

    together = table(rows).row_hashes()
    assert together.tolist() == [table([row]).row_hashes()[0] for row in rows]


def test_changed_rows_have_other_hashes() -> None:
    """One changed cell among many is found."""
    numbers = np.arange(50_000, dtype=np.float32)
    before = Table({"x": numbers, "name": np.array(["a"] * 50_000)})
    changed = numbers.copy()
    changed[77] += 0.5
    after = Table({"x": changed, "name": before["name"]})
    assert np.flatnonzero(before.row_hashes() != after.row_hashes()).tolist() == [77]
    assert len(np.unique(before.row_hashes())) == 50_000


def test_tables_are_joined_row_after_row() -> None:
    """The parts keep their order."""
    parts = [Table({"a": np.array([1, 2])}), Table({"a": np.array([3])})]
    assert join_tables(parts)["a"].tolist() == [1, 2, 3]


def test_a_day_that_is_not_known_is_no_day() -> None:
    """Days before and after 1970 are kept, and None stays unknown."""
    column = build_column("day", [date(1969, 12, 31), None, date(2013, 7, 4)])
    assert column.dtype == np.dtype("datetime64[D]")
    assert column.tolist() == [date(1969, 12, 31), None, date(2013, 7, 4)]
