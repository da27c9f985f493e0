"""Numbered histories on every kind of store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from ml.errors import AlreadyExists, Corrupt, NotFound
from ml.events import EventLog
from ml.objects import ObjectStore


@pytest.fixture
def log(store: ObjectStore) -> EventLog:
    """An empty history."""
    return EventLog(store, "history", width=8)


def test_an_empty_history_has_no_newest_event(log: EventLog) -> None:
    """Nothing has happened yet."""
    assert log.newest() == 0
    assert list(log.read_all()) == []
    with pytest.raises(NotFound):
        log.read(1)


def test_events_come_back_in_order(log: EventLog) -> None:
    """Each event is read as it was written, and a reader can begin in the middle."""
    for n in range(1, 8):
        assert log.newest() == n - 1
        log.append({"what": n}, n)
    assert [event["what"] for event in log.read_all()] == list(range(1, 8))
    assert [event["what"] for event in log.read_all(since=5)] == [6, 7]
    assert all(log.newest(known) == 7 for known in range(8))


def test_who_comes_second_is_told_so(log: EventLog) -> None:
    """An event number is written once."""
    log.append({"what": "first"}, 1)
    with pytest.raises(AlreadyExists):
        log.append({"what": "second"}, 1)
    assert log.read(1)["what"] == "first"


def test_racing_writers_leave_a_gapless_history(log: EventLog) -> None:
    """Writers that look, write and look again after a refusal all get their event in, each once."""

    def write(name: int) -> int:
        while True:
            n = log.newest() + 1
            try:
                log.append({"who": name}, n)
            except AlreadyExists:
                continue
            return n

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(write, range(40)))
    assert sorted(numbers) == list(range(1, 41))
    assert [log.read(n)["who"] for n in numbers] == list(range(40))


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"{", "no JSON"), (b"[]", "no JSON object"), (b'{"format": 2}', "a newer one wrote it")],
)
def test_an_event_that_cannot_be_read_is_named(
    store: ObjectStore, log: EventLog, data: bytes, why: str
) -> None:
    """The error says which object and why, also for a format of the future."""
    store.create(log.path(1), data)
    with pytest.raises(Corrupt, match=why) as caught:
        log.read(1)
    assert caught.value.path == "history/00000001.json"
