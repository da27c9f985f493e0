"""What every decision by people shares: the wait for a press that counts, and what a press comes to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from bot.desk import Desk
from bot.errors import FlowFailed, Refused
from bot.flows.refusals import tell_failure, tell_refusal
from bot.jobs import Job, Role
from bot.messages.jobs import Decided
from bot.registered_models import RECORD_NAME
from ml.contract import ModelSettings

DECISION = "decision"
PRESS_SECONDS = 1.0
"""So long is waited, when the time is over, for a press that was made just before."""

News = dict[str, Any]


def approver_roles(desk: Desk, model: str) -> tuple[Role, ...]:
    """Return the roles that may decide on *model*, ours or (by its record's name) one of MLflow's."""
    if model == RECORD_NAME:
        return desk.settings.team.mlflow.approvers
    settings = desk.settings.team.models.get(model)
    return settings.approvers if settings is not None else ModelSettings.model_fields["approvers"].default


def until_decided(desk: Desk, decide_id: str, weigh: Callable[[News], Decided | None]) -> Decided:
    """Wait for news until *weigh* makes a decision of them or the time is over; close the decision with it.

    *weigh* returns None for news after which the card stays open.
    """
    deadline = datetime.fromisoformat(desk.step("set the deadline", _deadline, desk))
    while True:
        # The time left only says how long to wait; the engine keeps what it was on the first pass.
        news = desk.wait(DECISION, max((deadline - desk.now()).total_seconds(), PRESS_SECONDS))
        decision = Decided(kind="expired", at=deadline) if news is None else weigh(news)
        if decision is not None and _closed(desk, decide_id, decision):
            return decision


def pressed(
    desk: Desk,
    decide_id: str,
    press: News,
    reject: Callable[[Job], None],
    approve: Callable[[Job], Decided],
) -> Decided | None:
    """Do what was pressed; None where it could not be done and the card stays open for the next press.

    *approve* raises Refused with status 409 where the world has moved and the decision came too late.
    """
    presser = Job.model_validate(press["job"])
    if press["kind"] == "reject":
        desk.step("note the rejection", reject, presser)
        return Decided(kind="rejected", by=presser.user, at=presser.asked_at)
    try:
        return approve(presser)
    except Refused as refusal:
        if refusal.problem.status == HTTPStatus.CONFLICT:
            detail = refusal.problem.detail
            return Decided(kind="superseded", by=presser.user, at=presser.asked_at, why=detail)
        desk.step("give the decision back", desk.records.release, decide_id, presser.flow_id)
        tell_refusal(desk, presser, refusal)
    except FlowFailed as failure:
        desk.step("give the decision back", desk.records.release, decide_id, presser.flow_id)
        tell_failure(desk, presser, failure)
    return None


def _deadline(desk: Desk) -> str:
    return (desk.now() + timedelta(days=desk.settings.team.bot.decision_days)).isoformat()


def _closed(desk: Desk, decide_id: str, decision: Decided) -> bool:
    """Close the decision; False where somebody's press, on its way already, goes first."""
    return desk.step("close the decision", desk.records.close_decision, decide_id, decision.kind, decision.by)
