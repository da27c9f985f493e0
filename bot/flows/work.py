"""A job that a connector runs, from its confirmation to its end; the same story for each kind of system.

It knows of no system: what to do is an order, how it goes comes from the connector and the watcher. Once a
run has ended, `follow` takes the story up again when somebody runs it anew.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from bot.connectors.connector import FINAL, JobRequest, RunHandle, RunStatus, Waiting
from bot.connectors.run_reports import judge
from bot.deployments import Deployment, told_apart
from bot.desk import LONG, SHORT, Desk, Patience
from bot.errors import BotError, FlowFailed, RateLimited, Refused
from bot.flows.announce import announce
from bot.flows.clearance import Stopped, cleared, environment_address, prove_commit, ran_for
from bot.flows.experiment_result import conclude
from bot.flows.refusals import failure_problem, refuse
from bot.jobs import Job, Role
from bot.messages import work as messages
from bot.messages.deployments import under
from bot.messages.message import Message
from bot.watchers import CONTROL
from ml.contract import MetricSpec, Problem

log = logging.getLogger(__name__)

LOOK_AGAIN_SECONDS = 3600.0
"""A safety net: without any word from the watcher for this long, the flow looks for itself."""
LOOK_SOON_SECONDS = 0.2
CONFIRM_SECONDS = 3600.0
STARTING = Patience(attempts=16, first_seconds=1.0, growth=1.25)
"""About two minutes: after a cut it takes one until it is sure whether the run was started."""
NOT_FOR_NOW = frozenset({"github_rejected_token", "github_forbidden"})
"""Refusals that somebody will put right while the run goes on."""


class Order(BaseModel):
    """What is to be done: by which connector, under which title, by whom, and whether it is confirmed.

    `command` names a team's own command, whose report template is used; `question` is what it asks first.
    `approvers` decide about environments that hold it up (without any: `roles`). A `deployment` waits for its
    checks before it starts, and stands on its card.
    `model` is the model that the run trains: its report is judged by that one's metrics, and it is not run
    again from its card, because the model's queue has gone on.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    connector: str
    title: str
    request: JobRequest
    roles: tuple[Role, ...]
    confirm: bool = False
    question: str | None = None
    command: str | None = None
    model: str | None = None
    approvers: tuple[Role, ...] = ()
    deployment: Deployment | None = None


def work(desk: Desk, job: Job, place: dict[str, str], record: dict[str, Any]) -> None:
    """Have the order confirmed where it must be, start it, follow the run, show what came of it."""
    order: Order | None = Order.model_validate(record)
    if order is not None and order.deployment is not None:
        order = _ready(desk, job, place, order, order.deployment)
    handle = begin_run(desk, job, place, order) if order is not None else None
    if order is not None and handle is not None:
        _follow_to_the_end(desk, job, place, order, handle, attempt=1)


def follow(desk: Desk, job: Job, place: dict[str, str], record: dict[str, Any], attempt: int) -> None:
    """Follow a run that was begun again, on the card that it has."""
    order = Order.model_validate(record)
    found = desk.step("find the run", _watch_again, desk, job.flow_id)
    _follow_to_the_end(desk, job, place, order, RunHandle.model_validate(found), attempt)


def _ready(desk: Desk, job: Job, place: dict[str, str], order: Order, deployment: Deployment) -> Order | None:
    """Have it confirmed, wait for its checks; None where it may not start, which the card then says."""
    try:
        if order.confirm and not _confirmed(desk, job, place, order):
            return None
        known = {"deployment": cleared(desk, job, deployment), "confirm": False}
    except Stopped as stop:
        _show_not_started(desk, job, place, order, stop.by)
    except Refused as refusal:
        _refuse(desk, job, place, order, refusal.problem)
    except FlowFailed as failure:
        log.error("checks could not be seen", extra={"flow_id": job.flow_id, "reason": str(failure)})
        _refuse(desk, job, place, order, failure_problem(failure))
    else:
        return order.model_copy(update=known)
    return None


def begin_run(desk: Desk, job: Job, place: dict[str, str], order: Order) -> RunHandle | None:
    """Start the order's run and have it watched; None where it was not started, which the card then says."""
    try:
        if order.confirm and not _confirmed(desk, job, place, order):
            return None
        handle = _started(desk, job, place, order)
        if handle is not None:
            desk.step("watch the run", _watch, desk, job, handle.model_dump(mode="json"))
            if order.deployment is not None:
                prove_commit(desk, order.deployment, handle, order.connector)
    except Refused as refusal:
        _refuse(desk, job, place, order, refusal.problem)
    except FlowFailed as failure:
        log.error("work could not start", extra={"flow_id": job.flow_id, "reason": str(failure)})
        _refuse(desk, job, place, order, failure_problem(failure))
    else:
        return handle
    return None


def _confirmed(desk: Desk, job: Job, place: dict[str, str], order: Order) -> bool:
    """Ask whether to start and wait for the answer; False where it was no, or none came."""
    card = messages.to_confirm(job, order.title, order.request.values, order.request.ref, order.question)
    place = desk.redraw("ask whether to start", job, place, under(order.deployment, card), state="decision")
    news = desk.wait(CONTROL, CONFIRM_SECONDS)
    if news is not None and news["kind"] == "start":
        return True
    _show_not_started(desk, job, place, order, news["by"] if news else None)
    return False


def _started(desk: Desk, job: Job, place: dict[str, str], order: Order) -> RunHandle | None:
    """Start the run, however long the other side asks to wait; None where somebody stopped it meanwhile."""
    card = under(order.deployment, messages.starting(job, order.title))
    desk.redraw("show that it starts", job, place, card, state="open")
    while True:
        outcome = desk.step("start the run", _start, desk, job, order, patience=STARTING)
        if "handle" in outcome:
            return RunHandle.model_validate(outcome["handle"])
        until = datetime.fromisoformat(outcome["until"])
        card = under(order.deployment, messages.held_up(job, order.title, until))
        desk.redraw("show until when it waits", job, place, card, state="open")
        # The time left only says how long to wait; the engine keeps what it was on the first pass.
        news = desk.wait(CONTROL, max((until - desk.now()).total_seconds(), 1.0))
        if news is not None and news["kind"] == "cancel":
            _show_not_started(desk, job, place, order, news["by"])
            return None


def _start(desk: Desk, job: Job, order: Order) -> dict[str, Any]:
    """Start it under the job's id; say until when to wait where the other side is at its limit."""
    began_at = desk.works.begin(job.flow_id)
    taken = desk.works.taken(job.flow_id, began_at) if began_at is not None else ()
    request = order.request.model_copy(update={"began_at": began_at, "taken": taken})
    try:
        handle = desk.connectors[order.connector].start(request, key=job.flow_id)
    except RateLimited as limit:
        if began_at is None:
            desk.works.not_begun(job.flow_id)  # the only attempt so far was turned away
        return {"until": limit.until.isoformat()}
    if not desk.works.own(job.flow_id, handle):
        raise refuse("start_uncertain", "A run that began then belongs to another command; start again.")
    return {"handle": handle.model_dump(mode="json")}


def _watch(desk: Desk, job: Job, handle: dict[str, Any]) -> None:
    begun = RunHandle.model_validate(handle)
    desk.works.watch(job.flow_id, begun)
    desk.run_begun(begun.id)


def _show_not_started(desk: Desk, job: Job, place: dict[str, str], order: Order, by: str | None) -> None:
    desk.step("close the card", desk.works.close, job.flow_id)
    card = under(order.deployment, messages.not_started(job, order.title, by))
    desk.redraw("show that it was not started", job, place, card, state="done")
    conclude(desk, job, refuse("cancelled", "It was stopped before it started.").problem)


def _follow_to_the_end(
    desk: Desk, job: Job, place: dict[str, str], order: Order, handle: RunHandle, attempt: int
) -> None:
    status = follow_run(desk, job, place, order, handle, attempt)
    if status is not None:
        show_end(desk, job, place, order, status, attempt)


def follow_run(
    desk: Desk, job: Job, place: dict[str, str], order: Order, handle: RunHandle, attempt: int
) -> RunStatus | None:
    """Return how *attempt* ended; None where it is out of sight for good, which the card then says."""
    try:
        status = _until_it_ends(desk, job, order, handle, attempt)
    except Refused as refusal:
        problem = refusal.problem
        _give_up(desk, job, place, order, messages.lost(job, order.title, handle.url, problem), problem)
        return None
    desk.step("close the card", desk.works.close, job.flow_id)
    return status


def show_end(
    desk: Desk, job: Job, place: dict[str, str], order: Order, status: RunStatus, attempt: int
) -> None:
    """Show how a run ended, call who asked for it, and tell services outside."""
    by = desk.step("see who cancelled it", desk.records.cancelled_by, f"{job.flow_id}|{attempt}")
    own = desk.settings.team.commands.get(order.command or "")
    if order.deployment is not None:
        status = ran_for(order.deployment, status)
    card = messages.ended(job, order.title, status, by, own.report if own else ())
    if order.deployment is not None:
        about = (desk, job, order.deployment, status)
        url = desk.step("see where it can be seen", environment_address, *about, patience=SHORT)
        card = under(order.deployment, card, url)
    place = desk.redraw("show how it ended", job, place, card, state="done")
    desk.attach("show how it ended: files", place, card)
    desk.reply("tell the requester", place, messages.ended_note(job, order.title, status))
    at = status.finished_at or status.created_at or job.asked_at
    announce(desk, "run.finished", f"{job.flow_id}-{attempt}-finished", at, _told(job, order, status))
    conclude(desk, job, status, attempt)


def _told(job: Job, order: Order, status: RunStatus) -> dict[str, Any]:
    """Return what services outside are told of a run's end."""
    return ({"model": order.model} if order.model else {}) | {
        "command": job.verb,
        "run": status.handle.id,
        "attempt": status.attempt,
        "state": status.state,
        "reason_code": status.reason.code if status.reason else None,
        "asked_by": job.user,
    }


def _refuse(desk: Desk, job: Job, place: dict[str, str], order: Order, problem: Problem) -> None:
    """Show why it was not started; who waited for checks is called, too."""
    _give_up(desk, job, place, order, messages.refused(job, order.title, problem), problem)
    if order.deployment is not None:
        desk.reply("tell the requester", place, messages.not_started_note(job, order.title, problem))


def _give_up(
    desk: Desk, job: Job, place: dict[str, str], order: Order, card: Message, problem: Problem
) -> None:
    desk.step("close the card", desk.works.close, job.flow_id)
    desk.redraw("show why it does not go on", job, place, under(order.deployment, card), state="done")
    conclude(desk, job, problem)


def _until_it_ends(desk: Desk, job: Job, order: Order, handle: RunHandle, attempt: int) -> RunStatus:
    """Wait for the end of *attempt*, however long the other side does not answer; pass cancels on."""
    # What a team's own command calls may have answered with the start.
    patience = LOOK_SOON_SECONDS if order.command else LOOK_AGAIN_SECONDS
    while True:
        news = desk.wait(CONTROL, patience)
        patience = LOOK_AGAIN_SECONDS
        if news is not None and news["kind"] == "cancel":
            _pass_on_cancel(desk, job, order, handle, attempt, news["by"])
            continue
        if news is not None and news["kind"] == "waits":
            _call_reviewers(desk, job, order, [Waiting.model_validate(one) for one in news["waits"]])
            continue
        status = _look(desk, job, order, handle)
        if status is not None and status.state in FINAL and status.attempt >= attempt:
            return status


def _call_reviewers(desk: Desk, job: Job, order: Order, waits: list[Waiting]) -> None:
    """Call those who may let the run go on, as far as the settings know them; it waits in any case."""
    try:
        found = desk.step("see where the card is", _place_and_people, desk, job, waits)
        called = found["called"] if "called" in found else _mapped(desk, waits)  # not kept by release 0.1
        if not called:
            holders = list(desk.access.holders(order.approvers or order.roles))
            called = desk.step("look up whom to call", desk.slack.ids_to_call, holders, patience=LONG)
        place = {name: found[name] for name in ("channel", "ts")}
        names = [one.environment for one in waits]
        desk.reply("call the reviewers", place, messages.waits_note(job, order.title, names, called))
    except (Refused, FlowFailed) as error:
        log.error("reviewers could not be called", extra={"flow_id": job.flow_id, "reason": str(error)})


def _place_and_people(desk: Desk, job: Job, waits: list[Waiting]) -> dict[str, Any]:
    """Return where the card is and whom the settings name: they may be others when the flow runs again."""
    found = desk.works.find(job.flow_id)
    if found is None:
        raise refuse("unknown_run", "This card belongs to no run that I know of.")
    return {**found.place, "called": _mapped(desk, waits)}


def _mapped(desk: Desk, waits: list[Waiting]) -> list[str]:
    people = desk.settings.team.github
    users = [people.user(login) for one in waits for login in one.reviewers]
    return list(dict.fromkeys(user for user in users if user))


def _look(desk: Desk, job: Job, order: Order, handle: RunHandle) -> RunStatus | None:
    """Return the run as it stands, or None where the other side cannot be asked at present."""
    try:
        record = desk.step("read the result", _result, desk, job, order, handle, patience=LONG)
        return RunStatus.model_validate(record)
    except FlowFailed as failure:
        log.error("run could not be read", extra={"run_id": handle.id, "reason": str(failure)})
    except Refused as refusal:
        if refusal.problem.reason_code not in NOT_FOR_NOW:
            raise
        log.error("run could not be read", extra={"run_id": handle.id, "reason": str(refusal)})
    return None


def _result(desk: Desk, job: Job, order: Order, handle: RunHandle) -> dict[str, Any]:
    """Return the run with its report, judged by the metrics of the model that it speaks of."""
    status = desk.connectors[order.connector].result(handle)
    report = status.report
    if report is not None:
        name = order.model or report.fields.get("model")
        if isinstance(name, str) and name in desk.settings.team.models:
            report = judge(report, name, _metrics_of(desk, name))
    known = {
        "report": report,
        "offers": () if order.model and status.state in FINAL else status.offers,
        "reviews": told_apart(status.reviews, desk.works.reviews(job.flow_id)),
    }
    return status.model_copy(update=known).model_dump(mode="json")


def _metrics_of(desk: Desk, model: str) -> tuple[MetricSpec, ...] | None:
    """Return the model's metrics; None where the function app does not say: a report waits for nobody."""
    try:
        return desk.model(model).metrics
    except BotError as error:
        log.info("report is not judged", extra={"model": model, "reason": str(error)})
        return None


def _pass_on_cancel(desk: Desk, job: Job, order: Order, handle: RunHandle, attempt: int, by: str) -> None:
    """Ask for the run to be stopped; whether it was shows in how it ends."""
    desk.step("record the cancel", desk.records.cancel, f"{job.flow_id}|{attempt}", by)
    try:
        desk.step("cancel the run", desk.connectors[order.connector].cancel, handle, patience=LONG)
    except (Refused, FlowFailed) as error:
        log.warning("run could not be cancelled", extra={"run_id": handle.id, "reason": str(error)})


def _watch_again(desk: Desk, flow_id: str) -> dict[str, Any]:
    """Have the run watched from now on: the card has said that it starts again; return its handle."""
    found = desk.works.find(flow_id)
    if found is None or found.handle is None:
        raise refuse("unknown_run", "This card belongs to no run that I know of.")
    desk.works.watch(flow_id, found.handle)
    desk.run_begun(found.handle.id)
    return found.handle.model_dump(mode="json")
