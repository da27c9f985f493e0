"""A trained model for the benchmarks: the arrival-delay recipe, trained and promoted by our own code.

Training happens once in a run, in a folder that is thrown away; the yardsticks get the same model file.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from pydantic_core import to_json

from benchmarks.workbench import CannotMeasure, Workbench
from ml.catalog import load_catalog
from ml.contract import AliasMove, Caller
from ml.manifest import EVALUATION_FILE, MODEL_FILE
from ml.objects import open_store
from ml.recipe import Recipe, Table
from ml.registry import CHAMPION, Registry
from ml.runs import Runs
from ml.tables import read_table
from ml.training import execute

MODEL = "arrival-delay"
WINDOW = {"since": "2013-01", "until": "2013-03"}
CALLER = Caller(who="benchmark", where="benchmarks")


@dataclass(frozen=True)
class Trained:
    """A store with a champion, and what is needed to ask it: typed rows and the ONNX file."""

    home: Path
    recipe: Recipe
    version: int

    @property
    def store(self) -> Path:
        """The folder that is the object store."""
        return self.home / "store"

    @property
    def model_file(self) -> Path:
        """The champion's ONNX file, as a file."""
        return self.home / "model.onnx"

    @property
    def config(self) -> Path:
        """A `toban.toml` with this one model."""
        return self.home / "toban.toml"

    @property
    def env(self) -> dict[str, str]:
        """The settings of a function app on this store."""
        return {"TOBAN_STORE_URL": self.store.as_uri(), "TOBAN_CONFIG": str(self.config)}

    @cached_property
    def table(self) -> Table:
        """The rows that the version was evaluated on."""
        registry = Registry(open_store(str(self.store)))
        digest = registry.manifest(MODEL, self.version).files[EVALUATION_FILE].digest
        return read_table(EVALUATION_FILE, registry.get_file(digest))

    def rows(self, count: int) -> list[dict[str, Any]]:
        """Return typed rows, as the recipe's `row` has them."""
        names = [name for name in self.recipe.row.model_fields if name in self.table.columns]
        row = self.recipe.row
        found = _rows({name: self.table[name] for name in names}, count)
        return [row.model_validate(one).model_dump(mode="json") for one in found]

    def graph_rows(self, count: int) -> list[dict[str, Any]]:
        """Return the same rows as the graph takes them: features computed already."""
        features = self.recipe.features(self.table)
        names = (*self.recipe.texts, *self.recipe.numbers)
        return _rows({name: np.asarray(features[name]) for name in names}, count)


def train(bench: Workbench) -> Trained:
    """Train, register and promote a version; raises CannotMeasure where that fails."""
    home = bench.folder("trained")
    (home / "store").mkdir()
    (home / "toban.toml").write_text(
        f'[models.{MODEL}]\nrecipe = "recipes.arrival_delay:ArrivalDelay"\n', encoding="utf-8"
    )
    store, catalog = open_store(str(home / "store")), load_catalog(home / "toban.toml")
    registry, runs = Registry(store), Runs(store)
    run = runs.create(MODEL, "retrain", dict(WINDOW), CALLER)
    execute(
        run.run_id,
        runs=runs,
        registry=registry,
        catalog=catalog,
        worker="benchmark",
        stopping=threading.Event(),
    )
    ended = runs.view(run.run_id)
    if ended.result is None or ended.result.version is None or ended.result.evidence is None:
        raise CannotMeasure(f"training ended as {ended.state}: {ended.reason}")
    version = ended.result.version
    move = AliasMove(
        version=version, expected_event=0, evidence=ended.result.evidence, by="benchmark", why="first version"
    )
    registry.move_alias(MODEL, CHAMPION, move)
    digest = registry.manifest(MODEL, version).files[MODEL_FILE].digest
    (home / "model.onnx").write_bytes(registry.get_file(digest))
    return Trained(home, catalog.recipe(MODEL), version)


def ask(rows: list[dict[str, Any]]) -> bytes:
    """Return the body of a predict request with *rows*."""
    return to_json({"rows": rows, "caller": CALLER})


def ask_columns(rows: list[dict[str, Any]]) -> bytes:
    """Return the body of a predict request with *rows* as columns."""
    columns = {name: [row.get(name) for row in rows] for name in rows[0]}
    return to_json({"columns": columns, "caller": CALLER})


def _rows(columns: dict[str, np.ndarray], count: int) -> list[dict[str, Any]]:
    plain = {name: _plain(column[:count]) for name, column in columns.items()}
    return [dict(zip(plain, values, strict=True)) for values in zip(*plain.values(), strict=True)]


def _plain(column: np.ndarray) -> list[Any]:
    """Return JSON values; unknown numbers are None."""
    if column.dtype.kind == "M":
        return [str(day) for day in column.astype("datetime64[D]")]
    if column.dtype.kind in "US":
        return [str(text) for text in column]
    return [None if math.isnan(value) else value for value in column.astype(np.float64).tolist()]
