"""The report of a training, for whoever started it elsewhere."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.connectors.connector import Report
from ml.__main__ import main
from ml.manifest import SNAPSHOT_FILE
from ml.objects import open_store
from ml.registry import Registry

CONFIG = '[models.parcels]\nrecipe = "tests.stand_ins.parcels:Parcels"\n'


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The command line takes SIGTERM as its own; give it back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A team with one model and its store in a folder."""
    (tmp_path / "toban.toml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.setenv("TOBAN_TRAINING_THREADS", "1")
    monkeypatch.setenv("TOBAN_STORE_URL", str(tmp_path / "store"))
    return tmp_path


def train(folder: Path, *arguments: str) -> tuple[int, dict[str, Any] | None]:
    """Train as a runner does; return the exit status and the report."""
    file = folder / "toban-report.json"
    file.unlink(missing_ok=True)
    command = ["--config", str(folder / "toban.toml"), "train", "parcels", "--report", str(file), *arguments]
    status = main(command)
    return status, json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def test_a_training_reports_what_it_made(folder: Path) -> None:
    """Metrics with unit and direction, version, the data's hash and evidence are as the store has them."""
    status, report = train(folder, "--rows", "300")
    assert status == 0
    assert report is not None
    registry = Registry(open_store())
    manifest = registry.manifest("parcels", 1)
    assert (report["version"], report["data"], report["state"]) == (
        "1",
        manifest.files[SNAPSHOT_FILE].digest,
        "succeeded",
    )
    evidence = registry.evidence(report["evidence"])
    assert {metric["name"]: metric for metric in report["metrics"]} == {
        metric.name: {
            "name": metric.name,
            "value": metric.candidate,
            "unit": metric.unit,
            "direction": metric.direction,
            "business": metric.business,
        }
        for metric in evidence.metrics
    }
    assert report["rows"] == evidence.rows.count
    assert "champion" not in report  # there is none yet
    read = Report.model_validate(report)
    assert [metric.name for metric in read.metrics] == [metric["name"] for metric in report["metrics"]]
    assert all(metric.unit and metric.direction for metric in read.metrics)
    assert [metric.business for metric in read.metrics].count(True) >= 1
    assert (read.version, read.data) == (report["version"], report["data"])


def test_a_failed_training_reports_why(folder: Path) -> None:
    """Without a version there are no metrics, and the reason is in words; the exit status is not 0."""
    status, report = train(folder, "--trouble", "crash")
    assert status == 1
    assert report is not None
    assert (report["state"], report["metrics"]) == ("failed", [])
    assert "stage fit" in report["reason"]
    assert "version" not in report


def test_the_same_key_reports_the_same_run(folder: Path) -> None:
    """A job that is started twice under one key trains once, and both report it."""
    _, first = train(folder, "--rows", "300", "--key", "7-1")
    status, second = train(folder, "--rows", "300", "--key", "7-1")
    assert status == 0
    assert second == first


def test_short_options_are_parameters(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What only looks like the beginning of an option belongs to the recipe, which does not know it."""
    status, report = train(folder, "--re", "5")
    assert (status, report) == (2, None)
    assert "re" in capsys.readouterr().err
