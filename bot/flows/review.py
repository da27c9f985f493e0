"""Somebody approves or rejects, in Slack, what an environment of GitHub holds up."""

from __future__ import annotations

from typing import Any, Literal

from bot import gates
from bot.connectors.connector import Review, RunHandle, Waiting
from bot.desk import SHORT, Desk
from bot.errors import FlowFailed, Refused
from bot.flows.entry import admit_to, role_of
from bot.flows.refusals import refuse
from bot.flows.work import Order
from bot.jobs import PUSHER, Job
from bot.messages import work as messages
from bot.works import Work

STATES: dict[str, Literal["approved", "rejected"]] = {"approve": "approved", "reject": "rejected"}
RECORD_NAME = "github"
"""Under this name the decisions about environments stand in the bot's records."""


def review(desk: Desk, job: Job, kind: str, value: str, work: Work) -> None:
    """Judge the press on the button of one environment of one run, and pass the decision on to GitHub.

    The first press that may be made has the decision; whoever comes second is told so.
    """
    order = Order.model_validate(work.order)
    admit_to(desk, job, order.approvers or order.roles)
    shown = _shown(work, value)
    record = desk.step("check who decides", _judge, desk, job, order, work, *shown, patience=SHORT)
    environment, login = record["environment"], record["login"]
    decision = f"{value.partition('|')[2]}"
    facts = (decision, RECORD_NAME, work.attempt, value)
    desk.step("open the decision", desk.records.open_decision, *facts)
    if not desk.step("claim the decision", desk.records.press, decision, job.flow_id, job.user):
        first = desk.step("see who was first", _first, desk, decision)
        desk.tell(job, messages.reviewed_before(job, environment, first))
        return
    said = Review(
        environment=environment,
        state=STATES[kind],
        login=login,
        comment=f"{STATES[kind]} in Slack by {login} ({job.user}), {job.asked_at:%Y-%m-%d %H:%M:%S} UTC",
        user=job.user,
    )
    try:
        desk.step("pass the decision on", _pass_on, desk, work, shown[1], said, patience=SHORT)
    except (Refused, FlowFailed):
        desk.step("give the decision back", _give_back, desk, job, work, decision, said)
        raise
    desk.step("keep the decision", _keep, desk, job, work, decision, said)
    desk.tell(job, messages.reviewing(job, environment, said.state))


def _shown(work: Work, value: str) -> tuple[str, int]:
    """Return run and environment of the button; raise Refused where the card is about another run by now."""
    parts = value.split("|")
    if len(parts) != 5 or not parts[3].isdecimal() or work.handle is None:
        raise refuse("nothing_waits", "This button belongs to no run that I know of.")
    if work.state != "running" or (parts[1], parts[2]) != (str(work.attempt), work.handle.id):
        raise refuse("nothing_waits", "That run has ended, or was run again since.")
    return parts[2], int(parts[3])


def _judge(
    desk: Desk, job: Job, order: Order, work: Work, run_id: str, environment_id: int
) -> dict[str, Any]:
    """Gather what is known of the environment, the people and the bot, and judge it; all of it fresh."""
    assert work.handle is not None
    reviews = desk.github().actions.reviews
    waiting = {one.environment_id: (one, may) for one, may in reviews.own_waits(work.handle)}
    one, bot_may = waiting.get(environment_id, (None, False))
    people = desk.settings.team.github
    login = people.login(job.user)
    protection = reviews.protection(work.handle.scope, one.environment) if one else None
    role = role_of(desk, job.user, fresh=True)
    facts = gates.ReviewFacts(
        environment=one.environment if one else "that environment",
        role=role,
        approvers=order.approvers or order.roles,
        waits=one is not None,
        login=login,
        is_reviewer=one is not None and login is not None and _is_reviewer(desk, work.handle, one, login),
        prevents_self_review=protection is not None and protection.prevent_self_review,
        is_own=_is_own(desk, work, job.user, login),
        bot_may=bot_may,
    )
    verdict = gates.evaluate_review(facts)
    counts = verdict == gates.Proceed()
    known = {"run": run_id, "environment": facts.environment, "login": login}
    desk.records.note(job.flow_id, job.user, "review judged", kind=job.verb, counts=counts, **known)
    if isinstance(verdict, gates.Refuse):
        raise refuse(verdict.reason_code, verdict.detail)
    return {"environment": facts.environment, "login": login}


def _is_reviewer(desk: Desk, handle: RunHandle, one: Waiting, login: str) -> bool:
    if login.casefold() in {known.casefold() for known in one.reviewers}:
        return True
    return desk.github().actions.reviews.in_teams(handle.scope, one.teams, login)


def _is_own(desk: Desk, work: Work, user: str, login: str | None) -> bool:
    """Return whether the presser asked for the run, in Slack or by a push."""
    asked = Job.model_validate(work.job).user
    if asked == user:
        return True
    by_push = (
        asked.removeprefix(PUSHER) if asked.startswith(PUSHER) else desk.settings.team.github.login(asked)
    )
    return login is not None and by_push is not None and by_push.casefold() == login.casefold()


def _pass_on(desk: Desk, work: Work, environment_id: int, said: Review) -> None:
    """Tell GitHub, unless an attempt that was cut off has told it already.

    Whose decision it is, is written down before: the run that it sets free may end before we come to that.
    """
    assert work.handle is not None
    reviews = desk.github().actions.reviews
    state: Literal["approved", "rejected"] = "approved" if said.state == "approved" else "rejected"
    desk.works.add_review(work.flow_id, said)
    if _is_known(desk, work.handle, said):
        return
    try:
        reviews.decide(work.handle, environment_id, state, said.comment)
    except Refused:
        if not _is_known(desk, work.handle, said):
            raise


def _give_back(desk: Desk, job: Job, work: Work, decision: str, said: Review) -> None:
    desk.works.drop_review(work.flow_id, said)
    desk.records.release(decision, job.flow_id)


def _is_known(desk: Desk, handle: RunHandle, said: Review) -> bool:
    known = desk.github().actions.reviews.reviews(handle)
    return (said.environment, said.comment) in {(one.environment, one.comment) for one in known}


def _keep(desk: Desk, job: Job, work: Work, decision: str, said: Review) -> None:
    desk.works.add_review(work.flow_id, said)
    run = work.handle.id if work.handle else None
    desk.records.note(decision, job.user, said.state, run=run, **said.model_dump(mode="json"))
    desk.records.close_decision(decision, said.state, job.user)


def _first(desk: Desk, decision: str) -> str | None:
    record = desk.records.decision(decision)
    return record["by"] if record else None
