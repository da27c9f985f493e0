"""Intervals that hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from ml.calibration import calibrate, offsets


def test_intervals_hold_the_promised_share() -> None:
    """On new rows of the same kind the coverage is met in every group, skewed as it may be."""
    random = np.random.default_rng(3)

    def draw(rows: int) -> tuple[np.ndarray, np.ndarray]:
        groups = np.array(["calm", "wild"])[random.integers(0, 2, rows)]
        spread = np.where(groups == "wild", 40.0, 5.0)
        return random.gumbel(0, 1, rows) * spread, groups

    residuals, groups = draw(4000)
    calibration = calibrate(residuals, groups, 0.9)
    assert calibration is not None
    fresh, fresh_groups = draw(20_000)
    low, high = offsets(calibration, fresh_groups)
    inside = (low <= fresh) & (fresh <= high)
    for name in ("calm", "wild"):
        assert inside[fresh_groups == name].mean() == pytest.approx(0.9, abs=0.02)
    assert (high - low)[fresh_groups == "wild"][0] > 5 * (high - low)[fresh_groups == "calm"][0]


def test_quantiles_are_those_of_the_finite_sample() -> None:
    """Of 19 residuals the first and the last make the 90 % interval: (n+1) x 0.05 is 1."""
    calibration = calibrate(np.arange(19.0), np.full(19, "all"), 0.9)
    assert calibration is not None
    assert (calibration.quantiles["*:low"], calibration.quantiles["*:high"]) == (0.0, 18.0)


def test_too_few_rows_promise_nothing() -> None:
    """Of 18 rows no 90 % interval can be made."""
    assert calibrate(np.arange(18.0), np.full(18, "all"), 0.9) is None


def test_a_rare_or_unknown_group_borrows_from_all() -> None:
    """A group with too few rows has the interval of all rows together."""
    groups = np.array(["common"] * 200 + ["rare"] * 3)
    calibration = calibrate(np.arange(203.0), groups, 0.9)
    assert calibration is not None
    low, high = offsets(calibration, np.array(["rare", "never seen", "common"]))
    assert (
        (low[0], high[0])
        == (low[1], high[1])
        == (
            calibration.quantiles["*:low"],
            calibration.quantiles["*:high"],
        )
    )
    assert high[2] < high[0]
