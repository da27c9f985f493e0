"""Prediction intervals from evaluation residuals: split conformal, one pair of quantiles per group of rows.

Of n residuals the interval uses the ⌊(n+1)α/2⌋-th smallest and the as many-th largest, so that a new
row of the same kind lies inside with at least the stated coverage. A group with too few rows for that borrows
the quantiles of all rows together.

Source: Vovk, Gammerman, Shafer, Algorithmic Learning in a Random World (2005), on Mondrian conformal
predictors.
"""

from __future__ import annotations

import math

import numpy as np

from ml.manifest import Calibration

EVERY_ROW = "*"
"""The group of all rows, for groups that calibration never saw or saw too seldom."""

ROUNDING = 1e-9
"""(1 - 0.9) / 2 is a little less than 0.05 in floating point."""

METHOD = "split conformal residual quantiles by group"


def calibrate(residuals: np.ndarray, groups: np.ndarray, coverage: float) -> Calibration | None:
    """Return the quantiles of truth minus prediction by group; None with too few rows for *coverage*."""
    quantiles: dict[str, float] = {}
    for name in (EVERY_ROW, *np.unique(groups).tolist()):
        chosen = residuals if name == EVERY_ROW else residuals[groups == name]
        pair = _quantile_pair(np.sort(chosen), coverage)
        if pair is not None:
            quantiles[f"{name}:low"], quantiles[f"{name}:high"] = pair
    if f"{EVERY_ROW}:low" not in quantiles:
        return None
    return Calibration(method=METHOD, coverage=coverage, quantiles=quantiles, rows=len(residuals))


def offsets(calibration: Calibration, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return by row what to add to the prediction to get the ends of its interval."""
    names = groups.tolist()
    low, high = (_offset_by_group(calibration, set(names), side) for side in ("low", "high"))
    return np.array([low[name] for name in names]), np.array([high[name] for name in names])


def _offset_by_group(calibration: Calibration, names: set[str], side: str) -> dict[str, float]:
    known = calibration.quantiles
    return {name: known.get(f"{name}:{side}", known[f"{EVERY_ROW}:{side}"]) for name in names}


def _quantile_pair(ordered: np.ndarray, coverage: float) -> tuple[float, float] | None:
    rows, tail = len(ordered), (1 - coverage) / 2
    low = math.floor((rows + 1) * tail + ROUNDING)
    high = rows + 1 - low
    if low < 1:
        return None
    return float(ordered[low - 1]), float(ordered[high - 1])
