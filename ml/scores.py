"""Answers held against the truth: the measures and per-row losses that recipes choose from. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SMALLEST_PROBABILITY = 1e-15


@dataclass(frozen=True)
class Predicted:
    """Answers for rows: numbers, or labels with the probability of each class in the order of `classes`."""

    values: np.ndarray
    probabilities: np.ndarray | None = None
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    @property
    def confidence(self) -> np.ndarray | None:
        """The probability of the label that was chosen; None for numbers."""
        return None if self.probabilities is None else self.probabilities.max(axis=1)

    def take(self, rows: np.ndarray) -> Predicted:
        """Return the answers for the chosen rows."""
        chosen = None if self.probabilities is None else self.probabilities[rows]
        return Predicted(self.values[rows], chosen, self.classes)


def numbers(values: np.ndarray) -> Predicted:
    """Return numeric answers as float64."""
    return Predicted(np.asarray(values, dtype=np.float64))


def labels(probabilities: np.ndarray, classes: Sequence[str]) -> Predicted:
    """Return for each row the most probable of *classes* (the first of equals)."""
    chosen = np.array(classes, dtype=np.str_)[np.asarray(probabilities).argmax(axis=1)]
    return Predicted(chosen, np.asarray(probabilities, dtype=np.float64), tuple(classes))


def errors(predicted: Predicted, actual: np.ndarray) -> np.ndarray:
    """Return prediction minus truth by row: positive where too much was promised."""
    return predicted.values - np.asarray(actual, dtype=np.float64)


def absolute_errors(predicted: Predicted, actual: np.ndarray) -> np.ndarray:
    """Return the distance between prediction and truth by row."""
    distances: np.ndarray = np.abs(errors(predicted, actual))
    return distances


def mean_absolute_error(predicted: Predicted, actual: np.ndarray) -> float:
    """Return the mean distance between prediction and truth."""
    return float(absolute_errors(predicted, actual).mean())


def bias(predicted: Predicted, actual: np.ndarray) -> float:
    """Return the mean of prediction minus truth: negative where promises are too low."""
    return float(errors(predicted, actual).mean())


def share_within(predicted: Predicted, actual: np.ndarray, distance: float) -> float:
    """Return the share of rows (0-1) whose prediction lies at most *distance* from the truth."""
    return float((absolute_errors(predicted, actual) <= distance).mean())


def misses(predicted: Predicted, actual: np.ndarray) -> np.ndarray:
    """Return 1 for each row whose label is wrong, else 0."""
    wrong: np.ndarray = predicted.values != actual
    return wrong.astype(np.float64)


def accuracy(predicted: Predicted, actual: np.ndarray) -> float:
    """Return the share of rows (0-1) whose label is right."""
    return float(1.0 - misses(predicted, actual).mean())


def log_losses(predicted: Predicted, actual: np.ndarray) -> np.ndarray:
    """Return by row minus the logarithm (nats) of the probability of the true class, at least 1e-15."""
    if predicted.probabilities is None:
        raise ValueError("a log loss needs probabilities")
    order = np.argsort(predicted.classes)
    columns = order[np.searchsorted(np.array(predicted.classes)[order], actual)]
    given = predicted.probabilities[np.arange(len(actual)), columns]
    losses: np.ndarray = -np.log(np.clip(given, SMALLEST_PROBABILITY, 1.0))
    return losses


def log_loss(predicted: Predicted, actual: np.ndarray) -> float:
    """Return the mean log loss, in nats."""
    return float(log_losses(predicted, actual).mean())
