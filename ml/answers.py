"""The answers to the rows of a request: a mapping for each row, or columns where the rows are many.

A thousand rows that one version answered differ in a few fields only. Kept as columns they are logged and
sent without making an object for each; rows that are answered otherwise (refused, withheld, warned about,
from a lower rung) stand apart as mappings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_json

from ml.contract import Source

Answer = dict[str, Any]
"""A row answer of the contract, as a plain mapping without its prediction id."""


@dataclass(slots=True)
class Intervals:
    """The ends of the intervals of many rows, and the share of truths that each is meant to hold."""

    low: list[float]
    high: list[float]
    coverage: float

    def row(self, place: int) -> dict[str, float]:
        """Return the interval of one row."""
        return {"low": self.low[place], "high": self.high[place], "coverage": self.coverage}


@dataclass(slots=True)
class Answers:
    """The answers to many rows: what they share, what differs by row, and the rows that stand apart."""

    shared: Answer
    values: list[Any]
    intervals: Intervals | None = None
    confidence: list[float] | None = None
    apart: dict[int, Answer] = field(default_factory=dict)

    @classmethod
    def of_rows(cls, rows: Sequence[Answer]) -> Answers:
        """Return answers that share nothing."""
        return cls({}, [None] * len(rows), apart=dict(enumerate(rows)))

    def __len__(self) -> int:
        return len(self.values)

    def row(self, place: int) -> Answer:
        """Return the answer to one row."""
        if (apart := self.apart.get(place)) is not None:
            return apart
        answer = self.shared.copy()
        answer["value"] = self.values[place]
        if self.intervals is not None:
            answer["interval"] = self.intervals.row(place)
        if self.confidence is not None:
            answer["confidence"] = self.confidence[place]
        return answer

    def columns(self, rows: Sequence[int] | None = None) -> dict[str, Any]:
        """Return the answers to *rows* (none of them apart; None: all) as they are logged.

        What all share stands there once; an interval is three columns of its own.
        """

        def chosen(column: list[Any]) -> list[Any]:
            return column if rows is None else [column[row] for row in rows]

        columns = {**self.shared, "value": chosen(self.values)}
        if self.intervals is not None:
            found = self.intervals
            columns["interval"] = {
                "low": chosen(found.low),
                "high": chosen(found.high),
                "coverage": found.coverage,
            }
        if self.confidence is not None:
            columns["confidence"] = chosen(self.confidence)
        return columns

    def render(self, ids: Sequence[str]) -> list[bytes]:
        """Return the JSON of each answer with its id; the ids hold nothing that JSON would escape."""
        rendered = self._render_alike(ids) if len(self.apart) < len(self) else [b""] * len(self)
        for place, answer in self.apart.items():
            answer["prediction_id"] = ids[place]
            rendered[place] = to_json(answer)
        return rendered

    def _render_alike(self, ids: Sequence[str]) -> list[bytes]:
        """Return the JSON of each answer as if none stood apart: one template, filled row by row."""
        parts: list[bytes] = []
        columns: list[Sequence[bytes]] = []
        for name, value in self.shared.items():
            text = to_json(value).replace(b"%", b"%%")
            if name == "prediction_id":
                text, column = b'"%b"', [each.encode() for each in ids]
                columns.append(column)
            elif name == "value":
                text = b"%b"
                columns.append(_tokens(self.values))
            elif name == "interval" and self.intervals is not None:
                text = b'{"low":%%b,"high":%%b,"coverage":%b}' % to_json(self.intervals.coverage)
                columns += [_tokens(self.intervals.low), _tokens(self.intervals.high)]
            elif name == "confidence" and self.confidence is not None:
                text = b"%b"
                columns.append(_tokens(self.confidence))
            parts.append(b'"%b":%b' % (name.encode(), text))
        template = b"{" + b",".join(parts) + b"}"
        return [template % row for row in zip(*columns, strict=True)]


def _tokens(values: Sequence[Any]) -> list[bytes]:
    """Return the JSON of each value."""
    if all(type(value) is float for value in values):
        return to_json(values)[1:-1].split(b",")  # numbers hold no comma
    known = {value: to_json(value) for value in set(values)}
    return [known[value] for value in values]


def build_answer(outcome: str, source: Source, **fields: Any) -> Answer:
    """Return a row answer with every field of the contract; the id comes from the prediction log."""
    return {
        "prediction_id": "",
        "outcome": outcome,
        "value": None,
        "unit": None,
        "interval": None,
        "confidence": None,
        "reason_code": None,
        "safe_action": None,
        "source": source,
        "fallback": source in ("rule", "constant"),
        "version": None,
        "data_version": None,
        "filled_in": {},
        "warnings": (),
        "actual": None,
        "problem": None,
        **fields,
    }


def render_reply(
    model: str, answers: Answers | Sequence[Mapping[str, Any]], ids: Sequence[str], logged: bool
) -> bytes:
    """Return the JSON of a PredictReply."""
    if isinstance(answers, Answers):
        head, tail = to_json({"model": model, "logged": logged})[:-1].rsplit(b',"logged":', 1)
        return b'%b,"results":[%b],"logged":%b}' % (head, b",".join(answers.render(ids)), tail)
    results = [{**answer, "prediction_id": each} for answer, each in zip(answers, ids, strict=True)]
    return to_json({"model": model, "results": results, "logged": logged})
