# mypy: ignore-errors
# Its libraries are in an environment of its own.
"""FastAPI + scikit-learn as teams write it: a pydantic model per row, one call of the estimator.

`python -m benchmarks.programs.peer_fastapi MODEL.joblib PORT`, in an environment of its own.
"""

import sys

import joblib
import uvicorn
from fastapi import FastAPI
from pydantic import create_model

TEXTS, NUMBERS = 3, 12
Row = create_model(
    "Row",
    **{f"t{n}": (str, ...) for n in range(TEXTS)},
    **{f"n{n}": (float, ...) for n in range(NUMBERS)},
)
Request = create_model("Request", rows=(list[Row], ...))


def build(path: str) -> FastAPI:
    """Return the application."""
    app, model = FastAPI(), joblib.load(path)

    @app.post("/predict")
    def predict(request: Request) -> dict[str, list[float]]:
        rows = [list(row.__dict__.values()) for row in request.rows]
        return {"values": model.predict(rows).tolist()}

    return app


if __name__ == "__main__":
    uvicorn.run(build(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
