"""Counting predictions with few requests, on every kind of store: closed hours, closed days, a busy hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ml.objects import ObjectStore, Patience
from ml.predictions import PredictionLog
from ml.tallies import Tallies, newest_tallies
from ml.usage import FEW_SEGMENTS, GRACE, Usage
from tests.contracts.logged import AT, MODEL, columns, record

HOUR = "2013070112"


class Reads(ObjectStore):
    """A store that notes what it is asked to read."""

    def __init__(self, store: ObjectStore) -> None:
        self.__dict__.update(store.__dict__)
        self.paths: list[str] = []

    def get(self, path: str, patience: Patience | None = None) -> bytes:
        self.paths.append(path)
        return super().get(path, patience)


class ByHand:
    """A timer that goes off when told to."""

    def __init__(self, seconds: float, call: Callable[[], None]) -> None:
        self.call = call
        self.daemon = False
        self.cancelled = False
        timers.append(self)

    def start(self) -> None: ...

    def cancel(self) -> None:
        self.cancelled = True


timers: list[ByHand] = []


@pytest.fixture(autouse=True)
def no_timers() -> None:
    """Each test begins without timers."""
    timers.clear()


def log_one(store: ObjectStore, rows: int = 1, **changes: Any) -> None:
    """Log a few rows by a process of their own."""
    at = AT + timedelta(**changes)
    with PredictionLog(store, clock=at.timestamp) as log:
        assert log.submit(MODEL, [columns(rows)]).taken.result(30)


def test_a_closed_day_is_one_read(store: ObjectStore) -> None:
    """A week is a read for each day and for each hour of today; other processes count nothing again."""
    for day in range(5):
        log_one(store, 10, days=day)
    now = AT + timedelta(days=5)
    assert Usage(store, lambda: now).since(MODEL, AT - timedelta(days=2)).total == 50
    reads = Reads(store)
    fresh = Usage(reads, lambda: now)
    assert fresh.since(MODEL, AT - timedelta(days=2)).total == 50
    # Half a day at either end by the hour, and six whole days.
    assert len(reads.paths) == 12 + 6 + 12
    reads.paths.clear()
    assert fresh.since(MODEL, AT - timedelta(days=2)).total == 50
    assert reads.paths == []


@pytest.mark.parametrize("damage", [b"", b"{", b'{"format":1,"at":"x","tally":{"predicted:champion":-7}}'])
def test_a_damaged_count_is_made_anew(store: ObjectStore, damage: bytes) -> None:
    """A count that cannot be read costs a look at what it counted, and no answer."""
    for day in range(3):
        log_one(store, 10, days=day)
    now = AT + timedelta(days=4)
    assert Usage(store, lambda: now).since(MODEL, AT).total == 30
    for path in list(store.list("rollups")):
        store.delete(path)
        store.create(path, damage)
    told = Usage(store, lambda: now).since(MODEL, AT)
    assert (told.total, told.complete) == (30, True)


def test_a_damaged_hour_does_not_hide_the_others(store: ObjectStore) -> None:
    """What was archived under a record that cannot be read is missing, and the answer says so."""
    log_one(store, 10)
    log_one(store, 5, days=1)
    store.create(f"archive/{MODEL}/{HOUR}/0001.json", b"{")
    told = Usage(store, lambda: AT + timedelta(days=1, hours=3)).since(MODEL, AT)
    assert (told.total, told.complete) == (5, False)


def test_a_day_is_not_closed_before_its_last_hour_is(store: ObjectStore) -> None:
    """What is written in its last minute counts."""
    log_one(store)
    midnight = AT.replace(hour=0, minute=0) + timedelta(days=1)
    for now in (midnight, midnight + GRACE - timedelta(seconds=1)):
        assert Usage(store, lambda now=now: now).since(MODEL, AT - timedelta(hours=20)).total == 1  # type: ignore[misc]
        assert f"rollups/{MODEL}/20130701.json" not in store.list("rollups")
    log_one(store, 2, hours=11)
    later = midnight + GRACE
    assert Usage(store, lambda: later).since(MODEL, AT.replace(hour=0)).total == 3
    assert f"rollups/{MODEL}/20130701.json" in store.list("rollups")


def test_segments_that_have_not_grown_are_not_read_again(store: ObjectStore) -> None:
    """A process that is asked for the status again and again reads what is new only."""
    for _ in range(5):
        log_one(store)
    reads = Reads(store)
    usage = Usage(reads, lambda: AT)
    assert usage.since(MODEL, AT).total == 5
    log_one(store)
    reads.paths.clear()
    view = usage.since(MODEL, AT)
    assert (view.total, view.complete, len(reads.paths)) == (6, True, 1)


def test_a_busy_hour_costs_a_few_reads(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many segments only those are read whose writers do not tell their count; the view says so."""
    monkeypatch.setattr("ml.usage.FEW_SEGMENTS", 3)
    monkeypatch.setattr("ml.tallies.MANY_GROUPS", 1)
    with PredictionLog(store, clock=AT.timestamp) as busy:
        busy._tallies = Tallies(store, busy._process, ByHand)
        for n in range(20):
            busy.submit(MODEL, [record(n)])
            assert busy.submit(MODEL, [record(n, "fallback", "rule")]).taken.result(30)
        (timer,) = timers
        timer.call()
    for _ in range(3):
        log_one(store)
    reads = Reads(store)
    view = Usage(reads, lambda: AT).since(MODEL, AT)
    assert view.by_outcome == {"predicted": 23, "fallback": 20}
    assert view.complete == (len(list(store.list("predictions"))) <= 3)
    assert len(reads.paths) <= 5


def test_a_process_tells_its_newest_count(store: ObjectStore) -> None:
    """Each count stands for all before it; a new hour begins at nothing, and little is not told at all."""
    tallies = Tallies(store, "0123456789ab", ByHand)
    tallies.add(MODEL, HOUR, Counter({"predicted:champion": 1}))
    assert timers == []
    for _ in range(2):
        tallies.add(MODEL, HOUR, Counter({"predicted:champion": 6_000}))
        timers[-1].call()
    assert len(timers) == 2
    assert newest_tallies(store, MODEL, HOUR) == {"0123456789ab": Counter({"predicted:champion": 12_001})}
    tallies.add(MODEL, "2013070113", Counter({"predicted:champion": 7_000}))
    timers[-1].call()
    assert newest_tallies(store, MODEL, "2013070113")["0123456789ab"].total() == 7_000
    tallies.add(MODEL, "2013070113", Counter({"predicted:champion": 1}))
    tallies.close()
    assert timers[-1].cancelled
    assert FEW_SEGMENTS == 100
