"""What a process says of what it has logged in an hour that is not over: a running count for busy models.

    tallies/{model}/{yyyymmddhh}/{process}-{n:06d}.json

Numbered, each says all that the process has logged of the model in that hour so far. Only processes that log
much write them, once a minute, so that a status need not read thousands of segments. They are a convenience:
when an hour is over it is counted by its segments, and its tallies go with them.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from ml.errors import NotFound, StoreError
from ml.events import decode, encode, utc_now
from ml.objects import ObjectStore
from ml.segments import Tally, segment_name

SECONDS = 60.0
"""How old a running count may be."""

MANY_GROUPS, MANY_ROWS = 10, 5_000
"""What a process must have logged of a model in the hour before it tells its count."""

PROCESS_LETTERS = 12
"""How many letters at the beginning of a segment's name are those of its process."""


def prefix_of(model: str, hour: str) -> str:
    """Return the folder of a model's running counts of one hour."""
    return f"tallies/{model}/{hour}"


def writer_of(segment: str) -> str:
    """Return the process that wrote a segment."""
    return segment[:PROCESS_LETTERS]


class Tallies:
    """The running counts of one process; safe to share between threads.

    Args:
        store: Where they go.
        process: The process's letters in the names of its segments.
        timer: Starts a thread that calls something once, so many seconds from now.
    """

    def __init__(
        self,
        store: ObjectStore,
        process: str,
        timer: Callable[[float, Callable[[], None]], Any] = threading.Timer,
    ) -> None:
        self._store = store
        self._process = process
        self._timer = timer
        self._lock = threading.Lock()
        self._hour = ""
        self._counts: dict[str, Tally] = {}
        self._groups: Counter[str] = Counter()
        self._changed: set[str] = set()
        self._due: Any = None
        self._number = 0

    def add(self, model: str, hour: str, tally: Tally) -> None:
        """Count what was just logged."""
        with self._lock:
            if hour != self._hour:
                self._hour = hour
                self._counts.clear()
                self._groups.clear()
                self._changed.clear()
            count = self._counts.setdefault(model, Counter())
            count.update(tally)
            self._groups[model] += 1
            if self._groups[model] >= MANY_GROUPS or count.total() >= MANY_ROWS:
                self._changed.add(model)
                if self._due is None:
                    self._due = self._timer(SECONDS, self.tell)
                    self._due.daemon = True
                    self._due.start()

    def tell(self) -> None:
        """Write the counts that have changed; one that the store does not take is written next time."""
        with self._lock:
            self._due, hour = None, self._hour
            changed, self._changed = self._changed, set()
            counts = {model: dict(self._counts[model]) for model in changed}
            self._number += 1
            number = self._number
        for model, tally in counts.items():
            path = f"{prefix_of(model, hour)}/{self._process}-{number:06d}.json"
            try:
                self._store.create(path, encode({"format": 1, "at": utc_now(), "tally": tally}))
            except StoreError:
                continue

    def close(self) -> None:
        """Stop telling; what was logged last is counted with its segments."""
        with self._lock:
            if self._due is not None:
                self._due.cancel()


def newest_tallies(store: ObjectStore, model: str, hour: str) -> dict[str, Tally]:
    """Return the newest running count of each process that tells one: a list and a read for each."""
    newest: dict[str, str] = {}
    for path in store.list(prefix_of(model, hour)):
        process = segment_name(path)[:PROCESS_LETTERS]
        newest[process] = max(path, newest.get(process, ""))
    found: dict[str, Tally] = {}
    for process, path in newest.items():
        try:
            found[process] = Counter(decode(path, store.get(path))["tally"])
        except NotFound:  # the hour is over and was tidied up
            continue
    return found
