"""A server over a real registry and log: who answers, what is logged, and what the world may do meanwhile."""

from __future__ import annotations

import asyncio
import json
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from ml.answers import Answers
from ml.contract import Caller, PredictReply, PredictRequest, RowAnswer
from ml.errors import Refused, StoreError, StoreMisconfigured, StoreUnavailable
from ml.manifest import MODEL_FILE
from ml.objects import open_store
from ml.predictions import PredictionLog
from ml.registry import Registry
from ml.rows import Reading
from ml.serving import LONGEST_REFUSAL, LOOK_SECONDS, RETRY_SECONDS, Server, build_records, refuse_row
from ml.sessions import LoadedModel
from tests.stand_ins import parcels

CALLER = {"who": "operator", "where": "ml-parcels"}
ROW = {"zone": "far", "weight": 2.5}


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Shop:
    """A server with its store in a folder, so that files in it can be damaged."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = open_store(str(folder))
        self.registry = Registry(self.store)
        self.log = PredictionLog(self.store)
        self.clock = Clock()
        self.server = self.fresh()

    def fresh(self) -> Server:
        """Return the server of another process: nothing is loaded."""
        self.server = Server(parcels.parcel_catalog(), self.registry, self.log, clock=self.clock)
        return self.server

    def ask(self, *rows: Any, model: str = "parcels") -> PredictReply:
        """Predict rows."""
        data = json.dumps({"rows": rows or [ROW], "caller": CALLER}).encode()
        return asyncio.run(self.server.predict(model, data))

    def damage(self, version: int, data: bytes | None = b"damaged") -> None:
        """Write something else into a version's model file, or remove it."""
        digest = self.registry.manifest("parcels", version).files[MODEL_FILE].digest
        path = self.folder / "files" / digest.removeprefix("sha256:")
        path.unlink()
        if data is not None:
            path.write_bytes(data)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop with two versions, of which the second is champion and the first was."""
    shop = Shop(tmp_path / "store")
    for _ in range(2):
        parcels.promote(shop.registry, parcels.register_here(shop.registry, parcels.Parcels()))
    yield shop
    shop.log.close()


def test_the_champion_answers_and_is_logged_with_the_six_fields(shop: Shop) -> None:
    """When, who, where, what, model version, data version, under the id in the answer."""
    reply = shop.ask()
    (answer,) = reply.results
    assert (answer.outcome, answer.source, answer.version, reply.logged) == ("predicted", "champion", 2, True)
    logged = shop.log.read(answer.prediction_id)
    assert (logged.who, logged.where, logged.version) == ("operator", "ml-parcels", 2)
    assert logged.data_version == shop.registry.manifest("parcels", 2).data_version
    assert logged.input == {"zone": "far", "weight": 2.5, "height": None}
    assert logged.answer == answer
    assert logged.at.tzinfo is not None


def test_of_a_refused_row_long_values_are_logged_by_their_beginning(shop: Shop) -> None:
    """Whoever sends megabytes is told what was wrong, and does not fill the log with them."""
    big, name = "x" * 100_000, "n" * 100_000
    (answer,) = shop.ask({"zone": big, "weight": 2.5, name: [big]}).results
    logged = shop.log.read(answer.prediction_id)
    assert logged.input["zone"] == "x" * 79 + "… (text of 100,000 characters)"
    assert logged.input["weight"] == 2.5
    assert len(logged.model_dump_json()) < 3_000
    assert logged.answer == answer


def test_what_a_recipe_says_of_a_row_is_bounded() -> None:
    """Its sentence may quote the row."""
    answer = refuse_row(Refused("unknown_zone", "there is no zone " + "x" * 100_000))
    assert len(answer["problem"]["detail"]) == LONGEST_REFUSAL


def test_refused_rows_of_columns_are_logged_like_others(shop: Shop) -> None:
    """The refused one by the beginning of its long text, the others whole."""
    text = "x" * 500
    reading = Reading(Caller(**CALLER), columns={"note": [text, text]})
    refused = refuse_row(Refused("too_light", "it weighs nothing"))
    answers = Answers.of_rows([refused, {**refused, "outcome": "fallback", "source": "rule"}])
    _, (record,) = build_records(reading, answers, datetime.now(UTC))
    assert record.input["note"] == ["x" * 79 + "… (text of 500 characters)", text]


def test_broken_rungs_are_passed_over(shop: Shop) -> None:
    """A damaged champion: the previous one answers; that one gone too: the rule."""
    shop.damage(2)
    shop.fresh()
    assert [(a.source, a.reason_code) for a in shop.ask().results] == [
        ("previous_champion", "model_file_damaged")
    ]
    shop.damage(1, None)
    shop.fresh()
    (answer,) = shop.ask().results
    assert (answer.source, answer.value, answer.reason_code) == ("rule", 7.5, "model_file_damaged")
    assert answer.outcome == "fallback"


@pytest.mark.parametrize(
    "data", [pickle.dumps({"a": 1}), b"{}", b"\x08\x07"], ids=["pickle", "json", "stump"]
)
def test_an_unknown_format_is_never_served(shop: Shop, data: bytes) -> None:
    """Even one whose hash is right, registered as a model."""
    version = parcels.register_here(shop.registry, parcels.Parcels(), data=data)
    parcels.promote(shop.registry, version)
    (answer,) = shop.ask().results
    assert (answer.source, answer.reason_code) == ("previous_champion", "model_file_damaged")


def test_no_champion_yet(shop: Shop) -> None:
    """A model that was never promoted is answered by its last rung."""
    (answer,) = shop.ask(model="no-action-parcels").results
    assert (answer.outcome, answer.value, answer.reason_code) == ("no_action", None, "no_champion")


def test_a_moved_alias_is_seen_within_five_seconds(shop: Shop) -> None:
    """Not before, for that would cost a look per request; at once when told to forget."""
    assert shop.ask().results[0].version == 2
    parcels.promote(shop.registry, parcels.register_here(shop.registry, parcels.Parcels()))
    assert shop.ask().results[0].version == 2
    shop.clock.now += LOOK_SECONDS
    assert shop.ask().results[0].version == 3
    parcels.promote(shop.registry, 1)
    shop.server.forget("parcels")
    assert shop.ask().results[0].version == 1


def test_a_version_that_failed_is_tried_again(shop: Shop) -> None:
    """After half a minute, in case its file came back."""
    digest = shop.registry.manifest("parcels", 2).files[MODEL_FILE].digest
    data = shop.registry.get_file(digest)
    shop.damage(2, None)
    assert shop.ask().results[0].reason_code == "model_file_missing"
    shop.registry.put_file(data)
    assert shop.ask().results[0].source == "previous_champion"
    shop.clock.now += RETRY_SECONDS
    assert shop.ask().results[0].source == "champion"


@pytest.mark.parametrize("kind", [StoreUnavailable, StoreMisconfigured])
def test_a_store_that_is_gone_changes_no_answer(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, kind: type[StoreError]
) -> None:
    """A loaded champion answers without it, a cold process by the rule; nothing is raised."""
    assert shop.ask().results[0].source == "champion"

    def gone(*_: Any) -> Any:
        raise kind("connection or credentials refused")

    for name in ("alias", "manifest", "get_file", "previous_champion"):
        monkeypatch.setattr(shop.registry, name, gone)
    shop.clock.now += LOOK_SECONDS
    assert shop.ask().results[0].source == "champion"
    shop.fresh()
    (answer,) = shop.ask().results
    assert (answer.source, answer.reason_code) == ("rule", "store_unreachable")


def test_a_store_that_hangs_holds_nobody_up(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks for a moved alias waits a moment, the others not at all; the loaded champion answers."""
    assert shop.ask().results[0].source == "champion"
    released, hanging, asked = threading.Event(), threading.Event(), []

    def hang(*_: Any) -> Any:
        asked.append(1)
        hanging.set()
        released.wait(100)
        raise StoreUnavailable("timed out")

    monkeypatch.setattr(shop.registry, "alias", hang)
    monkeypatch.setattr("ml.serving.PATIENCE_SECONDS", 0.01)
    shop.clock.now += LOOK_SECONDS
    try:
        assert [shop.ask().results[0].source for _ in range(5)] == ["champion"] * 5
        assert hanging.wait(60)
        assert len(asked) == 1
    finally:
        released.set()


def test_rows_and_columns_are_answered_alike(shop: Shop) -> None:
    """The same parcels, as rows, as many rows and as columns; logged so that each can be shown."""
    some_rows = [{"zone": zone, "weight": w / 2} for w in range(1, 31) for zone in ("here", "far")]
    columns = {name: [row[name] for row in some_rows] for name in ("zone", "weight")}
    many = shop.ask(*some_rows).results
    request = PredictRequest.model_validate({"columns": columns, "caller": CALLER})
    as_columns = asyncio.run(shop.server.predict("parcels", request)).results
    single = [shop.ask(row).results[0] for row in some_rows[:5]]
    values = [answer.value for answer in many]
    assert values == [answer.value for answer in as_columns]
    assert values[:5] == [answer.value for answer in single]
    logged = shop.log.read(as_columns[7].prediction_id)
    assert logged.input["weight"] == some_rows[7]["weight"]
    assert (logged.answer.value, logged.version) == (values[7], 2)


def test_what_all_rows_share_is_logged_once(shop: Shop) -> None:
    """A thousand rows of one version do not repeat its data version a thousand times."""
    columns = {"zone": ["far"] * 60, "weight": [float(weight % 7) + 1 for weight in range(60)]}
    request = PredictRequest.model_validate({"columns": columns, "caller": CALLER})
    answers = asyncio.run(shop.server.predict("parcels", request)).results
    data_version = shop.registry.manifest("parcels", 2).data_version
    (segment,) = (path for path in (shop.folder / "predictions").rglob("*.jsonl"))
    assert segment.read_text("utf-8").count(data_version) == 2  # the record's own, and the answers'
    assert [shop.log.read(one.prediction_id).answer for one in answers] == list(answers)


def test_columns_answered_by_different_rungs_are_logged_with_their_version(shop: Shop) -> None:
    """An abstention and a prediction of one request keep their own record."""
    columns = {"zone": ["far"] * 3, "weight": [2.0, 90.0, 0.0]}
    request = PredictRequest.model_validate({"columns": columns, "caller": CALLER})
    results = asyncio.run(shop.server.predict("parcels", request)).results
    assert [answer.outcome for answer in results] == ["predicted", "abstain", "refused"]
    for answer, weight in zip(results, columns["weight"], strict=True):
        logged = shop.log.read(answer.prediction_id)
        assert (logged.input["weight"], logged.answer.outcome) == (weight, answer.outcome)
        assert logged.version == answer.version


def test_serving_answers_as_training_did(shop: Shop) -> None:
    """The evaluation rows get, one by one through the server, the very answers that were evaluated."""
    recipe = parcels.Parcels()
    split = recipe.split(recipe.load(recipe.params(), lambda *_: None), recipe.params())
    manifest = shop.registry.manifest("parcels", 2)
    offline = LoadedModel(recipe, shop.registry.get_file(manifest.files[MODEL_FILE].digest))
    expected = offline.predict(split.evaluation).values
    for place in range(12):
        row = {name: split.evaluation[name][place].item() for name in ("zone", "weight", "height")}
        row["height"] = None if np.isnan(row["height"]) else row["height"]
        assert shop.ask(row).results[0].value == expected[place]


def test_unknown_models_and_wrong_requests_are_refused(shop: Shop) -> None:
    """With the nearest name, or with what is wrong."""
    with pytest.raises(Refused, match="did you mean parcels"):
        shop.ask(model="parcel")
    with pytest.raises(Refused, match="rows"):
        asyncio.run(shop.server.predict("parcels", b'{"caller": {"who": "a", "where": "b"}}'))


NUMBERS = some.floats(width=32) | some.integers(-(10**6), 10**6)
ANYTHING = (
    some.none() | some.booleans() | NUMBERS | some.text(max_size=20) | some.lists(some.none(), max_size=2)
)
FUZZED = (
    some.fixed_dictionaries(
        {},
        optional={
            "zone": some.sampled_from(["here", "near", "far"]) | ANYTHING,
            "weight": some.floats(-10, 120) | ANYTHING,
            "height": ANYTHING,
            "extra": ANYTHING,
        },
    )
    | ANYTHING
)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop whose champion fails for heavy parcels and is absurd for light ones."""
    shop = Shop(tmp_path_factory.mktemp("fuzzed"))
    parcels.promote(shop.registry, parcels.register_here(shop.registry, parcels.Parcels()))
    run = LoadedModel.run

    def moody(self: LoadedModel, inputs: Any, table: Any) -> Any:
        predicted = run(self, inputs, table)
        if (table["weight"] > 15).any():
            raise RuntimeError("too heavy for me")
        predicted.values[table["weight"] < 2] = np.nan
        return predicted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LoadedModel, "run", moody)
        yield shop
    shop.log.close()


@settings(max_examples=1000)
@given(row=FUZZED)
def test_whatever_is_asked_there_is_an_answer(fuzzed: Shop, row: Any) -> None:
    """A thousand fuzzed rows: nothing is raised, and every failed one is marked and has a reason."""
    (answer,) = fuzzed.server.answer_rows("parcels", json.dumps({"rows": [row], "caller": CALLER}).encode())
    answer = RowAnswer.model_validate({**answer, "prediction_id": "p-1"})
    if answer.outcome == "predicted":
        assert (answer.source, answer.fallback, answer.reason_code) == ("champion", False, None)
        assert np.isfinite(float(answer.value or 0))
    else:
        assert answer.reason_code
        assert answer.fallback or answer.outcome in ("refused", "abstain")
        assert (answer.problem is not None) == (answer.outcome == "refused")


def test_serving_imports_no_training_library() -> None:
    """Server and example recipes bring in neither scikit-learn nor onnx nor pandas."""
    program = """
import sys
from pathlib import Path
import ml.serving
from ml.catalog import load_catalog
catalog = load_catalog(Path("toban.toml"))
for name in catalog.names:
    catalog.recipe(name)
print(sorted({"sklearn", "onnx", "skl2onnx", "pandas", "scipy", "matplotlib", "duckdb"} & set(sys.modules)))
"""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
