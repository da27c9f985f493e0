"""Looking for runs that nobody works on stays cheap however many runs there have been."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ml.backlog import KEEP_EVERY
from ml.events import EventLog, encode
from ml.objects import ObjectStore, open_store
from ml.run_events import STALE, RunEvent
from ml.runs import SWEEP_BACK, Runs

MODEL = "arrival-delay"
NOW = datetime(2013, 7, 31, 12, tzinfo=UTC)
WATCHED = ("get", "exists", "create", "list", "append")


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    """An empty store."""
    return open_store(f"memory://{tmp_path.name}")


@pytest.fixture
def requests_of(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], int]:
    """Count what the store is asked while something is done."""
    asked: Counter[str] = Counter()

    def counted(name: str) -> Callable[..., Any]:
        method = getattr(store, name)

        def call(*args: Any, **options: Any) -> Any:
            asked[name] += 1
            return method(*args, **options)

        return call

    for name in WATCHED:
        monkeypatch.setattr(store, name, counted(name))

    def count(action: Callable[[], Any]) -> int:
        before = asked.total()
        action()
        return asked.total() - before

    return count


def record(
    store: ObjectStore, count: int, at: datetime, state: str = "succeeded", first: int = 1
) -> list[str]:
    """Put *count* runs into the store as `Runs` does, with an end or without; return their ids."""
    index = EventLog(store, "runs/index/all", width=8)
    event = RunEvent.first("20130101t000000-00000000", MODEL, "retrain", {}, None, at)
    view = event.view.model_copy(update={"state": state})
    ids = [f"{at:%Y%m%dt%H%M%S}-{number:08x}" for number in range(first, first + count)]
    for number, run_id in enumerate(ids, first):
        own = event.model_copy(update={"view": view.model_copy(update={"run_id": run_id})})
        folder = f"runs/{run_id[:4]}-{run_id[4:6]}/{run_id}"
        store.create(index.path(number), encode({"format": 1, "at": at, "run_id": run_id}))
        store.create(f"{folder}/000001.json", encode(own.model_dump(mode="json")))
    return ids


@pytest.mark.parametrize("count", [500, pytest.param(100_000, marks=pytest.mark.slow)])
def test_ended_runs_are_looked_at_once(
    store: ObjectStore, requests_of: Callable[..., int], count: int
) -> None:
    """After the first look the next costs a few requests, in this process and in a new one."""
    record(store, count, NOW - timedelta(days=1))
    runs = Runs(store, lambda: NOW)
    assert runs.unclaimed() == []
    assert requests_of(runs.unclaimed) <= 2
    assert requests_of(Runs(store, lambda: NOW).unclaimed) <= 8


def test_what_is_open_is_found_behind_any_number_of_ended_runs(
    store: ObjectStore, requests_of: Callable[..., int]
) -> None:
    """A run that waits is found by every process until it ends, though hundreds of later ones have ended."""
    (waiting,) = record(store, 1, NOW - timedelta(days=2), state="queued")
    record(store, 3 * KEEP_EVERY, NOW - timedelta(days=1), first=2)
    assert Runs(store, lambda: NOW).unclaimed() == [waiting]
    runs = Runs(store, lambda: NOW)
    assert requests_of(lambda: runs.unclaimed()) <= 12
    assert runs.unclaimed() == [waiting]
    runs.request_cancel(waiting, "operator")
    assert Runs(store, lambda: NOW).unclaimed() == []


def test_runs_of_long_ago_are_not_read(store: ObjectStore, requests_of: Callable[..., int]) -> None:
    """The first look of all stops at the first run that is too old."""
    record(store, 300, NOW - SWEEP_BACK - timedelta(days=1))
    (waiting,) = record(store, 1, NOW - STALE, state="queued", first=301)
    runs = Runs(store, lambda: NOW)
    assert requests_of(runs.unclaimed) < 40
    assert runs.unclaimed() == [waiting]


def test_new_runs_are_found_after_a_look(store: ObjectStore) -> None:
    """What is recorded after a look is found by the next one, and leaves the list when it is too old."""
    now = [NOW]
    runs = Runs(store, lambda: now[0])
    assert runs.unclaimed() == []
    later = Runs(store, lambda: now[0]).create(MODEL, "retrain", {}).run_id
    assert runs.unclaimed() == [later]
    now[0] += SWEEP_BACK + timedelta(seconds=1)
    assert runs.unclaimed() == []


def test_a_damaged_record_costs_time_only(store: ObjectStore) -> None:
    """Where the record of open runs cannot be read, the index is read back as if there were none."""
    (waiting,) = record(store, 1, NOW - timedelta(days=2), state="queued")
    record(store, KEEP_EVERY, NOW - timedelta(days=1), first=2)
    store.create("runs/backlog/00000001.json", b"{")
    assert Runs(store, lambda: NOW).unclaimed() == [waiting]
    assert Runs(store, lambda: NOW).unclaimed() == [waiting]


def test_two_processes_look_at_once(store: ObjectStore) -> None:
    """Who comes second with the record goes on from the other's, and both find the same."""
    record(store, KEEP_EVERY, NOW - timedelta(days=1))
    one, other = Runs(store, lambda: NOW), Runs(store, lambda: NOW)
    assert one.unclaimed() == other.unclaimed() == []
    (waiting,) = record(store, 1, NOW - STALE, state="queued", first=KEEP_EVERY + 1)
    record(store, KEEP_EVERY, NOW - STALE, first=KEEP_EVERY + 2)
    assert one.unclaimed() == other.unclaimed() == [waiting]
    assert one.unclaimed() == other.unclaimed() == [waiting]
