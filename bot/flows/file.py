"""A person has a model predict every row of a CSV file in Slack; the answers go into the file's thread."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bot.coercion import coerce
from bot.csv_files import Columns, Table, decode, match_columns, read_table
from bot.desk import LONG, SHORT, Desk, thread_of
from bot.errors import Refused
from bot.flows.entry import admit, caller
from bot.flows.refusals import refuse
from bot.jobs import Job
from bot.messages import batches
from bot.messages.batches import BatchRow
from bot.messages.errors import field_lines
from bot.messages.fields import properties
from bot.messages.text import unescape
from ml.contract import FieldProblem, ModelView, PredictReply, Problem

ROWS_AT_ONCE = 1_000
MOST_BUTTONS = 25
MOST_SAID = 300


def file(desk: Desk, job: Job, record: dict[str, Any] | None) -> None:
    """Read the file, find the model it is for (or ask), predict row by row, and show file and summary."""
    admit(desk, job)
    if record is None:
        raise refuse("file_missing", "Share it as .csv, .tsv or .txt, and take the shortcut on that message.")
    text = desk.step("read the file", _read, desk, record, patience=SHORT)
    model = _model(desk, job, record, text)
    if model is None:
        return
    table = read_table(text, _inputs(model))
    columns = match_columns(table.header, model.input_schema)
    rows = _predict(desk, job, model, table, columns)
    message = batches.batch(job, model, str(record["name"]), table, rows, columns.others)
    place = desk.step("show the summary", _post, desk, job, message, patience=LONG)
    where = (place["channel"], thread_of(place))
    desk.step("show the file", desk.posts.upload, *where, message.files, patience=LONG)


def _read(desk: Desk, record: dict[str, Any]) -> str:
    return decode(desk.slack.read_file(record))


def _post(desk: Desk, job: Job, message: Any) -> dict[str, str]:
    about = {"flow_id": job.flow_id, "state": "done"}
    return desk.posts.post(job.channel, message, thread_ts=job.thread_ts, about=about)


def _model(desk: Desk, job: Job, record: Mapping[str, Any], text: str) -> ModelView | None:
    """Return the model that the file is for: the one named, or the only one that fits; None: asked."""
    names = (job.model,) if job.model else tuple(desk.settings.team.models)
    if not job.model:
        file_name = str(record["name"]).casefold().replace("_", "-")
        names = tuple(name for name in names if file_name.startswith(name)) or names
        own = tuple(name for name in names if desk.settings.team.models[name].channel == job.channel)
        names = own or names
    views = [
        ModelView.model_validate(one)
        for one in desk.step("look up the models", _views, desk, names, patience=SHORT)
    ]
    if len(views) == 1:
        return views[0]
    read_table(text, (name for view in views for name in _inputs(view)))  # no model mends what is no table
    fitting = [view for view in views if _fits(view, text)]
    if len(fitting) == 1:
        return fitting[0]
    _ask_which(desk, job, record, fitting or views)
    return None


def _views(desk: Desk, names: Sequence[str]) -> list[dict[str, Any]]:
    return [desk.model(name).model_dump(mode="json", by_alias=True) for name in names]


def _inputs(model: ModelView) -> list[str]:
    return [name for name, _, _ in properties(model.input_schema)]


def _fits(model: ModelView, text: str) -> bool:
    try:
        match_columns(read_table(text, _inputs(model)).header, model.input_schema)
    except Refused:
        return False
    return True


def _ask_which(desk: Desk, job: Job, record: Mapping[str, Any], models: Sequence[ModelView]) -> None:
    if not models:
        raise refuse("unknown_model", "No model is set up.")
    kept = {name: record[name] for name in ("id", "name") if name in record}
    choices = [
        (model.title, model.name, json.dumps({**kept, "model": model.name, "ts": job.thread_ts}))
        for model in models[:MOST_BUTTONS]
    ]
    desk.tell(job, batches.which_model(job, str(record["name"]), choices))


def _predict(desk: Desk, job: Job, model: ModelView, table: Table, columns: Columns) -> list[BatchRow]:
    """Return what came of each row; a row whose values cannot be used is answered here, with why."""
    answers: list[BatchRow | None] = []
    good: list[dict[str, Any]] = []
    first: tuple[FieldProblem, ...] = ()
    for cells in table.rows:
        given = {name: cells[at].strip() for at, name in columns.inputs.items() if cells[at].strip()}
        values, wrong = coerce(given, model.input_schema)
        answers.append(BatchRow(outcome="refused", warnings=_said(wrong)) if wrong else None)
        first = first or wrong
        if not wrong:
            good.append(values)
    if not good:
        raise Refused(_all_wrong(len(answers), first))
    came = iter(_ask_for_all(desk, job, model.name, good))
    return [next(came) if answer is None else answer for answer in answers]


def _ask_for_all(desk: Desk, job: Job, model: str, rows: Sequence[dict[str, Any]]) -> list[BatchRow]:
    found: list[BatchRow] = []
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE]
        step = f"ask for rows {start + 1} to {start + len(part)}"
        found += [BatchRow.model_validate(one) for one in desk.step(step, _ask, desk, job, model, part)]
    return found


def _ask(desk: Desk, job: Job, model: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    reply: PredictReply = desk.functions.predict(model, rows, caller(job))
    if len(reply.results) != len(rows):
        raise refuse("invalid_request", f"{len(rows)} rows were sent and {len(reply.results)} answered.")
    return [BatchRow.of(answer).model_dump(mode="json", exclude_defaults=True) for answer in reply.results]


def _said(wrong: Sequence[FieldProblem]) -> str:
    return unescape("; ".join(line.removeprefix("• ").replace("`", "'") for line in field_lines(wrong)))[
        :MOST_SAID
    ]


def _all_wrong(count: int, errors: tuple[FieldProblem, ...]) -> Problem:
    return Problem(
        title="No row can be used",
        status=422,
        detail=f"None of the {count:,} rows can be used; the first says:",
        reason_code="invalid_inputs",
        errors=errors,
    )
