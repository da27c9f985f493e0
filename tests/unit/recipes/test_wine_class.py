"""The classifier among the recipes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.datasets import load_wine

from ml.catalog import Catalog
from ml.contract import ModelSettings, RowAnswer
from ml.objects import open_store
from ml.predictions import PredictionLog
from ml.registry import Registry
from ml.serving import Server
from recipes.wine_class import CLASSES, WineClass

RECIPE = WineClass()
PARAMS = RECIPE.params()


def test_the_wines_are_those_of_the_library() -> None:
    """Read from its file, in a fixed order of our own."""
    table, library = RECIPE.load(PARAMS, lambda *_: None), load_wine()
    assert len(table) == len(library.data)
    assert sorted(table["proline"].tolist()) == sorted(library.data[:, -1].astype(np.float32).tolist())
    counts = {name: int((table["class"] == name).sum()) for name in CLASSES}
    assert counts == dict(zip(library.target_names, np.bincount(library.target).tolist(), strict=True))
    assert max(counts, key=lambda name: counts[name]) == "class_1"


def test_the_rule_knows_the_shares() -> None:
    """The most frequent class, with the shares of the classes in the data."""
    table = RECIPE.load(PARAMS, lambda *_: None)
    rule = RECIPE.rule(table)
    assert set(rule.values) == {"class_1"}
    shares = [(table["class"] == name).mean() for name in CLASSES]
    assert rule.probabilities is not None
    assert rule.probabilities[0].tolist() == pytest.approx(shares, abs=0.01)


def test_no_wine_is_both_trained_and_evaluated_on() -> None:
    """Together the parts are all wines."""
    table = RECIPE.load(PARAMS, lambda *_: None)
    split = RECIPE.split(table, PARAMS)
    assert (len(split.training), len(split.evaluation)) == (107, 71)
    assert not set(split.training.row_hashes().tolist()) & set(split.evaluation.row_hashes().tolist())


def test_no_action_is_an_answer() -> None:
    """Without a version nothing is done with the bottle, and that is said."""
    catalog = Catalog({"wine": ModelSettings(recipe="recipes.wine_class:WineClass")})
    store = open_store("memory://wine-without-a-version")
    server = Server(catalog, Registry(store), PredictionLog(store))
    body = json.dumps({"rows": [RECIPE.examples[0]], "caller": {"who": "a", "where": "b"}}).encode()
    (answer,) = server.answer_rows("wine", body)
    found = RowAnswer.model_validate({**answer, "prediction_id": "p-1"})
    assert (found.outcome, found.value, found.reason_code) == ("no_action", None, "no_champion")
    assert found.safe_action == RECIPE.policy.safe_action
