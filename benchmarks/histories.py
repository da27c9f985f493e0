"""Histories: finding the newest of very many events, and what things cost in requests to the object store."""

from __future__ import annotations

import functools
import json
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from benchmarks.figures import Budget, Figure, Side, take_turns
from benchmarks.trained import MODEL, Trained
from benchmarks.workbench import Workbench
from ml.events import EventLog
from ml.objects import ObjectStore, open_store

SHORT, LONG = 10_000, 1_000_000
LOOKS = 200
"""Times that the newest event is found in one turn."""


def measure(bench: Workbench, trained: Trained) -> Iterator[Figure]:
    """Yield the newest of 10,000 events beside the newest of 1,000,000, and requests per thing done."""
    short, long = _history(SHORT), _history(LONG)
    samples = {
        "of 1,000,000": functools.partial(_find, long, LONG),
        "of 10,000": functools.partial(_find, short, SHORT),
    }
    values = take_turns(samples, bench.rounds, bench.seconds)
    ours, beside = (Side(name, found) for name, found in values.items())
    budget = Budget(2.0, "lower")
    yield Figure("finding the newest event of a history, cold", "ms", ours, beside, budget)
    yield from _requests(bench, trained)


def _history(length: int) -> EventLog:
    """Return a history in memory: only its numbers matter here."""
    store = open_store(f"memory://history-{length}")
    log = EventLog(store, f"models/{MODEL}/aliases/champion", width=8)
    for number in range(1, length + 1):
        store.create(log.path(number), b"{}")
    return log


def _find(log: EventLog, length: int) -> float:
    begun = time.perf_counter()
    for _ in range(LOOKS):
        if log.newest() != length:
            raise RuntimeError("the newest event was not found")
    return 1000 * (time.perf_counter() - begun) / LOOKS


class CountingStore(ObjectStore):
    """An object store that counts the requests made to it, by kind."""

    def __init__(self, store: ObjectStore) -> None:
        """Count what is asked of *store*."""
        self.__dict__.update(store.__dict__)
        self.requests: Counter[str] = Counter()

    def create(self, path: str, data: bytes, *args: Any, **kwargs: Any) -> None:
        self.requests["writes"] += 1
        super().create(path, data, *args, **kwargs)

    def append(self, path: str, data: bytes) -> None:
        self.requests["writes"] += 1
        super().append(path, data)

    def get(self, path: str, *args: Any, **kwargs: Any) -> bytes:
        self.requests["reads"] += 1
        return super().get(path, *args, **kwargs)

    def exists(self, path: str, *args: Any, **kwargs: Any) -> bool:
        self.requests["reads"] += 1
        return super().exists(path, *args, **kwargs)

    def list(self, prefix: str) -> Iterator[str]:
        self.requests["lists"] += 1
        return super().list(prefix)


def _requests(bench: Workbench, trained: Trained) -> Iterator[Figure]:
    """Yield how many requests predictions, a status and a cold start make."""
    store = bench.folder("counted") / "store"
    shutil.copytree(trained.store, store, ignore=shutil.ignore_patterns("predictions", "rollups"))
    env = {**trained.env, "TOBAN_STORE_URL": store.as_uri()}
    counted = json.loads(bench.output("-m", "benchmarks.programs.counted_requests", env=env))
    for what, values in counted.items():
        kinds = ", ".join(f"{name} {number:g}" for name, number in values.items() if number)
        total = float(sum(values.values()))
        yield Figure(f"requests to the object store: {what} ({kinds or 'none'})", "", Side("Toban", (total,)))
