"""A worker that comes back under its name takes its own dead attempt over without waiting."""

from __future__ import annotations

import secrets

import pytest

from ml.errors import AttemptLost
from ml.objects import open_store
from ml.runs import Runs


def test_the_same_worker_takes_over_at_once_and_another_does_not() -> None:
    """A fresh heartbeat keeps others out, but not the worker whose earlier life wrote it."""
    runs = Runs(open_store(f"memory://{secrets.token_hex(4)}", {}))
    run_id = runs.create("sums", "retrain", {}).run_id
    first = runs.claim(run_id, "local-1")
    assert first is not None
    assert runs.claim(run_id, "local-2") is None
    second = runs.claim(run_id, "local-1")
    assert second is not None
    assert second.view.attempt == 2
    with pytest.raises(AttemptLost):
        first.stage("fit")


def test_a_worker_that_is_killed_again_and_again_uses_the_attempts_up() -> None:
    """After the last attempt the run has failed, whoever comes back."""
    runs = Runs(open_store(f"memory://{secrets.token_hex(4)}", {}))
    run_id = runs.create("sums", "retrain", {}).run_id
    assert all(runs.claim(run_id, "local-1") for _ in range(3))
    assert runs.claim(run_id, "local-1") is None
    assert runs.view(run_id).state == "failed"
