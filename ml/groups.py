"""Records that are written together, and how everybody who waits for them is told. No I/O here."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, field

from ml.segments import Loggable, Tally, segment_path


@dataclass(slots=True)
class Segment:
    """One segment: how many rows have been promised in it, and whether its last line may be torn."""

    model: str
    hour: str
    name: str
    rows: int = 0
    torn: bool = False

    @property
    def path(self) -> str:
        """Where it is in the store."""
        return segment_path(self.model, self.hour, self.name)


class Group:
    """Records that are written together, and everybody who waits for them."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.records: list[tuple[int, Loggable]] = []
        self.rows = 0
        self.trial = False
        self.taken: Future[bool] = Future()
        # A waiting task that is cancelled would else cancel the future that all of the group share.
        self.taken.set_running_or_notify_cancel()
        self._lock = threading.Lock()
        self._answer: bool | None = None
        self._waiters: dict[asyncio.AbstractEventLoop, list[asyncio.Future[bool]]] = {}

    def tally(self) -> Tally:
        """Return how the rows of the group were answered."""
        total: Tally = Counter()
        for tally, lines in Counter(record.tally() for _, record in self.records).items():
            for part in tally.split():
                name, _, count = part.rpartition(":")
                total[name] += int(count) * lines
        return total

    def waiter(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[bool]:
        """Return a future of *loop* that is resolved with the group."""
        future: asyncio.Future[bool] = loop.create_future()
        with self._lock:
            if self._answer is None:
                self._waiters.setdefault(loop, []).append(future)
            else:
                future.set_result(self._answer)
        return future

    def resolve(self, taken: bool) -> None:
        """Tell everybody; each event loop is woken once, whatever the number of its waiters."""
        with self._lock:
            self._answer = taken
        self.taken.set_result(taken)  # runs callbacks, hence without the lock
        for loop, futures in self._waiters.items():
            try:
                loop.call_soon_threadsafe(_resolve_all, futures, taken)
            except RuntimeError:  # that loop is closed; nobody waits there any more
                continue


def _resolve_all(futures: list[asyncio.Future[bool]], taken: bool) -> None:
    for future in futures:
        if not future.done():
            future.set_result(taken)


@dataclass(frozen=True, slots=True)
class Submission:
    """The ids of submitted predictions, and whether the store has taken them.

    `taken` resolves to True when it has and to False when it could not; it never raises and cannot be
    cancelled. From asyncio `await submission.logged()` is the cheap way to wait.
    """

    ids: list[str]
    taken: Future[bool]
    _group: Group = field(repr=False)

    async def logged(self) -> bool:
        """Return whether the store has taken the predictions; waits for it, unless that is known already."""
        if self.taken.done():
            return self.taken.result()
        return await self._group.waiter(asyncio.get_running_loop())
