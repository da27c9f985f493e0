"""A worker that tidies up the prediction log dies at each of its writes: no row is lost or there twice."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ml.compaction import Compactor
from ml.objects import ObjectStore, open_store
from ml.segments import start_of
from tests.contracts.archived import (
    CLOSED,
    GRACE_OVER,
    HOUR,
    CutOff,
    CuttingStore,
    assert_whole,
    compact,
    log_an_hour,
)

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[2]


def opened(kind: str, folder: Path) -> ObjectStore:
    """Return an empty store."""
    return open_store(str(folder) if kind == "folder" else f"memory://{secrets.token_hex(6)}")


@pytest.mark.parametrize("kind", ["folder", pytest.param("memory", marks=pytest.mark.slow)])
@pytest.mark.parametrize("now", [CLOSED, GRACE_OVER], ids=["archiving", "deleting"])
def test_every_write_may_be_the_last(kind: str, now: datetime, tmp_path: Path) -> None:
    """Before and after each write: all rows are there once, and the next worker finishes the work."""
    at, died = 0, 2
    while died:
        at, died = at + 1, 0
        for after in (False, True):
            store = opened(kind, tmp_path / f"{at}{after}")
            known = log_an_hour(store)
            if now is GRACE_OVER:
                compact(store, CLOSED)
            try:
                compact(CuttingStore(store, at, after), now)
            except CutOff:
                died += 1
            assert_whole(store, known, tmp_path)
            compact(store, now)
            assert_whole(store, known, tmp_path)
            assert compact(store, now).rows == 0
    assert at > 3


@pytest.mark.parametrize(
    ("at", "after"),
    [
        (1, "after"),
        (2, "after"),
        pytest.param(2, "before", marks=pytest.mark.slow),
        pytest.param(3, "before", marks=pytest.mark.slow),
    ],
)
def test_a_process_that_is_killed_leaves_nothing_half_done(at: int, after: str, tmp_path: Path) -> None:
    """SIGKILL around the file and around the manifest that makes it count."""
    store = open_store(str(tmp_path / "store"))
    known = log_an_hour(store)
    child = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.faults.compacting_child",
            store.url,
            CLOSED.isoformat(),
            str(at),
            after,
        ],
        cwd=ROOT,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL
    assert_whole(store, known, tmp_path)
    compact(store, GRACE_OVER)
    compact(store, GRACE_OVER + timedelta(hours=2))
    assert_whole(store, known, tmp_path)
    assert list(store.list("predictions")) == []


def test_forgetting_that_is_cut_off_is_taken_up_again(tmp_path: Path) -> None:
    """Wherever it stopped, the next worker removes the rest."""
    later = start_of(HOUR) + timedelta(days=500)
    at, died = 0, True
    while died:
        at, died = at + 1, False
        store = open_store(str(tmp_path / f"store-{at}"))
        log_an_hour(store)
        compact(store, CLOSED)
        try:
            Compactor(CuttingStore(store, at, after=True), clock=lambda: later).run()
        except CutOff:
            died = True
        Compactor(store, clock=lambda: later).run()
        assert list(store.list("predictions")) == list(store.list("archive")) == []
    assert at > 3
