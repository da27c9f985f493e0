"""What may be loaded as a model: ONNX of the recipe's shape and nothing else."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info

from ml.errors import Corrupt
from ml.recipe import Table
from ml.sessions import LoadedModel, graph_inputs
from recipes.wine_class import WineClass
from tests.stand_ins.parcels import Parcels, train_here

RECIPE = Parcels()
ONNX, SPLIT, ESTIMATOR = train_here(RECIPE)


class Bomb:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (pytest.fail, ("a pickle was loaded",))


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps(Bomb()),
        b"",
        b"not a model",
        ONNX[: len(ONNX) // 2],
        b"PK\x03\x04",
        ONNX[:-200] + b"\0" * 200,
    ],
    ids=["pickle", "empty", "text", "half a model", "archive", "damaged"],
)
def test_other_formats_are_refused(data: bytes) -> None:
    """A file that is no whole ONNX model is refused by name; no code in it runs."""
    with pytest.raises(Corrupt, match="parcels v7"):
        LoadedModel(RECIPE, data, "parcels v7")


def test_a_model_reads_no_file_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights in another file, which could be any file of ours, are not read: a model holds all of itself."""
    monkeypatch.chdir(tmp_path)
    Path("settings").write_bytes(b"SECR")
    weights = onnx.TensorProto(name="w", data_type=onnx.TensorProto.UINT8, dims=[4])
    weights.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", "settings"), ("offset", "0"), ("length", "4")):
        weights.external_data.add(key=key, value=value)
    nodes = [make_node("Cast", ["w"], ["told"], to=1), make_node("Add", ["told", "numbers"], ["answer"])]
    ends = [make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None]) for name in ("numbers", "answer")]
    graph = make_graph(nodes, "reader", ends[:1], ends[1:], initializer=[weights])
    model = make_model(graph, opset_imports=[make_opsetid("", 18)], ir_version=9)
    with pytest.raises(Corrupt, match="External data"):
        LoadedModel(RECIPE, model.SerializeToString(), "parcels v7")


def test_a_model_of_another_recipe_is_refused() -> None:
    """Inputs and outputs must be the recipe's."""
    with pytest.raises(Corrupt, match="texts"):
        LoadedModel(WineClass(), ONNX)


def test_answers_do_not_depend_on_the_company() -> None:
    """One row is answered as it is among many."""
    model = LoadedModel(RECIPE, ONNX)
    together = model.predict(SPLIT.evaluation).values
    alone = [model.predict(SPLIT.evaluation.take(slice(i, i + 1))).values[0] for i in range(10)]
    assert alone == together[:10].tolist()


def test_numbers_are_rounded_to_float32() -> None:
    """Features enter the graph in the recipe's order and in float32."""
    table = Table({"height": np.array([1.1]), "weight": np.array([0.1]), "zone": np.array(["far"])})
    inputs = graph_inputs(RECIPE, RECIPE.features(table), 1)
    assert inputs["numbers"].dtype == np.float32
    assert inputs["numbers"].tolist() == [[float(np.float32(0.1)), float(np.float32(1.1))]]
    assert inputs["texts"].tolist() == [["far"]]
