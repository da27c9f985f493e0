"""The interface that a team implements to bring a model: one class that says all there is to say about it.

A recipe knows its data and its domain; it knows nothing of files, versions, aliases, Slack or Azure.
Everything a recipe needs is importable from here. It is loaded on use, also by the process that only
predicts, so a recipe imports its training library inside `estimator`, never at the top.

How a value travels, the same way in training and in serving:

    inputs (at most six, from a person) -- complete() --> the full typed row
    typed rows in columns (a Table)     -- features() --> what enters the ONNX graph
    what leaves the graph               -- answer()   --> Predicted, in the model's unit
"""

from __future__ import annotations

import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ml.contract import Direction, MetricSpec, Share
from ml.errors import Refused, TrainingFailed
from ml.problems import read_validation_error, refuse_field
from ml.scores import (
    Predicted,
    absolute_errors,
    accuracy,
    bias,
    errors,
    labels,
    log_loss,
    log_losses,
    mean_absolute_error,
    misses,
    numbers,
    share_within,
)
from ml.tables import Kind, Table, build_table, column_kinds, join_tables

__all__ = [
    "Check",
    "Completed",
    "Direction",
    "MetricSpec",
    "OutputCheck",
    "Predicted",
    "Progress",
    "Recipe",
    "Refused",
    "Row",
    "ServingPolicy",
    "Split",
    "Table",
    "TrainingFailed",
    "TrainingParams",
    "absolute_errors",
    "accuracy",
    "bias",
    "build_table",
    "cache_folder",
    "errors",
    "filled",
    "join_tables",
    "labels",
    "log_loss",
    "log_losses",
    "mean_absolute_error",
    "misses",
    "numbers",
    "refuse_field",
    "share_within",
]

Progress = Callable[[float | None, str], None]
"""Says the share of the present stage that is done (None: unknown) and what is going on."""

CACHE_SETTING = "TOBAN_CACHE_DIR"
MOST_INPUTS = 6
"""What still is a good form."""

NEEDED = (
    "title", "description", "target", "query", "assumptions", "rule_text", "inputs", "row", "params",
    "numbers", "metrics", "paired_metric", "loss_edges", "policy", "tolerance",
)  # fmt: skip
"""What every recipe says; the rest has a default."""


class Row(BaseModel):
    """The base of a recipe's `inputs` and `row`: frozen, unknown fields, NaN and infinity are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class TrainingParams(BaseModel):
    """The base of a training's parameters: frozen, unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Completed:
    """A full typed row made from a person's inputs.

    `features` holds every field of the recipe's `row`. `filled_in` tells of the values that the person
    did not give (see `filled`). `actual` is the truth where the source already knows it, else None; no model
    sees it.
    """

    features: Mapping[str, Any]
    filled_in: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    actual: float | str | None = None


def filled(value: Any, source: str, age_seconds: float | None = None) -> dict[str, Any]:
    """Return how a filled-in value is told: the value, where it came from, how old it is (None: unknown)."""
    return {"value": value, "source": source, "age_seconds": age_seconds}


@dataclass(frozen=True)
class Check:
    """A check of rows before any model sees them; `bad` returns a mask of the rows that must be refused."""

    code: str
    field: str
    allowed: str
    bad: Callable[[Table], np.ndarray]


@dataclass(frozen=True)
class OutputCheck:
    """A check of answers before anybody sees them; `bad` returns a mask of the answers not to be believed."""

    code: str
    message: str
    bad: Callable[[Predicted, Table], np.ndarray]


@dataclass(frozen=True)
class Split:
    """Rows to train on, and later rows to evaluate on; the windows are for people (ISO days, inclusive)."""

    training: Table
    evaluation: Table
    since: str | None = None
    until: str | None = None


class ServingPolicy(BaseModel):
    """What serving does when a model fails or is unsure; the business chooses it for each model.

    `on_failure` is the last rung, when no version can answer: the recipe's rule, a constant, no action (no
    value, and that is fine), or a refusal. An answer is withheld (`abstain`, with `safe_action` said instead)
    when its interval of `coverage` is wider than `max_interval_width` (in the unit), when the confidence in a
    label lies below `min_confidence`, or when a feature named in `abstain_outside` was never seen so in
    training.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    on_failure: Literal["rule", "constant", "no_action", "refuse"] = "rule"
    constant: float | str | None = None
    safe_action: str
    coverage: Share = 0.9
    max_interval_width: float | None = Field(default=None, gt=0)
    min_confidence: Share | None = None
    abstain_outside: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _constant_is_given(self) -> Self:
        if (self.on_failure == "constant") != (self.constant is not None):
            raise ValueError("give a constant if and only if on_failure is 'constant'")
        return self


class Recipe(ABC):
    """One model, from where its data comes from to what happens when it cannot answer.

    `inputs` is what a person gives (at most six fields, each described for the form), `row` the full
    typed row, `params` what a training takes. `texts` and `numbers` name what enters the graph, in order: two
    inputs, `texts` (strings) and `numbers` (float32); `estimator` is fitted on the same columns side by side,
    texts first. `classes` makes the recipe a classifier. `metrics` has at least one business metric;
    `paired_metric` is the one whose per-row losses tell luck from skill. `agreement` is how far the converted
    model may lie from the estimator on real rows; `tolerance` how far each metric may move when the training
    is run again, in the metric's unit.
    """

    title: ClassVar[str]
    description: ClassVar[str]
    unit: ClassVar[str | None] = None
    target: ClassVar[str]
    query: ClassVar[str]
    assumptions: ClassVar[str]
    rule_text: ClassVar[str]
    examples: ClassVar[tuple[dict[str, Any], ...]] = ()

    inputs: ClassVar[type[Row]]
    row: ClassVar[type[Row]]
    params: ClassVar[type[TrainingParams]]
    texts: ClassVar[tuple[str, ...]] = ()
    numbers: ClassVar[tuple[str, ...]]
    classes: ClassVar[tuple[str, ...]] = ()

    metrics: ClassVar[tuple[MetricSpec, ...]]
    paired_metric: ClassVar[str]
    loss_edges: ClassVar[tuple[float, ...]]
    policy: ClassVar[ServingPolicy]
    input_checks: ClassVar[tuple[Check, ...]] = ()
    output_checks: ClassVar[tuple[OutputCheck, ...]] = ()
    seed: ClassVar[int] = 0
    agreement: ClassVar[float] = 1e-4
    tolerance: ClassVar[Mapping[str, float]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if getattr(cls, "__abstractmethods__", None) or not hasattr(cls, "metrics"):
            return
        if not any(metric.business for metric in cls.metrics):
            raise TypeError(f"{cls.__name__} has no business metric")
        if len(cls.inputs.model_fields) > MOST_INPUTS:
            raise TypeError(f"{cls.__name__} asks a person for more than {MOST_INPUTS} inputs")

    @classmethod
    def require_whole(cls) -> None:
        """Check what a recipe says of itself, so that a slip shows when it is loaded and not when it answers.

        Raises:
            TypeError: It leaves something out, or names what it does not have; says which.
        """
        missing = [name for name in NEEDED if not hasattr(cls, name)]
        if missing:
            raise TypeError(f"{cls.__name__} does not say its {', '.join(missing)}")
        if cls.paired_metric not in {metric.name for metric in cls.metrics}:
            raise TypeError(f"{cls.__name__}: paired_metric {cls.paired_metric!r} is none of its metrics")
        column_kinds(cls.row)

    # --- data -----------------------------------------------------------------------------------------

    @abstractmethod
    def load(self, params: Any, progress: Progress) -> Table:
        """Return the rows that `query` selects for *params*: every field of `row`, and the truth.

        Raises:
            TrainingFailed: There are no such rows, or the source does not answer; says so for a person.
        """

    @abstractmethod
    def split(self, table: Table, params: Any) -> Split:
        """Return the rows to train on and the rows, later than those, to evaluate on."""

    @abstractmethod
    def actual(self, table: Table) -> np.ndarray:
        """Return the truth of each row, in the unit of the answer."""

    # --- the one path that training and serving share -------------------------------------------------

    @abstractmethod
    def features(self, table: Table) -> Mapping[str, np.ndarray]:
        """Return the columns that enter the graph, from typed rows: one path for training and serving."""

    def answer(self, raw: np.ndarray, table: Table) -> Predicted:
        """Return what the graph's output (numbers, or a probability per class) means for these rows."""
        return labels(raw, self.classes) if self.classes else numbers(raw)

    def complete(self, inputs: Any) -> Completed:
        """Return the full typed row for what a person gave; looks the rest up.

        Not called where `inputs` is `row`: there is nothing to look up then.

        Raises:
            Refused: There is no such thing, or there are several; names the field and the choices.
        """
        return Completed(dict(inputs.__dict__))

    @abstractmethod
    def rule(self, table: Table) -> Predicted:
        """Return the plain rule's answers: no model, no data, nothing that can fail."""

    def calibration_groups(self, table: Table) -> np.ndarray:
        """Return for each row the name of the group whose residuals make its interval; by default one."""
        return np.full(len(table), "all")

    # --- training -------------------------------------------------------------------------------------

    @abstractmethod
    def estimator(self, params: Any, seed: int) -> Any:
        """Return an unfitted scikit-learn estimator that converts to ONNX; imports its library here."""

    def fitted_to(self, table: Table) -> np.ndarray:
        """Return what the estimator learns; the truth itself unless the recipe says otherwise."""
        return self.actual(table)

    def fit(self, estimator: Any, matrix: np.ndarray, target: np.ndarray, progress: Progress) -> Any:
        """Return the fitted estimator."""
        return estimator.fit(matrix, target)

    # --- judging --------------------------------------------------------------------------------------

    @abstractmethod
    def metric(self, name: str, predicted: Predicted, actual: np.ndarray) -> float:
        """Return the metric called *name*, in the unit that its spec states."""

    @abstractmethod
    def losses(self, predicted: Predicted, actual: np.ndarray) -> np.ndarray:
        """Return the loss of each row whose mean is `paired_metric`."""

    def blocks(self, table: Table) -> np.ndarray | None:
        """Return by row the block whose luck it shares (a day, a shop); None where rows are independent."""
        return None

    # --- ready made -----------------------------------------------------------------------------------

    def query_values(self, params: Any) -> dict[str, Any]:
        """Return the values of the parameters in `query`, as plain JSON."""
        values: dict[str, Any] = params.model_dump(mode="json")
        return values

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """How the column of each field of the typed row is kept."""
        return column_kinds(self.row)

    def read_params(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Return training parameters, checked and complete, as plain JSON values.

        Raises:
            Refused: `invalid_params`, with every field at fault.
        """
        try:
            return self.params.model_validate(dict(raw)).model_dump(mode="json")
        except ValidationError as error:
            raise read_validation_error(error, self.params, reason_code="invalid_params") from None


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return a folder for what can be made again: TOBAN_CACHE_DIR, the user's cache, or a temporary one."""
    chosen = environment.get(CACHE_SETTING)
    base = (
        Path(chosen)
        if chosen
        else Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "toban"
    )
    try:
        base.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="toban-"))
    return base
