"""A call of a team's own command: confirmed where it must be, started once, followed to its end, reported."""

from __future__ import annotations

import logging
from typing import Any

from bot.connectors.connector import FINAL, JobRequest, RunHandle, RunStatus
from bot.desk import LONG, SHORT, Desk
from bot.errors import FlowFailed, Refused
from bot.flows.announce import announce
from bot.flows.command import own_table
from bot.flows.entry import admit
from bot.flows.refusals import failure_words, tell_refusal
from bot.jobs import Job
from bot.messages import calls as messages
from bot.messages import jobs as job_messages
from bot.watchers import CONTROL

log = logging.getLogger(__name__)

ANSWER = "answer"
ANSWER_SECONDS = 3600.0
FIRST_LOOK_SECONDS, GROWTH, LATEST_LOOK_SECONDS = 0.5, 1.3, 300.0
"""A run is looked at soon and often, then less and less: each look is kept, and a flow is to stay short."""


def call(desk: Desk, job: Job, place: dict[str, str], record: dict[str, Any], ask: bool) -> None:
    """Wait for the answer where one is needed, start the run, follow it, and show what it reports."""
    if ask:
        answer = desk.wait(ANSWER, ANSWER_SECONDS)
        if answer is None or answer["kind"] != "confirm":
            by = answer["by"] if answer else None
            _close(desk, job)
            desk.redraw("show that it was left", job, place, messages.left(job, by), state="done")
            return
        place = desk.redraw("show that it starts", job, place, messages.starting(job), state="open")
    try:
        started = desk.step("start the run", _start, desk, job, record, patience=SHORT)
        handle = RunHandle.model_validate(started)
        run = _until_it_ends(desk, job, place, handle)
    except Refused as refusal:
        _close(desk, job)
        card = job_messages.refused(job, refusal.problem)
        desk.redraw("show the refusal", job, place, card, state="done")
    except FlowFailed as failure:
        _close(desk, job)
        desk.redraw("show the failure", job, place, failure_words(job, failure), state="done")
    else:
        _close(desk, job)
        card = messages.ended(job, run, own_table(desk, job.verb))
        place = desk.redraw("show the report", job, place, card, state="done")
        desk.attach("show the report: files", place, card)
        desk.reply("tell the requester", place, messages.ended_note(job, run))
        at = run.finished_at or run.created_at or job.asked_at
        announce(desk, "run.finished", f"{job.flow_id}-finished", at, _told(job, run))


def answer(desk: Desk, job: Job, kind: str, flow_id: str, verb: str) -> None:
    """Pass the press of a question's button on, if the person may use the command."""
    admit(desk, job.model_copy(update={"verb": verb}))
    desk.send(flow_id, ANSWER, {"kind": kind, "by": job.user}, key=job.flow_id)


def _close(desk: Desk, job: Job) -> None:
    desk.step("close the card", desk.records.close_card, job.flow_id)


def _start(desk: Desk, job: Job, record: dict[str, Any]) -> dict[str, Any]:
    connector = desk.connectors[own_table(desk, job.verb).connector]
    return connector.start(JobRequest.model_validate(record), key=job.flow_id).model_dump(mode="json")


def _until_it_ends(desk: Desk, job: Job, place: dict[str, str], handle: RunHandle) -> RunStatus:
    pause, shown = FIRST_LOOK_SECONDS, None
    while True:
        run = _look(desk, handle)
        if run is not None and run.state in FINAL:
            return run
        seen = None if run is None else (run.state, run.progress, run.detail)
        if run is not None and seen != shown:
            shown = seen
            desk.redraw("show how it stands", job, place, messages.running(job, run), state="open")
        news = desk.wait(CONTROL, pause)
        pause = min(pause * GROWTH, LATEST_LOOK_SECONDS)
        if news is not None and news["kind"] == "cancel":
            _pass_on_cancel(desk, job, place, handle)
            pause = FIRST_LOOK_SECONDS


def _look(desk: Desk, handle: RunHandle) -> RunStatus | None:
    """Return how the run stands, or None where that cannot be had at present."""
    try:
        record = desk.step("look how it stands", _status, desk, handle, patience=LONG)
    except FlowFailed as failure:
        log.error("run could not be read", extra={"run_id": handle.id, "reason": str(failure)})
        return None
    return None if record is None else RunStatus.model_validate(record)


def _status(desk: Desk, handle: RunHandle) -> dict[str, Any] | None:
    run = desk.connectors[handle.connector].status([handle]).get(handle.id)
    return None if run is None else run.model_dump(mode="json")


def _pass_on_cancel(desk: Desk, job: Job, place: dict[str, str], handle: RunHandle) -> None:
    try:
        desk.step("cancel the run", desk.connectors[handle.connector].cancel, handle, patience=SHORT)
    except Refused as refusal:
        tell_refusal(desk, job, refusal)
    except FlowFailed as failure:
        log.warning("run could not be cancelled", extra={"run_id": handle.id, "reason": str(failure)})


def _told(job: Job, run: RunStatus) -> dict[str, Any]:
    """Return what services outside are told of a run's end."""
    return {
        "command": job.verb,
        "run": run.handle.id,
        "state": run.state,
        "reason_code": run.reason.code if run.reason else None,
        "asked_by": job.user,
    }
