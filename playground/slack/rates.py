"""How often each Web API method was called, against the tier Slack gives it.

https://docs.slack.dev/apis/web-api/rate-limits; the tier of each method is on its page.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

TIERS = {1: 1, 2: 20, 3: 50, 4: 100}
MINUTE = 60.0
PER_CHANNEL_SECONDS = 1.0
POST = "chat.postMessage"
METHOD_TIERS = {
    "apps.connections.open": 1,
    "chat.delete": 3,
    "chat.postEphemeral": 4,
    "chat.update": 3,
    "conversations.history": 3,
    "conversations.info": 3,
    "conversations.join": 3,
    "conversations.list": 2,
    "conversations.members": 4,
    "conversations.open": 3,
    "conversations.replies": 3,
    "files.completeUploadExternal": 4,
    "files.getUploadURLExternal": 4,
    "files.info": 4,
    "reactions.add": 3,
    "usergroups.list": 2,
    "usergroups.users.list": 2,
    "users.conversations": 3,
    "users.info": 4,
    "users.list": 2,
    "views.open": 4,
    "views.publish": 4,
    "views.push": 4,
    "views.update": 4,
}


@dataclass
class _Count:
    calls: int = 0
    refused: int = 0
    over: int = 0
    worst_minute: int = 0
    recent: deque[float] = field(default_factory=deque)

    def add(self, now: float, window: float) -> int:
        """Count one call and return how many fell into the window that ends now."""
        while self.recent and self.recent[0] <= now - window:
            self.recent.popleft()
        self.recent.append(now)
        self.calls += 1
        self.worst_minute = max(self.worst_minute, len(self.recent))
        return len(self.recent)


class Rates:
    """Counts calls always; says how long to wait when a tier is exceeded."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._methods: dict[str, _Count] = {}
        self._channels: dict[str, _Count] = {}

    def count(self, method: str, channel: str | None, *, enforce: bool) -> int | None:
        """Count a call; return whole seconds to wait when it is over the tier and *enforce* is set.

        A refused call does not use up the tier, so that who waits as told gets through.
        """
        now = self._clock()
        counts, limit, window = self._methods.setdefault(method, _Count()), self._limit(method), MINUTE
        over = limit is not None and counts.add(now, MINUTE) > limit
        if limit is None:
            counts.add(now, MINUTE)
        if method == POST and channel:
            counts, window = self._channels.setdefault(channel, _Count()), PER_CHANNEL_SECONDS
            over = counts.add(now, window) > 1
        counts.over += over
        if not (over and enforce):
            return None
        for counted in {id(counts): counts, id(self._methods[method]): self._methods[method]}.values():
            counted.recent.pop()
            counted.refused += 1
        return max(1, round(counts.recent[0] + window - now))

    def table(self) -> dict[str, Any]:
        """Return calls, calls over the tier, and the busiest window, by method and by channel posted to."""
        return {
            "methods": {
                method: {**_shown(count), "limit_per_minute": self._limit(method)}
                for method, count in sorted(self._methods.items())
            },
            "channels": {channel: _shown(count) for channel, count in sorted(self._channels.items())},
        }

    def _limit(self, method: str) -> int | None:
        tier = METHOD_TIERS.get(method)
        return TIERS[tier] if tier else None


def _shown(count: _Count) -> dict[str, int]:
    return {
        "calls": count.calls,
        "over": count.over,
        "refused": count.refused,
        "busiest_window": count.worst_minute,
    }
