"""A person stops a run, while it waits or while it works."""

from __future__ import annotations

import logging
from typing import Any

from bot.desk import SHORT, Desk
from bot.engine import is_under_way
from bot.errors import FlowFailed, Unreachable
from bot.flows.entry import admit, caller
from bot.flows.refusals import refuse
from bot.flows.work import Order
from bot.flows.work_press import find_work, pass_on
from bot.jobs import Job
from bot.messages import jobs as messages
from bot.messages import status
from bot.watchers import CONTROL
from bot.works import Work
from ml.contract import FINAL_STATES

log = logging.getLogger(__name__)

QUEUING = frozenset({"compare", "promote", "retrain"})
"""Flows that post a card and queue a run."""


def cancel(desk: Desk, job: Job) -> None:
    """Record who cancelled what, wake the run's flow, and take a waiting card off the queue at once."""
    admit(desk, job)
    if len(job.words) != 1:
        raise refuse("missing_argument", "Name the run: cancel RUN (`runs` lists them)")
    work = find_work(desk, job.words[0])
    if work is not None and not _is_taken_up(desk, work):
        pass_on(desk, job, work, "cancel")
        desk.tell(job, status.cancelling(job.words[0]))
        return
    card = _card(desk, job.words[0])
    if card is None:
        desk.step("cancel the run", _cancel_elsewhere, desk, job, patience=SHORT)
        desk.tell(job, status.cancelling(job.words[0]))
        return
    desk.step("record the cancel", desk.records.cancel, card["flow_id"], job.user)
    desk.send(card["run_flow_id"], CONTROL, {"kind": "cancel", "by": job.user}, key=job.flow_id)
    if card["state"] == "waiting":
        asked = Job.model_validate(card["job"])
        place = {"channel": card["channel"], "ts": card["ts"]}
        desk.step("close the card", desk.records.close_card, asked.flow_id)
        desk.redraw(
            "show that it was cancelled", asked, place, messages.cancelled(asked, job.user), state="done"
        )
    desk.tell(job, status.cancelling(card["run_id"] or card["flow_id"]))


def _is_taken_up(desk: Desk, work: Work) -> bool:
    """Return whether the run has ended and what it trained is still compared by the function app."""
    if work.state != "closed" or Order.model_validate(work.order).model is None:
        return False
    return desk.step("see whether it goes on", _goes_on, desk, work.flow_id)


def _goes_on(desk: Desk, flow_id: str) -> bool:
    card = desk.records.card(flow_id)
    return card is not None and card["state"] != "closed"


def _card(desk: Desk, name: str) -> dict[str, Any] | None:
    """Return what is known of a job's card, or None; a card that has just been posted is waited for."""
    try:
        return desk.step("find the run", _find, desk, name, patience=SHORT)
    except FlowFailed as failure:
        log.error("card was not remembered in time", extra={"flow_id": name, "reason": str(failure)})
        return None


def _find(desk: Desk, name: str) -> dict[str, Any] | None:
    card = desk.records.card(name)
    if card is None and is_under_way(name, QUEUING):
        # Whoever sees a card may press at once; the flow that posted it notes a moment later where it is.
        raise Unreachable(f"the card of {name} is not remembered yet")
    if card is not None and card["state"] == "closed":
        raise refuse("already_finished", "That run has ended already.")
    return {**card, "created_at": None} if card is not None else None


def _cancel_elsewhere(desk: Desk, job: Job) -> None:
    """Cancel a run that this bot did not start, for instance one of a workflow."""
    run_id = job.words[0]
    if desk.functions.run(run_id).state in FINAL_STATES:
        raise refuse("already_finished", "That run has ended already.")
    desk.functions.cancel(run_id, caller(job), key=job.flow_id)
