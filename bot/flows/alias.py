"""A person asks to move an alias of MLflow's registry: the card shows both versions, and people decide."""

from __future__ import annotations

import logging
import re
from functools import partial
from http import HTTPStatus
from typing import Any

from bot.desk import LONG, SHORT, Desk
from bot.engine import DECISIONS
from bot.errors import FlowFailed, Refused
from bot.flows.deciding import News, approver_roles, pressed, until_decided
from bot.flows.entry import admit
from bot.flows.refusals import refuse
from bot.jobs import Job
from bot.messages import jobs as job_messages
from bot.messages import registered as messages
from bot.messages.jobs import Decided
from bot.registered_models import RECORD_NAME, AliasChange
from ml.contract import Problem

log = logging.getLogger(__name__)

FLOW = "decide-alias"
ALIAS = re.compile(r"(?![vV][0-9]+$)(?!latest$)[\w.-]{1,100}")
"""MLflow keeps `latest` and `v1`, `v2` … for itself (https://mlflow.org/docs/latest/ml/model-registry/)."""


def alias(desk: Desk, job: Job) -> None:
    """Read what would change, post the card, and let it wait for a decision."""
    admit(desk, job)
    name, alias_name, version = _named(job)
    record = desk.step("read MLflow", _read, desk, name, alias_name, version, patience=SHORT)
    job = job.model_copy(update={"model": name})
    place = desk.show("post the card", job, job_messages.starting(job), state="open")
    desk.start(FLOW, DECISIONS, decision_id(job), job.model_dump(mode="json"), place, record)


def decide_alias(desk: Desk, job: Job, place: dict[str, str], record: dict[str, Any]) -> None:
    """Show what would move, call the approvers, wait for the first press that counts, act on it."""
    change = AliasChange.model_validate(record)
    decide_id = decision_id(job)
    facts = (decide_id, RECORD_NAME, change.candidate.version, change.digest)
    desk.step("open the decision", desk.records.open_decision, *facts)
    card = messages.decision(job, change, decide_id)
    place = desk.redraw("show the change", job, place, card, state="decision")
    _call(desk, job, place, change)
    how = until_decided(desk, decide_id, partial(_weigh, desk, change, decide_id))
    desk.redraw("show the decision", job, place, messages.decided(job, change, how), state="done")


def decision_id(job: Job) -> str:
    """Return the id of the decision that *job* leads to, which is its flow's id, too."""
    return f"{job.flow_id}-decide"


def _named(job: Job) -> tuple[str, str, int]:
    if len(job.words) != 3:
        raise refuse("missing_argument", "Name model, alias and version: alias MODEL champion v4")
    name, alias_name, word = job.words
    if not ALIAS.fullmatch(alias_name):
        raise refuse("invalid_value", f"{alias_name!r} cannot be an alias; for instance champion can.")
    matched = re.fullmatch(r"[vV]?([0-9]{1,9})", word)
    if matched is None:
        raise refuse("invalid_value", f"{word!r} is no version; write for instance v4.")
    return name, alias_name, int(matched[1])


def _read(desk: Desk, name: str, alias_name: str, version: int) -> dict[str, Any]:
    change = desk.registry().change(name, alias_name, version)
    if change.present is not None and change.present.version == version:
        raise refuse("alias_is_there", f"{alias_name} of {name} points to v{version}.")
    return change.model_dump(mode="json")


def _call(desk: Desk, job: Job, place: dict[str, str], change: AliasChange) -> None:
    """Call those who may decide; the decision waits in any case."""
    try:
        approvers = list(desk.access.holders(approver_roles(desk, RECORD_NAME)))
        called = desk.step("look up whom to call", desk.slack.ids_to_call, approvers, patience=LONG)
        desk.reply("call the approvers", place, messages.call(job, change, called))
    except (Refused, FlowFailed) as error:
        log.error("approvers could not be called", extra={"flow_id": job.flow_id, "reason": str(error)})


def _weigh(desk: Desk, change: AliasChange, decide_id: str, press: News) -> Decided | None:
    def note_rejection(presser: Job) -> None:
        _note(desk, change, decide_id, presser.user, "rejected")

    def move(presser: Job) -> Decided:
        desk.step("move the alias", _move, desk, change, decide_id, presser.user, patience=SHORT)
        return Decided(kind="promoted", by=presser.user, at=presser.asked_at)

    return pressed(desk, decide_id, press, note_rejection, move)


def _move(desk: Desk, change: AliasChange, decide_id: str, who: str) -> None:
    """Move the alias if everything is still as the card showed it; raise Refused otherwise."""
    registry = desk.registry()
    now = registry.change(change.model, change.alias, change.candidate.version)
    decision = f"{decide_id} by {who}"
    if now.digest != change.digest:
        # After a crash between move and checkpoint it is ours already: the version says by which decision.
        arrived = now.present is not None and now.present.version == change.candidate.version
        if not (arrived and registry.decision_of(change) == decision):
            raise Refused(_moved(change, now))
    else:
        registry.move(change, decision)
    _note(desk, change, decide_id, who, "moved")


def _note(desk: Desk, change: AliasChange, decide_id: str, who: str, what: str) -> None:
    versions = {"version": change.candidate.version, "before": change.present and change.present.version}
    desk.records.note(decide_id, who, what, model=change.model, alias=change.alias, **versions)


def _moved(change: AliasChange, now: AliasChange) -> Problem:
    version = f"v{now.present.version}" if now.present else "nothing"
    same = now.present == change.present
    seen = "The metrics of a version have changed." if same else f"{change.alias} now points to {version}."
    return Problem(
        title="The registry has changed",
        status=HTTPStatus.CONFLICT,
        detail=f"{seen} Ask again to decide.",
        reason_code="world_moved",
    )
