"""How often GitHub is asked how runs stand, so that its limits last: dear looks come seldomer.

A look that finds nothing changed costs nothing of the hourly limit, so nothing is saved while much of that
is left. Below half of it, what is left above a reserve for people's commands is spread over the time until
GitHub counts anew (https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api). Requests
of any kind come out of one bucket that all scopes share: a busy one does not slow down many quiet ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from bot.connectors.wire import HttpReply

MOST_JOBS = 10
"""Of so many runs at most the jobs are read in one look: the rest have their turn in the next."""
MOST_REST_SECONDS = 20.0
RESERVE_SHARE = 0.1
POINTS_PER_SECOND = 10.0
"""Requests of any kind; GitHub's secondary limit is 900 points a minute, and a read is one point."""
BURST = timedelta(seconds=5)
"""So far ahead of the points it may ask: fifty requests at once, or 650 in the busiest minute."""

LATELY = timedelta(seconds=60)


@dataclass(frozen=True)
class Allowance:
    """What GitHub still answers until it begins to count anew."""

    limit: int
    left: int
    until: datetime

    @property
    def is_ample(self) -> bool:
        """Whether nothing has to be saved."""
        return self.left * 2 >= self.limit


def read_seconds(reply: HttpReply, header: str) -> int | None:
    """Return the seconds that a header tells, or None where it tells none that a clock could show."""
    text = str(reply.headers.get(header) or "")
    return int(text) if re.fullmatch("[0-9]{1,10}", text) else None


def read_allowance(reply: HttpReply) -> Allowance | None:
    """Return what an answer says of the hourly limit, or None where it says nothing."""
    limit, left, until = (
        read_seconds(reply, f"x-ratelimit-{name}") for name in ("limit", "remaining", "reset")
    )
    if not limit or left is None or until is None:
        return None
    if reply.headers.get("x-ratelimit-resource", "core") != "core":
        return None
    return Allowance(limit, left, datetime.fromtimestamp(until, UTC))


def jobs_at_once(allowance: Allowance | None) -> int:
    """Return of how many runs the jobs may be read in one look."""
    if allowance is None or allowance.is_ample:
        return MOST_JOBS
    return max(1, MOST_JOBS * 2 * allowance.left // allowance.limit)


def rest_seconds(counted: int, allowance: Allowance | None, now: datetime, scopes: int = 1) -> float:
    """Return how long to leave a scope alone after a look that took *counted* requests that are not free.

    So many *scopes* share what is left.
    """
    if allowance is None or allowance.is_ample or allowance.until <= now:
        return 0.0
    spare = max(allowance.left - allowance.limit * RESERVE_SHARE, 1.0)
    return min(scopes * counted * (allowance.until - now).total_seconds() / spare, MOST_REST_SECONDS)


class Counting(Protocol):
    """What is to be known of a client: requests so far, those that cost nothing, and what GitHub leaves."""

    sent: int
    unchanged: int
    allowance: Allowance | None

    def now(self) -> datetime:
        """Return the moment, aware UTC."""


class Pace:
    """Remembers when each scope may be looked at again, and what all took together. Used by one thread.

    Where not all have a turn, it is for the caller to ask first for whom it looked at longest ago.
    """

    def __init__(self, client: Counting) -> None:
        self._client = client
        self._until: dict[str, datetime] = {}
        self._free_at = client.now()

    def rests(self, scope: str) -> bool:
        """Return whether it is too early for another look at *scope*."""
        now = self._client.now()
        return now < max(self._free_at - BURST, self._until.get(scope, now))

    @contextmanager
    def look(self, scope: str) -> Iterator[None]:
        """Measure what the look within costs, and let the scope rest accordingly."""
        client = self._client
        sent, unchanged = client.sent, client.unchanged
        try:
            yield
        finally:
            now = client.now()
            asked = client.sent - sent
            recent = {one: until for one, until in self._until.items() if until > now - LATELY}
            known = len(recent.keys() | {scope})
            counted = asked - (client.unchanged - unchanged)
            rest = rest_seconds(counted, client.allowance, now, known)
            self._free_at = max(self._free_at, now) + timedelta(seconds=asked / POINTS_PER_SECOND)
            self._until = recent | {scope: now + timedelta(seconds=rest)}
