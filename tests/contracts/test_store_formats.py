"""Stores written in every format there ever was are read by this program: `tests/fixtures/store-format-N`.

The fixtures are never edited. A new format adds a folder of its own, a reader, and its row of expectations
here.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ml.contract import AliasMove, Caller, Interval
from ml.objects import ObjectStore, open_store
from ml.predictions import PredictionLog
from ml.registry import CHAMPION, Registry
from ml.runs import Runs
from ml.segments import FORMAT
from ml.usage import Usage
from tests.contracts.logged import DATA
from tests.contracts.registered import MODEL

FIXTURES = Path(__file__).parents[1] / "fixtures"
FORMATS = sorted(FIXTURES.glob("store-format-*"))
RETRAIN, COMPARE = "20130701t120001-d8e31dd5", "20130701t120008-644a07dd"
SEGMENT = "a32809bf48a21"


@pytest.fixture(params=FORMATS, ids=lambda folder: folder.name)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    """A copy of a store of each format in turn."""
    return open_store(str(shutil.copytree(request.param, tmp_path / "store")))


def test_there_is_a_sample_of_every_format() -> None:
    """What is written now is among the samples: records of format 1, lines of predictions of format 2."""
    assert f"store-format-{FORMAT}" in {folder.name for folder in FORMATS}
    assert {json.loads(path.read_text())["format"] for path in FORMATS[-1].rglob("*.json")} == {1}
    lines = [line for path in FORMATS[-1].rglob("*.jsonl") for line in path.read_text().splitlines()]
    assert {line.split(",")[0] for line in lines} == {f'{{"format":{FORMAT}'}


def test_versions_are_whole(store: ObjectStore) -> None:
    """Both versions verify and tell what they told when they were registered."""
    registry = Registry(store)
    assert [registry.verify(MODEL, n) for n in registry.versions(MODEL)] == [[], []]
    manifest = registry.manifest(MODEL, 1)
    assert (manifest.run_id, manifest.metrics["mae"].value, manifest.params) == (
        RETRAIN,
        15.0,
        {"until": "2013-03-31"},
    )
    assert registry.get_file(manifest.files["card"].digest) == b"card "


def test_the_champions_history_goes_on(store: ObjectStore) -> None:
    """The history is read, its evidence too, and an old key still answers."""
    registry = Registry(store)
    history = registry.alias_history(MODEL, CHAMPION)
    assert [(view.version, view.previous, view.by) for view in history] == [
        (1, None, "owner"),
        (2, 1, "owner"),
    ]
    assert registry.previous_champion(MODEL) == 1
    evidence = registry.evidence(str(history[1].evidence))
    assert (evidence.candidate, evidence.champion, evidence.champion_event) == (2, 1, 1)
    repeated = AliasMove(
        version=2, expected_event=1, evidence=evidence.digest, by="owner", why="it is better"
    )
    assert registry.move_alias(MODEL, CHAMPION, repeated, key="sample-move") == history[1]


def test_runs_are_listed_and_their_keys_known(store: ObjectStore) -> None:
    """Ended runs show how they ended, and the key of one still leads to it."""
    runs = Runs(store)
    compare, retrain = runs.list(MODEL).runs
    assert (retrain.run_id, retrain.state, retrain.attempt, retrain.event) == (RETRAIN, "succeeded", 1, 6)
    assert [(stage.name, stage.state) for stage in retrain.stages] == [("load", "done"), ("fit", "done")]
    assert retrain.result is not None
    assert retrain.result.version == 1
    assert (compare.run_id, compare.state) == (COMPARE, "cancelled")
    who = Caller(who="operator", where="ml-arrivals")
    assert runs.create(MODEL, "retrain", {"until": "2013-03-31"}, who, key="sample-key") == retrain


@pytest.mark.parametrize(
    ("row", "value", "outcome"),
    [(0, 1.5, "predicted"), (1, 0.5, "predicted"), (3, 2.5, "predicted"), (4, 2.5, "fallback")],
)
def test_predictions_are_found(store: ObjectStore, row: int, value: float, outcome: str) -> None:
    """Single rows and rows of columns are read by their ids; the torn line behind them does not matter."""
    view = PredictionLog(store).read(f"p-{MODEL}-2013070112-{SEGMENT}-{row}")
    assert (view.answer.value, view.answer.outcome, view.who, view.data_version) == (
        value,
        outcome,
        "operator",
        DATA,
    )


def test_intervals_of_columns_are_found(store: ObjectStore) -> None:
    """They were logged by row, and later as columns; a format that had none has none."""
    view = PredictionLog(store).read(f"p-{MODEL}-2013070112-{SEGMENT}-2")
    expected = None if view.format == 1 else Interval(low=0.0, high=3.0, coverage=0.9)
    assert view.answer.interval == expected


def test_archived_predictions_are_found(store: ObjectStore) -> None:
    """From the second format on an hour may be archived; its rows are found and counted."""
    if not list(store.list("archive")):
        pytest.skip("this format has no archive")
    view = PredictionLog(store).read(f"p-{MODEL}-2013070110-b1946ac92492d-1")
    assert (view.input, view.answer.value, view.version, view.data_version) == ({"n": 4}, 4.5, 1, DATA)
    assert view.answer.interval == Interval(low=3.0, high=6.0, coverage=0.9)
    usage = Usage(store, lambda: datetime(2013, 7, 1, 14, tzinfo=UTC))
    assert usage.hour(MODEL, "2013070110") == Counter({"predicted:champion": 3})


def test_usage_is_counted(store: ObjectStore) -> None:
    """An hour with a rollup and one without are both counted."""
    usage = Usage(store, lambda: datetime(2013, 7, 1, 14, tzinfo=UTC))
    assert usage.hour(MODEL, "2013070111") == Counter({"predicted:champion": 1})
    assert usage.hour(MODEL, "2013070112") == Counter({"predicted:champion": 4, "fallback:rule": 1})
