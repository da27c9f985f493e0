"""Comparisons: the test against scipy, verdicts, and what equal models may expect."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ml.contract import Direction, MetricSpec
from ml.evidence import compare, is_better, is_improvement, paired_test, sign_flip
from ml.recipe import numbers
from ml.tables import Table
from tests.stand_ins.parcels import Parcels

RECIPE = Parcels()


@pytest.mark.parametrize("size", [8, 12, 60])
@pytest.mark.parametrize("shift", [0.0, 0.4, 1.5])
def test_p_values_are_scipys(size: int, shift: float) -> None:
    """Exact for few blocks, within what 10,000 random flips can tell for many."""
    sums = np.random.default_rng(size).normal(shift, 1, size)
    method, p_value = sign_flip(sums)
    expected = stats.permutation_test(
        (sums,), np.sum, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(7)
    )
    assert ("exact" in method) == (size < 14)
    assert p_value == pytest.approx(expected.pvalue, abs=1e-9 if size < 14 else 0.015)


def test_the_interval_is_scipys() -> None:
    """The percentile bootstrap of the mean difference."""
    differences = np.random.default_rng(5).normal(-0.5, 2, 400)
    test = paired_test(RECIPE, differences, None)
    expected = stats.bootstrap((differences,), np.mean, method="percentile", rng=np.random.default_rng(0))
    assert test.difference == pytest.approx(differences.mean())
    assert test.low == pytest.approx(expected.confidence_interval.low, abs=0.03)
    assert test.high == pytest.approx(expected.confidence_interval.high, abs=0.03)
    assert (test.unit, test.metric, test.rows) == ("EUR", "mae", 400)
    assert "sign-flip" in test.method


def test_equal_models_are_seldom_told_apart() -> None:
    """Of 150 pairs of equals about one in twenty passes for different, and half of those for better."""
    random = np.random.default_rng(11)
    tests = [paired_test(RECIPE, random.normal(0, 1, 50), None) for _ in range(150)]
    assert np.mean([test.p_value < 0.05 for test in tests]) < 0.085
    assert np.mean([is_better(test) for test in tests]) < 0.05


def test_rows_that_share_their_luck_count_as_one() -> None:
    """A thousand rows of five days prove no more than five days."""
    random = np.random.default_rng(2)
    days = np.repeat(np.arange(5), 200)
    differences = np.repeat(random.normal(-0.3, 1, 5), 200) + random.normal(0, 0.1, 1000)
    alone = paired_test(RECIPE, differences, None)
    together = paired_test(RECIPE, differences, days)
    assert alone.p_value < 0.001
    assert together.p_value > 0.05
    assert "5 blocks" in together.method
    assert together.high - together.low > 5 * (alone.high - alone.low)


@pytest.mark.parametrize(
    ("direction", "new", "old", "better"),
    [
        ("lower", 1.0, 2.0, True),
        ("lower", 2.0, 1.0, False),
        ("higher", 2.0, 1.0, True),
        ("zero", -1.0, 3.0, True),
        ("zero", -4.0, 3.0, False),
        ("zero", -3.0, 3.0, None),
        ("lower", 1.0, 1.0, None),
        ("lower", 1.0, None, None),
    ],
)
def test_better_follows_the_direction(
    direction: Direction, new: float, old: float | None, better: bool | None
) -> None:
    """Smaller, larger or nearer to zero; equal is neither."""
    spec = MetricSpec(name="m", title="M", unit="u", direction=direction)
    assert is_improvement(spec, new, old) is better


def test_all_contenders_are_scored_on_the_same_rows() -> None:
    """Metrics, verdicts and histograms of all three, and a candidate that beats neither."""
    price = np.linspace(5, 30, 400)
    rows = Table({"price": price, "weight": price - 5})
    noise = np.random.default_rng(0).normal(0, 0.2, 400)
    found = compare(
        RECIPE,
        rows,
        {"candidate": numbers(price + 3), "champion": numbers(price + noise), "rule": RECIPE.rule(rows)},
    )
    mae, fair = found.metrics
    assert (mae.candidate, mae.rule, mae.better) == (pytest.approx(3), pytest.approx(0, abs=1e-6), False)
    assert (fair.candidate, fair.champion, fair.business) == (0.0, 1.0, True)
    assert (found.beats_champion, found.beats_rule) == (False, False)
    assert {h.contender: h.shares for h in found.histograms}["candidate"] == (0.0, 0.0, 1.0)
    assert all(len(h.edges) == len(h.shares) + 1 for h in found.histograms)


def test_without_a_champion_there_is_no_verdict_on_it() -> None:
    """The first version is held against the rule only."""
    price = np.linspace(5, 30, 50)
    rows = Table({"price": price, "weight": price + 4})
    found = compare(RECIPE, rows, {"candidate": numbers(price), "rule": RECIPE.rule(rows)})
    assert (found.test, found.beats_champion, found.beats_rule) == (None, None, True)
    assert found.metrics[0].champion is None
    assert found.metrics[0].better is None
