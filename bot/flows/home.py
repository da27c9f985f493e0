"""Somebody looks at the bot's Home tab: their start page is drawn anew, from what concerns them alone."""

from __future__ import annotations

import logging
from datetime import UTC
from typing import Any

from bot.access import includes
from bot.desk import SHORT, Desk
from bot.errors import BotError
from bot.flows.deciding import approver_roles
from bot.jobs import Job, Role
from bot.messages.home import Asked, HomeFacts, Waiting
from bot.messages.home import home as draw
from ml.contract import ModelSummary, RunView

log = logging.getLogger(__name__)

MOST_SHOWN = 5


def home(desk: Desk, job: Job) -> None:
    """Gather what concerns the person and publish it; a page that cannot be drawn is not worth a message."""
    try:
        desk.step("draw the start page", _publish, desk, job, patience=SHORT)
    except BotError as error:
        log.warning("start page was not drawn", extra={"flow_id": job.flow_id, "reason": str(error)})


def _publish(desk: Desk, job: Job) -> None:
    facts = gather(desk, job.user)
    desk.slack.publish_home(job.user, draw(facts, desk.settings.team.bot.command, desk.now()))


def gather(desk: Desk, user: str) -> HomeFacts:
    """Return what a person's page shows; what does not answer is left out, or said."""
    role = desk.access.role(user, needed=("viewer",))
    if role is None:
        return HomeFacts(user, None, ())
    cards = desk.records.cards_of(user, MOST_SHOWN * 4)
    return HomeFacts(
        user=user,
        role=role,
        models=_models(desk),
        waiting=_waiting(desk, role),
        running=_running(desk, [card for card in cards if card["state"] in ("waiting", "running")]),
        works=[_work(desk, one) for one in desk.works.running() if one.job["user"] == user][:MOST_SHOWN],
        results=[_result(desk, card) for card in cards if card["state"] == "closed"][:MOST_SHOWN],
        asked=[Asked(one["at"], one["typed"]) for one in desk.records.asked_by(user, MOST_SHOWN)],
    )


def _models(desk: Desk) -> tuple[ModelSummary, ...] | None:
    try:
        return desk.functions.models().models
    except BotError:
        return None


def _waiting(desk: Desk, role: Role) -> list[Waiting]:
    """Return the open decisions that a holder of *role* may take."""
    mine = [name for name in desk.settings.team.models if includes(role, approver_roles(desk, name))]
    ids = [decide_id for name in mine for decide_id in desk.records.open_decisions(name)][:MOST_SHOWN]
    found = [record for decide_id in ids if (record := desk.records.decision(decide_id)) is not None]
    return [Waiting(one["model"], one["candidate"], _card_link(desk, one["decide_id"])) for one in found]


def _card_link(desk: Desk, decide_id: str) -> str | None:
    card = desk.records.card(decide_id.removesuffix("-decide"))
    return _link(desk, card) if card is not None else None


def _link(desk: Desk, place: dict[str, Any]) -> str | None:
    return desk.slack.permalink({"channel": place["channel"], "ts": place["ts"]})


def _running(desk: Desk, cards: list[dict[str, Any]]) -> list[tuple[RunView, str | None]]:
    ids = [card["run_id"] for card in cards if card["run_id"]][:MOST_SHOWN]
    try:
        runs = desk.functions.status(ids) if ids else {}
    except BotError:
        return []
    return [(runs[card["run_id"]], _link(desk, card)) for card in cards if card["run_id"] in runs]


def _work(desk: Desk, work: Any) -> Asked:
    job = Job.model_validate(work.job)
    return Asked(job.asked_at, job.typed, work.state, _link(desk, work.place))


def _result(desk: Desk, card: dict[str, Any]) -> Asked:
    return Asked(card["created_at"].replace(tzinfo=UTC), card["job"]["typed"], link=_link(desk, card))
