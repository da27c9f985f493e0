"""From a fitted estimator to ONNX, and the proof that both say the same on real rows.

Only the training process imports this: onnx, skl2onnx and their protobuf must stay out of the function app's
worker. Estimators work in float64 and ONNX trees in float32. Features are float32 already, so a threshold
that is rounded down to float32 sends every such feature the same way as before: x <= t holds exactly when x
<= t'.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, StringTensorType

from ml.errors import TrainingFailed
from ml.recipe import Recipe, Table
from ml.sessions import ANSWER, NUMBERS, TEXTS, LoadedModel, graph_inputs

OPSET = {"": 18, "ai.onnx.ml": 3}
"""Versions of the operators that every onnxruntime since 1.15 knows."""


def build_matrix(recipe: Recipe, features: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return what an estimator is fitted on: texts first, then numbers rounded to float32."""
    numbers = np.stack([np.asarray(features[name], dtype=np.float32) for name in recipe.numbers], axis=1)
    if not recipe.texts:
        return numbers
    texts = np.stack([features[name].astype(object) for name in recipe.texts], axis=1)
    return np.concatenate([texts, numbers.astype(object)], axis=1)


def convert(recipe: Recipe, estimator: Any) -> bytes:
    """Return a fitted estimator as an ONNX file with the inputs and the output that `ml.sessions` knows.

    Raises:
        TrainingFailed: The estimator's classes are not the recipe's, or it does not convert.
    """
    classes = tuple(str(label) for label in getattr(estimator, "classes_", ()))
    if classes != recipe.classes:
        raise TrainingFailed(
            "conversion_failed", f"the estimator knows {classes}, the recipe {recipe.classes}"
        )
    round_thresholds_down(estimator)
    inputs: list[tuple[str, Any]] = (
        [(TEXTS, StringTensorType([None, len(recipe.texts)]))] if recipe.texts else []
    )
    inputs.append((NUMBERS, FloatTensorType([None, len(recipe.numbers)])))
    options = {"zipmap": False} if recipe.classes else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # skl2onnx's way of calling onnx and numpy
            graph = convert_sklearn(
                estimator, "model", initial_types=inputs, options=options, target_opset=OPSET
            )
    except Exception as error:  # the library raises whatever its converters do
        why = str(error).strip().split("\n")[0][:300]
        raise TrainingFailed("conversion_failed", f"the model does not convert to ONNX: {why}") from error
    return bytes(_with_one_answer(graph, probabilities=bool(recipe.classes)).SerializeToString())


def round_thresholds_down(estimator: Any) -> None:
    """Move every threshold of the trees inside *estimator* to the next float32 that is not larger.

    The estimator's own answers for float32 features do not change by that.
    """
    for part in _parts(estimator):
        for nodes in _tree_nodes(part):
            nodes[...] = down_to_float32(nodes)


def down_to_float32(values: np.ndarray) -> np.ndarray:
    """Return float64 numbers moved down to the nearest float32; infinities stay."""
    rounded = values.astype(np.float32)
    lower = np.nextafter(rounded, np.float32(-np.inf))
    return np.where(rounded.astype(np.float64) > values, lower, rounded).astype(np.float64)


@dataclass(frozen=True)
class AgreementCheck:
    """How far the converted model lies from the estimator, over how many rows, and where at most."""

    rows: int
    max_difference: float
    tolerance: float


def check_agreement(recipe: Recipe, estimator: Any, model: LoadedModel, table: Table) -> AgreementCheck:
    """Compare both on real rows, and on the same rows moved onto the trees' splits.

    Raises:
        TrainingFailed: `disagreement`: they differ by more than the recipe's tolerance.
    """
    rows, worst = 0, 0.0
    thresholds = split_points(recipe, estimator)
    features = recipe.features(table)
    for columns in (features, _onto_splits(recipe, features, thresholds)):
        difference = _largest_difference(recipe, estimator, model, columns, table)
        rows, worst = rows + len(table), max(worst, difference)
    if not worst <= recipe.agreement:
        raise TrainingFailed(
            "disagreement",
            f"the ONNX model differs from the estimator by up to {worst:.6g} on {rows} real rows; "
            f"{recipe.agreement:g} is allowed. It was not registered.",
        )
    return AgreementCheck(rows, worst, recipe.agreement)


def split_points(recipe: Recipe, estimator: Any) -> dict[str, np.ndarray]:
    """Return for each numeric feature the float32 values at which some tree splits."""
    offset = len(recipe.texts)
    found: dict[str, list[np.ndarray]] = {name: [] for name in recipe.numbers}
    for part in _parts(estimator):
        for features, thresholds in _splits(part):
            for place, name in enumerate(recipe.numbers):
                found[name].append(thresholds[features == place + offset])
    return {
        name: np.unique(np.concatenate(parts)).astype(np.float32) if parts else np.empty(0, np.float32)
        for name, parts in found.items()
    }


def _onto_splits(
    recipe: Recipe, features: Mapping[str, np.ndarray], thresholds: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return the rows with each number moved to the split next below it, where trees of both sides meet."""
    moved = dict(features)
    for name in recipe.numbers:
        points, values = thresholds[name], np.asarray(features[name], dtype=np.float32)
        if len(points):
            below = np.clip(np.searchsorted(points, values), 0, len(points) - 1)
            moved[name] = np.where(np.isnan(values), values, points[below])
    return moved


def _largest_difference(
    recipe: Recipe, estimator: Any, model: LoadedModel, features: Mapping[str, np.ndarray], table: Table
) -> float:
    matrix = build_matrix(recipe, features)
    ours = model.run(graph_inputs(recipe, features, len(table)), table)
    if recipe.classes:
        expected = estimator.predict_proba(matrix)
        return float(np.abs(np.asarray(ours.probabilities) - expected).max())
    expected = recipe.answer(estimator.predict(matrix), table).values
    return float(np.abs(ours.values - expected).max())


def _with_one_answer(graph: Any, *, probabilities: bool) -> Any:
    """Name the graph's answer, make numbers one-dimensional, drop the label that the recipe can tell."""
    outputs = list(graph.graph.output)
    source = outputs[1 if probabilities else 0].name
    if probabilities:
        node = onnx.helper.make_node("Identity", [source], [ANSWER])
        shape: list[Any] = ["rows", None]
    else:
        flat = onnx.helper.make_tensor("flat", onnx.TensorProto.INT64, [1], [-1])
        graph.graph.initializer.append(flat)
        node = onnx.helper.make_node("Reshape", [source, "flat"], [ANSWER])
        shape = ["rows"]
    graph.graph.node.append(node)
    del graph.graph.output[:]
    graph.graph.output.append(onnx.helper.make_tensor_value_info(ANSWER, onnx.TensorProto.FLOAT, shape))
    onnx.checker.check_model(graph)
    return graph


def _parts(estimator: Any) -> list[Any]:
    """Return the estimator and everything inside it that may hold trees.

    Gradient boosting keeps its trees in a matrix, by round and class; its start is no tree.
    """
    kept = getattr(estimator, "estimators_", ())
    inner = [step for _, step in getattr(estimator, "steps", ())]
    inner += list(kept.ravel() if isinstance(kept, np.ndarray) else kept)
    return [estimator, *(part for each in inner for part in _parts(each))]


def _tree_nodes(part: Any) -> list[np.ndarray]:
    """Return the writable threshold arrays of one estimator's trees.

    scikit-learn has no public name for those of its histogram trees; skl2onnx reads the same attribute.
    """
    if hasattr(part, "_predictors"):
        return [tree.nodes["num_threshold"] for trees in part._predictors for tree in trees]  # noqa: SLF001
    return [part.tree_.threshold] if hasattr(part, "tree_") else []


def _splits(part: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (feature, threshold) of all inner nodes of one estimator's trees."""
    if hasattr(part, "_predictors"):
        trees = [tree.nodes for group in part._predictors for tree in group]  # noqa: SLF001
        inner = [nodes[nodes["is_leaf"] == 0] for nodes in trees]
        return [(nodes["feature_idx"], nodes["num_threshold"]) for nodes in inner]
    if hasattr(part, "tree_"):
        inner_nodes = part.tree_.children_left != part.tree_.children_right
        return [(part.tree_.feature[inner_nodes], part.tree_.threshold[inner_nodes])]
    return []
