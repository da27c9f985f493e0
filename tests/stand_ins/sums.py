"""A recipe that learns to add two numbers, in an instant; its parameters say how training goes.

Tests of the function app train it through the real queue and the real child process.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from ml.recipe import (
    MetricSpec,
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

GATE_SECONDS = 60.0
Number = Annotated[float, Field(ge=-1000, le=1000)]


class Pair(Row):
    """What a person gives, which is the whole row."""

    first: Number = Field(description="the first number")
    second: Number = Field(description="the second number")


class Training(TrainingParams):
    """How many rows, and what is to happen: `wait` waits for the gate, `fail` says why it cannot."""

    rows: int = Field(default=200, ge=20, le=10_000, description="rows to train on")
    behaviour: Literal["train", "wait", "fail", "raise"] = Field(default="train", description="what happens")
    gate: str = Field(default="", description="file that is made when training waits; it goes on without it")
    wait_in: Literal["load", "fit"] = Field(default="load", description="the stage that waits")

    def wait(self, stage: str) -> None:
        """Make the gate and wait until somebody removes it, if this is the stage to wait in."""
        if self.behaviour == "wait" and self.wait_in == stage:
            wait_at(Path(self.gate))


class Sums(Recipe):
    """The sum of two numbers; the rule takes the first for the whole."""

    title = "Sums"
    description = "What two numbers make together"
    unit = "points"
    target = "the sum"
    query = "SELECT first, second FROM numbers LIMIT :rows"
    assumptions = "Numbers add up."
    rule_text = "the sum equals the first number"
    examples = ({"first": 1, "second": 2},)

    inputs = Pair
    row = Pair
    params = Training
    numbers = ("first", "second")

    metrics = (
        MetricSpec(name="mae", title="Mean absolute error", unit="points", direction="lower"),
        MetricSpec(name="close", title="Within a point", unit="share", direction="higher", business=True),
    )
    paired_metric = "mae"
    loss_edges = (0.0, 1.0, 10.0, 100.0)
    policy = ServingPolicy(on_failure="rule", safe_action="Add them by hand.")
    agreement = 0.01
    tolerance: ClassVar[Mapping[str, float]] = {"mae": 0.01, "close": 0.01}

    def load(self, params: Training, progress: Progress) -> Table:
        """Return random numbers with their sums, once the gate is gone where there is one."""
        progress(None, "making numbers")
        if params.behaviour == "fail":
            raise TrainingFailed("no_numbers", "There are no numbers today.")
        if params.behaviour == "raise":
            raise ZeroDivisionError("a defect in the recipe")
        params.wait("load")
        chosen = np.random.default_rng(self.seed).uniform(-100, 100, (2, params.rows)).astype(np.float32)
        return Table({"first": chosen[0], "second": chosen[1], "total": chosen[0] + chosen[1]})

    def split(self, table: Table, params: Training) -> Split:
        """Return four fifths to train on and the rest to evaluate on."""
        cut = len(table) * 4 // 5
        return Split(table.take(slice(cut)), table.take(slice(cut, None)))

    def actual(self, table: Table) -> np.ndarray:
        """Return the sums."""
        return table["total"].astype(np.float64)

    def features(self, table: Table) -> Mapping[str, np.ndarray]:
        """Return both numbers."""
        return {"first": table["first"], "second": table["second"]}

    def rule(self, table: Table) -> Predicted:
        """Return the first number."""
        return numbers(table["first"])

    def estimator(self, params: Training, seed: int) -> Any:
        """Return a straight line."""
        params.wait("fit")
        from sklearn.linear_model import LinearRegression

        return LinearRegression()

    def metric(self, name: str, predicted: Predicted, actual: np.ndarray) -> float:
        """Return the mean error, or the share within a point."""
        return (
            share_within(predicted, actual, 1.0)
            if name == "close"
            else mean_absolute_error(predicted, actual)
        )

    def losses(self, predicted: Predicted, actual: np.ndarray) -> np.ndarray:
        """Return the error of each row."""
        return absolute_errors(predicted, actual)


def wait_at(gate: Path) -> None:
    """Make *gate* and wait until somebody removes it."""
    gate.touch()
    deadline = time.monotonic() + GATE_SECONDS
    while gate.exists():
        if time.monotonic() > deadline:
            raise TrainingFailed("gate_closed", "The gate was never opened.")
        time.sleep(0.02)
