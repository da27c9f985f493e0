"""What all watchers are: a thread that looks again and again, in one bot of those that share a database."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from datetime import timedelta

from bot.records import Records
from bot.timing import Timing

log = logging.getLogger(__name__)

STOP_SECONDS = 2.0
HURRY_SECONDS = 0.5
"""The least time between two looks, however often somebody says that there is news."""
MISSED_LOOKS = 3
"""So many looks may fail or last long before another bot takes the lease over."""


class Patrol(ABC):
    """Calls `look` every *seconds*, sooner when told of news, while this bot holds the lease *name*."""

    def __init__(self, name: str, records: Records, holder: str, timing: Timing, seconds: float) -> None:
        self._name = name
        self._records = records
        self._holder = holder
        self._timing = timing
        self._seconds = seconds
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

    def look_soon(self) -> None:
        """Look now instead of at the next turn: somebody has said that there is news."""
        self._news.set()

    def _work(self) -> None:
        pause = min(HURRY_SECONDS, self._seconds)
        while not self._stopping.wait(pause):
            self._news.wait(self._seconds - pause)
            self._news.clear()
            if self._stopping.is_set():
                return
            try:
                if self._records.hold_lease(self._name, self._holder, self._lease):
                    self.look()
            except Exception as error:  # noqa: BLE001 - this thread serves everybody: nothing must end it
                log.warning("watching failed this time", extra={"watcher": self._name, "reason": repr(error)})
