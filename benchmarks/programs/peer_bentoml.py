# mypy: ignore-errors
# Its libraries are in an environment of its own.
"""A BentoML service of one model; `bentoml serve` runs it in an environment of its own."""

import os

import bentoml
import joblib
import numpy as np


@bentoml.service(workers=1)
class Delay:
    """Answers rows of the estimator's columns."""

    def __init__(self) -> None:
        self.model = joblib.load(os.environ["BENCH_MODEL"])

    @bentoml.api
    def predict(self, rows: list[list[str | float]]) -> list[float]:
        """Return one value per row."""
        return self.model.predict(np.array(rows, dtype=object)).tolist()
