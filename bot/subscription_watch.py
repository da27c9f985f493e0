"""From the list of a repository's runs to the flows that tell channels what is new in it.

The watcher of works hands the list over; it is the one that it reads anyway. A flow's id is made from the
news, so that two looks, or two bots, tell it once; only then what was seen is kept.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from dbos import DBOSClient, EnqueueOptions

from bot.connectors.connector import Sighting
from bot.connectors.github_client import PAGE
from bot.engine import FLOW_VERSION, INCIDENTS
from bot.incidents import News, wanted
from bot.line import Line
from bot.run_news import STARTED, RunNews, compare
from bot.subscriptions import Subscriptions
from bot.timing import Timing

log = logging.getLogger(__name__)

FLOW = "incident"
OTHERS_SECONDS = 60.0
REST_SECONDS = 60.0
KEEP_AFTER = timedelta(seconds=30)
"""How often it is written down that nothing new was seen."""


class SubscriptionWatch:
    """Knows which repositories to list, and starts the flows of what is new in them. Used by one thread."""

    def __init__(self, subscriptions: Subscriptions, client: DBOSClient, timing: Timing, line: Line) -> None:
        self._subscriptions = subscriptions
        self._client = client
        self._timing = timing
        self._line = line
        self._known: dict[str, tuple[Sequence[Sighting], datetime]] = {}
        self._kept_at: dict[str, datetime] = {}
        self._others_at: dict[str, float] = {}
        self._rests_until: dict[str, float] = {}

    def repositories(self) -> set[str]:
        """Return the repositories that somebody wants to know of."""
        return {one.repository for one in self._subscriptions.every()}

    def rests(self, repository: str) -> bool:
        """Return whether GitHub has said no to this repository a moment ago."""
        return time.monotonic() < self._rests_until.get(repository, 0.0)

    def refused(self, repository: str) -> None:
        """Leave a repository alone for a while that GitHub does not show."""
        self._rests_until[repository] = time.monotonic() + REST_SECONDS

    def others(self, repository: str) -> list[str]:
        """Return the runs that are now to be looked at also if they are too old for the list."""
        now = time.monotonic()
        if now < self._others_at.get(repository, -math.inf) + OTHERS_SECONDS:
            return []
        self._others_at[repository] = now
        return self._subscriptions.open_runs(repository)

    def take(self, repository: str, runs: Sequence[Sighting]) -> None:
        """Start a flow for each piece of news in *runs*, then remember what was seen."""
        now = datetime.now(UTC)
        before = self._known.get(repository)
        if before is not None and before[0] == runs and now - self._kept_at[repository] < KEEP_AFTER:
            self._known[repository] = (runs, now)
            return
        seen = self._subscriptions.seen(repository)
        if seen is not None and before is not None:
            seen = seen.model_copy(update={"looked_at": max(seen.looked_at, before[1])})
        away, keep = self._timing.away_seconds, self._subscriptions.open_runs(repository)
        after, news = compare(seen, runs, now, page=PAGE, away_seconds=away, keep=keep)
        for one in news:
            self._tell(repository, one)
        self._subscriptions.see(repository, after)
        self._known[repository] = (runs, now)
        self._kept_at[repository] = now

    def _tell(self, repository: str, news: RunNews) -> None:
        every = [one for one in self._subscriptions.every() if one.repository == repository]
        for channel in dict.fromkeys(one.channel for one in every):
            told = News(
                channel=channel, repository=repository, run=news.run, missed=news.missed, gap=news.gap
            )
            on = wanted(every, told)
            # A beginning concerns those who asked for it, and a channel that waits for an incident's end.
            if on and (news.run.phase != STARTED or STARTED in on or self._subscriptions.is_open(told)):
                self._start(told)

    def _start(self, news: News) -> None:
        options: EnqueueOptions = {
            "workflow_name": FLOW,
            "queue_name": INCIDENTS,
            "workflow_id": f"i-{news.id}",
            "queue_partition_key": news.key,
            "app_version": FLOW_VERSION,
        }
        self._client.enqueue(self._line.add_to(options), news.model_dump(mode="json"))
