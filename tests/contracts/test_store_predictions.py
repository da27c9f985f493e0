"""The prediction log on every kind of store: what was confirmed is there, found in one read, and counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ml.contract import PredictionView, RowAnswer
from ml.errors import NotFound
from ml.objects import ObjectStore, open_store
from ml.predictions import LAST_APPENDS, QUICK_SECONDS, ROWS_PER_FILE, PredictionLog
from ml.segments import FORMAT
from ml.usage import GRACE, Usage
from tests.contracts.conftest import Place
from tests.contracts.logged import AT, DATA, MODEL, columns, record


@pytest.fixture
def log(store: ObjectStore) -> Iterator[PredictionLog]:
    """A log of an empty store whose clock stands in the hour of the samples."""
    with PredictionLog(store, clock=AT.timestamp) as opened:
        yield opened


def test_a_prediction_is_read_by_its_id(place: Place, log: PredictionLog) -> None:
    """Another process finds by the id alone when, who, where, what, model version and data version."""
    submission = log.submit(MODEL, [record(7)])
    assert submission.taken.result(10) is True
    (prediction_id,) = submission.ids
    assert PredictionLog(place.open()).read(prediction_id) == PredictionView(
        format=FORMAT,
        prediction_id=prediction_id,
        at=AT,
        who="operator",
        where="ml-arrivals",
        model=MODEL,
        version=1,
        data_version=DATA,
        input={"n": 7},
        answer=RowAnswer(
            prediction_id=prediction_id, outcome="predicted", source="champion", value=7.5, unit="min"
        ),
    )


def test_the_rows_of_a_large_request_are_read_one_by_one(log: PredictionLog) -> None:
    """Rows that were logged as columns have an id each; a value that all share is each row's."""
    submission = log.submit(MODEL, [record(1), columns(500, source=["champion"] * 499 + ["rule"]), record(2)])
    assert submission.taken.result(10)
    assert len(submission.ids) == len(set(submission.ids)) == 502
    last = log.read(submission.ids[500])
    assert (last.input, last.answer.value, last.answer.source) == ({"n": 499}, 499.5, "rule")
    assert log.read(submission.ids[501]).input == {"n": 2}


def test_reading_one_prediction_is_one_read(
    store: ObjectStore, log: PredictionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many were logged, showing one asks the store once and lists nothing."""
    submissions = [log.submit(MODEL, [record(n)]) for n in range(50)]
    assert all(submission.taken.result(10) for submission in submissions)
    reads: list[str] = []
    get = store.get

    def counted(path: str) -> bytes:
        reads.append(path)
        return get(path)

    monkeypatch.setattr(store, "get", counted)
    monkeypatch.delattr(ObjectStore, "list")
    monkeypatch.delattr(ObjectStore, "exists")
    assert log.read(submissions[31].ids[0]).input == {"n": 31}
    assert len(reads) == 1


def test_many_threads_share_few_groups_and_lose_nothing(log: PredictionLog) -> None:
    """Every confirmed prediction of 16 threads is there under its own id, whatever group it went with."""

    def one(n: int) -> str:
        submission = log.submit(MODEL, [record(n)])
        assert submission.taken.result(30)
        return submission.ids[0]

    with ThreadPoolExecutor(16) as pool:
        ids = list(pool.map(one, range(400)))
    assert len(set(ids)) == 400
    assert [log.read(each).input["n"] for each in ids[::20]] == list(range(0, 400, 20))
    assert log.counters["rows_logged"] == 400
    assert Usage(log._store, lambda: AT).since(MODEL, AT).total == 400


def test_tasks_of_an_event_loop_wait_together(log: PredictionLog) -> None:
    """Tasks that submit at once are all answered, also those beside one that is cancelled."""

    async def ask(n: int) -> bool:
        return await log.submit(MODEL, [record(n)]).logged()

    async def crowd() -> list[bool | BaseException]:
        tasks = [asyncio.ensure_future(ask(n)) for n in range(100)]
        await asyncio.sleep(0)
        tasks[5].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    answers = asyncio.run(crowd())
    assert isinstance(answers.pop(5), asyncio.CancelledError)
    assert answers == [True] * 99


def test_who_hands_rows_in_writes_them_on_a_quick_folder(log: PredictionLog) -> None:
    """And knows at once that they are taken, without a thread; with any other store the thread writes."""

    async def ask() -> bool:
        submission = log.write(MODEL, [record(1), columns(500)], requests=2)
        assert submission.taken.done() == log._store.can_append
        assert await submission.logged()
        return [log.read(submission.ids[place]).input["n"] for place in (0, 500)] == [1, 499]

    assert asyncio.run(ask())
    assert (log._writer is None) == log._store.can_append


def test_a_slow_folder_is_left_to_the_thread(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """While appends take their time no loop waits for one; and what a loop left behind is written."""
    monkeypatch.setattr("ml.predictions.QUICK_SECONDS", 0.0)
    with PredictionLog(store, clock=AT.timestamp) as log:

        async def ask(n: int) -> bool:
            return await log.write(MODEL, [record(n)]).logged()

        assert asyncio.run(ask(1))
        assert asyncio.run(ask(2))
        assert log._writer is not None

        async def leave() -> None:
            log.write(MODEL, [record(3)])

        asyncio.run(leave())
    assert Usage(store, lambda: AT).since(MODEL, AT).total == 3


def test_one_late_append_is_no_slow_folder(tmp_path: Path) -> None:
    """A busy machine takes the processor away for a moment; only appends that are slow on average count."""
    log = PredictionLog(open_store(str(tmp_path / "store")))
    log._note_pace(QUICK_SECONDS * LAST_APPENDS)
    assert log._may_write_here()
    log._note_pace(QUICK_SECONDS * LAST_APPENDS)
    assert not log._may_write_here()
    for _ in range(2 * LAST_APPENDS):
        log._note_pace(0.0)
    assert log._may_write_here()


def test_requests_that_come_back_share_an_object(log: PredictionLog) -> None:
    """As many as came together last time are waited for, so that they are one object and not two."""
    log._expected_requests, log._company_seconds = 8, 60.0
    submissions = [log.submit(MODEL, [record(n)]) for n in range(8)]
    assert all(submission.taken.result(10) for submission in submissions)
    if not log._store.can_append:
        assert log.counters["groups_written"] == 1
    assert log._expected_requests <= 8


def test_fewer_that_come_together_than_last_time_are_not_forgotten(log: PredictionLog) -> None:
    """Their company is waited for a moment; then they are written without it."""
    assert log.submit(MODEL, [record()]).taken.result(10)
    with log._writing, log._condition:  # the thread has done its writing
        log._expected_requests, log._company_seconds = 8, 0.001
    few = log.submit(MODEL, [record(n) for n in range(5)], requests=5)
    assert few.taken.result(10)


def test_a_waiter_that_gives_up_does_not_harm_the_others(log: PredictionLog) -> None:
    """Cancelling one wait for the shared future leaves it to the others of the group."""

    async def give_up() -> bool:
        submission = log.submit(MODEL, [record(n) for n in range(200)])
        waiting = asyncio.wrap_future(submission.taken)
        waiting.cancel()
        await asyncio.sleep(0)
        return submission.taken.cancelled()

    assert asyncio.run(give_up()) is False
    assert log.submit(MODEL, [record()]).taken.result(10)


def test_models_do_not_share_segments(log: PredictionLog) -> None:
    """Predictions of two models in one moment are kept and counted apart."""
    for model in ("one", "other"):
        assert log.submit(model, [record()]).taken.result(10)
    usage = Usage(log._store, lambda: AT)
    assert [usage.since(model, AT).total for model in ("one", "other", "third")] == [1, 1, 0]


@pytest.mark.parametrize(
    "unknown",
    ["p-arrival-delay-2013070112-0123456789ab1-0", "p-../x-2013070112-0123456789ab1-0", "nonsense", ""],
)
def test_an_unknown_prediction_is_not_found(log: PredictionLog, unknown: str) -> None:
    """An id under which nothing was logged, or that is none, is not found."""
    with pytest.raises(NotFound):
        log.read(unknown)


def test_a_row_beyond_its_segment_is_not_found(log: PredictionLog) -> None:
    """The segment is there, the row is not."""
    submission = log.submit(MODEL, [record()])
    assert submission.taken.result(10)
    with pytest.raises(NotFound):
        log.read(submission.ids[0].removesuffix("0") + "1")


def test_a_segment_does_not_grow_for_ever(log: PredictionLog) -> None:
    """After some thousand rows another segment begins, and both are read."""
    ids = [log.submit(MODEL, [columns(ROWS_PER_FILE // 2)]).ids[0] for _ in range(3)]
    log.close()
    assert len({prediction_id.split("-")[4] for prediction_id in ids}) >= 2
    assert all(log.read(prediction_id).input == {"n": 0} for prediction_id in ids)


def test_an_hour_has_segments_of_its_own(store: ObjectStore) -> None:
    """What is logged in the next hour is counted there."""
    at = AT
    with PredictionLog(store, clock=lambda: at.timestamp()) as log:
        assert log.submit(MODEL, [record()]).taken.result(10)
        at += timedelta(hours=1)
        assert log.submit(MODEL, [record(), record()]).taken.result(10)
    usage = Usage(store, lambda: AT + timedelta(hours=1))
    assert [usage.hour(MODEL, hour).total() for hour in ("2013070112", "2013070113")] == [1, 2]


def test_a_closed_log_refuses(log: PredictionLog) -> None:
    """Closing writes what waits; what comes later hears False."""
    before = log.submit(MODEL, [record()])
    log.close()
    assert before.taken.result(0)
    after = log.submit(MODEL, [record(1)])
    assert after.taken.result(0) is False
    with pytest.raises(NotFound):
        log.read(after.ids[0])


def test_usage_tells_outcomes_and_sources(log: PredictionLog) -> None:
    """Volume, fallback share and abstain share come from how the rows were answered."""
    log.submit(MODEL, [record(n) for n in range(5)])
    log.submit(MODEL, [record(6, "fallback", "rule"), record(7, "abstain", "champion")])
    log.submit(MODEL, [columns(3, outcome="fallback", source=["rule", "rule", "previous_champion"])])
    log.close()
    now = AT + timedelta(minutes=10)
    usage = Usage(log._store, lambda: now).since(MODEL, AT)
    assert (usage.total, usage.since, usage.until) == (10, datetime(2013, 7, 1, 12, tzinfo=UTC), now)
    assert usage.by_outcome == {"predicted": 5, "fallback": 4, "abstain": 1}
    assert usage.by_source == {"champion": 6, "rule": 3, "previous_champion": 1}
    assert (usage.fallback_share, usage.abstain_share) == (0.4, 0.1)


def test_usage_without_predictions_has_no_shares(store: ObjectStore) -> None:
    """Nothing divided by nothing is not a number."""
    usage = Usage(store, lambda: AT).since(MODEL, AT - timedelta(hours=30))
    assert (usage.total, usage.fallback_share, usage.abstain_share) == (0, None, None)


def test_a_closed_hour_is_counted_once(store: ObjectStore, place: Place, log: PredictionLog) -> None:
    """After the hour is over its count is kept, and its segments are not read again by anybody."""
    log.submit(MODEL, [record(n) for n in range(3)])
    log.close()
    later = AT.replace(minute=0) + timedelta(hours=1) + GRACE
    assert Usage(store, lambda: later - timedelta(seconds=1)).since(MODEL, AT).total == 3
    assert list(store.list("rollups")) == []
    assert Usage(store, lambda: later).since(MODEL, AT).total == 3
    assert list(store.list("rollups")) == [f"rollups/{MODEL}/2013070112.json"]
    for path in list(store.list("predictions")):
        store.delete(path)
    assert Usage(place.open(), lambda: later).hour(MODEL, "2013070112") == Counter({"predicted:champion": 3})
