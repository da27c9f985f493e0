"""People decide on a candidate: the card shows the evidence, waits for a button, and says what came of it."""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any

from bot import gates
from bot.desk import LONG, SHORT, Desk, thread_of
from bot.errors import FlowFailed, Refused
from bot.flows.announce import announce
from bot.flows.deciding import DECISION, News, approver_roles, pressed, until_decided
from bot.flows.refusals import refuse
from bot.jobs import Job
from bot.messages import charts, jobs, versions
from bot.messages.jobs import Decided
from ml.contract import AliasMove, AliasView, Evidence, ModelView, Problem, RunView

log = logging.getLogger(__name__)

CHAMPION = "champion"


def decide(desk: Desk, job: Job, place: dict[str, str], record: dict[str, Any]) -> None:
    """Show candidate beside champion, call the approvers, wait for the first press that counts, act on it."""
    view = RunView.model_validate(record)
    evidence = _evidence(view)
    if not desk.step("see whether it can be promoted", _can_be_promoted, desk, evidence, patience=LONG):
        place = desk.redraw("show the comparison", job, place, jobs.finished(job, view), state="done")
        desk.reply("tell the requester", place, jobs.run_ended_note(job, view))
        return
    decide_id = f"{job.flow_id}-decide"
    facts = (decide_id, view.model, evidence.candidate, evidence.digest)
    desk.step("open the decision", desk.records.open_decision, *facts)
    card = jobs.decision(job, view, evidence, decide_id)
    place = desk.redraw("show candidate and champion", job, place, card, state="decision")
    _explain(desk, job, place, view, evidence)
    decision = until_decided(desk, decide_id, partial(_weigh, desk, evidence, decide_id))
    desk.redraw("show the decision", job, place, jobs.decided(job, view, evidence, decision), state="done")
    if decision.kind == "promoted":
        announce(desk, "version.promoted", f"{decide_id}-promoted", decision.at, _told(evidence, decision))


def _told(evidence: Evidence, decision: Decided) -> dict[str, Any]:
    """Return what services outside are told of a promotion."""
    return {
        "model": evidence.model,
        "version": evidence.candidate,
        "previous": evidence.champion,
        "evidence": evidence.digest,
        "by": decision.by,
    }


def _evidence(view: RunView) -> Evidence:
    evidence = view.result.comparison if view.result is not None else None
    if evidence is None:
        raise refuse("evidence_missing", f"Run {view.run_id} compared nothing.")
    return evidence


def _can_be_promoted(desk: Desk, evidence: Evidence) -> bool:
    """Return whether the evidence speaks of a candidate beside the present champion."""
    model = desk.model(evidence.model, fresh=True)
    verdict = gates.evaluate_promotion(_promotion_facts(model, evidence))
    return isinstance(verdict, gates.Proceed) and evidence.candidate != evidence.champion


def _promotion_facts(model: ModelView, evidence: Evidence) -> gates.PromotionFacts:
    return gates.PromotionFacts(
        compared_champion=evidence.champion,
        compared_event=evidence.champion_event,
        champion_now=model.champion.version if model.champion else None,
        event_now=model.champion_event,
    )


def _explain(desk: Desk, job: Job, place: dict[str, str], view: RunView, evidence: Evidence) -> None:
    """Put chart and lineage into the thread, then call those who may decide.

    The decision waits in any case: it must not be lost because a picture could not be shown.
    """
    try:
        desk.step("show the chart", _show_chart, desk, place, evidence, patience=SHORT)
        manifest = desk.step("read the manifest", _manifest, desk, evidence, patience=SHORT)
        desk.reply("show the lineage", place, versions.lineage(manifest))
    except (Refused, FlowFailed) as error:
        log.warning("evidence is shown without its thread", extra={"reason": str(error)})
    try:
        approvers = list(desk.access.holders(approver_roles(desk, evidence.model)))
        called = desk.step("look up whom to call", desk.slack.ids_to_call, approvers, patience=LONG)
        desk.reply("call the approvers", place, jobs.run_ended_note(job, view, called, evidence))
    except (Refused, FlowFailed) as error:
        log.error("approvers could not be called", extra={"flow_id": job.flow_id, "reason": str(error)})


def _show_chart(desk: Desk, place: dict[str, str], evidence: Evidence) -> None:
    chart = charts.evidence_chart(evidence)
    if chart is not None:
        desk.posts.upload(place["channel"], thread_of(place), [chart])


def _manifest(desk: Desk, evidence: Evidence) -> dict[str, Any]:
    return desk.functions.version(evidence.model, evidence.candidate).manifest


def _weigh(desk: Desk, evidence: Evidence, decide_id: str, news: News) -> Decided | None:
    """Return what a press, or the news that the champion has changed, decides."""
    if news["kind"] == "champion_moved":
        return _overtaken(desk, evidence, news)

    def note_rejection(presser: Job) -> None:
        _note(desk, evidence, decide_id, presser.user, "rejected")

    def promote(presser: Job) -> Decided:
        moved = desk.step("move the champion", _promote, desk, evidence, decide_id, presser, patience=SHORT)
        alias = AliasView.model_validate(moved)
        return Decided(kind="promoted", by=presser.user, at=presser.asked_at, alias=alias)

    decision = pressed(desk, decide_id, news, note_rejection, promote)
    if decision is not None and decision.kind == "promoted":
        _tell_other_decisions(desk, evidence, decide_id, decision.at)
    return decision


def _overtaken(desk: Desk, evidence: Evidence, news: dict[str, Any]) -> Decided | None:
    """Return that the decision came too late, or None where the evidence still speaks of the champion."""
    try:
        if desk.step("see whether it still counts", _can_be_promoted, desk, evidence, patience=SHORT):
            return None
    except (Refused, FlowFailed):
        return None  # a press asks again
    return Decided(kind="superseded", at=datetime.fromisoformat(news["at"]), why=news["why"])


def _tell_other_decisions(desk: Desk, evidence: Evidence, decide_id: str, at: datetime) -> None:
    """Let the model's other open decisions look again: what they compare with is champion no more."""
    news = {
        "kind": "champion_moved",
        "at": at.isoformat(),
        "why": f"v{evidence.candidate} was promoted meanwhile.",
    }
    for other in desk.step("find other decisions", desk.records.open_decisions, evidence.model):
        if other != decide_id:
            desk.send(other, DECISION, news, key=f"{decide_id}-moved")


def _promote(desk: Desk, evidence: Evidence, decide_id: str, presser: Job) -> dict[str, Any]:
    """Ask the gate once more with fresh facts, then move the alias under the decision's own key."""
    model = desk.model(evidence.model, fresh=True)
    verdict = gates.evaluate_promotion(_promotion_facts(model, evidence))
    # After a crash between move and checkpoint it is ours already: the same key gives the same answer.
    moved_before = model.champion is not None and model.champion.evidence == evidence.digest
    if isinstance(verdict, gates.Refuse) and not moved_before:
        raise Refused(_moved(verdict))
    move = AliasMove(
        version=evidence.candidate,
        expected_event=evidence.champion_event,
        evidence=evidence.digest,
        by=presser.user,
        why=f"approved in Slack on {evidence.rows.count} rows",
    )
    alias = desk.functions.move_alias(evidence.model, CHAMPION, move, key=decide_id)
    _note(desk, evidence, decide_id, presser.user, "promoted")
    return alias.model_dump(mode="json")


def _note(desk: Desk, evidence: Evidence, decide_id: str, who: str, what: str) -> None:
    desk.records.note(decide_id, who, what, model=evidence.model, version=evidence.candidate)


def _moved(verdict: gates.Refuse) -> Problem:
    return Problem(
        title="The champion has changed",
        status=HTTPStatus.CONFLICT,
        detail=verdict.detail,
        reason_code=verdict.reason_code,
    )
