"""What every kind of store promises: create once, read back, tell missing from unreachable."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from ml.errors import AlreadyExists, NotFound, StoreMisconfigured
from ml.objects import LARGE, ObjectStore, probe_store


def test_what_was_created_is_read_back(store: ObjectStore) -> None:
    """An object's bytes come back as they were given."""
    store.create("a/b.json", b"\x00\xff text")
    assert store.get("a/b.json") == b"\x00\xff text"
    assert store.exists("a/b.json")


@pytest.mark.parametrize("size", [10, LARGE + 6_000_000], ids=["small", "large"])
def test_a_second_create_is_refused_and_changes_nothing(store: ObjectStore, size: int) -> None:
    """Put-if-absent holds, also for objects that the library would like to upload in parts."""
    store.create("a", b"1" * size)
    with pytest.raises(AlreadyExists):
        store.create("a", b"2" * size)
    assert store.get("a") == b"1" * size


def test_of_many_writers_exactly_one_creates(store: ObjectStore) -> None:
    """Threads that create one path at the same time: one wins, and its bytes are what is there."""

    def create(n: int) -> int | None:
        try:
            store.create("contested", str(n).encode())
        except AlreadyExists:
            return None
        return n

    with ThreadPoolExecutor(16) as pool:
        winners = [n for n in pool.map(create, range(64)) if n is not None]
    assert store.get("contested") == str(winners[0]).encode()
    assert len(winners) == 1


def test_a_missing_object_is_missing(store: ObjectStore) -> None:
    """Reading it says so, looking says no, removing it is fine."""
    with pytest.raises(NotFound):
        store.get("nothing/here")
    assert not store.exists("nothing/here")
    assert not store.exists("nothing")
    store.delete("nothing/here")


def test_a_removed_object_is_gone(store: ObjectStore) -> None:
    """After housekeeping removed an object its path is free."""
    store.create("a", b"1")
    store.delete("a")
    assert not store.exists("a")
    store.create("a", b"2")
    assert store.get("a") == b"2"


def test_listing_names_what_is_below_a_folder(store: ObjectStore) -> None:
    """All paths below whole path segments are listed, and nothing else."""
    for path in ("p/1", "p/q/2", "pq/3", "r"):
        store.create(path, b"")
    assert sorted(store.list("p")) == ["p/1", "p/q/2"]
    assert list(store.list("nothing")) == []


def test_a_store_that_refuses_a_second_create_passes_the_probe(store: ObjectStore) -> None:
    """The start-up probe is content with each real store and leaves nothing behind."""
    probe_store(store)
    assert list(store.list("probe")) == []


@pytest.mark.parametrize("path", ["../outside", "a/../../b", "a//b"])
def test_a_path_that_leaves_the_store_is_refused(store: ObjectStore, path: str) -> None:
    """No path gets out of the store."""
    with pytest.raises(StoreMisconfigured):
        store.create(path, b"x")


def test_only_a_folder_appends(store: ObjectStore) -> None:
    """Where a store can append, lines follow each other; elsewhere it says that it cannot."""
    if not store.can_append:
        with pytest.raises(StoreMisconfigured):
            store.append("log/1", b"a\n")
        return
    store.append("log/1", b"a\n")
    store.append("log/1", b"b\n")
    assert store.get("log/1") == b"a\nb\n"
