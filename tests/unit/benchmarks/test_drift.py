"""The floor of drift is that of a real index."""

from __future__ import annotations

import numpy as np

from benchmarks.drift import index, prepare


def test_what_moves_is_told_from_what_does_not() -> None:
    """The index is nothing for the reference itself, and grows as a column moves away from it."""
    reference = np.random.default_rng(7).standard_normal((3, 20_000), dtype=np.float32)
    moved = reference + np.array([[0.0], [0.3], [1.0]], dtype=np.float32)
    same, little, much = index(prepare(reference), moved)
    assert same == 0
    assert 0.05 < little < 0.2
    assert much > 0.5
