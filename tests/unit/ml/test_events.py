"""Histories: how few looks find the newest event, and answers of the store that got lost."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.errors import AlreadyExists, StoreUnavailable
from ml.events import EventLog
from ml.objects import ObjectStore, Patience, open_store


class Counting(ObjectStore):
    """A store that holds events 1 to *newest* and counts the looks."""

    def __init__(self, newest: int) -> None:
        super().__init__("counting", open_store("memory://counting")._connect)
        self.newest, self.looks = newest, 0

    def exists(self, path: str) -> bool:
        self.looks += 1
        return int(path.rpartition("/")[2].removesuffix(".json")) <= self.newest


def test_the_newest_of_a_hundred_thousand_is_found_in_a_handful_of_looks() -> None:
    """Doubling and bisecting needs about twice the logarithm; a number known to be newest needs one look."""
    store = Counting(100_000)
    log = EventLog(store, "history", width=8)
    assert log.newest() == 100_000
    assert store.looks <= 2 * math.log2(100_000) + 2
    store.looks = 0
    assert log.newest(known=100_000) == 100_000
    assert store.looks == 1


@given(newest=st.integers(0, 5_000), known=st.integers(0, 5_000))
def test_the_newest_is_found_from_any_known_number(newest: int, known: int) -> None:
    """Whatever was seen before, the newest is found."""
    known = min(known, newest)
    assert EventLog(Counting(newest), "history").newest(known) == newest


class Repeating(ObjectStore):
    """A store whose client repeats each create, as it does when the first answer got lost."""

    def create(self, path: str, data: bytes, patience: Patience | None = None) -> None:
        super().create(path, data, patience)
        super().create(path, data, patience)


class Mute(ObjectStore):
    """A store that writes and does not say so, as long as it is *mute*."""

    mute = True

    def create(self, path: str, data: bytes, patience: Patience | None = None) -> None:
        super().create(path, data, patience)
        if self.mute:
            raise StoreUnavailable(path)


def test_a_repeated_create_is_not_taken_for_somebody_else() -> None:
    """An event that its own writer's first try wrote is written; a second writer is still refused."""
    inner = open_store("memory://repeating")
    log = EventLog(Repeating(inner.url, inner._connect), "history")
    log.append({"what": 1}, 1)
    assert log.read(1)["what"] == 1
    with pytest.raises(AlreadyExists):
        log.append({"what": 1}, 1)
