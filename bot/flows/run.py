"""A run from its turn in the queue to its end. It holds the model's place in the queue, so it never waits for
people: a run that made something to decide on starts the decision as a flow of its own.
"""

from __future__ import annotations

import logging
from typing import Any

from bot.connectors.azure_functions import REJECTED_KEY
from bot.desk import LONG, SHORT, Desk
from bot.engine import DECISIONS
from bot.errors import FlowFailed, Refused
from bot.flows.announce import announce
from bot.flows.elsewhere import MADE, train_elsewhere
from bot.flows.entry import caller
from bot.flows.experiment_result import conclude
from bot.flows.refusals import failure_problem, failure_words, refuse
from bot.flows.work import Order
from bot.jobs import Job
from bot.messages import jobs as messages
from bot.watchers import CONTROL
from ml.contract import FINAL_STATES, RunView

log = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 3600.0
"""A safety net: without any word from the watcher for this long, the flow looks for itself."""


def run(desk: Desk, job: Job, place: dict[str, str], model: str, task: dict[str, Any]) -> None:
    """Start the run, wait for its end while the watcher draws the progress, then show what came of it.

    A model that is trained elsewhere is trained there first; what then is to be done is a task of this kind.
    """
    if desk.step("see whether it was cancelled while waiting", desk.records.cancelled_by, job.flow_id):
        conclude(desk, job, refuse("cancelled", "It was stopped before it started.").problem)
        return
    if "order" in task:
        made = train_elsewhere(desk, job, place, model, Order.model_validate(task["order"]))
        if made is None:
            return
        task = made
    else:
        place = desk.redraw("show that it starts", job, place, messages.starting(job), state="open")
    try:
        run_id = desk.step("start the run", _start, desk, job, model, task, patience=SHORT)
        desk.step("watch the run", desk.records.watch, job.flow_id, run_id)
        view = _until_it_ends(desk, job, run_id)
    except Refused as refusal:
        desk.step("close the card", desk.records.close_card, job.flow_id)
        desk.redraw("show the refusal", job, place, messages.refused(job, refusal.problem), state="done")
        conclude(desk, job, refusal.problem)
    except FlowFailed as failure:
        desk.step("close the card", desk.records.close_card, job.flow_id)
        card = failure_words(job, failure)
        desk.redraw("show that it could not start", job, place, card, state="done")
        conclude(desk, job, failure_problem(failure))
    else:
        desk.step("close the card", desk.records.close_card, job.flow_id)
        _show_end(desk, job, place, view)
        announce(
            desk,
            "run.finished",
            f"{job.flow_id}-finished",
            view.finished_at or view.created_at,
            _told(job, view),
        )
        conclude(desk, job, view)


def _told(job: Job, view: RunView) -> dict[str, Any]:
    """Return what services outside are told of a run's end."""
    return {
        "command": job.verb,
        "run": view.run_id,
        "model": view.model,
        "state": view.state,
        "reason_code": view.reason.code if view.reason else None,
        "version": view.result.version if view.result else None,
        "asked_by": job.user,
    }


def _start(desk: Desk, job: Job, model: str, task: dict[str, Any]) -> str:
    if task["kind"] == MADE:
        return str(task["run_id"])
    if task["kind"] == "retrain":
        return desk.functions.retrain(model, task["params"], caller(job), key=job.flow_id).run_id
    first, second = task["versions"]
    return desk.functions.compare(model, (first, second), caller(job), key=job.flow_id).run_id


def _until_it_ends(desk: Desk, job: Job, run_id: str) -> RunView:
    """Wait for the end of the run, however long the function app does not answer; pass cancels on."""
    while True:
        news = desk.wait(CONTROL, LOOK_AGAIN_SECONDS)
        if news is not None and news["kind"] == "cancel":
            _pass_on_cancel(desk, job, run_id, news["by"])
            continue
        view = _look(desk, run_id)
        if view is not None and view.state in FINAL_STATES:
            return view


def _look(desk: Desk, run_id: str) -> RunView | None:
    """Return the run as it stands, or None where the function app cannot be asked at present."""
    try:
        return RunView.model_validate(desk.step("read the result", _read, desk, run_id, patience=LONG))
    except FlowFailed as failure:
        log.error("run could not be read", extra={"run_id": run_id, "reason": str(failure)})
    except Refused as refusal:
        if refusal.problem.reason_code != REJECTED_KEY:
            raise
        log.error("run could not be read", extra={"run_id": run_id, "reason": str(refusal)})
    return None


def _read(desk: Desk, run_id: str) -> dict[str, Any]:
    return desk.functions.run(run_id).model_dump(mode="json")


def _pass_on_cancel(desk: Desk, job: Job, run_id: str, by: str) -> None:
    """Ask the function app to stop the run; whether it did shows in how the run ends."""
    try:
        desk.step("cancel the run", _cancel, desk, job, run_id, by, patience=LONG)
    except (Refused, FlowFailed) as error:
        log.warning("run could not be cancelled", extra={"run_id": run_id, "reason": str(error)})


def _cancel(desk: Desk, job: Job, run_id: str, by: str) -> None:
    canceller = caller(job).model_copy(update={"who": by})
    desk.functions.cancel(run_id, canceller, key=f"{job.flow_id}-cancel")


def _show_end(desk: Desk, job: Job, place: dict[str, str], view: RunView) -> None:
    if view.state == "failed":
        place = desk.redraw("show the failure", job, place, messages.failed(job, view), state="done")
        desk.reply("tell the requester", place, messages.run_ended_note(job, view))
    elif view.state == "cancelled":
        by = desk.step("see who cancelled it", desk.records.cancelled_by, job.flow_id)
        card = messages.cancelled(job, by or job.user, view)
        desk.redraw("show that it was cancelled", job, place, card, state="done")
    elif view.result is None or view.result.comparison is None:
        place = desk.redraw("show the result", job, place, messages.finished(job, view), state="done")
        desk.reply("tell the requester", place, messages.run_ended_note(job, view))
    else:
        record = view.model_dump(mode="json")
        desk.start("decide", DECISIONS, f"{job.flow_id}-decide", job.model_dump(mode="json"), place, record)
