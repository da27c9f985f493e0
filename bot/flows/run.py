"""A run from its turn in the queue to its end. It holds the model's place in the queue, so it never waits for
people: a run that made something to decide on starts the decision as a flow of its own."""

from __future__ import annotations

from typing import Any

from bot.desk import LONG, SHORT, Desk
from bot.engine import DECISIONS
from bot.errors import FlowFailed, Refused
from bot.flows.entry import caller
from bot.flows.refusals import failure_detail
from bot.jobs import Job
from bot.messages import errors as error_messages
from bot.messages import jobs as messages
from bot.watchers import CONTROL
from ml.contract import FINAL_STATES, RunView

LOOK_AGAIN_SECONDS = 6 * 3600.0
"""A safety net: without any word from the watcher for this long, the flow looks for itself."""


def run(desk: Desk, job: Job, place: dict[str, str], model: str, task: dict[str, Any]) -> None:
    """Start the run, wait for its end while the watcher draws the progress, then show what came of it."""
    if desk.step("see whether it was cancelled while waiting", desk.records.cancelled_by, job.flow_id):
        return
    desk.redraw("show that it starts", job, place, messages.starting(job), state="open")
    view = _until_it_ends(desk, job, place, model, task)
    desk.step("close the card", desk.records.close_card, job.flow_id)
    if view is not None:
        _show_end(desk, job, place, view)


def _until_it_ends(
    desk: Desk, job: Job, place: dict[str, str], model: str, task: dict[str, Any]
) -> RunView | None:
    """Return the ended run, or None where there is none to show because it could not start."""
    try:
        run_id = desk.step("start the run", _start, desk, job, model, task, patience=SHORT)
    except Refused as refusal:
        desk.redraw("show the refusal", job, place, messages.refused(job, refusal.problem), state="done")
        return None
    except FlowFailed as failure:
        card = error_messages.function_app_down(job, "function_app_unreachable", failure_detail(failure))
        desk.redraw("show that it could not start", job, place, card, state="done")
        return None
    desk.step("watch the run", desk.records.watch, job.flow_id, run_id)
    while True:
        news = desk.wait(CONTROL, LOOK_AGAIN_SECONDS)
        if news is not None and news["kind"] == "cancel":
            desk.step("cancel the run", _cancel, desk, run_id, news["by"], patience=LONG)
            continue
        view = RunView.model_validate(desk.step("read the result", _read, desk, run_id, patience=LONG))
        if view.state in FINAL_STATES:
            return view


def _start(desk: Desk, job: Job, model: str, task: dict[str, Any]) -> str:
    if task["kind"] == "retrain":
        return desk.functions.retrain(model, task["params"], caller(job), key=job.flow_id).run_id
    first, second = task["versions"]
    return desk.functions.compare(model, (first, second), caller(job), key=job.flow_id).run_id


def _cancel(desk: Desk, run_id: str, by: str) -> None:
    desk.functions.cancel(run_id, by)


def _read(desk: Desk, run_id: str) -> dict[str, Any]:
    return desk.functions.run(run_id).model_dump(mode="json")


def _show_end(desk: Desk, job: Job, place: dict[str, str], view: RunView) -> None:
    if view.state == "failed":
        desk.redraw("show the failure", job, place, messages.failed(job, view), state="done")
        desk.reply("tell the requester", place, messages.run_ended_note(job, view))
    elif view.state == "cancelled":
        by = desk.step("see who cancelled it", desk.records.cancelled_by, job.flow_id)
        card = messages.cancelled(job, by or job.user, view)
        desk.redraw("show that it was cancelled", job, place, card, state="done")
    elif view.result is None or view.result.comparison is None:
        desk.redraw("show the result", job, place, messages.finished(job, view), state="done")
        desk.reply("tell the requester", place, messages.run_ended_note(job, view))
    else:
        record = view.model_dump(mode="json")
        desk.start("decide", DECISIONS, f"{job.flow_id}-decide", job.model_dump(mode="json"), place, record)
