"""CSV files as people make them: read whatever a spreadsheet saved, and written so that any of them opens it.

Pure: bytes in, a table out, and back. Which column is which input is decided here, too.
"""

from __future__ import annotations

import csv
import difflib
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.coercion import fold
from bot.errors import Refused
from bot.messages.fields import allowed, properties
from bot.messages.text import listed
from ml.contract import MAX_ROWS, FieldProblem, Problem

DELIMITERS = (",", ";", "\t")
MOST_COLUMNS = 200
MOST_HEAD = 100_000
"""Characters of the first line that show what parts the cells; csv itself takes 131,072 in one cell."""
# Shift_JIS as Windows writes it; it is asked last, because nearly any bytes can be read as it.
ENCODINGS = ("utf-8-sig", "cp932")
# What spreadsheets take for the beginning of a formula: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_MARK = re.compile(r'["\r\n' + "".join(DELIMITERS) + "]")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Table:
    """A table of text: its header, its rows (each as wide as the header), and what parts the cells."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    delimiter: str


@dataclass(frozen=True)
class Columns:
    """Which column holds which input, by position, and the names of those that hold none."""

    inputs: Mapping[int, str]
    others: tuple[str, ...]


def decode(content: bytes) -> str:
    """Return the text of a file in UTF-8 (with or without BOM) or Shift_JIS; raise Refused for any other."""
    for encoding in ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise _refused("file_encoding", "Save it as “CSV UTF-8”; Shift_JIS is read, too.")


def read_table(text: str, known: Iterable[str] = ()) -> Table:
    """Return the table in a CSV text whose cells are parted by comma, semicolon or tab.

    The one that finds most of the *known* column names is taken, else the one that finds most columns. Empty
    lines are left out. Raises Refused for what is no table, for no rows, and for more than 10,000 of them.
    """
    head = next((line for line in text.splitlines() if line.strip()), "")
    names = {fold(name.strip()) for name in known}

    def fitness(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader([head[:MOST_HEAD]], delimiter=delimiter))
        return sum(fold(cell.strip()) in names for cell in cells), len(cells)

    delimiter = max(DELIMITERS, key=fitness)
    lines = _lines(text, delimiter)
    if not lines:
        raise _refused("no_rows", "The file is empty.")
    (_, first), body = lines[0], lines[1:]
    if not body:
        raise _refused("no_rows", "The file has a header and no rows below it.")
    if len(body) > MAX_ROWS:
        raise _refused("too_many_rows", f"The file has {len(body):,} rows; at most {MAX_ROWS:,} are taken.")
    header = _header(first, max(_used(cells) for _, cells in body))
    rows = tuple(_row(number, cells, len(header)) for number, cells in body)
    return Table(header, rows, delimiter)


def match_columns(header: Sequence[str], schema: Mapping[str, Any]) -> Columns:
    """Return which column holds which input of a model's *schema*.

    Names match whatever their case, with "-" and "_" alike. A column that looks like a slip for an input that
    the file lacks is refused with that name, because its values would be lost without a word; any other
    column is carried along. Raises Refused naming every wrong and every missing column at once.
    """
    fields = {fold(name): (name, field, needed) for name, field, needed in properties(schema)}
    folded = [fold(name) for name in header]
    absent = {name: fields[name][0] for name in fields if name not in folded}
    inputs = {at: fields[name][0] for at, name in enumerate(folded) if name in fields}
    wrong: list[FieldProblem] = []
    for at, name in enumerate(folded):
        near = [] if at in inputs else difflib.get_close_matches(name[:60], absent, n=2, cutoff=0.6)
        if near:
            meant = listed((f"“{absent[one]}”" for one in near), "or")
            wrong.append(_column(header[at], f"did you mean {meant}?", fields.values()))
    named = {one for problem in wrong for one in absent.values() if f"“{one}”" in problem.message}
    for name, field, needed in fields.values():
        if needed and name in absent.values() and name not in named:
            wrong.append(
                FieldProblem(field=name, allowed=allowed(field), message="the file has no such column")
            )
    if not inputs and not wrong:
        wrong = [_column(name, "it is no input of this model", fields.values()) for name in header[:10]]
    if wrong:
        raise _refused("wrong_columns", "Some columns of the file cannot be used.", tuple(wrong))
    return Columns(inputs, tuple(name for at, name in enumerate(header) if at not in inputs))


def write_table(header: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ",") -> bytes:
    """Return a CSV file in UTF-8 with BOM, which every spreadsheet reads; no cell is run as a formula.

    A cell that holds any mark by which cells are parted is quoted, whichever parts them here: spreadsheets
    guess it, or take several at once, and what follows the mark would be a cell of its own, or a formula.
    """
    lines = (delimiter.join(map(_quoted, line)) or '""' for line in (header, *rows))
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8-sig", "replace")


def _quoted(cell: object) -> str:
    text = str(safe_cell(cell))
    return '"' + text.replace('"', '""') + '"' if _MARK.search(text) else text


def safe_cell(cell: object) -> object:
    """Return a cell that spreadsheets show and do not run; numbers stay numbers."""
    if isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return "" if cell is None else cell


def _lines(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Return the lines that hold something, each with its number in the file."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return [(reader.line_num, cells) for cells in reader if "".join(cells).strip()]
    except csv.Error as error:
        raise _refused("file_unreadable", f"Line {reader.line_num}: {error}.") from None


def _used(cells: Sequence[str]) -> int:
    """Return how many cells there are without the empty ones at the end."""
    return next((at for at in range(len(cells), 0, -1) if cells[at - 1].strip()), 0)


def _header(cells: Sequence[str], used: int) -> tuple[str, ...]:
    """Return the column names; empty columns at the end, which spreadsheets leave, are dropped.

    *used* is the number of columns in which some row has something.
    """
    names = [cell.strip() for cell in cells[: max(_used(cells), used)]]
    if len(names) > MOST_COLUMNS:
        raise _refused("file_unreadable", f"It has {len(names):,} columns; at most {MOST_COLUMNS} are taken.")
    if "" in names:
        raise _refused("file_unreadable", f"Column {names.index('') + 1} has no name in the first line.")
    folded = [fold(name) for name in names]
    twice = next((name for at, name in enumerate(names) if folded[at] in folded[:at]), None)
    if twice is not None:
        raise _refused("file_unreadable", f"The column {twice!r} is there twice.")
    return tuple(names)


def _row(number: int, cells: Sequence[str], width: int) -> tuple[str, ...]:
    if "".join(cells[width:]).strip():
        raise _refused(
            "file_unreadable", f"Line {number} has {len(cells)} cells and the first line has {width}."
        )
    return (*cells[:width], *[""] * (width - len(cells)))


def _column(name: str, why: str, fields: Iterable[tuple[str, Any, bool]]) -> FieldProblem:
    names = listed(one for one, _, _ in fields)
    return FieldProblem(field=name or "–", value="a column", allowed=f"the inputs {names}", message=why)


def _refused(reason_code: str, detail: str, errors: tuple[FieldProblem, ...] = ()) -> Refused:
    title = reason_code.replace("_", " ")
    return Refused(Problem(title=title, status=422, detail=detail, reason_code=reason_code, errors=errors))
