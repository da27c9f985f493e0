"""Reading requests: good rows quickly, bad ones in their place."""

from __future__ import annotations

import difflib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import TypeAdapter, ValidationError, field_validator, model_validator

from ml.contract import MAX_ROWS
from ml.errors import Refused
from ml.recipe import Completed, Row, filled
from ml.rows import MANY_BYTES, Reading, RowReader, Slot
from tests.stand_ins.parcels import Parcel, Parcels

CALLER = {"who": "operator", "where": "ml-parcels"}
ROW = {"zone": "far", "weight": 2.5, "height": None}


class Order(Row):
    """What a person gives: a number under which the rest is known."""

    number: int


class Orders(Parcels):
    """Parcels that are looked up."""

    inputs = Order

    def complete(self, inputs: Order) -> Completed:
        """Return the parcel of an order."""
        if inputs.number == 13:
            raise RuntimeError("the warehouse is closed")
        if inputs.number > 100:
            raise Refused("unknown_order", "there is no such order")
        weight = float(inputs.number) if inputs.number != 66 else -1.0
        told = {"weight": filled(weight, "the warehouse", 60.0)}
        return Completed({"zone": "far", "weight": weight, "height": None}, told, 9.5)


READER, ORDERS = RowReader(Parcels()), RowReader(Orders())


def body(**content: Any) -> bytes:
    """Return a request; Python's JSON writes NaN and Infinity where asked to."""
    return json.dumps({"caller": CALLER, **content}).encode()


def problem(slot: Slot) -> tuple[str, str]:
    """Return field and reason of a refused row."""
    assert slot.refusal is not None
    return (slot.refusal.errors[0].field if slot.refusal.errors else "", slot.refusal.reason_code)


def test_inputs_are_completed() -> None:
    """The rest is looked up, told with source and age, and the truth is kept apart."""
    reading = ORDERS.read(body(rows=[{"number": 7}]))
    (slot,) = reading.slots
    assert slot.given == {"number": 7}
    assert slot.features == {"zone": "far", "weight": 7.0, "height": None}
    assert slot.filled_in["weight"] == {"value": 7.0, "source": "the warehouse", "age_seconds": 60.0}
    assert (slot.actual, reading.caller.who) == (9.5, "operator")


def test_a_system_may_send_the_full_row() -> None:
    """Nothing is looked up for a row that names its features."""
    (slot,) = ORDERS.read(body(rows=[ROW])).slots
    assert (slot.features, slot.filled_in, slot.actual) == (ROW, {}, None)


def test_both_kinds_of_rows_in_one_request() -> None:
    """Each row is taken for what it is."""
    slots = ORDERS.read(body(rows=[{"number": 7}, ROW, {"number": 8, "wieght": 1}])).slots
    assert [slot.features is not None for slot in slots] == [True, True, False]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({**ROW, "zone": "fra"}, ("zone", "invalid_value")),
        ({**ROW, "weight": float("nan")}, ("weight", "invalid_value")),
        ({**ROW, "weight": float("inf")}, ("weight", "invalid_value")),
        ({**ROW, "weight": 101}, ("weight", "invalid_value")),
        ({"zone": "far"}, ("weight", "invalid_value")),
        ({**ROW, "wieght": 1}, ("wieght", "invalid_value")),
        (7, ("row", "invalid_request")),
        (None, ("row", "invalid_request")),
    ],
)
def test_a_bad_row_is_refused_in_its_place(row: Any, expected: tuple[str, str]) -> None:
    """Its neighbours are answered."""
    slots = READER.read(body(rows=[ROW, row, ROW])).slots
    assert [slot.refusal is None for slot in slots] == [True, False, True]
    assert problem(slots[1]) == expected


def test_the_nearest_choice_is_named() -> None:
    """A typing error in a choice gets a suggestion."""
    (slot,) = READER.read(body(rows=[{**ROW, "zone": "fra"}])).slots
    assert slot.refusal is not None
    assert "did you mean far?" in slot.refusal.detail
    assert slot.refusal.suggestions[0] == "far"


@pytest.mark.parametrize(
    ("number", "reason"), [(101, "unknown_order"), (13, "lookup_failed"), (66, "lookup_failed")]
)
def test_a_lookup_that_fails_costs_one_row(number: int, reason: str) -> None:
    """Whether it refuses, breaks, or finds what cannot be."""
    slots = ORDERS.read(body(rows=[{"number": 1}, {"number": number}])).slots
    assert slots[0].refusal is None
    assert problem(slots[1])[1] == reason


def test_columns_are_rows() -> None:
    """Columns that may be missing are unknown in every row."""
    columns = READER.read(body(columns={"zone": ["far", "here"], "weight": [1, 2]})).columns
    assert columns == {"zone": ["far", "here"], "weight": [1.0, 2.0], "height": [None, None]}


def test_a_bad_cell_costs_its_row() -> None:
    """The other rows of the columns are answered."""
    slots = READER.read(body(columns={"zone": ["far", "fra"], "weight": [1, 2]})).slots
    assert [slot.refusal is None for slot in slots] == [True, False]


def test_many_full_rows_are_treated_as_columns() -> None:
    """Volume is answered and logged in columns, however it came."""
    reading = ORDERS.read(body(rows=[ROW] * 50))
    assert reading.slots == []
    assert reading.columns is not None
    assert reading.columns["weight"] == [2.5] * 50


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "malformed_json"),
        (b"\xff\xfe", "malformed_json"),
        (b"[]", "invalid_request"),
        (body(), "invalid_request"),
        (body(rows=[ROW], columns={"zone": ["far"]}), "invalid_request"),
        (body(rows=[]), "no_rows"),
        (body(rows="all"), "invalid_request"),
        (body(rows=[ROW], rwos=1), "invalid_request"),
        (json.dumps({"rows": [ROW]}).encode(), "invalid_request"),
        (body(columns={"zone": ["far"], "weight": [1, 2]}), "unequal_columns"),
        (body(columns={"zone": "far"}), "invalid_request"),
        (body(columns={}), "invalid_request"),
        (body(rows=[ROW] * (MAX_ROWS + 1)), "too_many_rows"),
        (body(rows=[7] * (MAX_ROWS + 1)), "too_many_rows"),
        (body(columns={"zone": ["far"] * (MAX_ROWS + 1), "weight": [1] * (MAX_ROWS + 1)}), "too_many_rows"),
    ],
)
def test_a_wrong_request_is_refused_as_a_whole(data: bytes, reason: str) -> None:
    """With a reason code that the door turns into a status."""
    with pytest.raises(Refused) as caught:
        READER.read(data)
    assert caught.value.reason_code == reason


@pytest.mark.parametrize("reader", [READER._rows, READER._columns, ORDERS._inputs])
def test_of_a_flood_of_faults_the_first_is_enough(reader: TypeAdapter[Any]) -> None:
    """A body of nothing but faults is given up at the first: fifteen million fill the memory of a machine."""
    flood = (
        body(rows=[1] * 1_000) if reader is not READER._columns else body(columns={"weight": ["x"] * 1_000})
    )
    with pytest.raises(ValidationError) as refused:
        reader.validate_json(flood)
    assert refused.value.error_count() < 10


def test_of_many_faults_in_a_row_some_are_told() -> None:
    """Of a hundred unknown fields twenty are named, and how many more there are."""
    slot = READER.read(body(rows=[{**ROW, **{f"field_{n}": n for n in range(100)}}])).slots[0]
    assert slot.refusal is not None
    assert len(slot.refusal.errors) == 20
    assert slot.refusal.detail.endswith("; and 80 more")
    assert len(slot.given) == len(ROW) + 20 + 1
    assert slot.given["…"] == "and 80 more fields"


def test_of_many_faulty_rows_the_first_are_told_in_full() -> None:
    """After a thousand faults each row is told its first one, and how many there are besides."""
    wide = {**ROW, **{f"wieght_{n}": n for n in range(100)}}
    refusals = [slot.refusal for slot in READER.read(body(rows=[wide] * 60)).slots]
    told = [(len(refusal.errors), refusal.detail.rpartition("; ")[2]) for refusal in refusals if refusal]
    assert told == [(20, "and 80 more")] * 50 + [(1, "and 99 more")] * 10
    assert [bool(refusal and refusal.suggestions) for refusal in refusals] == [True] * 50 + [False] * 10


def test_what_a_name_resembles_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file whose heading is wrong asks the same for each of its rows."""
    asked: list[str] = []

    def search(word: str, *args: Any, **options: Any) -> list[str]:
        asked.append(word)
        return []

    monkeypatch.setattr(difflib, "get_close_matches", search)
    READER.read(body(rows=[{**ROW, "breite": 1, "laenge": 2}] * 30))
    assert sorted(asked) == ["breite", "laenge"]


def test_a_wrong_value_is_told_before_the_unknown_fields() -> None:
    """However many they are, and wherever they stand."""
    wide = {f"field_{n}": n for n in range(100)}
    (slot,) = READER.read(body(rows=[{**wide, **ROW, "weight": "heavy"}])).slots
    assert slot.refusal is not None
    assert slot.refusal.errors[0].field == "weight"
    assert slot.refusal.detail.endswith("; and 81 more")


def test_a_row_of_too_many_fields_is_not_searched_for_its_faults() -> None:
    """A row of a thousand fields and more is refused for that, and kept nowhere; the next is answered."""
    wide = {f"field_{n}": n for n in range(2_000)}
    first, second = READER.read(body(rows=[wide, ROW])).slots
    assert problem(first) == ("row", "invalid_request")
    assert first.given == {"row": "2,000 fields"}
    assert second.refusal is None


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({f"field_{n}": n for n in range(2_000)} | {"rows": [ROW]}, "body"),
        ({"columns": {f"field_{n}": [n] for n in range(2_000)}}, "columns"),
    ],
    ids=["around the rows", "columns"],
)
def test_a_request_of_too_many_fields_is_refused(content: dict[str, Any], field: str) -> None:
    """Nobody looks for the nearest name of thousands of fields, or columns, that nobody knows."""
    with pytest.raises(Refused) as refused:
        READER.read(body(**content))
    assert refused.value.errors[0].field == field


def test_a_body_full_of_fields_is_not_put_before_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """A class keeps a fault for each field that it does not know; a row of so many is counted first."""

    def read(self: RowReader, body: bytes) -> Reading:
        raise AssertionError("it was read by the class")

    monkeypatch.setattr(RowReader, "_read_quickly", read)
    wide = {f"field_{n}": n for n in range(150_000)}
    assert problem(READER.read(body(rows=[wide])).slots[0]) == ("row", "invalid_request")


def test_the_limit_itself_is_fine() -> None:
    """Ten thousand rows are read."""
    columns = READER.read(body(rows=[ROW] * MAX_ROWS)).columns
    assert columns is not None
    assert len(columns["zone"]) == MAX_ROWS


@given(
    some.lists(
        some.fixed_dictionaries(
            {"zone": some.sampled_from(["here", "far"]), "weight": some.floats(0, 100)},
            optional={"height": some.none() | some.floats(0, 10)},
        ),
        min_size=1,
        max_size=5,
    )
)
def test_the_quick_way_and_the_careful_way_agree(rows: list[dict[str, Any]]) -> None:
    """A bad row in the request changes nothing about how the good ones are read."""
    quickly = READER.read(body(rows=rows)).slots
    carefully = READER.read(body(rows=[*rows, {"zone": "moon"}])).slots[:-1]
    assert [slot.features for slot in quickly] == [slot.features for slot in carefully]
    assert [slot.features for slot in quickly] == [Parcel(**row).model_dump() for row in rows]


class Balanced(Row):
    """A row of which more is true than its fields say."""

    zone: str
    weight: float
    height: float

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        if zone != "far":
            raise ValueError("only far is served")
        return zone

    @model_validator(mode="after")
    def _stands(self) -> Balanced:
        if self.height > self.weight:
            raise ValueError("it would topple")
        return self


class BalancedParcels(Parcels):
    """Parcels with such rows."""

    inputs = row = Balanced


@pytest.mark.parametrize("count", [3, 200])
@pytest.mark.parametrize("shape", ["rows", "columns"])
def test_validators_of_whole_rows_hold_for_volume_too(shape: str, count: int) -> None:
    """Rows by the hundred, and columns, are refused in their place as one row would be."""
    rows = [{"zone": "far", "weight": 2.0, "height": 1.0} for _ in range(count)]
    rows[1], rows[2] = {**rows[1], "height": 3.0}, {**rows[2], "zone": "near"}
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    reading = RowReader(BalancedParcels()).read(body(**{shape: rows if shape == "rows" else columns}))
    refused = {place: slot.refusal.detail for place, slot in enumerate(reading.slots) if slot.refusal}
    assert refused.keys() == {1, 2}
    assert "topple" in refused[1]
    assert "only far" in refused[2]


@given(
    some.lists(
        some.fixed_dictionaries(
            {
                "zone": some.sampled_from(["far", "near", 5]),
                "weight": some.floats(0.5, 50) | some.just("7.5"),
                "height": some.none() | some.floats(1, 50),
            }
        ),
        min_size=50,
        max_size=60,
    )
)
def test_many_rows_are_read_as_each_would_be(rows: list[dict[str, Any]]) -> None:
    """Validated column by column or row by row, good and bad rows are the same."""
    padded = json.dumps({"caller": CALLER, "rows": rows}).encode() + b" " * MANY_BYTES
    reading = READER.read(padded)
    single = [READER.read(body(rows=[row])).slots[0] for row in rows]
    if reading.columns is None:
        assert [slot.refusal is None for slot in reading.slots] == [slot.refusal is None for slot in single]
    else:
        names = list(reading.columns)
        found = [dict(zip(names, each, strict=True)) for each in zip(*reading.columns.values(), strict=True)]
        assert found == [dict(slot.features or {}) for slot in single]
