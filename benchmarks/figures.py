"""Figures: samples of the product and of its yardstick, taken turn by turn, and what their ratio says.

A time of this machine means little elsewhere, and little an hour later when it is busy. So the two sides take
turns, each turn gives one ratio, and the median of the ratios with the lowest and highest is what counts.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Better = Literal["higher", "lower"]
Sample = Callable[[], float]

FEWEST_ROUNDS = 3
"""Rounds that are taken even if they last longer than the time that was allowed."""


@dataclass(frozen=True)
class Budget:
    """How far the ratio may go: at least *bound* where higher is better, at most *bound* where lower is."""

    bound: float
    better: Better

    def holds(self, ratio: float) -> bool:
        """Return whether *ratio* is inside the budget."""
        return ratio >= self.bound if self.better == "higher" else ratio <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.better == 'higher' else '≤'} {self.bound:g} ×"


@dataclass(frozen=True)
class Side:
    """One side of a comparison: what it is, and its value in each round."""

    name: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median over the rounds, in the figure's unit."""
        return statistics.median(self.values)


@dataclass(frozen=True)
class Figure:
    """One line of the report.

    `unit` is that of both sides. `verdict` stands in place of the budget's where the budget is no ratio.
    """

    what: str
    unit: str
    measured: Side
    yardstick: Side | None = None
    budget: Budget | None = None
    limit: str = ""
    within_limit: bool | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def ratios(self) -> tuple[float, ...]:
        """The ratio of each round, in rising order; empty without a yardstick."""
        if self.yardstick is None:
            return ()
        pairs = zip(self.measured.values, self.yardstick.values, strict=True)
        return tuple(sorted(ours / theirs for ours, theirs in pairs))

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return statistics.median(self.ratios)

    @property
    def met(self) -> bool | None:
        """Whether the budget is met, None where there is none."""
        if self.within_limit is not None:
            return self.within_limit
        return self.budget.holds(self.ratio) if self.budget and self.yardstick else None


def take_turns(samples: Mapping[str, Sample], rounds: int, seconds: float) -> dict[str, tuple[float, ...]]:
    """Return the values of each sample, taken A B C A B C …, after one turn each that does not count.

    No round begins once *seconds* have passed, but at least `FEWEST_ROUNDS` are taken.
    """
    for sample in samples.values():
        sample()
    values: dict[str, list[float]] = {name: [] for name in samples}
    begun = time.monotonic()
    for number in range(max(rounds, FEWEST_ROUNDS)):
        if number >= FEWEST_ROUNDS and time.monotonic() - begun > seconds:
            break
        for name, sample in samples.items():
            values[name].append(sample())
    return {name: tuple(found) for name, found in values.items()}


def quantile(values: Iterable[float], share: float) -> float:
    """Return the value below which *share* of *values* lie (nearest rank); raises ValueError for none."""
    ordered: Sequence[float] = sorted(values)
    if not ordered:
        raise ValueError("no values")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
