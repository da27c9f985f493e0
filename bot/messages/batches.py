"""Many predictions from a file: the summary that stands in the thread, and the CSV beside it."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from bot.csv_files import Table, write_table
from bot.jobs import Job
from bot.messages.blocks import actions, button, context, section
from bot.messages.charts import bar_chart, histogram
from bot.messages.errors import asked_line
from bot.messages.message import Attachment, Message, compose, file_note
from bot.messages.text import code, counted, inline, listed
from bot.messages.units import quantity
from ml.contract import ModelView, RowAnswer

MOST_LABELS = 20
MOST_TROUBLES = 5
ANSWERED = ("predicted", "fallback")
_OUTCOMES = {
    "predicted": "predicted",
    "fallback": "by a lower rung",
    "abstain": "without a firm answer",
    "no_action": "do nothing",
    "refused": "refused",
}
_HEAD = ("prediction", "unit", "low", "high", "outcome", "version", "source", "warnings", "prediction_id")


class BatchRow(BaseModel):
    """What came of one row, as little of it as the file and the summary show."""

    model_config = ConfigDict(frozen=True)

    outcome: str
    value: float | str | None = None
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    version: int | None = None
    source: str = "none"
    warnings: str = ""
    prediction_id: str = ""

    @classmethod
    def of(cls, answer: RowAnswer) -> BatchRow:
        """Return an answer of the function app."""
        said = [warning.message or warning.code for warning in answer.warnings]
        if answer.problem is not None:
            said.append(answer.problem.detail)
        elif answer.reason_code and answer.outcome != "predicted":
            said.append(answer.reason_code)
        return cls(
            outcome=answer.outcome,
            value=answer.value,
            unit=answer.unit,
            low=answer.interval.low if answer.interval else None,
            high=answer.interval.high if answer.interval else None,
            version=answer.version,
            source=answer.source,
            warnings="; ".join(said),
            prediction_id=answer.prediction_id,
        )


def batch(
    job: Job, model: ModelView, name: str, given: Table, rows: Sequence[BatchRow], others: Sequence[str]
) -> Message:
    """Return the summary of all rows of the file *name*, with the answers as CSV and a picture of them."""
    picture = _picture(model, rows)
    answers = Attachment(_answers_name(name), _answers(given, rows), f"Predictions for {name}")
    unused = f"Columns carried along unread: {listed(map(code, others[:10]))}" if others else None
    return compose(
        section("\n".join(_lines(model, name, rows))),
        _troubles(rows),
        file_note(f"Every row with its prediction is in the file *{inline(answers.filename)}*."),
        context(unused) if unused else None,
        context(asked_line(job)),
        files=(answers, picture) if picture else (answers,),
    )


def which_model(job: Job, name: str, choices: Sequence[tuple[str, str, str]]) -> Message:
    """Return the question which model a file is for; *choices* are title, model name and button value."""
    buttons = [button(title, f"file.predict_{at}", value) for at, (title, _, value) in enumerate(choices)]
    return compose(
        section(f":bar_chart: *Which model is {inline(name)} for?*"),
        actions(*buttons[:25]),
        context(asked_line(job)),
    )


def _lines(model: ModelView, name: str, rows: Sequence[BatchRow]) -> list[str]:
    counts = Counter(row.outcome for row in rows)
    parts = listed(f"{counts[one]:,} {words}" for one, words in _OUTCOMES.items() if counts[one])
    lines = [f":bar_chart: *{inline(model.title)}: {counted(len(rows), 'row')} of {inline(name)}*", parts]
    numbers, labels = _numbers(rows), _labels(rows)
    unit = next((row.unit for row in rows if row.unit), model.unit)
    if numbers:
        lines.append(_spread(numbers, unit))
    if labels:
        lines.append(listed(f"*{inline(label)}* {count:,}" for label, count in labels.most_common(10)))
    by = Counter(f"v{row.version}" if row.version else row.source for row in rows if row.outcome in ANSWERED)
    if by:
        lines.append(
            f"Answered by {listed(f'{inline(who)} ({count:,})' for who, count in by.most_common())}."
        )
    return lines


def _spread(numbers: Sequence[float], unit: str | None) -> str:
    """Return where predictions lie: the middle and the ends, or the one number that there is."""
    low, middle, high = (
        quantity(one, unit) for one in (min(numbers), statistics.median(numbers), max(numbers))
    )
    if low == high:
        return f"The prediction is *{low}*." if len(numbers) == 1 else f"All predictions are *{low}*."
    return f"Half of the predictions lie below *{middle}*; they reach from {low} to {high}."


def _troubles(rows: Sequence[BatchRow]) -> Any:
    """Return the first rows that have no answer, with why; and how many have a warning."""
    without = [(at, row) for at, row in enumerate(rows, start=1) if row.outcome == "refused"]
    warned = sum(bool(row.warnings) for row in rows if row.outcome != "refused")
    lines = [f"• row {at}: {inline(row.warnings or 'refused')}" for at, row in without[:MOST_TROUBLES]]
    if len(without) > MOST_TROUBLES:
        lines.append(f"… and {counted(len(without) - MOST_TROUBLES, 'more row')}")
    if lines:
        lines.insert(0, f":warning: *{counted(len(without), 'row')} could not be answered*")
    if warned:
        lines.append(f":small_orange_diamond: {counted(warned, 'row')} with a warning: see the file.")
    return section("\n".join(lines)) if lines else None


def _picture(model: ModelView, rows: Sequence[BatchRow]) -> Attachment | None:
    title = f"{model.title}: the predictions"
    unit = next((row.unit for row in rows if row.unit), model.unit) or ""
    if numbers := _numbers(rows):
        return histogram(title, numbers, unit, f"{model.name}-predictions.png")
    labels = [(label, float(count)) for label, count in _labels(rows).most_common(MOST_LABELS)]
    return bar_chart(title, labels, "rows", f"{model.name}-predictions.png") if labels else None


def _numbers(rows: Sequence[BatchRow]) -> list[float]:
    return [row.value for row in rows if isinstance(row.value, float)]


def _labels(rows: Sequence[BatchRow]) -> Counter[str]:
    return Counter(row.value for row in rows if isinstance(row.value, str))


def _answers(given: Table, rows: Sequence[BatchRow]) -> bytes:
    taken = {name.casefold() for name in given.header}
    head = [name if name not in taken else f"answered_{name}" for name in _HEAD]
    lines = (
        (*cells, row.value, row.unit, row.low, row.high, row.outcome, row.version, row.source, row.warnings,
         row.prediction_id)
        for cells, row in zip(given.rows, rows, strict=True)
    )  # fmt: skip
    return write_table((*given.header, *head), lines, given.delimiter)


def _answers_name(name: str) -> str:
    stem = name.rpartition(".")[0] or name
    return f"{stem[:80]}-predictions.csv"
