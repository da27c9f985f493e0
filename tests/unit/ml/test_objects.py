"""Opening a store by its address, and the probe that a store must pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.errors import StoreMisconfigured
from ml.objects import ObjectStore, Patience, open_store, probe_store


def test_a_folder_is_opened_by_path_or_address(tmp_path: Path) -> None:
    """A plain path and a file address are the same folder, made where it is missing."""
    folder = tmp_path / "a store" / "deep"
    open_store(str(folder)).create("x", b"1")
    again = open_store(folder.as_uri())
    assert again.get("x") == b"1"
    assert again.url == folder.as_uri()
    assert "%20" in again.url


def test_memory_is_shared_by_name() -> None:
    """Opening the same name again in one process opens the same store; another name is another store."""
    open_store("memory://shared-by-name").create("x", b"1")
    assert open_store("memory://shared-by-name").get("x") == b"1"
    assert not open_store("memory://another-name").exists("x")


def test_the_address_comes_from_the_setting(tmp_path: Path) -> None:
    """Without an argument TOBAN_STORE_URL decides."""
    assert open_store(env={"TOBAN_STORE_URL": str(tmp_path)}).folder == tmp_path


@pytest.mark.parametrize(
    ("address", "named"),
    [("", "TOBAN_STORE_URL"), ("ftp://host/x", "ftp"), ("/dev/null/x", "cannot be a store")],
)
def test_an_address_that_cannot_work_is_refused(address: str, named: str) -> None:
    """The error says what is wrong with it."""
    with pytest.raises(StoreMisconfigured, match=named):
        open_store(address, {})


@pytest.mark.parametrize("address", ["s3://bucket/prefix", "gs://bucket/prefix"])
def test_other_clouds_are_opened_without_a_request(address: str) -> None:
    """Opening asks nobody anything; the store knows its address."""
    assert open_store(address, {}).url == address


class Overwriting(ObjectStore):
    """A store that forgets to refuse."""

    def create(self, path: str, data: bytes, patience: Patience | None = None) -> None:
        self.delete(path)
        super().create(path, data, patience)


def test_a_store_that_takes_a_second_create_fails_the_probe() -> None:
    """Such a store cannot keep a history, and the probe says so before anything is written."""
    inner = open_store("memory://overwriting")
    store = Overwriting(inner.url, inner._connect)
    with pytest.raises(StoreMisconfigured, match="written twice"):
        probe_store(store)
    assert list(store.list("probe")) == []
