"""Which of three growers a wine comes from, by chemical analysis: a logistic regression on 178 Italian wines.

A second family of estimators and another kind of answer beside the flights: labels with probabilities, a
confidence below which it abstains, and "no action" instead of a rule where no version can answer. The data
set ships inside scikit-learn (UCI Wine, CC BY 4.0) and is read from its file, so that predicting never
imports scikit-learn.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from ml.recipe import (
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
    accuracy,
    labels,
    log_loss,
    log_losses,
)

CLASSES = ("class_0", "class_1", "class_2")
COLUMNS = {
    "alcohol": 0, "malic_acid": 1, "flavanoids": 6, "color_intensity": 9, "hue": 10,
    "proline": 12, "class": 13,
}  # fmt: skip
SURE = 0.9


class WineRow(Row):
    """A chemical analysis of one wine."""

    alcohol: Annotated[float, Field(ge=5, le=20, description="per cent by volume")]
    malic_acid: Annotated[float, Field(ge=0, le=20, description="grams per litre")]
    flavanoids: Annotated[float, Field(ge=0, le=20, description="grams per litre")]
    color_intensity: Annotated[float, Field(ge=0, le=30, description="optical density")]
    hue: Annotated[float, Field(ge=0, le=5, description="ratio of optical densities")]
    proline: Annotated[float, Field(ge=0, le=5000, description="milligrams per litre")]


class WineParams(TrainingParams):
    """How much is kept back for the evaluation, and how strongly the weights are held back."""

    evaluation_share: Annotated[float, Field(ge=0.2, le=0.8)] = Field(
        default=0.4, description="share of the wines that are kept for the evaluation"
    )
    strength: Annotated[float, Field(gt=0, le=1000)] = Field(
        default=1.0, description="larger: the weights follow the training data more closely"
    )


class WineClass(Recipe):
    """The grower of a wine, from six measurements."""

    title = "Wine class"
    description = "Which of three growers a wine comes from"
    target = "the grower: class_0, class_1 or class_2"
    query = "SELECT alcohol, malic_acid, flavanoids, color_intensity, hue, proline, class FROM wine_data"
    assumptions = "The 178 wines are drawn alike; which of them are evaluated on is drawn by the seed."
    rule_text = "every wine is of class_1, the most frequent"
    examples = (
        {
            "alcohol": 13.7, "malic_acid": 1.9, "flavanoids": 3.0, "color_intensity": 5.6, "hue": 1.06,
            "proline": 1100,
        },
    )  # fmt: skip

    inputs = WineRow
    row = WineRow
    params = WineParams
    numbers = ("alcohol", "malic_acid", "flavanoids", "color_intensity", "hue", "proline")
    classes = CLASSES

    metrics = (
        MetricSpec(name="accuracy", title="Accuracy", unit="share", direction="higher",
                   description="share of wines whose grower is named rightly"),
        MetricSpec(name="log_loss", title="Log loss", unit="nats", direction="lower",
                   description="mean of minus the logarithm of the true class's probability"),
        MetricSpec(name="sure_and_right", title="Sorted without a person", unit="share", direction="higher",
                   business=True,
                   description="share of wines that are named rightly with a confidence of 90 % or more"),
    )  # fmt: skip
    paired_metric = "log_loss"
    loss_edges = (0.0, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.0, 3.0)
    policy = ServingPolicy(
        on_failure="no_action",
        safe_action="Put the bottle aside for a person to taste.",
        min_confidence=0.6,
        abstain_outside=("alcohol", "proline"),
    )
    output_checks = (
        OutputCheck(
            "probabilities_do_not_add_up",
            "the probabilities of the classes must add up to 1",
            lambda predicted, table: np.abs(_total(predicted) - 1) > 1e-3,
        ),
    )
    agreement = 1e-4
    tolerance: ClassVar[Mapping[str, float]] = {"accuracy": 0.02, "log_loss": 0.01, "sure_and_right": 0.03}

    def load(self, params: WineParams, progress: Progress) -> Table:
        """Return the 178 wines in a fixed random order."""
        progress(None, "reading 178 wines")
        cells = np.loadtxt(_data_file(), delimiter=",", skiprows=1, encoding="ascii")
        names = np.array(CLASSES)[cells[:, COLUMNS["class"]].astype(np.int64)]
        columns = {name: cells[:, COLUMNS[name]].astype(np.float32) for name in self.numbers}
        order = np.random.default_rng(self.seed).permutation(len(cells))
        return Table({**columns, "class": names}).take(order)

    def split(self, table: Table, params: WineParams) -> Split:
        """Return the first wines to train on and the rest to evaluate on."""
        kept = round(len(table) * params.evaluation_share)
        return Split(table.take(slice(kept, None)), table.take(slice(0, kept)))

    def actual(self, table: Table) -> np.ndarray:
        """Return the growers."""
        return table["class"]

    def features(self, table: Table) -> Mapping[str, np.ndarray]:
        """Return the measurements as they are."""
        return {name: table[name] for name in self.numbers}

    def estimator(self, params: WineParams, seed: int) -> Any:
        """Return a logistic regression over standardised measurements."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        return make_pipeline(StandardScaler(), LogisticRegression(C=params.strength, max_iter=1000))

    def rule(self, table: Table) -> Predicted:
        """Return the most frequent grower, with the growers' shares in the data as probabilities."""
        return labels(np.tile([0.33, 0.4, 0.27], (len(table), 1)), CLASSES)

    def metric(self, name: str, predicted: Predicted, actual: np.ndarray) -> float:
        """Return accuracy, log loss, or the share that needs no person."""
        if name == "sure_and_right":
            sure = np.asarray(predicted.confidence) >= SURE
            return float((sure & (predicted.values == actual)).mean())
        return {"accuracy": accuracy, "log_loss": log_loss}[name](predicted, actual)

    def losses(self, predicted: Predicted, actual: np.ndarray) -> np.ndarray:
        """Return the log loss of each wine."""
        return log_losses(predicted, actual)


def _total(predicted: Predicted) -> np.ndarray:
    total: np.ndarray = np.asarray(predicted.probabilities).sum(axis=1)
    return total


def _data_file() -> Path:
    spec = importlib.util.find_spec("sklearn")
    if spec is None or not spec.submodule_search_locations:
        raise TrainingFailed("source_missing", "the wines ship inside scikit-learn, which is not installed")
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data" / "wine_data.csv"
