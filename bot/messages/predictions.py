"""Predictions: one answer in full, many as a table, and a logged one read back.

The five outcomes look different at a glance: an answer, an answer of a lower rung (with a warning), no firm
answer, doing nothing on purpose, and a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.csv_files import write_table
from bot.jobs import Job
from bot.messages.blocks import Block, context, section, table
from bot.messages.errors import asked_line, clause, problem_lines, sentence
from bot.messages.forms import again
from bot.messages.message import Attachment, Message, compose, file_note
from bot.messages.text import channel_link, code, counted, inline, mention
from bot.messages.units import (
    decimals_to_tell_apart,
    duration,
    number,
    percent,
    quantity,
    scaled,
    short_digest,
    unit_name,
    when,
)
from ml.contract import FilledIn, ModelView, PredictionView, PredictReply, RowAnswer

MAX_ROWS_SHOWN = 20
_NOT_LOGGED = ":warning: This answer could not be written to the prediction log."


def prediction(job: Job, reply: PredictReply, model: ModelView) -> Message:
    """Return the answer to a predict command: one row in full, several as a table (all of them in a file)."""
    log = None if reply.logged else context(_NOT_LOGGED)
    if len(reply.results) == 1:
        answer = _answer_blocks(reply.results[0], model, job.inputs)
        return compose(*answer, log, again(job), context(asked_line(job)))
    return _many(job, reply, model, log)


def prediction_record(record: PredictionView, model: ModelView | None = None) -> Message:
    """Return one logged prediction: when, who, where, what was given and answered, model and data version."""
    shown = model or _nameless(record)
    given = (
        table(["input", "value"], [[name, _cell(value)] for name, value in record.input.items()])
        if record.input
        else None
    )
    return compose(
        section(f"*Prediction* {code(record.prediction_id)} of *{inline(record.model)}*"),
        section(f"Asked {when(record.at)} by {mention(record.who)} in {channel_link(record.where)}."),
        *_answer_blocks(record.answer, shown, {}),
        given,
    )


def _nameless(record: PredictionView) -> ModelView:
    return ModelView(
        name=record.model, title=record.model, description="", unit=record.answer.unit, schema={},
        schema_digest="", params_schema={}, params_digest="", metrics=(), rule="",
    )  # fmt: skip


def _answer_blocks(answer: RowAnswer, model: ModelView, inputs: Mapping[str, Any]) -> tuple[Block, ...]:
    lines = [_headline(answer, model, inputs), *_ladder_lines(answer, model)]
    if answer.actual is not None:
        lines.append(_truth_line(answer))
    lines.extend(f":small_orange_diamond: {_warning(answer, at)}" for at in range(len(answer.warnings)))
    small = [_origin_line(answer)]
    if answer.filled_in:
        small.append(_looked_up_line(answer.filled_in))
    return section("\n".join(lines)), context(*small)


def _headline(answer: RowAnswer, model: ModelView, inputs: Mapping[str, Any]) -> str:
    about = ", ".join(f"{inline(key)} {inline(value)}" for key, value in inputs.items())
    subject = f"{inline(model.title)}{f' for {about}' if about else ''}"
    if answer.outcome in ("predicted", "fallback"):
        return f"*{subject}: {_value(answer, model)}*{_sureness(answer)}"
    if answer.outcome == "abstain":
        why = clause(answer.reason_code)
        return (
            f":raised_hand: *{subject}: no firm answer*{_sureness(answer)}, because {why}.{_action(answer)}"
        )
    if answer.outcome == "no_action":
        return f":zzz: *{subject}: do nothing*, because {clause(answer.reason_code)}.{_action(answer)}"
    return f":no_entry: *{subject}: refused.* {_refusal(answer)}"


def _value(answer: RowAnswer, model: ModelView) -> str:
    if isinstance(answer.value, str) or answer.value is None:
        return inline("no value" if answer.value is None else answer.value)
    unit = answer.unit if answer.unit is not None else model.unit
    return f"about {quantity(answer.value, unit, _places(answer))}"


def _places(answer: RowAnswer) -> int | None:
    """Whole numbers are enough for minutes and their like, once they are as large as ten."""
    value = answer.value
    sizes = [abs(one) for one in (value, *(_ends(answer))) if isinstance(one, int | float)]
    return 0 if answer.unit not in ("share", "fraction") and sizes and max(sizes) >= 10 else None


def _ends(answer: RowAnswer) -> tuple[float, ...]:
    return (answer.interval.low, answer.interval.high) if answer.interval else ()


def _sureness(answer: RowAnswer) -> str:
    if answer.interval is not None:
        signed = answer.interval.low < 0 < answer.interval.high
        places = _places(answer)
        low, high = (number(scaled(end, answer.unit), places, signed) for end in _ends(answer))
        unit = f" {unit_name(answer.unit)}".rstrip()
        return f" (likely between {low} and {high}{inline(unit) and ' ' + inline(unit)})"
    return f" ({percent(answer.confidence)} sure)" if answer.confidence is not None else ""


def _ladder_lines(answer: RowAnswer, model: ModelView) -> list[str]:
    """Return the visible warning where the champion itself did not give the value."""
    if answer.outcome in ("no_action", "refused") or not (answer.fallback or answer.outcome == "fallback"):
        return []
    champion = f"v{model.champion.version}" if model.champion else "The champion"
    sources = {
        "previous_champion": f"v{answer.version}, the previous champion",
        "rule": f"the plain rule ({inline(model.rule).removesuffix('.')})"
        if model.rule
        else "the plain rule",
        "constant": "the fixed value kept for such cases",
    }
    source = sources.get(answer.source)
    instead = f"; this answer comes from {source}" if source else ""
    if answer.reason_code == "no_champion":
        return [f":warning: {sentence(answer.reason_code).removesuffix('.')}{instead}."]
    if (
        answer.outcome == "abstain"
    ):  # its reason says why there is no firm answer, not why the champion is out
        return [f":warning: {champion} could not be used{instead}."]
    return [f":warning: {champion} could not be used ({clause(answer.reason_code)}){instead}."]


def _action(answer: RowAnswer) -> str:
    return f" What to do: *{inline(answer.safe_action).removesuffix('.')}*." if answer.safe_action else ""


def _refusal(answer: RowAnswer) -> str:
    if answer.problem is None:
        return sentence(answer.reason_code)
    return "\n".join(problem_lines(answer.problem))


def _truth_line(answer: RowAnswer) -> str:
    if isinstance(answer.actual, str) or answer.actual is None:
        return f"What really happened: *{inline(answer.actual)}*"
    places = _places(answer) if isinstance(answer.value, int | float) else None
    truth = f"What really happened: *{quantity(answer.actual, answer.unit, places)}*"
    if not isinstance(answer.value, int | float):
        return truth
    return f"{truth}, {quantity(abs(answer.actual - answer.value), answer.unit, places)} from the prediction"


def _warning(answer: RowAnswer, at: int) -> str:
    warning = answer.warnings[at]
    field = f"{code(warning.field)}: " if warning.field else ""
    return field + (inline(warning.message) or clause(warning.code))


def _origin_line(answer: RowAnswer) -> str:
    sources = {
        "champion": f"by v{answer.version} (champion)",
        "previous_champion": f"by v{answer.version} (previous champion)",
        "rule": "by the plain rule",
        "constant": "fixed value",
        "none": "no model answered",
    }
    data = f" · data {inline(short_digest(answer.data_version))}" if answer.data_version else ""
    return f"{sources[answer.source]}{data} · {code(answer.prediction_id)}"


def _looked_up_line(filled_in: Mapping[str, FilledIn]) -> str:
    """Return the values that were looked up, together by source, so that a source is named once."""
    by_source: dict[str, list[str]] = {}
    for name, one in filled_in.items():
        by_source.setdefault(_source(one), []).append(f"{inline(name)} {inline(_cell(one.value))}")
    return "looked up: " + "; ".join(
        f"{', '.join(values)} ({source})" for source, values in by_source.items()
    )


def _source(one: FilledIn) -> str:
    age = f", {duration(one.age_seconds)} old" if one.age_seconds else ""
    return f"{inline(one.source)}{age}"


def _cell(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no"}.get(value, "–") if value is not None else "–"
    return number(value) if isinstance(value, float) else str(value)


# --- many rows --------------------------------------------------------------------------------------------

_HEAD = ("row", "answer", "unit", "low", "high", "source", "truth", "remark")
_OUTCOMES = {
    "predicted": "",
    "fallback": "fallback",
    "abstain": "no firm answer",
    "no_action": "do nothing",
    "refused": "refused",
}


def _many(job: Job, reply: PredictReply, model: ModelView, log: Block | None) -> Message:
    results = reply.results
    counts = {name: sum(answer.outcome == name for answer in results) for name in _OUTCOMES}
    named = {**_OUTCOMES, "predicted": "predicted"}
    said = ", ".join(f"{count:,} {named[name]}" for name, count in counts.items() if count)
    lines = [
        f"*{inline(model.title)}: {counted(len(results), 'row')} answered*" + (f" ({said})" if said else "")
    ]
    few = results[:MAX_ROWS_SHOWN]
    files = (_rows_file(results),) if len(results) > len(few) else ()
    note = f"The first {len(few)} rows are shown; all {len(results):,} are in the file *predictions.csv*."
    return compose(
        section("\n".join(lines)),
        _rows_table(few) if few else None,
        file_note(note) if files else None,
        log,
        context(asked_line(job)),
        files=files,
    )


def _rows_table(answers: Sequence[RowAnswer]) -> Block:
    """Return the answers as a table without the columns in which nothing stands."""
    rows = _table_rows(answers)
    used = [at for at in range(len(_HEAD)) if any(row[at] not in ("", "–") for row in rows)]
    return table([_HEAD[at] for at in used], [[row[at] for at in used] for row in rows])


def _table_rows(answers: Sequence[RowAnswer]) -> list[list[str]]:
    values = [answer.value for answer in answers if isinstance(answer.value, int | float)]
    places = min(decimals_to_tell_apart(*values, most=1), 1) if values else None
    return [_table_row(at, answer, places) for at, answer in enumerate(answers, start=1)]


def _table_row(at: int, answer: RowAnswer, places: int | None) -> list[str]:
    def shown(value: float | str | None) -> str:
        if value is None or isinstance(value, str):
            return value or "–"
        return number(scaled(value, answer.unit), places)

    low, high = _ends(answer) or (None, None)
    source = {"champion": f"v{answer.version}", "previous_champion": f"v{answer.version} (previous)"}.get(
        answer.source, answer.source
    )
    return [
        str(at),
        shown(answer.value),
        unit_name(answer.unit),
        shown(low),
        shown(high),
        source,
        shown(answer.actual),
        _remark(answer),
    ]


def _remark(answer: RowAnswer) -> str:
    why = (
        answer.problem.detail if answer.problem else clause(answer.reason_code) if answer.reason_code else ""
    )
    warned = "; ".join(warning.message for warning in answer.warnings)
    return ": ".join(filter(None, (_OUTCOMES[answer.outcome], why or warned)))


def _rows_file(answers: Sequence[RowAnswer]) -> Attachment:
    """Return every answer as CSV with unrounded numbers, for a spreadsheet."""
    head = (
        *("row", "prediction_id", "outcome", "value", "unit", "low", "high", "confidence", "source"),
        *("version", "reason_code", "actual", "remark"),
    )
    rows = (_row_of_file(at, answer) for at, answer in enumerate(answers, start=1))
    return Attachment("predictions.csv", write_table(head, rows), f"All {len(answers):,} predictions")


def _row_of_file(at: int, answer: RowAnswer) -> tuple[object, ...]:
    low, high = _ends(answer) or (None, None)
    return (
        at, answer.prediction_id, answer.outcome, answer.value, answer.unit, low, high, answer.confidence,
        answer.source, answer.version, answer.reason_code, answer.actual, _remark(answer),
    )  # fmt: skip
