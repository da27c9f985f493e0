"""What things cost in requests to the object store: counts that may not grow unnoticed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.requests_made import CountingStore, price
from ml.compaction import Compactor
from ml.objects import open_store
from ml.predictions import PredictionLog
from ml.runs import Runs
from ml.usage import Usage
from tests.contracts.logged import AT, MODEL, record

SEGMENTS = 20
KEEP = timedelta(days=36_500)


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    """An empty store in memory, as a blob store is: an object for each group of predictions."""
    return CountingStore(open_store(f"memory://requests-{tmp_path.name}"))


def test_a_prediction_is_one_write_and_a_group_is_one_too(store: CountingStore) -> None:
    """One that comes alone is one request; 64 that are handed over together share one."""
    with PredictionLog(store, clock=AT.timestamp) as log:
        assert log.submit(MODEL, [record()]).taken.result(30)
        assert store.requests == {"writes": 1}
        assert log.submit(MODEL, [record(n) for n in range(64)]).taken.result(30)
        assert store.requests == {"writes": 2}


def test_an_hour_is_compacted_by_one_read_for_each_segment(store: CountingStore) -> None:
    """Twice the segments are twice the reads and deletes, and nothing else."""
    found = []
    for hour, segments in enumerate((SEGMENTS, 2 * SEGMENTS)):
        at = AT + timedelta(days=hour)
        for number in range(segments):
            with PredictionLog(store, clock=at.timestamp) as log:
                assert log.submit(MODEL, [record(number)]).taken.result(30)
        store.requests.clear()
        Compactor(store, KEEP, lambda at=at: at + timedelta(hours=1)).run()  # type: ignore[misc]
        Compactor(store, KEEP, lambda at=at: at + timedelta(hours=4)).run()  # type: ignore[misc]
        found.append(dict(store.requests))
    small, large = found
    assert large["reads"] - small["reads"] == SEGMENTS
    assert (small["deletes"], large["deletes"]) == (SEGMENTS, 2 * SEGMENTS)
    assert small["writes"] == large["writes"] == 3
    assert max(large["lists"], large["looks"]) <= 20


def test_a_digest_of_closed_hours_does_not_grow_with_predictions(store: CountingStore) -> None:
    """A day is a read for each hour, however many predictions were logged in it; counted again, none."""
    now = AT + timedelta(days=2)
    requests = []
    for predictions in (1, 400):
        with PredictionLog(store, clock=AT.timestamp) as log:
            assert log.submit(MODEL, [record(n) for n in range(predictions)]).taken.result(30)
        Usage(store, lambda: now).since(MODEL, AT - timedelta(hours=3))
        store.requests.clear()
        usage = Usage(store, lambda: now)
        usage.since(MODEL, AT - timedelta(hours=3))
        requests.append(dict(store.requests))
        store.requests.clear()
        usage.since(MODEL, AT - timedelta(hours=3))
        assert store.requests["reads"] == 0
    assert requests[0] == requests[1]


def test_an_entry_of_an_index_is_read_once(store: CountingStore) -> None:
    """A list of runs that is asked for again and again costs a look for each run, and no read."""
    runs = Runs(store)
    for number in range(30):
        runs.create(MODEL, "retrain", {"number": number})
    runs.list(MODEL, 20, None)
    store.requests.clear()
    assert len(runs.list(MODEL, 20, None).runs) == 20
    assert store.requests == {"looks": 1 + 20}


def test_prices_are_taken_by_kind() -> None:
    """A million writes are 5.50 dollars and a million reads 44 cents, at the prices that are named."""
    assert price({"writes": 1.0}, 1_000_000) == pytest.approx(5.5)
    assert price({"reads": 1.0, "deletes": 9.0}, 1_000_000) == pytest.approx(0.44)
