"""Subscriptions and incidents: what a channel is told of workflows, whoever started them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.connectors.connector import Sighting
from bot.incidents import Incident, News, Subscription
from bot.messages import incidents, subscriptions
from bot.run_news import Gap
from playground.gallery.records import AT, CHANNEL, OPERATOR, job
from playground.gallery.sample import Chapter, Sample

REPOSITORY = "acme/flights"
JOB = job("subscribe", "/ml subscribe flights workflow=deploy.yml branch=main", model=None)
GAP = Gap(since=AT - timedelta(hours=3), until=AT, overrun=True)


def run(number: int, phase: str, minutes: int = 0, **more: Any) -> Sighting:
    """Return a run of the nightly workflow."""
    fields: dict[str, Any] = {
        "id": str(7000 + number),
        "workflow": "Nightly scores",
        "branch": "main",
        "number": number,
        "phase": phase,
        "at": AT + timedelta(minutes=minutes),
        "actor": "octocat",
        "title": "Score the new month",
        "url": f"https://github.com/acme/flights/actions/runs/{7000 + number}",
    }
    return Sighting(**fields | more)


OPENED = Incident(
    number=1,
    is_open=True,
    latest=run(41, "failure"),
    failures=1,
    since=AT,
    first=run(41, "failure"),
    broken=run(41, "failure"),
    why="score: FileNotFoundError: flights-2013-07.csv",
)
AGAIN = OPENED.model_copy(
    update={
        "failures": 3,
        "latest": run(43, "started", 50),
        "broken": run(42, "timed_out", 40, attempt=2),
        "running": run(43, "started", 50),
    }
)
OVER = AGAIN.model_copy(
    update={
        "is_open": False,
        "running": None,
        "latest": run(43, "success", 55),
        "recovered": run(43, "success", 55),
    }
)
DEPLOYS = Subscription(
    id=3,
    channel=CHANNEL,
    repository=REPOSITORY,
    workflow="deploy.yml",
    branch="main",
    by=OPERATOR,
    created_at=AT,
)
EVERYTHING = Subscription(id=4, channel=CHANNEL, repository="acme/wine", by=OPERATOR, created_at=AT)
PHASES = (
    "started", "success", "failure", "timed_out", "startup_failure", "cancelled", "skipped", "neutral",
    "action_required", "stale",
)  # fmt: skip


def news(phase: str, gap: Gap | None = None) -> News:
    """Return news of one run."""
    return News(channel=CHANNEL, repository=REPOSITORY, run=run(44, phase), gap=gap)


CHAPTER = Chapter(
    "Subscriptions and incidents",
    "One message for each incident, edited as it goes on; its recovery is a reply that people hear of.",
    (
        Sample("A channel begins to be told.", subscriptions.subscribed, (JOB, DEPLOYS)),
        Sample("It is told already.", subscriptions.already, (JOB, DEPLOYS), "private"),
        Sample("It is told no more.", subscriptions.unsubscribed, (JOB, EVERYTHING)),
        Sample(
            "What a channel is told.",
            subscriptions.subscriptions,
            ((DEPLOYS, EVERYTHING), {REPOSITORY: AT, "acme/wine": AT}, "/ml"),
            "private",
        ),
        Sample("It is told nothing.", subscriptions.subscriptions, ((), {}, "/ml"), "private"),
        Sample("A workflow fails.", incidents.incident, (REPOSITORY, OPENED)),
        Sample("It goes on failing, and is tried again.", incidents.incident, (REPOSITORY, AGAIN)),
        Sample("It has recovered.", incidents.incident, (REPOSITORY, OVER)),
        Sample(
            "Those who follow the incident hear of it.", incidents.recovery_note, (REPOSITORY, OVER), "thread"
        ),
        *(Sample(f"A run, as GitHub says: {phase}.", incidents.notice, (news(phase),)) for phase in PHASES),
        Sample("A run that ended while the bot was away.", incidents.notice, (news("failure", GAP),)),
    ),
)
