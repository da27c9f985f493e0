"""When a method of Slack may be called: within its tier, one caller after another, not in a Retry-After.

All callers of a process share the turns of a workspace's method, and those of a channel for posts. So a burst
is spread out by ourselves instead of being refused, and after a refusal everybody waits, not only who met it.
Whoever cannot wait says for how long they would, and is told at once if that is not enough.

Source: https://docs.slack.dev/apis/web-api/rate-limits; the tier of each method is on its page.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from bot.errors import SlackBusy

MINUTE = 60.0


@dataclass(frozen=True)
class Limit:
    """So many *calls* within any so many *seconds*."""

    calls: int
    seconds: float = MINUTE


TIER_2, TIER_3, TIER_4 = Limit(20), Limit(50), Limit(100)
HUNDREDS = Limit(300)
"""Slack's "special tier" of some methods: hundreds of calls a minute."""

METHODS = {
    "apps.connections.open": HUNDREDS,
    "auth.test": HUNDREDS,
    "chat.getPermalink": HUNDREDS,
    "chat.postEphemeral": TIER_4,
    "chat.postMessage": HUNDREDS,
    "chat.update": TIER_3,
    "conversations.history": TIER_3,
    "conversations.replies": TIER_3,
    "files.completeUploadExternal": TIER_4,
    "files.getUploadURLExternal": TIER_4,
    "files.info": TIER_4,
    "usergroups.list": TIER_2,
    "users.conversations": TIER_3,
    "views.open": TIER_4,
    "views.publish": TIER_4,
    "views.update": TIER_4,
}
"""Every method that the running bot calls; another one is refused with KeyError, so that none goes unpaced.

`apps.connections.open` opens Socket Mode; slack_sdk's own client spaces its attempts.
"""
IN_A_CHANNEL = {"chat.postMessage": Limit(3, 3.0)}
"""About one message a second and channel, "with short bursts"; a refusal of these is about the channel."""

PROGRESS_SHARE, PROGRESS_AT_ONCE = 0.7, 8
"""Of what a minute allows, progress uses so much, so many calls in a row; the rest is there for results."""
UNDER_WAY_SECONDS = 1.0
"""Slack counts a call when it comes, we when it leaves: windows are taken so much longer than they are."""
SPACED_SECONDS, MOST_SPACE_SECONDS = 60.0, 1.2
"""For so long after a refusal no burst is tried; calls come one by one, at most so far apart."""
MOST_CHANNELS = 1_000
"""So many channels are remembered before those at rest are forgotten."""

_most: ContextVar[float] = ContextVar("most_seconds", default=math.inf)


@contextmanager
def waiting_at_most(seconds: float) -> Iterator[None]:
    """Within, a call that would have to wait longer for its turn raises SlackBusy at once."""
    token = _most.set(min(seconds, _most.get()))
    try:
        yield
    finally:
        _most.reset(token)


@dataclass
class _Line:
    """Those who wait for one method, or for one channel: when the last calls went, or will go."""

    limit: Limit
    calls: deque[float] = field(default_factory=deque)
    held_until: float = -math.inf
    refusals: int = 0

    def next_at(self, now: float) -> float:
        """Return when the next call may go."""
        space = self.limit.seconds / self.limit.calls
        at = max(now, self.held_until, self._after(1, 0.0))
        at = max(at, self._after(self.limit.calls, self._window()))
        if at < self.held_until + SPACED_SECONDS:
            at = max(at, self._after(1, min(space, MOST_SPACE_SECONDS)))
        return at

    def next_progress_at(self, now: float) -> float:
        """Return when the next call may go that leaves room for results."""
        share = int(self.limit.calls * PROGRESS_SHARE)
        at_once = PROGRESS_AT_ONCE * self.limit.seconds / share
        shared = max(self._after(share, self._window()), self._after(PROGRESS_AT_ONCE, at_once))
        return max(self.next_at(now), shared)

    def _after(self, count: int, seconds: float) -> float:
        """Return the moment that lies so long after the call that was made *count* calls ago."""
        return self.calls[-count] + seconds if len(self.calls) >= count else -math.inf

    def _window(self) -> float:
        return self.limit.seconds + (UNDER_WAY_SECONDS if self.limit.seconds >= MINUTE else 0.0)

    def take(self, at: float) -> None:
        """Count a call that goes at a moment."""
        self.calls.append(at)
        while len(self.calls) > self.limit.calls:
            self.calls.popleft()

    def hold(self, now: float, seconds: float) -> None:
        """Let nobody go for so long; who had a turn lines up again."""
        self.held_until = max(self.held_until, now + seconds)
        self.refusals += 1
        while self.calls and self.calls[-1] > now:
            self.calls.pop()

    def rests(self, now: float) -> bool:
        """Return whether nothing of it matters any more."""
        recent = bool(self.calls) and self.calls[-1] > now - self.limit.seconds
        return not recent and self.held_until + SPACED_SECONDS < now


class Turns:
    """The turns of one workspace. Thread-safe."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._methods = {method: _Line(limit) for method, limit in METHODS.items()}
        self._channels: dict[tuple[str, str], _Line] = {}

    def wait(self, method: str, channel: str | None = None) -> None:
        """Return when it is the caller's turn; the call then counts as made.

        Raises SlackBusy where it would come later than the caller waits.
        """
        until = self._clock() + _most.get()
        # The channel's first: who waits for one channel must not stand before others in the method's line.
        for line in reversed(self._lines(method, channel)):
            self._wait_in(line, method, until)

    def _wait_in(self, line: _Line, method: str, until: float) -> None:
        while True:
            with self._lock:
                now, refusals = self._clock(), line.refusals
                at = line.next_at(now)
                if at > max(until, now):
                    raise SlackBusy(f"{method}: its turn comes later", at - now)
                line.take(at)
            if at <= now:
                return
            self._sleep(at - now)
            if refusals == line.refusals:
                return  # else Slack has refused somebody meanwhile, and all line up anew

    def hold(self, method: str, channel: str | None, seconds: float) -> None:
        """Take note that Slack refused a call and wants no more of these for so many seconds."""
        line = self._lines(method, channel)[-1]
        with self._lock:
            line.hold(self._clock(), seconds)

    def progress_seconds(self, method: str) -> float:
        """Return after how many seconds a call may be made of which nothing depends; 0 for now."""
        with self._lock:
            now = self._clock()
            return self._methods[method].next_progress_at(now) - now

    def _lines(self, method: str, channel: str | None) -> list[_Line]:
        lines = [self._methods[method]]
        if channel is not None and method in IN_A_CHANNEL:
            with self._lock:
                if len(self._channels) >= MOST_CHANNELS:
                    now = self._clock()
                    self._channels = {key: one for key, one in self._channels.items() if not one.rests(now)}
                lines.append(self._channels.setdefault((method, channel), _Line(IN_A_CHANNEL[method])))
        return lines
