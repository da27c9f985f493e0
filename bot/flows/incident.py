"""A run of a workflow that a channel subscribed to has begun or ended: one message for each incident.

One flow at a time for each workflow, branch and channel, so that its news comes in order.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from bot.connectors.connector import Lister
from bot.connectors.github_runs import NAME
from bot.desk import GONE, LONG, SHORT, Desk
from bot.errors import FlowFailed, Refused, SlackRefused
from bot.incidents import FAILURE, RECOVERY, Change, Incident, News, breaking, wanted
from bot.messages import incidents as messages
from bot.messages.message import Message
from bot.run_news import BROKEN

log = logging.getLogger(__name__)


def flow(desk: Desk) -> Callable[[dict[str, Any]], None]:
    """Return the flow of one piece of news."""

    def incident(record: dict[str, Any]) -> None:
        news = News.model_validate(record)
        try:
            _tell(desk, news)
        except (Refused, FlowFailed) as error:
            # The incident is kept: its next news shows all of it.
            log.error("channel could not be told", extra={"channel": news.channel, "reason": str(error)})

    return incident


def _tell(desk: Desk, news: News) -> None:
    """Let the news change its incident, then show what the channel wants to know of it."""
    on = frozenset(desk.step("see what the channel wants", _wanted, desk, news))
    why = _why(desk, news) if news.run.phase in breaking(on) else None
    taken = desk.step("take the news", _take, desk, news, on, why)
    facts, change, ts = Incident.model_validate(taken["incident"]), taken["change"], taken["ts"]
    told = change != "none" and (ts is not None or _is_shown(on, change))
    if told:
        _show(desk, news, facts, ts)
    if change == "recovered" and ts is not None and RECOVERY in on:
        place = {"channel": news.channel, "ts": ts}
        desk.reply("say that it has recovered", place, messages.recovery_note(news.repository, facts))
    if on - {FAILURE, RECOVERY, *BROKEN}:
        _show_run(desk, news, wanted=news.run.phase in on - breaking(on) and not (told and change != "moved"))


def _is_shown(on: frozenset[str], change: Change) -> bool:
    """Return whether an incident that has no message yet gets one by this change."""
    return RECOVERY in on if change == "recovered" else change != "moved" and bool(on & {FAILURE, *BROKEN})


def _wanted(desk: Desk, news: News) -> list[str]:
    return sorted(wanted(desk.subscriptions.of(news.channel), news))


def _why(desk: Desk, news: News) -> str | None:
    """Return the failing step and its first error line, or None where GitHub does not tell soon."""
    github = desk.connectors.get(NAME)
    if github is None or not isinstance(github, Lister):
        return None
    try:
        return desk.step("ask why it failed", github.why, news.repository, news.run, patience=SHORT)
    except (Refused, FlowFailed) as error:
        log.info("failure could not be explained", extra={"run_id": news.run.id, "reason": str(error)})
        return None


def _take(desk: Desk, news: News, on: frozenset[str], why: str | None) -> dict[str, Any]:
    incident, change, ts = desk.subscriptions.take(news, on, why)
    return {"incident": incident.model_dump(mode="json"), "change": change, "ts": ts}


def _show(desk: Desk, news: News, facts: Incident, ts: str | None) -> None:
    card = messages.incident(news.repository, facts)
    shown = desk.step("show the incident", _draw, desk, news.channel, ts, card, patience=LONG)
    if shown != ts:
        desk.step("remember its message", desk.subscriptions.place, news.key, shown)


def _show_run(desk: Desk, news: News, *, wanted: bool) -> None:
    """Edit the message about this one run, or post it if it is *wanted*."""
    run = news.run
    ts = desk.step("find the run's message", desk.subscriptions.notice, news.channel, run.id)
    if ts is None and not wanted:
        return
    shown = desk.step("show the run", _draw, desk, news.channel, ts, messages.notice(news), patience=LONG)
    if shown != ts:
        desk.step("remember the run's message", desk.subscriptions.note, news.channel, run.id, shown)


def _draw(desk: Desk, channel: str, ts: str | None, message: Message) -> str:
    """Edit the message at *ts*, or post it where there is none, or none any more; return where it stands.

    A post whose answer was lost is looked for before it is sent again.
    """
    if ts is not None:
        try:
            desk.slack.edit({"channel": channel, "ts": ts}, message)
        except SlackRefused as refusal:
            if refusal.code not in GONE:
                raise
        else:
            return ts
    return desk.posts.post(channel, message)["ts"]
