"""One flow as it stands: what was asked, by whom, what came of it, where its message is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from bot.jobs import Job
from bot.messages.blocks import context, section
from bot.messages.message import Message, compose
from bot.messages.text import channel_link, code, inline, mention
from bot.messages.units import when

STATES = {
    "DELAYED": ":hourglass: waits",
    "ENQUEUED": ":hourglass: waits for its turn",
    "PENDING": ":gear: under way",
    "SUCCESS": ":white_check_mark: done",
    "ERROR": ":x: broke off",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": ":x: broke off",
    "CANCELLED": ":no_entry_sign: cancelled",
}
"""How the engine says that a flow stands: https://docs.dbos.dev/python/reference/contexts#workflow-status"""
_CARDS = {"waiting": "ENQUEUED", "running": "PENDING", "elsewhere": "PENDING", "closed": "SUCCESS"}


class Deed(BaseModel):
    """One line of the audit: who did what, and when."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    who: str
    what: str


class Decision(BaseModel):
    """What people were asked to decide, and how it ended; `kind` is None while it is open."""

    model_config = ConfigDict(frozen=True)

    model: str
    candidate: int
    kind: str | None = None
    by: str | None = None


class FlowFacts(BaseModel):
    """What is known of a flow. `state` is the engine's word, or None where the engine has forgotten it.

    `card` is the state of the job's card, which lives longer than the flow that made it. `page` is the
    address of the run, `message` that of the card, `issue` of an experiment. `job` is None where no person,
    webhook or push asked; `hidden` keeps the words of a private job from those who did not type them.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str
    state: str | None = None
    card: str | None = None
    begun_at: datetime | None = None
    job: Job | None = None
    hidden: bool = False
    run: str | None = None
    page: str | None = None
    decision: Decision | None = None
    issue: str | None = None
    message: str | None = None
    deeds: tuple[Deed, ...] = ()


def flow(facts: FlowFacts) -> Message:
    """Return a flow with its state, who asked for what, its run, its decision, and who did what with it."""
    lines = [_headline(facts)]
    if facts.job is not None:
        where = channel_link(facts.job.channel)
        typed = "something private" if facts.hidden else code(facts.job.typed)
        lines.append(f"Asked by {mention(facts.job.user)} in {where}: {typed}")
    if facts.run:
        lines.append(f"Run: {code(facts.run)}{f' {inline(facts.page)}' if facts.page else ''}")
    if facts.decision:
        lines.append(_decision(facts.decision))
    if facts.issue:
        lines.append(f"Experiment: {inline(facts.issue)}")
    if facts.message:
        lines.append(f"Its message: {inline(facts.message)}")
    deeds = [f"• {when(one.at)}: {inline(one.what)} by {mention(one.who)}" for one in facts.deeds]
    begun = f"{when(facts.begun_at)} · " if facts.begun_at else ""
    return compose(
        section("\n".join(lines)),
        section("\n".join(deeds)) if deeds else None,
        context(f"{begun}{code(facts.id)}"),
    )


def known(row: Mapping[str, object]) -> Deed:
    """Return a line of the audit as it is kept."""
    at = row["at"]
    assert isinstance(at, datetime), "the table holds moments"
    return Deed(at=at.replace(tzinfo=UTC), who=str(row["who"]), what=str(row["what"]))


def _headline(facts: FlowFacts) -> str:
    state = _CARDS.get(facts.card or "", facts.state or "")
    mark, words = STATES.get(state, ":card_index_dividers: over").split(" ", 1)
    return f"{mark} *{inline(facts.kind)} · {words}*"


def _decision(decision: Decision) -> str:
    what = f"*{inline(decision.model)}* v{decision.candidate}"
    if decision.kind is None:
        return f"Decision on {what}: open"
    by = f" by {mention(decision.by)}" if decision.by else ""
    return f"Decision on {what}: {inline(decision.kind)}{by}"
