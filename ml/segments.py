"""How predictions are written down: lines of JSON in segments, found again by an id that says where they are.

A segment holds the predictions of one model and hour from one process. A line holds one prediction, or the
rows of one request as columns. A line begins with where its rows are and a tally of how they were answered,
so that counting reads no further. A last line without its end (the writer was killed) does not count. Pure;
no I/O here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from ml.contract import PredictionView
from ml.errors import Corrupt, NotFound

ID_PATTERN = r"^p-([a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?)-([0-9]{10})-([0-9a-z]{12,24})-([0-9]{1,9})$"
FORMAT = 2
"""What is written; 1, which had the intervals of columns as a list of objects, is read too."""

READABLE = frozenset({1, FORMAT})
_TALLIED = re.compile(rb"([^\s:]+:[^\s:]+):([0-9]{1,9})(?!\S)")
_HEADER = re.compile(
    rb'^\{"format":([0-9]+),"row":([0-9]{1,9}),"rows":([0-9]{1,9}),"tally":"([^"\n]*)"[^\n]*\}$', re.MULTILINE
)

END_OF_TORN_LINE = b"~\n"
"""Written first after a write that failed: what that left of a line does not look like a whole one then."""

Tally = Counter[str]
"""Rows by `outcome:source`."""


@dataclass(slots=True)
class PredictionRecord:
    """One prediction to log: when, who, where, what (input and answer), model version, data version.

    None of the six has a default. `version` and `data_version` are None where no model had a part in the
    answer. `answer` is a row answer of the contract as a mapping; its id is not needed, the log gives it.

    Raises:
        ValueError: A field is empty, or the time has no zone.
    """

    at: datetime
    who: str
    where: str
    input: Mapping[str, Any]
    answer: Mapping[str, Any]
    version: int | None
    data_version: str | None

    def __post_init__(self) -> None:
        if not self.who or not self.where or self.at.tzinfo is None or not self.answer:
            raise ValueError("a prediction is logged with when (in a zone), who, where and what")

    @property
    def rows(self) -> int:
        """Number of predictions."""
        return 1

    def tally(self) -> str:
        """Return how the prediction was answered, as it stands in the line."""
        return f"{self.answer['outcome']}:{self.answer['source']}:1"


@dataclass(slots=True)
class PredictionColumns:
    """The predictions of one request of many rows, as columns; otherwise like `PredictionRecord`.

    `input` holds lists of `rows` values. `answer` holds such lists, or a plain value where all rows share it;
    its `interval` may hold such lists as `low` and `high`.

    Raises:
        ValueError: As with `PredictionRecord`, or a list has another length.
    """

    at: datetime
    who: str
    where: str
    input: Mapping[str, Sequence[Any]]
    answer: Mapping[str, Any]
    version: int | None
    data_version: str | None
    rows: int

    def __post_init__(self) -> None:
        if not self.who or not self.where or self.at.tzinfo is None or not self.answer or self.rows < 1:
            raise ValueError("predictions are logged with when (in a zone), who, where and what")
        interval = self.answer.get("interval")
        ends = interval.values() if isinstance(interval, dict) else ()
        lists = [*self.input.values(), *(v for v in (*self.answer.values(), *ends) if isinstance(v, list))]
        if any(len(column) != self.rows for column in lists):
            raise ValueError(f"each column holds {self.rows} values")

    def tally(self) -> str:
        """Return how the predictions were answered, as it stands in the line."""
        outcome, source = self.answer["outcome"], self.answer["source"]
        if isinstance(outcome, str) and isinstance(source, str):
            return f"{outcome}:{source}:{self.rows}"
        outcomes, sources = self._spread(outcome), self._spread(source)
        counts = Counter(zip(outcomes, sources, strict=True))
        return " ".join(f"{outcome}:{source}:{count}" for (outcome, source), count in counts.items())

    def _spread(self, value: Any) -> Sequence[Any]:
        return value if isinstance(value, list) else [value] * self.rows


Loggable = PredictionRecord | PredictionColumns


def encode_line(record: Loggable, row: int) -> bytes:
    """Return the line, with its end, for a record whose first row has number *row* in the segment."""
    line = {
        "format": FORMAT,
        "row": row,
        "rows": record.rows,
        "tally": record.tally(),
        "columns": isinstance(record, PredictionColumns),
        "at": record.at,
        "who": record.who,
        "where": record.where,
        "version": record.version,
        "data_version": record.data_version,
        "input": record.input,
        "answer": record.answer,
    }
    return to_json(line, inf_nan_mode="null") + b"\n"


@dataclass(frozen=True)
class PredictionId:
    """Where a prediction is: model, hour, segment, row."""

    model: str
    hour: str
    segment: str
    row: int

    @classmethod
    def parse(cls, text: str) -> PredictionId:
        """Read an id.

        Raises:
            NotFound: It is none of ours.
        """
        match = re.fullmatch(ID_PATTERN, text)
        if match is None:
            raise NotFound(f"prediction {text[:120]}")
        return cls(match[1], match[2], match[3], int(match[4]))

    def __str__(self) -> str:
        return f"p-{self.model}-{self.hour}-{self.segment}-{self.row}"

    @property
    def path(self) -> str:
        """Where its segment is."""
        return segment_path(self.model, self.hour, self.segment)


def hour_of(at: datetime) -> str:
    """Return the hour of a time as it stands in ids: `yyyymmddhh`, UTC."""
    return f"{at.astimezone(UTC):%Y%m%d%H}"


def start_of(hour: str) -> datetime:
    """Return the time at which an hour begins."""
    return datetime.strptime(hour, "%Y%m%d%H").replace(tzinfo=UTC)


def hours_between(since: datetime, until: datetime) -> Iterator[str]:
    """Yield the hours that overlap `since` to `until`, oldest first."""
    at = start_of(hour_of(since))
    while at <= until:
        yield hour_of(at)
        at += timedelta(hours=1)


def hour_prefix(model: str, hour: str) -> str:
    """Return the folder of a model's segments of one hour."""
    return f"predictions/{model}/{hour[:4]}-{hour[4:6]}-{hour[6:8]}-{hour[8:]}"


def segment_path(model: str, hour: str, segment: str) -> str:
    """Return where a segment is."""
    return f"{hour_prefix(model, hour)}/{segment}.jsonl"


def segment_name(path: str) -> str:
    """Return the name of the segment at a path."""
    return path.rpartition("/")[2].removesuffix(".jsonl")


def count_rows(data: bytes) -> Tally:
    """Return how the rows of a segment were answered; unfinished lines do not count."""
    total: Tally = Counter()
    for header in _HEADER.finditer(_whole_lines(data)):
        for name, count in _TALLIED.findall(header[4]):  # what is damaged there is no count
            total[name.decode("utf-8", "replace")] += int(count)
    return total


def find_row(data: bytes, wanted: PredictionId) -> PredictionView:
    """Return a prediction from its segment.

    Raises:
        NotFound: The segment has no such row (it was cut off before the store had taken it).
        Corrupt: Its line cannot be read, or a newer program wrote it.
    """
    for header in _HEADER.finditer(_whole_lines(data)):
        first, rows = int(header[2]), int(header[3])
        if first <= wanted.row < first + rows:
            record = _read_line(header[0], wanted.path)
            return view_of(next(_rows_of(record, wanted.path, wanted.row - first)), wanted)
    raise NotFound(f"prediction {wanted}")


def read_rows(data: bytes, segment: str, path: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a segment, each with its place and what its line said of it.

    Raises:
        Corrupt: A line cannot be read, or a newer program wrote it.
    """
    for header in _HEADER.finditer(_whole_lines(data)):
        for row in _rows_of(_read_line(header[0], path), path):
            yield {"segment": segment, **row}


def view_of(record: Mapping[str, Any], wanted: PredictionId) -> PredictionView:
    """Return what is told of a logged row.

    Raises:
        Corrupt: It is not what a prediction log writes.
    """
    identity = {"model": wanted.model, "prediction_id": str(wanted)}
    try:
        answer = {**record["answer"], "prediction_id": str(wanted)}
        return PredictionView.model_validate({**record, **identity, "answer": answer})
    except (KeyError, TypeError, ValidationError) as error:
        raise Corrupt(wanted.path, f"row {wanted.row} cannot be read ({error})") from error


def whole_bytes(data: bytes) -> int:
    """Return how many bytes of a segment are lines that were written to their end."""
    return data.rfind(b"\n") + 1


def _whole_lines(data: bytes) -> bytes:
    """Return *data* up to its last line end: a killed writer may have left part of a line behind it."""
    return data[: whole_bytes(data)]


def _read_line(line: bytes, path: str) -> dict[str, Any]:
    try:
        record: dict[str, Any] = from_json(line)
    except ValueError as error:
        raise Corrupt(path, f"a line cannot be read ({error})") from error
    if record["format"] not in READABLE:
        raise Corrupt(path, f"has format {record['format']}; a newer program wrote it")
    return record


def _rows_of(record: dict[str, Any], path: str, only: int | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a line, or *only* one of them, counted from 0."""
    places = range(record["rows"]) if only is None else (only,)
    try:
        for place in places:
            row = {**record, "row": record["row"] + place}
            if record["columns"]:
                row["input"] = {name: column[place] for name, column in record["input"].items()}
                row["answer"] = _row_of(record["answer"], place)
            yield row
    except (KeyError, TypeError, IndexError) as error:
        raise Corrupt(path, f"a line cannot be read ({error!r})") from error


def _row_of(columns: Mapping[str, Any], place: int) -> dict[str, Any]:
    """Return one row's answer of those that were logged as columns."""
    row = {name: value[place] if isinstance(value, list) else value for name, value in columns.items()}
    if isinstance(interval := columns.get("interval"), dict):
        row["interval"] = {
            name: value[place] if isinstance(value, list) else value for name, value in interval.items()
        }
    return row
