"""Subscriptions and incidents as facts and rules: who wants what, and what a run's news makes of an incident.

Pure. An incident is a workflow that breaks on a branch, from its first failure to the next success.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bot.connectors.connector import Sighting
from bot.run_news import BROKEN, STARTED, SUCCESS, Gap, order

FAILURE, RECOVERY = "failure", "recovery"
# https://docs.github.com/en/rest/actions/workflow-runs: the conclusions of a run
WORDS = (
    *(FAILURE, RECOVERY, SUCCESS, STARTED, "cancelled", "skipped", "neutral"),
    *("timed_out", "startup_failure", "action_required", "stale"),
)
"""What can be subscribed to; `failure` stands for a run that timed out or could not start, too."""
USUAL = (FAILURE, RECOVERY)

Change = Literal["none", "opened", "again", "moved", "recovered"]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Subscription(_Record):
    """What a channel wants to know; an empty `workflow` or `branch` means all, a branch may be a pattern."""

    id: int = 0
    channel: str
    repository: str
    workflow: str = ""
    branch: str = ""
    on: tuple[str, ...] = USUAL
    by: str = ""
    created_at: datetime | None = None

    def covers(self, workflow: str, branch: str) -> bool:
        """Return whether it is about this workflow file on this branch."""
        return self.workflow in ("", workflow) and (not self.branch or fnmatchcase(branch, self.branch))


class News(_Record):
    """A run's beginning or end, on its way to one channel."""

    channel: str
    repository: str
    run: Sighting
    missed: int = 0
    gap: Gap | None = None

    @property
    def id(self) -> str:
        """The same for the same news, whoever brings it."""
        run = self.run
        return _digest(self.channel, self.repository, run.id, str(run.attempt), run.phase)

    @property
    def key(self) -> str:
        """What the incident is known by: the channel, the workflow and the branch."""
        return incident_key(self.channel, self.repository, self.run.workflow, self.run.branch)


class Incident(_Record):
    """How a workflow stands on a branch, as one channel was told.

    `number` counts the incidents so far; 0 is a workflow that has not broken yet. `latest` is the last run
    that counted in any way, `broken` the last one that broke, `why` its failing step and first error line.
    """

    number: int = 0
    is_open: bool = False
    latest: Sighting
    failures: int = 0
    since: datetime | None = None
    first: Sighting | None = None
    broken: Sighting | None = None
    why: str | None = None
    running: Sighting | None = None
    recovered: Sighting | None = None
    gap: Gap | None = None


def incident_key(channel: str, repository: str, workflow: str, branch: str) -> str:
    """Return what an incident is known by."""
    return _digest(channel, repository.casefold(), workflow, branch)


def wanted(subscriptions: Iterable[Subscription], news: News) -> frozenset[str]:
    """Return what the channel wants to know of this workflow and branch, by all its subscriptions."""
    about = [
        one
        for one in subscriptions
        if (one.channel, one.repository) == (news.channel, news.repository)
        and one.covers(news.run.workflow, news.run.branch)
    ]
    return frozenset(word for one in about for word in one.on)


def breaking(on: frozenset[str]) -> frozenset[str]:
    """Return the conclusions that make an incident for somebody who wants *on*."""
    named = on & BROKEN
    if FAILURE in on or (RECOVERY in on and not named):
        return BROKEN
    return named


def advance(
    incident: Incident | None, news: News, breaks: frozenset[str], why: str | None = None
) -> tuple[Incident, Change]:
    """Return the incident after *news*, and what that changes for the reader.

    News that was overtaken, of an earlier moment than what counted last, changes nothing.
    """
    run = news.run
    if incident is not None and _is_overtaken(run, incident.latest):
        return incident, "none"
    before = incident or Incident(latest=run)
    now = before.model_copy(update={"latest": run, "running": None})
    if run.phase in breaks:
        return _broken(before, now, news, why)
    if run.phase == SUCCESS and before.is_open:
        return now.model_copy(update={"is_open": False, "recovered": run, "gap": news.gap}), "recovered"
    if not before.is_open or run.phase == SUCCESS:
        return now, "none"
    if run.phase == STARTED:
        return now.model_copy(update={"running": run}), "moved"
    return now, "moved" if before.running else "none"


def _is_overtaken(run: Sighting, latest: Sighting) -> bool:
    """Return whether *run* counts no more; GitHub's times are whole seconds, so two runs may share one."""
    if run.id == latest.id:
        return order(run) <= order(latest)
    return order(run)[0] < order(latest)[0]


def _broken(before: Incident, now: Incident, news: News, why: str | None) -> tuple[Incident, Change]:
    told = {"broken": news.run, "why": why, "gap": news.gap}
    if before.is_open:
        return now.model_copy(update={**told, "failures": before.failures + 1 + news.missed}), "again"
    fresh = {
        "number": before.number + 1,
        "is_open": True,
        "failures": 1 + news.missed,
        "since": news.run.at,
        "first": news.run,
        "recovered": None,
    }
    return now.model_copy(update={**told, **fresh}), "opened"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:32]
