"""Somebody presses a button on a decision card: is it theirs to press, and does it still count?"""

from __future__ import annotations

from typing import Any

from bot import gates
from bot.desk import SHORT, Desk
from bot.flows.deciding import DECISION, approver_roles
from bot.flows.entry import admit, role_of
from bot.flows.refusals import refuse
from bot.jobs import Job
from bot.messages import jobs, versions
from ml.contract import VersionView


def press(desk: Desk, job: Job, kind: str, decide_id: str, shown: str) -> None:
    """Judge the press of *kind* (promote, reject, card) and pass it on to the waiting decision.

    The first press that may be made has the decision; whoever comes second is told so.
    """
    if kind == "card":
        admit(desk, job.model_copy(update={"verb": "show"}))
        view = VersionView.model_validate(desk.step("read the card", _card, desk, decide_id, patience=SHORT))
        desk.tell(job, versions.card(view))
        return
    earlier = desk.step("check who pressed", _judge, desk, job, decide_id, shown)
    if earlier is not None:
        desk.tell(job, jobs.already_decided(job, earlier["kind"], earlier["by"]))
        return
    message = {"kind": kind, "job": job.model_dump(mode="json")}
    desk.send(decide_id, DECISION, message, key=job.flow_id)


def _judge(desk: Desk, job: Job, decide_id: str, shown: str) -> dict[str, Any] | None:
    """Claim the decision for this press; return who came first (and with what) where somebody did."""
    record = _record(desk, decide_id)
    role = role_of(desk, job.user, fresh=True)
    facts = gates.DecisionFacts(
        role=role,
        approvers=approver_roles(desk, record["model"]),
        shown=shown,
        evidence=record["evidence"],
    )
    verdict = gates.evaluate_decision(facts)
    desk.records.note(job.flow_id, job.user, job.verb, decide_id=decide_id, counts=verdict == gates.Proceed())
    if isinstance(verdict, gates.Refuse):
        raise refuse(verdict.reason_code, verdict.detail)
    if desk.records.press(decide_id, job.flow_id, job.user):
        return None
    earlier = _record(desk, decide_id)
    return {"kind": earlier["kind"], "by": earlier["by"]}


def _record(desk: Desk, decide_id: str) -> dict[str, Any]:
    record = desk.records.decision(decide_id)
    if record is None:
        raise refuse("evidence_not_found", "This card belongs to no decision that I know of.")
    return record


def _card(desk: Desk, decide_id: str) -> dict[str, Any]:
    record = _record(desk, decide_id)
    return desk.functions.version(record["model"], record["candidate"]).model_dump(mode="json")
