"""Somebody presses a button on the card of a connector's run: start, cancel, run again, approve, reject."""

from __future__ import annotations

from typing import Any

from bot.connectors.connector import Rerunner
from bot.deployments import Deployment
from bot.desk import SHORT, Desk
from bot.engine import WORK
from bot.errors import FlowFailed, Refused
from bot.flows.deploy import still_the_latest, take
from bot.flows.entry import admit_to
from bot.flows.refusals import refuse
from bot.flows.review import STATES, review
from bot.flows.work import Order
from bot.jobs import Job
from bot.messages import work as messages
from bot.messages.deployments import busy, under
from bot.watchers import CONTROL
from bot.works import Work

TO_THE_FLOW = {"start": "start", "dismiss": "cancel", "cancel": "cancel"}


def work_press(desk: Desk, job: Job, kind: str, value: str) -> None:
    """Judge the press of *kind* and pass it on to the waiting flow, or run the ended run again."""
    flow_id, _, attempt = value.partition("|")
    work = find_work(desk, flow_id)
    if work is None:
        raise refuse("unknown_run", "This card belongs to no run that I know of.")
    if kind in STATES:
        review(desk, job, kind, value, work)
        return
    order = Order.model_validate(work.order)
    admit_to(desk, job, order.roles)
    if kind in TO_THE_FLOW:
        pass_on(desk, job, work, TO_THE_FLOW[kind])
    else:
        _run_again(desk, job, work, order, int(attempt or 0), failed_only=kind == "rerun_failed")


def pass_on(desk: Desk, job: Job, work: Work, kind: str) -> None:
    """Send a start or a cancel to the flow that waits for it; raise Refused where it has ended."""
    if work.state == "closed":
        raise refuse("already_finished", "That run has ended already.")
    desk.send(work.work_flow_id, CONTROL, {"kind": kind, "by": job.user}, key=job.flow_id)


def _run_again(desk: Desk, job: Job, work: Work, order: Order, attempt: int, *, failed_only: bool) -> None:
    """Claim the next attempt, begin it, and follow it on the same card; whoever comes second is told so."""
    next_flow = f"{job.flow_id}-work"
    if not desk.step("claim the next attempt", desk.works.reopen, work.flow_id, next_flow, attempt):
        desk.tell(job, messages.pressed_too_late(job))
        return
    try:
        if order.deployment is not None and not _taken_again(desk, job, work, order.deployment):
            desk.step("give the claim back", desk.works.give_back, work.flow_id, attempt)
            return
        desk.step("run it again", _rerun, desk, work, order, attempt, failed_only, patience=SHORT)
    except (Refused, FlowFailed):
        desk.step("give the claim back", desk.works.give_back, work.flow_id, attempt)
        raise
    asked = Job.model_validate(work.job)
    card = under(order.deployment, messages.starting(asked, order.title))
    place = desk.redraw("show that it runs again", asked, work.place, card, state="open")
    desk.start("follow", WORK, next_flow, work.job, place, work.order, attempt + 1)


def _taken_again(desk: Desk, job: Job, work: Work, deployment: Deployment) -> bool:
    """Take the target for a deployment that is to run again; tell who has it where somebody else does.

    Raises Refused where something else was deployed meanwhile.
    """
    held = take(desk, Job.model_validate(work.job), deployment)
    if held is not None:
        desk.tell(job, busy(job, held))
        return False
    desk.step("see what is deployed now", still_the_latest, desk, deployment, patience=SHORT)
    return True


def _rerun(desk: Desk, work: Work, order: Order, attempt: int, failed_only: bool) -> None:
    connector = desk.connectors[order.connector]
    if not isinstance(connector, Rerunner) or work.handle is None:
        raise refuse("cannot_rerun", "This kind of run cannot be run again.")
    connector.rerun(work.handle, failed_only=failed_only, attempt=attempt)


def find_work(desk: Desk, name: str) -> Work | None:
    """Return the work of a job's flow id or a run's id, as a step of the flow; None where there is none."""
    record = desk.step("find the work", _record, desk, name)
    return Work.model_validate(record) if record is not None else None


def _record(desk: Desk, name: str) -> dict[str, Any] | None:
    found = desk.works.find(name)
    return found.model_dump(mode="json") if found is not None else None
