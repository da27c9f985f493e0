"""The order of flows that wait for the same thing: who comes first goes first, within one second too.

Of the flows of a partition the engine takes the one with the lowest priority, then the oldest, then any. On
SQLite, before Python 3.12, it notes times in whole seconds only, so flows are numbered there. PostgreSQL
notes microseconds of a clock that all bots share; numbers by their own clocks would be worse.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from dbos import EnqueueOptions

NUMBERED_SINCE = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
NUMBERS_A_SECOND = 4
"""On average: who comes faster is numbered ahead of the clock. They last until 2043."""
LAST = 2**31 - 1


class Line:
    """Gives out numbers that grow, over restarts too. Thread-safe."""

    def __init__(self, *, numbered: bool, clock: Callable[[], float] = time.time) -> None:
        self._numbered = numbered
        self._clock = clock
        self._lock = threading.Lock()
        self._number = 0

    def add_to(self, options: EnqueueOptions) -> EnqueueOptions:
        """Return the *options* of a flow that is put on a queue, with its place if it needs one."""
        return {**options, "priority": self.next_place()} if self._numbered else options

    def next_place(self) -> int:
        """Return a number above all before."""
        with self._lock:
            by_clock = int((self._clock() - NUMBERED_SINCE) * NUMBERS_A_SECOND)
            self._number = min(max(self._number + 1, by_clock), LAST)
            return self._number
