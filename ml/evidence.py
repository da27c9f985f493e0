"""What was compared with what, on the same rows, and whether the difference is more than luck. Pure numpy.

Rows of one block (a day's flights, say) share their luck, so the test flips and resamples whole blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ml.contract import Histogram, MetricComparison, MetricSpec, PairedTest
from ml.recipe import Predicted, Recipe, Table

Contender = Literal["candidate", "champion", "rule"]

FLIPS = 10_000
AT_ONCE = 1_000
"""Flips that are held in memory together: eight megabytes for a thousand blocks."""

MOST_BLOCKS = 1_000
LEVEL = 0.05
"""A difference counts when luck alone would give one as large in less than this share of cases."""


@dataclass(frozen=True)
class Comparison:
    """The part of an evidence object that is computed from rows: metrics, test, verdicts, histograms."""

    metrics: tuple[MetricComparison, ...]
    test: PairedTest | None
    beats_champion: bool | None
    beats_rule: bool
    histograms: tuple[Histogram, ...]


def compare(recipe: Recipe, rows: Table, answers: Mapping[Contender, Predicted]) -> Comparison:
    """Score all contenders on the same rows; the candidate and the rule are always among them."""
    actual = recipe.actual(rows)
    blocks = recipe.blocks(rows)
    losses = {name: recipe.losses(predicted, actual) for name, predicted in answers.items()}
    against_rule = paired_test(recipe, losses["candidate"] - losses["rule"], blocks)
    test = None
    if "champion" in losses:
        test = paired_test(recipe, losses["candidate"] - losses["champion"], blocks)
    return Comparison(
        metrics=tuple(_compare_metric(recipe, spec, answers, actual) for spec in recipe.metrics),
        test=test,
        beats_champion=None if test is None else is_better(test),
        beats_rule=is_better(against_rule),
        histograms=tuple(_histogram(recipe, name, losses[name]) for name in losses),
    )


def is_better(test: PairedTest) -> bool:
    """Return whether the candidate's losses are smaller by more than luck."""
    return test.difference < 0 and test.p_value < LEVEL


def paired_test(recipe: Recipe, differences: np.ndarray, blocks: np.ndarray | None) -> PairedTest:
    """Test the mean of paired loss differences against zero, by flipping the signs of whole blocks.

    If both were equally good, each block's difference could as well have the other sign. The p-value is the
    share of 10,000 random flips (all flips, where there are fewer) whose mean is at least as far from zero;
    random ones count the data itself as one flip. The interval is the percentile bootstrap over blocks.

    Source: Ernst, Permutation Methods: A Basis for Exact Inference, Statistical Science 19 (2004).
    """
    unit = next(spec.unit for spec in recipe.metrics if spec.name == recipe.paired_metric)
    sums, counts = _block_sums(differences, blocks)
    method, p_value = sign_flip(sums)
    low, high = _bootstrap(sums, counts)
    return PairedTest(
        method=f"{method} over {len(sums)} blocks; interval by bootstrap over blocks",
        metric=recipe.paired_metric,
        unit=unit,
        difference=float(differences.mean()),
        low=low,
        high=high,
        p_value=p_value,
        rows=len(differences),
    )


def sign_flip(sums: np.ndarray) -> tuple[str, float]:
    """Return the name of the test and the two-sided p-value of the blocks' sums having mean zero."""
    seen = abs(sums.sum()) * (1 - 1e-12)
    if 2 ** len(sums) <= FLIPS:
        places = np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums)) & 1
        flipped = np.abs((1 - 2.0 * places) @ sums)
        return "exact sign-flip test", float((flipped >= seen).mean())
    generator, extreme = np.random.default_rng(0), 0
    for _ in range(FLIPS // AT_ONCE):
        signs = 1 - 2.0 * generator.integers(0, 2, size=(AT_ONCE, len(sums)), dtype=np.int8)
        extreme += int((np.abs(signs @ sums) >= seen).sum())
    return f"sign-flip test ({FLIPS:,} flips)", (1 + extreme) / (1 + FLIPS)


def is_improvement(spec: MetricSpec, new: float, old: float | None) -> bool | None:
    """Return whether *new* is better than *old* in the metric's direction; None where equal or not known."""
    if old is None or new == old:
        return None
    if spec.direction == "zero":
        return None if abs(new) == abs(old) else abs(new) < abs(old)
    return (new < old) == (spec.direction == "lower")


def _compare_metric(
    recipe: Recipe, spec: MetricSpec, answers: Mapping[Contender, Predicted], actual: np.ndarray
) -> MetricComparison:
    values = {name: recipe.metric(spec.name, predicted, actual) for name, predicted in answers.items()}
    better = is_improvement(spec, values["candidate"], values.get("champion"))
    return MetricComparison(
        **spec.model_dump(),
        candidate=values["candidate"],
        champion=values.get("champion"),
        rule=values["rule"],
        better=better,
    )


def _histogram(recipe: Recipe, name: Contender, losses: np.ndarray) -> Histogram:
    """Return the shares of rows by loss; what lies beyond the last edge is the rest to 1."""
    unit = next(spec.unit for spec in recipe.metrics if spec.name == recipe.paired_metric)
    counts, _ = np.histogram(losses, bins=np.array(recipe.loss_edges))
    shares = tuple((counts / len(losses)).tolist())
    return Histogram(contender=name, edges=recipe.loss_edges, shares=shares, unit=unit)


def _block_sums(differences: np.ndarray, blocks: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return sum and count of each block; more than a thousand blocks are pooled at random into so many."""
    places = np.arange(len(differences)) if blocks is None else np.unique(blocks, return_inverse=True)[1]
    known = int(places.max()) + 1
    if known > MOST_BLOCKS:
        places = np.random.default_rng(0).permutation(known)[places] % MOST_BLOCKS
    return np.bincount(places, weights=differences), np.bincount(places).astype(np.float64)


def _bootstrap(sums: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    generator = np.random.default_rng(0)
    chosen = generator.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=2_000)
    means = (chosen @ sums) / (chosen @ counts)
    low, high = np.quantile(means, [LEVEL / 2, 1 - LEVEL / 2])
    return float(low), float(high)
