"""Turns, ratios and budgets."""

from __future__ import annotations

import pytest

from benchmarks.figures import FEWEST_ROUNDS, Budget, Figure, Side, quantile, take_turns


def test_sides_take_turns_and_the_first_turn_does_not_count() -> None:
    """The order is A B A B …, and the values of the warm-up are dropped."""
    order: list[str] = []

    def sample(name: str) -> float:
        order.append(name)
        return float(len(order))

    values = take_turns({"a": lambda: sample("a"), "b": lambda: sample("b")}, rounds=3, seconds=60)
    assert "".join(order) == "abababab"
    assert values == {"a": (3.0, 5.0, 7.0), "b": (4.0, 6.0, 8.0)}


def test_time_ends_the_rounds_but_not_before_the_fewest() -> None:
    """A slow pair is taken three times, however many rounds were asked for."""
    values = take_turns({"a": lambda: 1.0}, rounds=50, seconds=-1.0)
    assert len(values["a"]) == FEWEST_ROUNDS


def test_a_ratio_is_taken_in_each_round() -> None:
    """A busy moment of the machine hits both sides of its round and leaves the ratio alone."""
    figure = Figure("what", "s", Side("ours", (2.0, 20.0, 3.0)), Side("theirs", (1.0, 10.0, 2.0)))
    assert figure.ratios == (1.5, 2.0, 2.0)
    assert figure.ratio == 2.0


@pytest.mark.parametrize(
    ("budget", "met"),
    [
        (Budget(2.0, "higher"), True),
        (Budget(2.1, "higher"), False),
        (Budget(2.0, "lower"), True),
        (Budget(1.9, "lower"), False),
        (None, None),
    ],
)
def test_a_budget_is_judged_by_the_median_ratio(budget: Budget | None, met: bool | None) -> None:
    """At least where higher is better, at most where lower is, and nothing without a budget."""
    figure = Figure("what", "s", Side("ours", (4.0,)), Side("theirs", (2.0,)), budget)
    assert figure.met is met


def test_a_limit_that_is_no_ratio_brings_its_own_verdict() -> None:
    """A figure without a yardstick can still miss its limit."""
    figure = Figure("what", "ms", Side("ours", (900.0,)), limit="≤ 150 ms", within_limit=False)
    assert figure.ratios == ()
    assert figure.met is False


def test_a_quantile_is_a_value_that_occurred() -> None:
    """Nearest rank: the share 1 is the largest value, and no values have no quantile."""
    assert quantile([3.0, 1.0, 2.0], 1.0) == 3.0
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)
