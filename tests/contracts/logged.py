"""Predictions as the tests of the log need them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ml.predictions import PredictionColumns, PredictionRecord

MODEL = "arrival-delay"
AT = datetime(2013, 7, 1, 12, 30, tzinfo=UTC)
DATA = "sha256:" + "0" * 64


def record(n: int = 0, outcome: str = "predicted", source: str = "champion") -> PredictionRecord:
    """Return a prediction that can be told from others by its number."""
    answer = {"outcome": outcome, "source": source, "value": n + 0.5, "unit": "min"}
    return PredictionRecord(AT, "operator", "ml-arrivals", {"n": n}, answer, 1, DATA)


def columns(rows: int, **answer: Any) -> PredictionColumns:
    """Return the predictions of one request of many rows."""
    shared = {"outcome": "predicted", "source": "champion", "value": [n + 0.5 for n in range(rows)]}
    return PredictionColumns(
        AT, "operator", "ml-arrivals", {"n": list(range(rows))}, {**shared, **answer}, 1, DATA, rows
    )
