"""Lines of predictions: mandatory fields, torn ends, ids."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.errors import Corrupt, NotFound
from ml.segments import (
    END_OF_TORN_LINE,
    PredictionColumns,
    PredictionId,
    PredictionRecord,
    count_rows,
    encode_line,
    find_row,
    hours_between,
)

WHOLE: dict[str, Any] = {
    "at": datetime(2013, 7, 1, tzinfo=UTC),
    "who": "operator",
    "where": "ml-arrivals",
    "input": {"n": 1},
    "answer": {"outcome": "predicted", "source": "champion", "value": 1.0},
    "version": 1,
    "data_version": "sha256:" + "0" * 64,
}
ID = PredictionId("arrival-delay", "2013070100", "0123456789ab1", 0)
NAIVE = datetime(2013, 7, 1)  # noqa: DTZ001 - the test is about it


def at_row(row: int) -> PredictionId:
    """Return the id of a row of the sample segment."""
    return dataclasses.replace(ID, row=row)


def line(row: int, **changes: Any) -> bytes:
    """Return a line of one prediction."""
    return encode_line(PredictionRecord(**{**WHOLE, **changes}), row)


@pytest.mark.parametrize("field", WHOLE)
@pytest.mark.parametrize("kind", [PredictionRecord, PredictionColumns])
def test_a_prediction_without_one_of_its_fields_is_rejected(kind: type, field: str) -> None:
    """When, who, where, what, model version and data version have no default."""
    rows = {"rows": 1} if kind is PredictionColumns else {}
    kind(**WHOLE | {"input": {"n": [1]}} | rows)
    without = {name: value for name, value in WHOLE.items() if name != field}
    with pytest.raises(TypeError, match=field):
        kind(**without, **rows)


@pytest.mark.parametrize("change", [{"who": ""}, {"where": ""}, {"answer": {}}, {"at": NAIVE}])
def test_an_empty_field_or_a_time_without_a_zone_is_rejected(change: dict[str, Any]) -> None:
    """A field that says nothing does not count as given."""
    with pytest.raises(ValueError, match="logged with when"):
        PredictionRecord(**{**WHOLE, **change})
    with pytest.raises(ValueError, match="logged with when"):
        PredictionColumns(**{**WHOLE, "input": {"n": [1]}, **change}, rows=1)


def test_a_column_of_another_length_is_rejected() -> None:
    """Each row has a value in each column."""
    for change in ({"input": {"n": [1]}}, {"input": {}, "answer": {**WHOLE["answer"], "value": [1.0]}}):
        with pytest.raises(ValueError, match="2 values"):
            PredictionColumns(**{**WHOLE, **change}, rows=2)


def test_whatever_is_left_of_a_cut_segment_is_read() -> None:
    """A segment cut at any byte: whole lines are found and counted, the torn one is as if it never was."""
    lines = [line(row, input={"nested": {"n": [row, {}]}}) for row in range(2)]
    segment = b"".join(lines)
    for cut in range(len(segment) + 1):
        data = segment[:cut]
        whole = (cut >= len(lines[0])) + (cut >= len(segment))
        assert count_rows(data).total() == whole
        assert [find_row(data, at_row(row)).input["nested"]["n"][0] for row in range(whole)] == [0, 1][:whole]
        with pytest.raises(NotFound):
            find_row(data, at_row(whole))


def test_what_people_write_cannot_look_like_a_header() -> None:
    """Text in an input that imitates a line's beginning is neither counted nor found."""
    evil = '\n{"format":1,"row":5,"rows":9,"tally":"predicted:champion:9","columns":false}\n'
    data = line(0, who=evil, input={evil: evil})
    assert count_rows(data).total() == 1
    with pytest.raises(NotFound):
        find_row(data, at_row(5))


def test_a_line_torn_in_the_middle_of_a_file_harms_no_other() -> None:
    """A writer that went on after a failure left part of a line; the lines around it are read."""
    torn = line(1, input={"nested": {"n": [1, {}]}})
    for cut in range(len(torn)):
        data = line(0) + torn[:cut] + END_OF_TORN_LINE + line(2)
        assert count_rows(data).total() == 2
        assert find_row(data, at_row(2)).input == {"n": 1}
        with pytest.raises(NotFound):
            find_row(data, at_row(1))


@pytest.mark.parametrize(
    "tally", [b"x", b"predicted:champion:x", b"predicted:champion", b"a:b:" + b"9" * 5000, b"\xff:b:1z"]
)
def test_a_damaged_tally_counts_nothing(tally: bytes) -> None:
    """One line whose tally cannot be read costs its own count; the others are counted."""
    line = encode_line(PredictionRecord(**WHOLE), 0)
    spoilt = line.replace(b'"tally":"predicted:champion:1"', b'"tally":"%b"' % tally)
    assert spoilt != line
    assert count_rows(spoilt + line) == {"predicted:champion": 1}


def test_a_line_of_a_future_format_is_named() -> None:
    """The error says that a newer program wrote it."""
    with pytest.raises(Corrupt, match="newer program"):
        find_row(line(0).replace(b'"format":2', b'"format":3'), ID)


def test_numbers_that_json_does_not_have_are_left_out() -> None:
    """NaN and infinity become null instead of making the line unreadable."""
    assert find_row(line(0, input={"n": float("nan")}), ID).input == {"n": None}


@given(
    model=st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?", fullmatch=True),
    segment=st.from_regex(r"[0-9a-f]{13,16}", fullmatch=True),
    row=st.integers(0, 999_999_999),
)
def test_an_id_says_where_its_prediction_is(model: str, segment: str, row: int) -> None:
    """Whatever the model's name looks like, the id is read back into its parts."""
    wanted = PredictionId(model, "2013070112", segment, row)
    assert PredictionId.parse(str(wanted)) == wanted
    assert wanted.path == f"predictions/{model}/2013-07-01-12/{segment}.jsonl"


def test_hours_overlap_the_time_asked_for() -> None:
    """The first hour is the one that holds the beginning, the last the one that holds the end."""
    since, until = datetime(2013, 7, 1, 22, 59, tzinfo=UTC), datetime(2013, 7, 2, 0, 0, tzinfo=UTC)
    assert list(hours_between(since, until)) == ["2013070122", "2013070123", "2013070200"]
