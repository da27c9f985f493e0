"""The windows, the features and the rule of the flights' recipe."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bot.coercion import coerce
from ml.errors import Refused
from ml.recipe import Table
from ml.sessions import graph_inputs
from ml.tables import build_table
from recipes.arrival_delay import ArrivalDelay

RECIPE = ArrivalDelay()


@pytest.mark.parametrize(
    ("since", "until", "evaluated"),
    [
        ("2013-01", "2013-03", ("2013-04-01", "2013-04-30")),
        ("2013-01-01", "2013-06-30", ("2013-07-01", "2013-07-31")),
        ("2013-02", "2013-06-15", ("2013-06-16", "2013-07-15")),
        ("2013-01", "2013-01-30", ("2013-01-31", "2013-02-27")),
        ("2013-01", "2013-12-15", ("2013-12-16", "2013-12-31")),
        ("2013-06", "2013-11", ("2013-12-01", "2013-12-31")),
    ],
)
def test_the_month_after_the_window_is_evaluated(since: str, until: str, evaluated: tuple[str, str]) -> None:
    """Months count whole, and the data's end ends the evaluation."""
    params = RECIPE.params.model_validate({"since": since, "until": until})
    split = RECIPE.split(RECIPE.load(params, lambda *_: None), params)
    assert (split.since, split.until) == evaluated
    days = split.evaluation["date"]
    assert (str(days.min()), str(days.max())) == evaluated
    assert split.training["date"].max() < days.min()
    assert not np.isnan(RECIPE.actual(split.training)).any()


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"until": "2013-12"}, "until must lie before 2013-12-31"),
        ({"since": "2013-05", "until": "2013-04"}, "since must lie between"),
        ({"since": "2012-12"}, "since must lie between"),
        ({"since": "soon"}, "since must be a text such as 2013-01"),
        ({"unitl": "2013-04"}, "did you mean until?"),
    ],
)
def test_windows_that_leave_nothing_are_refused(params: dict[str, Any], words: str) -> None:
    """In words, before anything is trained."""
    with pytest.raises(Refused, match="invalid_params") as caught:
        RECIPE.read_params(params)
    assert words in caught.value.detail


@pytest.mark.parametrize("until", ["2013-13", "2013-00", "2013-06-32", "2013-06-00", "June", "2013-6"])
def test_what_is_no_month_is_told_while_the_form_is_open(until: str) -> None:
    """Its schema says so, by which the form is judged before it closes."""
    _, problems = coerce({"since": "2013-02-28", "until": until}, RECIPE.params.model_json_schema())
    assert [problem.field for problem in problems] == ["until"]


def test_parameters_are_kept_as_days() -> None:
    """However they were typed."""
    assert RECIPE.read_params({"since": "2013-02", "until": "2013-02"}) == {
        "since": "2013-02-01",
        "until": "2013-02-28",
    }
    assert RECIPE.read_params({})["until"] == "2013-11-30"


def test_the_calendar_enters_as_weekday_and_hour() -> None:
    """Monday is 0; a night flight that lands after midnight is as long as it is."""
    row = RECIPE.complete(RECIPE.inputs(flight="UA1545", date="2013-01-01")).features  # type: ignore[call-arg]
    late = {**row, "departs": 1410, "arrives": 30}
    features = RECIPE.features(build_table(RECIPE.kinds, [row, late]))
    assert features["weekday"].tolist() == [1, 1]  # a Tuesday
    assert features["hour"].tolist() == [5.25, 23.5]
    assert features["planned_minutes"].tolist() == [184, 60]


def test_training_and_serving_see_the_same_features() -> None:
    """A flight picked by number and day has, bit for bit, the features that it had in training."""
    params = RECIPE.params.model_validate({"since": "2013-06", "until": "2013-06"})
    table = RECIPE.load(params, lambda *_: None)
    trained = graph_inputs(RECIPE, RECIPE.features(table), len(table))
    for place in range(0, len(table), 3_001):
        given = {
            "flight": f"{table['carrier'][place]}{table['flight'][place]}",
            "date": str(table["date"][place]),
            "origin": str(table["origin"][place]),
        }
        found = RECIPE.complete(RECIPE.inputs(**given))
        served = graph_inputs(RECIPE, RECIPE.features(build_table(RECIPE.kinds, [found.features])), 1)
        assert served["texts"].tolist() == trained["texts"][place : place + 1].tolist()
        assert np.array_equal(served["numbers"], trained["numbers"][place : place + 1], equal_nan=True)
        assert found.actual == RECIPE.actual(table)[place]


def test_the_rule_is_the_delay_at_departure() -> None:
    """Nothing is lost or made up in the air."""
    table = Table({"departure_delay": np.float32([-3, 40])})
    assert RECIPE.rule(table).values.tolist() == [-3, 40]
    assert RECIPE.answer(np.array([-5.0, 10.0]), table).values.tolist() == [-8, 50]


def test_an_absurd_answer_and_an_absurd_row_are_caught_by_different_lists() -> None:
    """Hours made up in the air; a flight to where it is."""
    table = Table({"departure_delay": np.float32([0, 0]), "origin": np.array(["LGA"] * 2),
                   "dest": np.array(["ORD", "LGA"])})  # fmt: skip
    (check,) = RECIPE.input_checks
    assert check.bad(table).tolist() == [False, True]
    (output,) = RECIPE.output_checks
    assert output.bad(RECIPE.answer(np.array([-241.0, 12.0]), table), table).tolist() == [True, False]
