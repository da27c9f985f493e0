"""The store's disk is full, its permission lost, its listing late: what is right stays so, and it heals."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from ml.contract import RunResult
from ml.objects import Entry, ObjectStore, open_store
from ml.predictions import PredictionLog
from ml.registry import CHAMPION, Registry
from ml.runs import Runs
from tests.contracts.logged import record
from tests.contracts.registered import MODEL, move_for, register
from tests.faults.test_functions_store_gone import PREDICT, promote
from tests.function_hosts import FunctionHost, Home, wait_until

pytestmark = pytest.mark.faults

TAKEN_UP_SECONDS = 180.0


class Lagging(ObjectStore):
    """A folder store whose listings have not heard of anything yet."""

    def __init__(self, folder: Path) -> None:
        inner = open_store(str(folder))
        super().__init__(inner.url, inner._connect, inner.folder)

    def list(self, prefix: str) -> Iterator[str]:
        """List nothing."""
        return iter(())

    def entries(self, prefix: str) -> Iterator[Entry]:
        """List nothing."""
        return iter(())

    def folders(self, prefix: str) -> Sequence[str]:
        """List nothing."""
        return ()


def test_a_listing_that_lags_hides_nothing(tmp_path: Path) -> None:
    """Versions, aliases, runs and predictions are found although every listing is behind."""
    (tmp_path / "store").mkdir()
    store = Lagging(tmp_path / "store")
    registry, runs = Registry(store), Runs(store)
    run_id = runs.create(MODEL, "retrain", {}, key="one").run_id
    assert Runs(store).unclaimed() == [run_id]
    attempt = Runs(store).claim(run_id, "worker")
    assert attempt is not None
    number = register(registry, run_id=run_id)
    attempt.succeed(RunResult(version=number))
    registry.move_alias(MODEL, CHAMPION, move_for(registry, number))
    assert Registry(store).versions(MODEL) == [number]
    assert Registry(store).version_of_run(MODEL, run_id) == number
    present = Registry(store).alias(MODEL, CHAMPION)
    assert present is not None
    assert present.version == number
    assert [one.state for one in Runs(store).list(MODEL).runs] == ["succeeded"]
    with PredictionLog(store) as log:
        submitted = log.submit(MODEL, [record(1)])
        assert submitted.taken.result(30)
    with PredictionLog(store) as log:
        assert log.read(submitted.ids[0]).input["n"] == 1


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A team whose store is a disk of four megabytes."""
    made = Home(tmp_path)
    mounting = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(made.store)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here (that takes root)")
    yield made
    subprocess.run(["umount", str(made.store)], check=True)


def fill(home: Home) -> Path:
    """Take all the room that the disk has; return the file to remove."""
    filler = home.store / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return filler


def children(host: FunctionHost) -> list[str]:
    """Return the processes that the host has started and that still run."""
    threads = Path(f"/proc/{host.process.pid}/task").glob("*/children")  # each lists what that thread started
    return [one for thread in threads for one in thread.read_text(encoding="ascii").split()]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_full_disk(home: Home) -> None:
    """Predictions go on, not logged; starts are refused for now; a training that meets it ends well later."""
    gate = home.folder / "gate"
    with home.host() as host:
        promote(host)
        assert host.post("models/sums/predict", PREDICT).json()["logged"] is True
        run_id = host.retrain(rows=50, behaviour="wait", gate=str(gate))
        wait_until(gate.exists)
        assert children(host)
        filler = fill(home)
        wait_until(
            lambda: not host.post("models/sums/predict", PREDICT).json()["logged"]
        )  # its block is full
        answer = host.post("models/sums/predict", PREDICT)
        assert (answer.status_code, answer.json()["results"][0]["source"]) == (200, "champion")
        refused = host.post("models/sums/retrain", {"params": {"rows": 100}})
        assert (refused.status_code, refused.json()["reason_code"]) == (503, "store_unavailable")
        gate.unlink()
        wait_until(lambda: not children(host))  # the training has met the full disk and is given up
        filler.unlink()
        wait_until(lambda: host.post("models/sums/predict", PREDICT).json()["logged"])
        # Its attempt was cut off; silent for a minute, it is taken up by the message that comes again.
        wait_until(gate.exists, TAKEN_UP_SECONDS)
        gate.unlink()
        assert host.wait_for(run_id)["state"] == "succeeded"
        assert host.wait_for(host.retrain(rows=60))["state"] == "succeeded"
    assert Registry(open_store(str(home.store), {})).versions("sums") == [1, 2, 3]
