"""Histories: finding the newest of very many events, and what things cost in requests to the object store."""

from __future__ import annotations

import functools
import json
import shutil
import time
from collections.abc import Iterator

from benchmarks.figures import Budget, Figure, Side, take_turns
from benchmarks.programs.counted_requests import SEGMENTS, TOGETHER
from benchmarks.requests_made import price
from benchmarks.trained import MODEL, Trained
from benchmarks.workbench import Workbench
from ml.events import EventLog
from ml.objects import open_store
from ml.serving import LOOK_SECONDS

SHORT, LONG = 10_000, 1_000_000
A_MILLION = 1_000_000
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
    yield from _month(counted)


def _month(counted: dict[str, dict[str, float]]) -> Iterator[Figure]:
    """Yield what the requests of a million predictions cost in a month on Azure Blob, alone or together."""
    hour = counted[f"tidying up an hour of {SEGMENTS} segments"]
    per_segment = {kind: number / SEGMENTS for kind, number in hour.items()}
    beside = (
        price(counted["a look for a moved champion"], 30 * 86_400 / LOOK_SECONDS)
        + price(counted["a status"], 100 * 30)
        + price(counted["a digest"], 30)
    )
    for company, share in (("alone", 1.0), (f"{TOGETHER} at a time", 1 / TOGETHER)):
        logged = price({"writes": share}, A_MILLION)
        tidied = price(per_segment, share * A_MILLION)
        what = (
            f"a month of 1,000,000 predictions that come {company}: log {logged:.2f} + hourly compaction "
            f"{tidied:.2f} + a look for a moved champion each {LOOK_SECONDS:g} s, 100 statuses and a digest "
            f"a day {beside:.2f}"
        )
        yield Figure(what, "$", Side("Toban", (logged + tidied + beside,)))
