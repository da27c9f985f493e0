"""A process that logs predictions is killed: whatever it had confirmed is in the store."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml.objects import open_store
from ml.predictions import PredictionLog
from ml.usage import Usage
from tests.contracts.logged import MODEL

pytestmark = pytest.mark.faults
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("kind", "enough"), [("folder", 2_000), pytest.param("azurite", 200, marks=pytest.mark.azurite)]
)
def test_nothing_that_was_confirmed_is_lost(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, enough: int
) -> None:
    """SIGKILL in the middle of writing: every id that was told is found with its own input, and counted."""
    url, environment = str(tmp_path / "store"), {}
    if kind == "azurite":
        azurite = request.getfixturevalue("azurite")
        url, environment = azurite.create_container(), dict(azurite.environment)
    begun = datetime.now(UTC)  # an hour may end meanwhile
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.logging_child", url, json.dumps(environment), "16"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    with child.stdout as told:
        lines = [told.readline() for _ in range(enough)]
        child.kill()
        lines += told.read().splitlines(keepends=True)
    child.wait()
    confirmed = dict(line.decode().split() for line in lines if line.endswith(b"\n"))
    assert len(confirmed) >= enough
    store = open_store(url, environment)
    log = PredictionLog(store)
    for prediction_id in list(confirmed)[:: len(confirmed) // 50]:
        assert log.read(prediction_id).input == {"n": int(confirmed[prediction_id])}
    stored = b"".join(store.get(path) for path in store.list(f"predictions/{MODEL}"))
    assert set(confirmed.values()) <= {
        found.decode() for found in re.findall(rb'"input":\{"n":(\d+)\}', stored)
    }
    assert Usage(store).since(MODEL, begun).total >= len(confirmed)
