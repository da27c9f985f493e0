"""Drift: what it costs at least to compare the inputs of many predictions with those of training.

This is a floor in bare numpy, and no part of the product, which does not compute drift yet: whatever will, is
to be measured beside it. Compared are shares of ten bins of the reference, by the population stability index.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import Figure, Side, take_turns
from benchmarks.workbench import Workbench

REFERENCE_ROWS, ROWS, COLUMNS, BINS = 1_000_000, 100_000, 25, 10
LEAST_SHARE = 1e-4
"""An empty bin counts as so much, as usual with this index, whose logarithm needs more than nothing."""

Columns = NDArray[np.float32]
Prepared = list[tuple[NDArray[np.float32], NDArray[np.float64]]]


def measure(bench: Workbench) -> Iterator[Figure]:
    """Yield the floor with a reference that was prepared once, beside one that is prepared each time."""
    generator = np.random.default_rng(1)
    reference = generator.standard_normal((COLUMNS, REFERENCE_ROWS), dtype=np.float32)
    rows = generator.standard_normal((COLUMNS, ROWS), dtype=np.float32) + np.float32(0.1)
    prepared = prepare(reference)
    once, anew = "numpy, reference prepared once", "numpy, reference prepared each time"
    samples = {
        once: functools.partial(_seconds, lambda: index(prepared, rows)),
        anew: functools.partial(_seconds, lambda: index(prepare(reference), rows)),
    }
    values = take_turns(samples, bench.rounds, bench.seconds)
    ours, theirs = (Side(name, found) for name, found in values.items())
    what = f"drift floor: {ROWS:,} rows of {COLUMNS} columns against {REFERENCE_ROWS:,}"
    yield Figure(what, "s", ours, theirs)


def prepare(reference: Columns) -> Prepared:
    """Return for each column the inner edges of its bins, shape (BINS - 1,), and their shares, (BINS,)."""
    quantiles = np.linspace(0, 1, BINS + 1)[1:-1]
    edges = [np.quantile(column, quantiles).astype(np.float32) for column in reference]
    return [(edge, _shares(edge, column)) for edge, column in zip(edges, reference, strict=True)]


def index(prepared: Prepared, rows: Columns) -> NDArray[np.float64]:
    """Return the population stability index of each column, shape (COLUMNS,), 0 where nothing has moved."""
    found = []
    for (edges, before), column in zip(prepared, rows, strict=True):
        now = _shares(edges, column)
        found.append(float(np.sum((now - before) * np.log(now / before))))
    return np.array(found)


def _shares(edges: NDArray[np.float32], column: Columns) -> NDArray[np.float64]:
    counts = np.bincount(np.searchsorted(edges, column), minlength=BINS)
    return np.maximum(counts / len(column), LEAST_SHARE)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
