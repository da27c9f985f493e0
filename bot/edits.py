"""Progress edits of messages: the newest wins, drawn inside Slack's rate limits, never kept.

A result is never drawn here but by a flow's step. Losing a progress edit loses nothing: each is whole.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.messages.message import Message

log = logging.getLogger(__name__)

Draw = Callable[[dict[str, str], Message, dict[str, Any]], None]
Place = tuple[str, str]
STOP_SECONDS = 2.0


@dataclass(frozen=True)
class Pace:
    """How often edits may be drawn: per channel, and in all.

    chat.update is a tier 3 method, 50 and more a minute for all channels together
    (https://docs.slack.dev/apis/web-api/rate-limits); some of that is left for results.
    """

    channel_seconds: float = 1.0
    per_minute: float = 40.0
    burst: float = 8.0


@dataclass
class _Waiting:
    message: Message
    about: dict[str, Any]
    since: float


class Edits:
    """Draws offered edits on its own thread, one channel at a time, oldest offer first."""

    def __init__(
        self, draw: Draw, pace: Pace | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._draw = draw
        self._pace = pace or Pace()
        self._clock = clock
        self._condition = threading.Condition()
        self._waiting: dict[Place, _Waiting] = {}
        self._drawing: Place | None = None
        self._next_in_channel: dict[str, float] = {}
        self._allowance = self._pace.burst
        self._counted_at = clock()
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="edits", daemon=True)

    def start(self) -> None:
        """Start the thread that draws."""
        self._thread.start()

    def stop(self) -> None:
        """Stop drawing; what still waits is dropped."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_SECONDS)

    def offer(self, place: dict[str, str], message: Message, about: dict[str, Any]) -> None:
        """Ask for the message at *place* to be replaced soon; a later offer takes the place of this one."""
        key = (place["channel"], place["ts"])
        with self._condition:
            known = self._waiting.get(key)
            since = known.since if known is not None else self._clock()
            self._waiting[key] = _Waiting(message, about, since)
            if known is None:  # else it has its turn already
                self._condition.notify_all()

    def forget(self, place: dict[str, str]) -> None:
        """Drop what waits for *place* and return when nothing is being drawn there any more.

        A result is about to be drawn there: Slack counts it among the edits, so progress gives way to it.
        """
        key = (place["channel"], place["ts"])
        with self._condition:
            self._waiting.pop(key, None)
            self._refill(self._clock())
            self._allowance = max(self._allowance - 1.0, -self._pace.burst)
            self._condition.wait_for(lambda: self._drawing != key, timeout=60)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            (channel, ts), waiting = job
            try:
                self._draw({"channel": channel, "ts": ts}, waiting.message, waiting.about)
            except Exception as error:  # noqa: BLE001 - this thread serves all cards: one must not end it
                # A failed notification never changes a job; the next progress edit may succeed.
                log.warning("progress could not be drawn", extra={"reason": repr(error)})
            finally:
                with self._condition:
                    self._drawing = None
                    self._condition.notify_all()

    def _next(self) -> tuple[Place, _Waiting] | None:
        with self._condition:
            while not self._stopping:
                now = self._clock()
                if (key := self._ready(now)) is not None:
                    self._drawing = key
                    return key, self._waiting.pop(key)
                self._condition.wait(timeout=self._pause(now))
            return None

    def _ready(self, now: float) -> Place | None:
        """Return the place to draw now and count it against the limits, or None."""
        self._refill(now)
        if self._allowance < 1.0:
            return None
        ready = [key for key in self._waiting if self._next_in_channel.get(key[0], now) <= now]
        if not ready:
            return None
        key = min(ready, key=lambda item: self._waiting[item].since)
        self._allowance -= 1.0
        self._next_in_channel[key[0]] = now + self._pace.channel_seconds
        return key

    def _refill(self, now: float) -> None:
        earned = (now - self._counted_at) * self._pace.per_minute / 60.0
        self._allowance = min(self._pace.burst, self._allowance + earned)
        self._counted_at = now

    def _pause(self, now: float) -> float | None:
        """Return the seconds until a waiting edit may be drawn, or None while nothing waits."""
        if not self._waiting:
            return None
        earning = (1.0 - self._allowance) * 60.0 / self._pace.per_minute
        if earning > 0.0:
            return max(earning, 0.01)
        soonest = min(self._next_in_channel.get(key[0], now) for key in self._waiting) - now
        return max(soonest, 0.01)
