"""A recipe that learns what a parcel costs; small, with a text among its features, and ready to go wrong.

`Parcels` is trained in a moment; `trouble` says what happens on the way. The other classes differ in what
serving does when no version can answer. Also here: a catalog of them, and versions made without a child
process.
"""

from __future__ import annotations

import atexit
import os
import signal
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from ml.calibration import calibrate
from ml.catalog import Catalog
from ml.contract import AliasMove, ModelSettings
from ml.conversion import build_matrix, convert
from ml.evidence import compare
from ml.manifest import REQUIRED_FILES, FeatureRange, FileRef, Manifest
from ml.recipe import (
    Check,
    MetricSpec,
    OutputCheck,
    Predicted,
    Progress,
    Recipe,
    Row,
    ServingPolicy,
    Split,
    Table,
    TrainingFailed,
    TrainingParams,
    absolute_errors,
    mean_absolute_error,
    numbers,
    share_within,
)
from ml.registry import CHAMPION, Registry
from ml.sessions import LoadedModel
from tests.contracts.registered import evidence_for

AT = datetime(2013, 7, 1, 12, tzinfo=UTC)
ZONES = ("here", "near", "far")


class Parcel(Row):
    """What is sent, and where to."""

    zone: Literal["here", "near", "far"] = Field(description="how far it goes")
    weight: Annotated[float, Field(ge=0, le=100)] = Field(description="kilograms")
    height: Annotated[float, Field(ge=0, le=10)] | None = Field(default=None, description="metres")


class ParcelParams(TrainingParams):
    """How many parcels, and what goes wrong."""

    rows: Annotated[int, Field(ge=50, le=5000)] = 300
    trouble: Literal[
        "none", "memory", "killed", "crash", "disagree", "empty", "hungry", "never ends", "ends by a crash"
    ] = "none"


class Parcels(Recipe):
    """The price of a parcel in euros."""

    title = "Parcels"
    description = "What a parcel costs"
    unit = "EUR"
    target = "the price in euros"
    query = "SELECT zone, weight, height, price FROM parcels LIMIT :rows"
    assumptions = "Prices do not change."
    rule_text = "five euros and one for each kilogram"
    inputs = Parcel
    row = Parcel
    params = ParcelParams
    texts = ("zone",)
    numbers = ("weight", "height")
    metrics = (
        MetricSpec(name="mae", title="Mean absolute error", unit="EUR", direction="lower"),
        MetricSpec(name="fair", title="Within a euro", unit="share", direction="higher", business=True),
    )
    paired_metric = "mae"
    loss_edges = (0.0, 1.0, 2.0, 5.0)
    policy = ServingPolicy(
        safe_action="Weigh it at the counter.", max_interval_width=20, abstain_outside=("weight",)
    )
    input_checks = (Check("too_light", "weight", "more than nothing", lambda table: table["weight"] <= 0),)
    output_checks = (OutputCheck("negative_price", "prices are positive", lambda p, table: p.values < 0),)
    agreement = 0.001
    tolerance: ClassVar[Mapping[str, float]] = {"mae": 0.01, "fair": 0.01}

    def load(self, params: ParcelParams, progress: Progress) -> Table:
        """Return random parcels; the memory runs out here, if it is to."""
        if params.trouble == "memory":
            raise MemoryError
        if params.trouble == "empty":
            raise TrainingFailed("no_rows", "no parcel was sent")
        random = np.random.default_rng(self.seed)
        zone = np.array(ZONES)[random.integers(0, 3, params.rows)]
        weight = random.uniform(0.1, 30, params.rows).astype(np.float32)
        height = np.where(random.random(params.rows) < 0.2, np.nan, random.uniform(0, 2, params.rows))
        price = 4 + weight + 5 * (zone == "far") + random.normal(0, 0.3, params.rows)
        return Table({"zone": zone, "weight": weight, "height": height.astype(np.float32), "price": price})

    def split(self, table: Table, params: ParcelParams) -> Split:
        """Return the first three quarters to train on."""
        cut = len(table) * 3 // 4
        return Split(table.take(slice(cut)), table.take(slice(cut, None)))

    def actual(self, table: Table) -> np.ndarray:
        """Return the prices."""
        return table["price"]

    def features(self, table: Table) -> Mapping[str, np.ndarray]:
        """Return the row as it is."""
        return {"zone": table["zone"], "weight": table["weight"], "height": table["height"]}

    def rule(self, table: Table) -> Predicted:
        """Return five euros and one for each kilogram."""
        return numbers(5 + table["weight"])

    def calibration_groups(self, table: Table) -> np.ndarray:
        """Return the zones."""
        return table["zone"]

    def estimator(self, params: ParcelParams, seed: int) -> Any:
        """Return boosted trees, or an end."""
        from sklearn.compose import ColumnTransformer
        from sklearn.ensemble import HistGradientBoostingRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OrdinalEncoder

        if params.trouble == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if params.trouble == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if params.trouble == "never ends":
            atexit.register(signal.pause)
        if params.trouble == "ends by a crash":
            atexit.register(os.kill, os.getpid(), signal.SIGSEGV)
        if params.trouble == "hungry":
            np.ones(2**40)
        if params.trouble == "disagree":
            type(self).agreement = -1.0
        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        encode = ColumnTransformer([("codes", codes, [0])], remainder="passthrough", sparse_threshold=0)
        return make_pipeline(encode, HistGradientBoostingRegressor(max_iter=30, random_state=seed))

    def metric(self, name: str, predicted: Predicted, actual: np.ndarray) -> float:
        """Return the mean error, or the share within a euro."""
        return (
            share_within(predicted, actual, 1) if name == "fair" else mean_absolute_error(predicted, actual)
        )

    def losses(self, predicted: Predicted, actual: np.ndarray) -> np.ndarray:
        """Return the error of each parcel."""
        return absolute_errors(predicted, actual)


class ConstantParcels(Parcels):
    """Answers ten euros when no version can."""

    policy = ServingPolicy(on_failure="constant", constant=10.0, safe_action="Weigh it.")


class NoActionParcels(Parcels):
    """Does nothing when no version can answer."""

    policy = ServingPolicy(on_failure="no_action", safe_action="Leave it on the shelf.")


class RefusingParcels(Parcels):
    """Refuses when no version can answer."""

    policy = ServingPolicy(on_failure="refuse", safe_action="Ask.")


NAMES = {
    "parcels": "Parcels",
    "constant-parcels": "ConstantParcels",
    "no-action-parcels": "NoActionParcels",
    "refusing-parcels": "RefusingParcels",
}


def parcel_catalog() -> Catalog:
    """Return a catalog of the classes above, and of one that cannot be loaded."""
    paths = {name: f"tests.stand_ins.parcels:{found}" for name, found in NAMES.items()}
    return Catalog(
        {name: ModelSettings(recipe=path) for name, path in {**paths, "broken": "tests.nowhere:Gone"}.items()}
    )


def train_here(recipe: Recipe, seed: int = 0) -> tuple[bytes, Split, Any]:
    """Return a model's ONNX bytes, its rows and its estimator, without a child process."""
    params = recipe.params()
    split = recipe.split(recipe.load(params, lambda share, detail: None), params)
    matrix = build_matrix(recipe, recipe.features(split.training))
    estimator = recipe.fit(
        recipe.estimator(params, seed), matrix, recipe.fitted_to(split.training), lambda *_: None
    )
    return convert(recipe, estimator), split, estimator


@cache
def _trained(kind: type[Recipe]) -> tuple[bytes, Split]:
    return train_here(kind())[:2]


def register_here(
    registry: Registry, recipe: Recipe, model: str = "parcels", data: bytes | None = None
) -> int:
    """Register a version of *recipe* trained here, or one whose model file is *data*; return its number."""
    onnx, split = _trained(type(recipe))
    number = registry.newest_version(model) + 1
    named = onnx + b"\x32\x06" + f"{number:06d}".encode()  # protobuf: one more field 6, the doc_string
    contents = {**dict.fromkeys(REQUIRED_FILES, b"some"), "model.onnx": named if data is None else data}
    contents |= {"snapshot": split.training.write(), "evaluation": split.evaluation.write()}
    files = {
        name: FileRef(digest=registry.put_file(content), size=len(content), media_type="any")
        for name, content in contents.items()
    }
    predicted = LoadedModel(recipe, onnx).predict(split.evaluation)
    found = compare(recipe, split.evaluation, {"candidate": predicted, "rule": recipe.rule(split.evaluation)})
    weights = split.training["weight"]
    manifest = {
        "model": model,
        "created_at": AT,
        "run_id": None,
        "recipe": f"tests.stand_ins.parcels:{type(recipe).__name__}",
        "files": files,
        "query": {"text": recipe.query, "rows": len(split.training), "digest": files["snapshot"].digest},
        "code": {"revision": None, "source": files["source"].digest},
        "environment": {"python": "3.11", "platform": "any", "packages": {}},
        "seed": 0,
        "params": {},
        "assumptions": recipe.assumptions,
        "metrics": {
            m.name: {"value": m.candidate, "unit": m.unit, "direction": m.direction, "method": m.title}
            for m in found.metrics
        },
        "feature_ranges": {
            "zone": FeatureRange(choices=ZONES),
            "weight": FeatureRange(minimum=float(weights.min()), maximum=float(weights.max())),
        },
        "calibration": calibrate(
            recipe.actual(split.evaluation) - predicted.values,
            recipe.calibration_groups(split.evaluation),
            recipe.policy.coverage,
        ),
    }
    return registry.register(model, Manifest.model_validate(manifest))


def promote(registry: Registry, version: int, model: str = "parcels") -> None:
    """Make a version the champion."""
    champion = registry.alias(model, CHAMPION)
    evidence = registry.put_evidence(evidence_for(version, champion, model))
    registry.move_alias(
        model,
        CHAMPION,
        AliasMove(
            version=version,
            expected_event=champion.event if champion else 0,
            evidence=evidence,
            by="owner",
            why="for a test",
        ),
    )
