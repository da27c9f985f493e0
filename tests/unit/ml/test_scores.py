"""Measures against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as oracle

from ml.scores import accuracy, bias, labels, log_loss, mean_absolute_error, numbers, share_within

RANDOM = np.random.default_rng(1)
ACTUAL = RANDOM.normal(10, 30, 500)
PREDICTED = numbers(ACTUAL + RANDOM.normal(-2, 12, 500))
CLASSES = ("late", "early", "on time")
PROBABILITIES = RANDOM.dirichlet([1, 2, 3], 400)
TRUTH = np.array(CLASSES)[RANDOM.integers(0, 3, 400)]


def test_numbers_are_scored_as_by_the_library() -> None:
    """Mean absolute error, bias with its sign, share within a distance."""
    assert mean_absolute_error(PREDICTED, ACTUAL) == pytest.approx(
        oracle.mean_absolute_error(ACTUAL, PREDICTED.values)
    )
    assert bias(PREDICTED, ACTUAL) == pytest.approx((PREDICTED.values - ACTUAL).mean())
    assert bias(numbers(ACTUAL - 5), ACTUAL) == pytest.approx(-5)
    assert share_within(numbers(np.array([0.0, 15.0, 15.1])), np.zeros(3), 15) == pytest.approx(2 / 3)


def test_labels_are_scored_as_by_the_library() -> None:
    """Accuracy and log loss, whatever the order in which the classes are kept."""
    predicted = labels(PROBABILITIES, CLASSES)
    assert accuracy(predicted, TRUTH) == pytest.approx(oracle.accuracy_score(TRUTH, predicted.values))
    order = np.argsort(CLASSES)
    expected = oracle.log_loss(TRUTH, PROBABILITIES[:, order], labels=sorted(CLASSES))
    assert log_loss(predicted, TRUTH) == pytest.approx(expected)


def test_a_certain_mistake_costs_much_but_not_everything() -> None:
    """A probability of zero for the truth is counted as 1e-15."""
    wrong = labels(np.array([[1.0, 0.0, 0.0]]), CLASSES)
    assert log_loss(wrong, np.array(["early"])) == pytest.approx(34.54, abs=0.01)


def test_confidence_is_that_of_the_label() -> None:
    """Numbers have none."""
    predicted = labels(np.array([[0.2, 0.7, 0.1]]), CLASSES)
    assert predicted.values.tolist() == ["early"]
    assert predicted.confidence is not None
    assert predicted.confidence.tolist() == [0.7]
    assert PREDICTED.confidence is None
