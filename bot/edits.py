"""Progress edits of messages: the newest wins, drawn in what results leave of Slack's limits, never kept.

A result is never drawn here but by a flow's step. Losing a progress edit loses nothing: each is whole.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.errors import SlackBusy
from bot.messages.message import Message

log = logging.getLogger(__name__)

Draw = Callable[[dict[str, str], Message, dict[str, Any]], None]
Place = tuple[str, str]
STOP_SECONDS = 2.0


CHANNEL_SECONDS = 1.0
"""People read one card of a channel after another."""
LEAST_PAUSE = 0.01


@dataclass
class _Waiting:
    message: Message
    about: dict[str, Any]
    since: float


class Edits:
    """Draws offered edits on its own thread, one channel at a time, oldest offer first.

    *room* tells after how many seconds Slack has room for one; *draw* raises SlackBusy where it has none
    after all, and that edit waits again.
    """

    def __init__(
        self,
        draw: Draw,
        room: Callable[[], float],
        channel_seconds: float = CHANNEL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._draw = draw
        self._room = room
        self._channel_seconds = channel_seconds
        self._clock = clock
        self._condition = threading.Condition()
        self._waiting: dict[Place, _Waiting] = {}
        self._drawing: Place | None = None
        self._is_overtaken = False
        self._next_in_channel: dict[str, float] = {}
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

    def has_room(self) -> bool:
        """Return whether an edit of which nothing depends may be made now."""
        return self._room() <= 0.0

    def forget(self, place: dict[str, str]) -> None:
        """Drop what waits for *place* and return when nothing is being drawn there any more."""
        key = (place["channel"], place["ts"])
        with self._condition:
            self._waiting.pop(key, None)
            self._is_overtaken = self._is_overtaken or self._drawing == key
            self._condition.wait_for(lambda: self._drawing != key, timeout=60)

    def _work(self) -> None:
        while (job := self._next()) is not None:
            (channel, ts), waiting = job
            try:
                self._draw({"channel": channel, "ts": ts}, waiting.message, waiting.about)
            except SlackBusy:
                self._put_back(job)
            except Exception as error:  # noqa: BLE001 - this thread serves all cards: one must not end it
                # A failed notification never changes a job; the next progress edit may succeed.
                log.warning("progress could not be drawn", extra={"reason": repr(error)})
            finally:
                with self._condition:
                    self._drawing = None
                    self._condition.notify_all()

    def _put_back(self, job: tuple[Place, _Waiting]) -> None:
        """Let an edit wait again, unless a newer one or a result has taken its place."""
        with self._condition:
            if not self._is_overtaken:
                self._waiting.setdefault(*job)

    def _next(self) -> tuple[Place, _Waiting] | None:
        with self._condition:
            while not self._stopping:
                now = self._clock()
                room = self._room() if self._waiting else 0.0
                key = self._ready(now) if room <= 0.0 else None
                if key is not None:
                    self._drawing, self._is_overtaken = key, False
                    return key, self._waiting.pop(key)
                self._condition.wait(timeout=self._pause(now, room))
            return None

    def _ready(self, now: float) -> Place | None:
        """Return the place to draw now and count it against its channel, or None."""
        ready = [key for key in self._waiting if self._next_in_channel.get(key[0], now) <= now]
        if not ready:
            return None
        key = min(ready, key=lambda item: self._waiting[item].since)
        self._next_in_channel = {one: at for one, at in self._next_in_channel.items() if at > now}
        self._next_in_channel[key[0]] = now + self._channel_seconds
        return key

    def _pause(self, now: float, room: float) -> float | None:
        """Return the seconds until a waiting edit may be drawn, or None while nothing waits."""
        if not self._waiting:
            return None
        soonest = min(self._next_in_channel.get(key[0], now) for key in self._waiting) - now
        return max(soonest, room, LEAST_PAUSE)
