"""The rungs, broken one after the other; and the two lists of checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from ml.contract import Source
from ml.ladder import OpenRung, Rung, RungMissing, climb
from ml.manifest import Manifest
from ml.objects import open_store
from ml.recipe import Predicted, Recipe, Table, numbers
from ml.registry import Registry
from ml.rows import RowReader
from ml.serving import answer_reading
from tests.stand_ins import parcels

RECIPE = parcels.Parcels()
REGISTRY = Registry(open_store("memory://ladder"))
MANIFEST = REGISTRY.manifest("parcels", parcels.register_here(REGISTRY, RECIPE))


class Says:
    """A model that says what it is told to, or raises it."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def run(self, inputs: dict[str, Any], table: Table) -> Predicted:
        """Answer."""
        if isinstance(self.answer, BaseException):
            raise self.answer
        if isinstance(self.answer, Predicted):
            return self.answer
        return numbers(np.resize(np.array(self.answer, dtype=float), len(table)))


def rung(answer: Any, version: int = 1, manifest: Manifest = MANIFEST, recipe: Recipe = RECIPE) -> Rung:
    """Return a loaded version that answers so."""
    return Rung(cast(Any, Says(answer)), manifest.model_copy(update={"version": version}), recipe)


def rows(*weights: float, zone: str = "near") -> Table:
    """Return parcels of these weights."""
    count = len(weights)
    return Table(
        {
            "zone": np.array([zone] * count),
            "weight": np.array(weights, dtype=np.float32),
            "height": np.full(count, 1, dtype=np.float32),
        }
    )


def ladder(champion: Any, previous: Any = None) -> list[OpenRung]:
    """Return the rungs: a reason code for one that cannot be loaded, None for no previous champion."""

    def opener(answer: Any, version: int) -> Callable[[], Rung]:
        def open_rung() -> Rung:
            if isinstance(answer, str):
                raise RungMissing(answer)
            return rung(answer, version)

        return open_rung

    found: list[OpenRung] = [("champion", opener(champion, 2))]
    return found if previous is None else [*found, ("previous_champion", opener(previous, 1))]


def gist(answer: dict[str, Any]) -> tuple[Any, ...]:
    """Return what tells the rungs apart."""
    return tuple(
        answer[name] for name in ("outcome", "value", "source", "fallback", "version", "reason_code")
    )


@pytest.mark.parametrize(
    ("champion", "previous", "expected"),
    [
        (12.0, 11.0, ("predicted", 12.0, "champion", False, 2, None)),
        ("model_file_damaged", 11.0, ("fallback", 11.0, "previous_champion", True, 1, "model_file_damaged")),
        (RuntimeError("boom"), 11.0, ("fallback", 11.0, "previous_champion", True, 1, "model_failed")),
        (float("nan"), 11.0, ("fallback", 11.0, "previous_champion", True, 1, "answer_not_finite")),
        (-3.0, 11.0, ("fallback", 11.0, "previous_champion", True, 1, "negative_price")),
        (numbers(np.zeros(7)), 11.0, ("fallback", 11.0, "previous_champion", True, 1, "model_failed")),
        (
            "model_file_missing",
            "model_file_damaged",
            ("fallback", 8.0, "rule", True, None, "model_file_missing"),
        ),
        (float("inf"), MemoryError(), ("fallback", 8.0, "rule", True, None, "answer_not_finite")),
        ("no_champion", None, ("fallback", 8.0, "rule", True, None, "no_champion")),
    ],
)
def test_the_next_rung_answers_and_says_so(champion: Any, previous: Any, expected: tuple[Any, ...]) -> None:
    """Each rung is broken in each way; the answer names its rung and why it is not the champion's."""
    (answer,) = climb(RECIPE, rows(3.0), ladder(champion, previous))
    assert gist(answer) == expected
    assert answer["data_version"] == (MANIFEST.data_version if answer["version"] else None)


@pytest.mark.parametrize(
    ("recipe", "expected", "says"),
    [
        (parcels.ConstantParcels(), ("fallback", 10.0, "constant", True, None, "model_failed"), None),
        (parcels.NoActionParcels(), ("no_action", None, "none", True, None, "model_failed"), "Leave it"),
        (parcels.RefusingParcels(), ("refused", None, "none", True, None, "model_failed"), None),
    ],
)
def test_the_business_chooses_the_last_rung(
    recipe: Recipe, expected: tuple[Any, ...], says: str | None
) -> None:
    """A constant, nothing at all (which is fine), or a refusal with a reason."""
    (answer,) = climb(recipe, rows(3.0), ladder(RuntimeError()))
    assert gist(answer) == expected
    assert says is None or answer["safe_action"].startswith(says)
    assert (answer["problem"] is not None) == (answer["outcome"] == "refused")


def test_even_the_rule_may_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the row is refused with the champion's reason; nothing is raised."""

    def broken(table: Table) -> Predicted:
        raise ZeroDivisionError

    monkeypatch.setattr(RECIPE, "rule", broken)
    (answer,) = climb(RECIPE, rows(3.0), ladder("model_file_damaged"))
    assert gist(answer)[:4] == ("refused", None, "none", True)
    assert answer["reason_code"] == "model_file_damaged"


def test_rungs_are_chosen_row_by_row() -> None:
    """An absurd answer for one row costs the others nothing."""
    answers = climb(RECIPE, rows(1, 2, 3), ladder([5.0, -1.0, float("nan")], [50.0, -2.0]))
    assert [gist(answer)[1:3] for answer in answers] == [
        (5.0, "champion"),
        (50.0, "previous_champion"),
        (8.0, "rule"),
    ]
    assert [answer["reason_code"] for answer in answers] == [None, "negative_price", "answer_not_finite"]


def test_an_answer_has_its_interval() -> None:
    """From the residuals of its group, with the coverage that it is meant to have."""
    (answer,) = climb(RECIPE, rows(3.0), ladder(12.0))
    assert answer["interval"]["low"] < 12.0 < answer["interval"]["high"]
    assert (answer["interval"]["coverage"], answer["unit"]) == (0.9, "EUR")


def test_a_wide_interval_abstains() -> None:
    """The safe action stands in place of the value, and the interval shows why."""
    calibration = MANIFEST.calibration
    assert calibration is not None
    wide = calibration.model_copy(update={"quantiles": {"*:low": -15.0, "*:high": 6.0}})
    unsure = MANIFEST.model_copy(update={"calibration": wide})
    opened: tuple[Source, Callable[[], Rung]] = ("champion", lambda: rung(12.0, manifest=unsure))
    (answer,) = climb(RECIPE, rows(3.0), [opened])
    assert gist(answer) == ("abstain", None, "champion", False, 1, "interval_too_wide")
    assert answer["safe_action"] == "Weigh it at the counter."
    assert answer["interval"]["high"] - answer["interval"]["low"] == 21.0


def test_outside_the_training_range_abstains_or_warns() -> None:
    """By what the recipe says of the feature: the weight matters, an unknown zone is only told."""
    heavy, moon = climb(RECIPE, rows(99.0), ladder(12.0)), climb(RECIPE, rows(3.0, zone="moon"), ladder(12.0))
    assert gist(heavy[0])[::5] == ("abstain", "outside_training_range")
    assert heavy[0]["warnings"][0]["field"] == "weight"
    assert gist(moon[0])[:2] == ("predicted", 12.0)
    assert "moon" in moon[0]["warnings"][0]["message"]


def test_inputs_and_outputs_are_checked_by_two_lists() -> None:
    """A row out of range is refused before any model sees it; an absurd answer goes to the next rung."""
    caller = b'"caller": {"who": "a", "where": "b"}'
    body = b'{"rows": [{"zone": "far", "weight": 0}, {"zone": "far", "weight": 3}], ' + caller + b"}"
    refused, absurd = answer_reading(RECIPE, RowReader(RECIPE).read(body), ladder(-1.0))
    assert (refused["outcome"], refused["reason_code"], refused["source"]) == ("refused", "too_light", "none")
    assert refused["problem"]["errors"][0]["field"] == "weight"
    assert gist(absurd)[2::3] == ("rule", "negative_price")
    assert not {c.code for c in RECIPE.input_checks} & {c.code for c in RECIPE.output_checks}


def test_a_broken_check_stops_nobody() -> None:
    """A check of inputs that raises is left out; one of outputs counts as a failed model."""

    def broken(*_: Any) -> np.ndarray:
        raise ZeroDivisionError

    class Odd(parcels.Parcels):
        """Parcels with broken checks."""

        input_checks = (parcels.Check("odd", "weight", "anything", broken),)
        output_checks = (parcels.OutputCheck("odd", "anything", broken),)

    recipe = Odd()
    body = b'{"rows": [{"zone": "far", "weight": 3}], "caller": {"who": "a", "where": "b"}}'
    (answer,) = answer_reading(recipe, RowReader(recipe).read(body), ladder(12.0))
    assert gist(answer)[2::3] == ("rule", "model_failed")
