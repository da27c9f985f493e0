"""CSV files as people make them are read, what is wrong is named, and what is written runs nowhere."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.csv_files import decode, match_columns, read_table, safe_cell, write_table
from bot.errors import Refused
from ml.contract import Problem

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "flight": {"type": "string", "description": "carrier and number"},
        "date": {"type": "string", "format": "date"},
        "dep_delay": {"type": "number", "minimum": -60, "maximum": 1500},
    },
    "required": ["date"],
}
KNOWN = tuple(SCHEMA["properties"])


def refused(act: Any, *given: Any) -> Problem:
    """Return the problem with which *act* refuses."""
    with pytest.raises(Refused) as caught:
        act(*given)
    return caught.value.problem


@pytest.mark.parametrize(
    "content",
    [
        "flight,メモ\nUA1,遅い便\n".encode(),
        "\ufeffflight,メモ\nUA1,遅い便\n".encode(),
        "flight,メモ\nUA1,遅い便\n".encode("cp932"),
        "flight,メモ\r\nUA1,遅い便\r\n".encode("utf-8-sig"),
    ],
    ids=["utf-8", "utf-8 with bom", "shift_jis", "windows lines"],
)
def test_characters_are_read(content: bytes) -> None:
    """UTF-8 with and without BOM, and Shift_JIS as Windows writes it, give the same table."""
    table = read_table(decode(content), KNOWN)
    assert table.header == ("flight", "メモ")
    assert table.rows == (("UA1", "遅い便"),)


@pytest.mark.parametrize("content", ["flight\nUA1".encode("utf-16"), b"\xff\xfe\xfd\x80\x81", b"a,b\n1,\x00"])
def test_other_characters_are_refused(content: bytes) -> None:
    """UTF-16, nothing readable and zero bytes: the refusal says how to save the file."""
    problem = refused(decode, content)
    assert problem.reason_code == "file_encoding"
    assert "CSV UTF-8" in problem.detail


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_cells_are_parted_by_comma_semicolon_or_tab(mark: str) -> None:
    """The mark that finds the known columns wins, also where another stands more often in the first line."""
    other = ";" if mark == "," else ","
    head = mark.join(["flight", "dep_delay", f'"a{other}b{other}c{other}d{other}e"'])
    table = read_table(f"{head}\n{mark.join(['UA1', '5', 'x'])}\n", KNOWN)
    assert table.delimiter == mark
    assert table.header[:2] == ("flight", "dep_delay")
    assert table.rows == (("UA1", "5", "x"),)


def test_quoted_cells_hold_lines_marks_and_quotes() -> None:
    """A cell in quotes may go over lines; line numbers in refusals count the file's own lines."""
    text = 'flight,note\n"UA1","two\nlines, and ""quotes"""\nUA2,x\n'
    assert read_table(text).rows == (("UA1", 'two\nlines, and "quotes"'), ("UA2", "x"))
    problem = refused(read_table, 'flight,note\n"UA1","two\nlines"\nUA2,x,y\n')
    assert (problem.reason_code, problem.detail) == (
        "file_unreadable",
        "Line 4 has 3 cells and the first line has 2.",
    )


def test_what_spreadsheets_leave_behind_is_no_trouble() -> None:
    """Empty columns at the end, empty lines and short rows are understood."""
    table = read_table("\n\nflight,note,,\nUA1\n,,,\n\nUA2,x,,\n")
    assert table.header == ("flight", "note")
    assert table.rows == (("UA1", ""), ("UA2", "x"))


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "no_rows", "empty"),
        ("\n \r\n", "no_rows", "empty"),
        (",,,\n,,,\n", "no_rows", "empty"),
        ('"",""\n', "no_rows", "empty"),
        ("a" * 200_000 + "\n1", "file_unreadable", "Line 1"),
        ("flight,date\n", "no_rows", "no rows below"),
        ("flight\n" + "UA1\n" * 10_001, "too_many_rows", "10,001 rows; at most 10,000"),
        ("flight,,date\n1,2,3\n", "file_unreadable", "Column 2 has no name"),
        ("Flight,FLIGHT\n1,2\n", "file_unreadable", "'FLIGHT' is there twice"),
        (",".join(f"c{at}" for at in range(201)) + "\n1\n", "file_unreadable", "201 columns; at most 200"),
        ('flight\n"UA1\n', "file_unreadable", "Line 2"),
    ],
    ids=[
        "nothing",
        "blank",
        "commas only",
        "quotes only",
        "endless name",
        "no rows",
        "10,001",
        "nameless",
        "twice",
        "201 columns",
        "open quote",
    ],
)
def test_what_is_no_table_is_refused(text: str, code: str, words: str) -> None:
    """Each refusal names what was seen and what is allowed."""
    problem = refused(read_table, text)
    assert problem.reason_code == code
    assert words in problem.detail


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("text", "code"),
    [
        (",".join(f"c{at}" for at in range(400_000)) + "\n1\n", "file_unreadable"),
        ("a" + "," * 100_000 + "\n" + "1\n" * 10_001, "too_many_rows"),
    ],
    ids=["columns", "rows"],
)
def test_no_number_of_columns_keeps_the_bot_busy(text: str, code: str) -> None:
    """Columns and rows are counted before they are compared with each other."""
    assert refused(read_table, text).reason_code == code


@pytest.mark.timeout(20)
def test_columns_that_were_left_empty_cost_nothing() -> None:
    """A hundred thousand nameless columns without values are dropped, however many rows there are."""
    table = read_table("a" + "," * 100_000 + "\n" + "1\n" * 5_000)
    assert (table.header, len(table.rows)) == (("a",), 5_000)


def test_ten_thousand_rows_are_taken() -> None:
    """The limit itself is no refusal."""
    assert len(read_table("flight\n" + "UA1\n" * 10_000).rows) == 10_000


def test_columns_match_in_any_spelling_and_others_are_carried() -> None:
    """Case, hyphens and wide letters do not matter; a column that means nothing is kept as it is."""
    found = match_columns(("Dep-Delay", "weather outside", "ＤＡＴＥ", "FLIGHT"), SCHEMA)
    assert found.inputs == {0: "dep_delay", 2: "date", 3: "flight"}
    assert found.others == ("weather outside",)


def test_wrong_columns_are_named_with_the_nearest_right_ones() -> None:
    """Every slip and every missing column at once, none of them twice."""
    problem = refused(match_columns, ("flihgt", "dep_dely", "note"), SCHEMA)
    assert problem.reason_code == "wrong_columns"
    said = {error.field: error.message for error in problem.errors}
    assert said == {
        "flihgt": "did you mean “flight”?",
        "dep_dely": "did you mean “dep_delay”?",
        "date": "the file has no such column",
    }


def test_a_file_about_something_else_names_what_is_allowed() -> None:
    """Where no column is an input, each is named, with the inputs there are."""
    schema = SCHEMA | {"required": []}
    problem = refused(match_columns, ("alpha", "omega"), schema)
    assert [error.field for error in problem.errors] == ["alpha", "omega"]
    assert all("flight, date and dep_delay" in (error.allowed or "") for error in problem.errors)


@pytest.mark.parametrize("mark", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_formula_becomes_text(mark: str) -> None:
    """What a spreadsheet would run begins with an apostrophe, in headers and cells."""
    cell = f"{mark}cmd|' /C calc'!A0"
    assert safe_cell(cell) == f"'{cell}"
    text = write_table([cell], [[cell]]).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text, newline=""))) == [[f"'{cell}"], [f"'{cell}"]]


@pytest.mark.parametrize("number", ["-5", "+5", "-12.5", "-.5", "-1e-3", "+0", -5, -12.5, 0])
def test_negative_numbers_stay_numbers(number: object) -> None:
    """A sign before a number is no formula."""
    assert safe_cell(number) == number


@pytest.mark.parametrize("text", ["-5+cmd|x", "-5-", "--5", "-1e", "+1 2", "-5\n=1"])
def test_what_only_begins_like_a_number_is_text(text: str) -> None:
    """A formula that begins with a number is one all the same."""
    assert safe_cell(text) == f"'{text}"


def test_an_empty_cell_is_empty() -> None:
    """None is written as nothing."""
    assert write_table(["a", "b"], [[None, ""]]) == b"\xef\xbb\xbfa,b\r\n,\r\n"


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("read_as", [",", ";", "\t"])
def test_no_cell_is_cut_by_whichever_mark_a_program_takes(mark: str, read_as: str) -> None:
    """A cell is one cell for a program that parts cells by another mark too, and runs nothing behind it."""
    cells = ["a,=1+1", "b;=1+1", "c\t=1+1", 'd "quoted"', "e\nsecond line", "f"]
    text = write_table(cells, [cells, cells[:1]], mark).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark))
    assert rows == [cells, cells, cells[:1]]
    unquoted = re.sub(r'"(?:[^"]|"")*"', "", text)
    assert unquoted.count(read_as) == (10 if read_as == mark else 0)


def test_a_line_of_one_empty_cell_is_a_line() -> None:
    """Readers leave out lines in which nothing stands."""
    text = write_table(["a"], [[None], [1]]).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["a"], [""], ["1"]]


CELLS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5), st.sampled_from([",", ";", "\t"]))
def test_what_is_written_is_read_again(rows: list[tuple[str, str]], mark: str) -> None:
    """Any text comes back as it was, but for the apostrophe before formulas."""
    written = write_table(["flight", "note"], rows, mark)
    table = read_table(decode(written + b"UA1" + mark.encode()), ("flight", "note"))
    kept = [row for row in rows if "".join(map(str, map(safe_cell, row))).strip()]
    assert table.delimiter == mark
    assert [list(row) for row in table.rows[:-1]] == [[str(safe_cell(cell)) for cell in row] for row in kept]
