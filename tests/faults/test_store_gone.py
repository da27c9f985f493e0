"""The store goes away: calls end, predictions are answered as not logged, and logging comes back."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml.errors import StoreUnavailable
from ml.objects import ObjectStore, Patience, open_store
from ml.predictions import RETRY_SECONDS, PredictionLog
from ml.registry import CHAMPION, Registry
from tests.contracts.logged import AT, MODEL, record

pytestmark = pytest.mark.faults
BOUND_SECONDS = 30.0


class Clock:
    """Seconds since the epoch, moved by hand."""

    def __init__(self) -> None:
        self.now = AT.timestamp()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def silent_url() -> Iterator[str]:
    """Address of a container in an account that takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(64)
        yield f"http://127.0.0.1:{server.getsockname()[1]}/account/container"


@pytest.fixture
def silent_store(silent_url: str) -> ObjectStore:
    """A store that hangs."""
    return open_store(silent_url, {"AZURE_STORAGE_ACCOUNT_KEY": "bm90IGEga2V5"})


def losses(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """Return what the log said on stderr."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_hanging_store_is_given_up(silent_store: ObjectStore) -> None:
    """A read of a store that never answers ends as out of reach."""
    registry = Registry(silent_store.hurried())
    with pytest.raises(StoreUnavailable):
        registry.alias(MODEL, CHAMPION)


def test_a_hanging_store_does_not_hold_predictions(
    silent_store: ObjectStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first group waits for the time-out and hears False; what comes then hears False at once."""
    with PredictionLog(silent_store, Clock()) as log:
        assert log.submit(MODEL, [record(1), record(2)]).taken.result(BOUND_SECONDS) is False
        refused = [log.submit(MODEL, [record(n)]) for n in range(100)]
        assert all(submission.taken.done() and not submission.taken.result() for submission in refused)
        assert log.counters == {"rows_logged": 0, "rows_lost": 102, "groups_written": 0, "groups_failed": 1}
    (line,) = losses(capsys)
    assert (line["event"], line["model"], line["rows"]) == ("prediction_log_failed", MODEL, 2)


def test_a_folder_that_went_away_is_out_of_reach(tmp_path: Path) -> None:
    """A folder that vanished (an unmounted disk) is neither empty nor made anew."""
    folder = tmp_path / "store"
    store = open_store(str(folder))
    registry = Registry(store)
    registry.put_file(b"rows")
    folder.rename(tmp_path / "away")
    for call in (
        lambda: store.get("a"),
        lambda: store.exists("a"),
        lambda: store.create("a", b""),
        lambda: store.append("a", b""),
        lambda: registry.alias(MODEL, CHAMPION),
        lambda: registry.put_file(b"rows"),
    ):
        with pytest.raises(StoreUnavailable):
            call()
    assert not folder.exists()


def test_logging_comes_back_with_the_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """While the store is away one group a second tries it; when it is back everything is logged again."""
    clock, folder, away = Clock(), tmp_path / "store", tmp_path / "away"
    with PredictionLog(open_store(str(folder)), clock) as log:
        first = log.submit(MODEL, [record(1)])
        assert first.taken.result(BOUND_SECONDS)
        folder.rename(away)
        assert not log.submit(MODEL, [record(2)]).taken.result(BOUND_SECONDS)
        away.rename(folder)
        assert not log.submit(MODEL, [record(3)]).taken.result(0)
        clock.now += RETRY_SECONDS
        back = log.submit(MODEL, [record(4)])
        assert back.taken.result(BOUND_SECONDS)
        assert [log.read(submission.ids[0]).input["n"] for submission in (first, back)] == [1, 4]
    assert [line["rows_lost"] for line in losses(capsys)] == [1]


class DiskFull(ObjectStore):
    """A folder store whose disk has room for *room* more bytes."""

    def __init__(self, folder: Path, room: int) -> None:
        inner = open_store(str(folder))
        super().__init__(inner.url, inner._connect, inner.folder)
        self.room = room

    def append(self, path: str, data: bytes) -> None:
        super().append(path, data[: self.room])
        if len(data) > self.room:
            raise StoreUnavailable(f"{path}: No space left on device")


def test_a_line_that_was_cut_off_harms_no_other(tmp_path: Path) -> None:
    """A group that was half written hears False; what follows in the same file is read as usual."""
    clock, store = Clock(), DiskFull(tmp_path / "store", 10_000)
    with PredictionLog(store, clock) as log:
        first = log.submit(MODEL, [record(1)])
        assert first.taken.result(BOUND_SECONDS)
        store.room = 40
        torn = log.submit(MODEL, [record(2)])
        assert not torn.taken.result(BOUND_SECONDS)
        store.room, clock.now = 10_000, clock.now + RETRY_SECONDS
        last = log.submit(MODEL, [record(3)])
        assert last.taken.result(BOUND_SECONDS)
        assert [log.read(submission.ids[0]).input["n"] for submission in (first, last)] == [1, 3]
    assert len(list(store.list("predictions"))) == 1


class Held(ObjectStore):
    """A memory store that holds each create until it is let go."""

    def __init__(self) -> None:
        inner = open_store("memory://held")
        super().__init__(inner.url, inner._connect)
        self.entered, self.let_go = threading.Event(), threading.Event()

    def create(self, path: str, data: bytes, patience: Patience | None = None) -> None:
        self.entered.set()
        assert self.let_go.wait(BOUND_SECONDS)
        super().create(path, data, patience)


def test_what_waits_behind_a_failed_write_does_not_wait_for_another() -> None:
    """Rows that gathered while a write was failing hear False with it, and the store is not asked again."""

    class Failing(Held):
        tries = 0

        def create(self, path: str, data: bytes, patience: Patience | None = None) -> None:
            self.tries += 1
            super().create(path, data, patience)
            raise StoreUnavailable(path)

    store = Failing()
    with PredictionLog(store, Clock()) as log:
        writing = log.submit(MODEL, [record()])
        assert store.entered.wait(BOUND_SECONDS)
        waiting = log.submit(MODEL, [record()])
        store.let_go.set()
        assert not writing.taken.result(BOUND_SECONDS)
        assert not waiting.taken.result(BOUND_SECONDS)
        assert log.counters["rows_lost"] == 2
    assert store.tries == 1


def test_what_waits_for_a_slow_store_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows beyond the bound are refused at once instead of filling the memory, and later ones are taken."""
    monkeypatch.setattr("ml.predictions.MAX_WAITING_ROWS", 10)
    store = Held()
    with PredictionLog(store, Clock()) as log:
        writing = log.submit(MODEL, [record()])
        assert store.entered.wait(BOUND_SECONDS)
        waiting = [log.submit(MODEL, [record(n)]) for n in range(12)]
        assert [submission.taken.done() for submission in waiting] == [False] * 10 + [True] * 2
        store.let_go.set()
        assert all(submission.taken.result(BOUND_SECONDS) for submission in [writing, *waiting[:10]])
        assert log.counters["groups_written"] == 2
        assert log.submit(MODEL, [record()]).taken.result(BOUND_SECONDS)
