"""The converted model says what the estimator says, also where trees split."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression

from ml import conversion
from ml.conversion import build_matrix, check_agreement, convert, down_to_float32, split_points
from ml.errors import TrainingFailed
from ml.recipe import Table
from ml.sessions import LoadedModel, graph_inputs
from recipes.wine_class import WineClass
from tests.stand_ins.parcels import Parcels, train_here

RECIPE = Parcels()


class Forest(Parcels):
    """Another family of trees, on numbers only."""

    texts = ()
    numbers = ("weight",)

    def estimator(self, params: Any, seed: int) -> Any:
        """Return a random forest."""
        return RandomForestRegressor(n_estimators=20, random_state=seed)


class Gradient(Forest):
    """Trees that are kept in a matrix, with a start that is none."""

    def estimator(self, params: Any, seed: int) -> Any:
        """Return classic gradient boosting."""
        return GradientBoostingRegressor(n_estimators=20, random_state=seed)


@given(
    arrays.arrays(np.float64, 20, elements=some.floats(-1e30, 1e30)),
    some.floats(-(2.0**90), 2.0**90, width=32),
)
def test_a_threshold_moved_down_splits_float32_as_before(thresholds: np.ndarray, value: float) -> None:
    """For every float32 x: x <= t exactly when x <= t rounded down."""
    moved = down_to_float32(thresholds)
    near = [np.float32(t) for t in thresholds] + [
        np.nextafter(np.float32(t), np.float32(9e37)) for t in thresholds
    ]
    for x in [np.float32(value), *near]:
        assert ((np.float64(x) <= thresholds) == (np.float64(x) <= moved)).all()
    assert (moved == moved.astype(np.float32)).all()


@pytest.mark.parametrize(
    "recipe", [RECIPE, Forest(), Gradient()], ids=["boosted trees", "forest", "gradient"]
)
def test_rows_on_the_splits_are_answered_alike(recipe: Parcels) -> None:
    """Real rows moved onto the splits get the estimator's answer: not one is sent the other way."""
    onnx, split, estimator = train_here(recipe)
    found = check_agreement(recipe, estimator, LoadedModel(recipe, onnx), split.evaluation)
    assert found.rows == 2 * len(split.evaluation)
    assert found.max_difference < 1e-4
    assert len(split_points(recipe, estimator)["weight"]) > 20


def test_thresholds_that_are_not_moved_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the rounding a row on a split goes the other way, and the version is not registered."""
    monkeypatch.setattr(conversion, "round_thresholds_down", lambda estimator: None)
    onnx, split, estimator = train_here(RECIPE)
    with pytest.raises(TrainingFailed) as caught:
        check_agreement(RECIPE, estimator, LoadedModel(RECIPE, onnx), split.evaluation)
    assert caught.value.code == "disagreement"
    assert "not registered" in caught.value.detail


def test_another_model_is_found_out() -> None:
    """A model that is not the estimator's differs by far more than the tolerance."""
    onnx, split, _ = train_here(RECIPE)
    matrix = build_matrix(RECIPE, RECIPE.features(split.training))
    other = RECIPE.estimator(RECIPE.params(), 0).fit(matrix, 2 * RECIPE.actual(split.training))
    with pytest.raises(TrainingFailed, match="differs from the estimator"):
        check_agreement(RECIPE, other, LoadedModel(RECIPE, onnx), split.evaluation)


def test_an_unknown_text_is_answered_too() -> None:
    """Categories are encoded inside the graph, and one that was never seen has a code of its own."""
    onnx, _, estimator = train_here(RECIPE)
    table = Table({"zone": np.array(["moon"]), "weight": np.float32([3]), "height": np.float32([np.nan])})
    ours = LoadedModel(RECIPE, onnx).predict(table).values
    assert ours == pytest.approx(estimator.predict(build_matrix(RECIPE, RECIPE.features(table))), abs=1e-4)


def test_probabilities_of_a_classifier_agree() -> None:
    """A classifier gives one probability for each class, in the recipe's order."""
    recipe = WineClass()
    onnx, split, estimator = train_here(recipe)
    model = LoadedModel(recipe, onnx)
    found = check_agreement(recipe, estimator, model, split.evaluation)
    assert found.max_difference < 1e-5
    inputs = graph_inputs(recipe, recipe.features(split.evaluation), len(split.evaluation))
    assert np.asarray(model.run(inputs, split.evaluation).probabilities).shape == (len(split.evaluation), 3)


def test_classes_that_the_recipe_does_not_know_are_refused() -> None:
    """Labels and probabilities would be told under the wrong names."""
    recipe = WineClass()
    estimator = LogisticRegression().fit(np.eye(6), ["class_0", "class_1", "class_9"] * 2)
    with pytest.raises(TrainingFailed, match="class_9"):
        convert(recipe, estimator)


def test_an_estimator_that_does_not_convert_is_a_reason() -> None:
    """Whatever the converter raises becomes a failed training with a sentence."""

    class Odd(RandomForestClassifier):
        """A class that no converter knows."""

    fitted = Odd(n_estimators=1).fit(np.eye(6), ["class_0", "class_1", "class_2"] * 2)
    with pytest.raises(TrainingFailed, match="does not convert"):
        convert(WineClass(), fitted)
