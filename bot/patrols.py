"""What all watchers are: a thread that looks again and again, in one bot of those that share a database."""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from datetime import timedelta

from bot.nudges import NEWS, Nudge, Nudges
from bot.records import Records
from bot.timing import Timing

log = logging.getLogger(__name__)

STOP_SECONDS = 2.0
HURRY_SECONDS = 0.5
"""The least time between two looks, however often somebody says that there is news."""
NUDGE_SECONDS = 0.5
"""How often the bot that looks sees whether another one has left word."""
MISSED_LOOKS = 3
"""So many looks may fail or last long before another bot takes the lease over."""


class Patrol(ABC):
    """Calls `look` every *seconds*, sooner when told of news, while this bot holds the lease *name*.

    News that reach another bot come by *nudges*, within a second.
    """

    def __init__(
        self,
        name: str,
        records: Records,
        holder: str,
        timing: Timing,
        seconds: float,
        nudges: Nudges | None = None,
    ) -> None:
        self._name = name
        self._records = records
        self._holder = holder
        self._timing = timing
        self._seconds = seconds
        self._nudges = nudges
        self._leads = False
        self._lease = timedelta(seconds=max(timing.stale_seconds / 4, seconds * MISSED_LOOKS))
        self._stopping = threading.Event()
        self._news = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    @abstractmethod
    def look(self) -> None:
        """Look once at everything; what it raises is logged, and the next look comes all the same."""

    def start(self) -> None:
        """Start to look; the first look comes at once."""
        self._news.set()
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; what is watched goes on."""
        self._stopping.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_SECONDS)

    def look_soon(self, news: Nudge = NEWS) -> None:
        """Look now instead of at the next turn: somebody has said that there is news.

        A bot that does not hold the lease leaves word for the one that does.
        """
        if self._leads or self._nudges is None:
            self._news.set()
        else:
            self._nudges.leave(self._name, news)

    def hear(self, news: Nudge) -> None:
        """Take news that another bot was told of."""
        self._news.set()

    def _work(self) -> None:
        pause = min(HURRY_SECONDS, self._seconds)
        while not self._stopping.wait(pause):
            try:
                self._await_news(self._seconds - pause)
                self._news.clear()
                if self._stopping.is_set():
                    return
                self._leads = self._records.hold_lease(self._name, self._holder, self._lease)
                if self._leads:
                    self.look()
            except Exception as error:  # noqa: BLE001 - this thread serves everybody: nothing must end it
                log.warning("watching failed this time", extra={"watcher": self._name, "reason": repr(error)})

    def _await_news(self, seconds: float) -> None:
        """Return when somebody has brought news, to this bot or another, or the time is up."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._news.wait(min(left, NUDGE_SECONDS)):
            if self._leads and self._nudges is not None:
                for news in self._nudges.take(self._name):
                    self.hear(news)
