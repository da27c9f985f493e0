"""How much everybody has asked for: GitHub's primary and secondary limits, and plain counts for the curious.

https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from playground.github.access import Identity
from playground.github.errors import ApiError
from playground.github.faults import SECONDARY
from playground.github.settings import Settings

ANONYMOUS_PER_HOUR = 60
HOUR, MINUTE = 3_600.0, 60.0


@dataclass
class Window:
    """What one caller may still do of one kind of request."""

    resource: str
    limit: int
    reset: float
    used: int = 0

    def shown(self) -> dict[str, Any]:
        """Return the window as /rate_limit shows it."""
        left = max(0, self.limit - self.used)
        return {"limit": self.limit, "remaining": left, "reset": int(self.reset), "used": self.used}

    def headers(self) -> dict[str, str]:
        """Return the window as every answer shows it."""
        named = {f"x-ratelimit-{name}": str(value) for name, value in self.shown().items()}
        return {**named, "x-ratelimit-resource": self.resource}


@dataclass
class _Count:
    requests: int = 0
    counted: int = 0
    not_modified: int = 0
    refused: int = 0


@dataclass
class _Points:
    recent: deque[tuple[float, int]] = field(default_factory=deque)
    busiest: int = 0

    def add(self, now: float, points: int) -> int:
        while self.recent and self.recent[0][0] <= now - MINUTE:
            self.recent.popleft()
        self.recent.append((now, points))
        total = sum(each for _, each in self.recent)
        self.busiest = max(self.busiest, total)
        return total


class Limits:
    """Windows by caller, counts by endpoint."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._windows: dict[tuple[str, str], Window] = {}
        self._points: dict[str, _Points] = {}
        self._counts: dict[str, _Count] = {}

    def window(self, identity: Identity, resource: str) -> Window:
        """Return the present window of a caller."""
        now, key = self._settings.clock(), (identity.key, resource)
        known = self._windows.get(key)
        if known is None or known.reset <= now:
            length = MINUTE if resource == "search" else HOUR
            known = self._windows[key] = Window(resource, self._limit(identity, resource), now + length)
        return known

    def exhaust(self, key: str, resource: str, reset_seconds: float) -> None:
        """Leave one caller (or all, “*”) nothing until *reset_seconds* from now."""
        for (caller, name), window in self._windows.items():
            if name == resource and key in (caller, caller.partition(":")[2], "*"):
                window.used, window.reset = window.limit, self._settings.clock() + reset_seconds

    def admit(self, identity: Identity, resource: str, verb: str) -> Window:
        """Return the caller's window, or refuse as GitHub does when it is used up."""
        window = self.window(identity, resource)
        if window.used >= window.limit:
            # https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#rate-limit-errors
            raise ApiError(403, f"API rate limit exceeded for {identity.key}.", headers=window.headers())
        now, points = self._settings.clock(), self._points.setdefault(identity.key, _Points())
        total = points.add(now, 1 if verb in ("GET", "HEAD", "OPTIONS") else 5)
        if self._settings.enforce_secondary and total > self._settings.points_per_minute:
            points.recent.pop()
            wait = max(1, round(points.recent[0][0] + MINUTE - now)) if points.recent else 1
            raise ApiError(403, SECONDARY, headers={**window.headers(), "retry-after": str(wait)})
        return window

    def count(self, endpoint: str, status: int, window: Window | None) -> None:
        """Count one answer; one that says “not modified” costs nothing."""
        count = self._counts.setdefault(endpoint, _Count())
        count.requests += 1
        if status == 304:
            count.not_modified += 1
        elif window is not None:
            window.used += 1
            count.counted += 1
        count.refused += status >= 400

    def table(self) -> dict[str, Any]:
        """Return requests by endpoint, and what each caller has used."""
        return {
            "endpoints": {name: vars(count) for name, count in sorted(self._counts.items())},
            "callers": {
                f"{caller} {resource}": window.shown()
                for (caller, resource), window in sorted(self._windows.items())
            },
            "busiest_minute_points": {caller: points.busiest for caller, points in self._points.items()},
        }

    def reset_counts(self) -> None:
        """Begin counting anew; nobody's window changes."""
        self._counts.clear()

    def _limit(self, identity: Identity, resource: str) -> int:
        if resource == "search":
            return self._settings.searches_per_minute
        anonymous = identity.kind == "anonymous"
        return ANONYMOUS_PER_HOUR if anonymous else self._settings.requests_per_hour
