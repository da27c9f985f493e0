"""What is served below /api: each route with its method, what it takes, what it answers, and how it refuses.

The other blueprints declare the same routes to Azure; a test holds both lists against each other. The
description of the app (`functions.description`) and the page of other addresses (`functions.elsewhere`)
follow from this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from functions.decoding import MAX_BODY_BYTES, MAX_PAGE, MAX_ROWS_BYTES
from ml.contract import (
    ALIAS_PATTERN,
    MODEL_NAME_PATTERN,
    RUN_ID_PATTERN,
    AliasMove,
    AliasView,
    CancelRequest,
    CompareRequest,
    HealthView,
    ModelsView,
    ModelView,
    PredictionView,
    PredictReply,
    PredictRequest,
    RetrainRequest,
    RunsView,
    RunView,
    UsageView,
    VersionView,
)
from ml.segments import ID_PATTERN

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Takes:
    """A request's body: its shape, how large it may be, and whether it may be left out."""

    model: type[BaseModel]
    optional: bool = False
    limit_bytes: int = MAX_BODY_BYTES


@dataclass(frozen=True)
class Operation:
    """One method of one route; `answers` is None where the answer is no class of the contract.

    `keyed` operations take an Idempotency-Key, `conditional` ones answer 304 to whoever knows the answer.
    `reads_store` is False where a store that is away is no reason not to answer.
    """

    name: str
    method: Literal["GET", "POST"]
    route: str
    summary: str
    answers: type[BaseModel] | None
    status: Literal[200, 202] = 200
    takes: Takes | None = None
    query: Mapping[str, Schema] = field(default_factory=dict)
    keyed: bool = False
    conditional: bool = False
    conflicts: bool = False
    reads_store: bool = True


NAMES: Mapping[str, Schema] = {
    "model": {"type": "string", "pattern": MODEL_NAME_PATTERN},
    "alias": {"type": "string", "pattern": ALIAS_PATTERN},
    "version": {"type": "integer", "minimum": 1, "maximum": 999_999},
    "run_id": {"type": "string", "pattern": RUN_ID_PATTERN},
    "prediction_id": {"type": "string", "pattern": ID_PATTERN},
}
"""What the names in routes may be."""

_PAGE: Mapping[str, Schema] = {
    "model": {**NAMES["model"], "description": "only runs of this model"},
    "limit": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 20},
    "after": {**NAMES["run_id"], "description": "the page that follows this run"},
}
_SINCE: Mapping[str, Schema] = {
    "since": {
        "type": "string",
        "description": "a date or time at most 92 days ago; UTC where it names no zone; a day ago without it",
    }
}

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        name="predict",
        method="POST",
        route="models/{model}/predict",
        summary="Answer rows by the highest rung of the ladder that can; a failing model is no 5xx.",
        takes=Takes(PredictRequest, limit_bytes=MAX_ROWS_BYTES),
        answers=PredictReply,
        reads_store=False,
    ),
    Operation(
        name="retrain",
        method="POST",
        route="models/{model}/retrain",
        summary="Record a training run and queue it.",
        takes=Takes(RetrainRequest),
        answers=RunView,
        status=202,
        keyed=True,
    ),
    Operation(
        name="compare",
        method="POST",
        route="models/{model}/compare",
        summary="Record a run that rescores two versions on the same rows, and queue it.",
        takes=Takes(CompareRequest),
        answers=RunView,
        status=202,
        keyed=True,
    ),
    Operation(
        name="runs",
        method="GET",
        route="runs",
        summary="Return runs, newest first, page by page.",
        query=_PAGE,
        answers=RunsView,
        conditional=True,
    ),
    Operation(
        name="run",
        method="GET",
        route="runs/{run_id}",
        summary="Return a run as it stands.",
        answers=RunView,
        conditional=True,
    ),
    Operation(
        name="cancel",
        method="POST",
        route="runs/{run_id}/cancel",
        summary="Ask a run to stop; one that has ended stays as it is.",
        takes=Takes(CancelRequest, optional=True),
        answers=RunView,
        keyed=True,
    ),
    Operation(
        name="models",
        method="GET",
        route="models",
        summary="Return all models with champion and newest version.",
        answers=ModelsView,
        conditional=True,
    ),
    Operation(
        name="model",
        method="GET",
        route="models/{model}",
        summary="Return a model's inputs, parameters, metrics, champion and newest versions.",
        answers=ModelView,
        conditional=True,
    ),
    Operation(
        name="version",
        method="GET",
        route="models/{model}/versions/{version}",
        summary="Return a version's manifest and card.",
        answers=VersionView,
        conditional=True,
    ),
    Operation(
        name="move_alias",
        method="POST",
        route="models/{model}/aliases/{alias}",
        summary="Point an alias at a version, on evidence, from where the asker saw it last.",
        takes=Takes(AliasMove),
        answers=AliasView,
        keyed=True,
        conflicts=True,
    ),
    Operation(
        name="usage",
        method="GET",
        route="models/{model}/usage",
        summary="Return how much a model was asked, and how often its champion did not answer.",
        query=_SINCE,
        answers=UsageView,
    ),
    Operation(
        name="prediction",
        method="GET",
        route="predictions/{prediction_id}",
        summary="Return one logged prediction.",
        answers=PredictionView,
        conditional=True,
    ),
    Operation(
        name="health",
        method="GET",
        route="health",
        summary="Return what answers, in which versions, and whether the store is reachable.",
        answers=HealthView,
        reads_store=False,
    ),
    Operation(
        name="openapi",
        method="GET",
        route="openapi.json",
        summary="Return this description.",
        answers=None,
        reads_store=False,
    ),
)
