"""The function app's health: what its one trial of the store shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from functions import health
from functions.state import AppState
from ml.errors import AlreadyExists, StoreUnavailable
from ml.objects import ObjectStore


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppState:
    """The app's parts on a folder, known to the health page."""
    made = AppState({"TOBAN_STORE_URL": str(tmp_path)})
    monkeypatch.setattr(health, "state", made)
    return made


def test_a_folder_refuses_a_second_create_and_keeps_nothing(state: AppState, tmp_path: Path) -> None:
    """The trial ends well, once, and leaves no object."""
    assert health.store_health().refuses_second_create is True
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_store_that_overwrites_is_degraded(state: AppState, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that takes the second create is reachable and not to be relied on."""
    create = ObjectStore.create

    def overwriting(store: ObjectStore, path: str, data: bytes) -> None:
        try:
            create(store, path, data)
        except AlreadyExists:
            return

    monkeypatch.setattr(ObjectStore, "create", overwriting)
    found = health.store_health()
    assert (found.reachable, found.refuses_second_create) == (True, False)
    assert not health.is_well(found)


def test_a_store_that_cannot_be_written_is_not_proven(
    state: AppState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the trial comes to no end nothing is claimed, and the next look tries again."""

    def refused(store: ObjectStore, path: str, data: bytes) -> None:
        raise StoreUnavailable("no right to write")

    with monkeypatch.context() as patch:
        patch.setattr(ObjectStore, "create", refused)
        found = health.store_health()
    assert (found.reachable, found.refuses_second_create, found.detail) == (True, None, "StoreUnavailable")
    assert health.store_health().refuses_second_create is True
