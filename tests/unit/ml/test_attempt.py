"""An attempt whose writes were taken although the store seemed to be away."""

from __future__ import annotations

import secrets

import pytest

from ml.attempt import Attempt
from ml.contract import RunResult
from ml.errors import AttemptLost, StoreUnavailable
from ml.objects import open_store
from ml.runs import Runs
from tests.unit.ml.test_events import Mute


@pytest.fixture
def store() -> Mute:
    """A store that can be made mute."""
    inner = open_store(f"memory://{secrets.token_hex(6)}")
    store = Mute(inner.url, inner._connect)
    store.mute = False
    return store


@pytest.fixture
def attempt(store: Mute) -> Attempt:
    """A held run."""
    runs = Runs(store)
    attempt = runs.claim(runs.create("model", "retrain", {}).run_id, "worker-1")
    assert attempt is not None
    return attempt


def test_an_attempt_goes_on_from_its_own_unconfirmed_event(store: Mute, attempt: Attempt) -> None:
    """Its own event, written though it seemed to fail, does not look like another worker's."""
    store.mute = True
    with pytest.raises(StoreUnavailable):
        attempt.stage("load")
    store.mute = False
    attempt.stage("fit")
    assert [(stage.name, stage.state) for stage in attempt.view.stages] == [
        ("load", "done"),
        ("fit", "running"),
    ]
    assert attempt.view.event == 4


def test_an_unconfirmed_end_is_not_written_twice(store: Mute, attempt: Attempt) -> None:
    """Ending again after an end whose answer got lost returns that end."""
    store.mute = True
    with pytest.raises(StoreUnavailable):
        attempt.succeed(RunResult(version=3))
    store.mute = False
    assert attempt.succeed(RunResult(version=3)).event == 3
    assert Runs(store).view(attempt.view.run_id).state == "succeeded"
    with pytest.raises(AttemptLost):
        attempt.stage("more")
