"""One team's everyday records: what the samples of messages are made from, and what tests of messages use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.jobs import Job
from ml.contract import (
    AliasView,
    Caller,
    Evidence,
    FilledIn,
    Histogram,
    Interval,
    MetricComparison,
    MetricSpec,
    ModelView,
    PairedTest,
    Reason,
    RowAnswer,
    RowsUsed,
    RunResult,
    RunView,
    StageView,
    VersionSummary,
)

AT = datetime(2013, 8, 1, 6, 0, tzinfo=UTC)
DIGEST = "sha256:" + "a1b2c3d4" * 8
RUN_ID = "20130801t060000-a1b2c3"
OWNER, OPERATOR, VIEWER = "U01OWNER000", "U01OPERATOR", "U01VIEWER00"
OWNERS, CHANNEL = "S01MLOWNERS", "C01ARRIVALS"

INPUTS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["date"],
    "$defs": {"Carrier": {"enum": ["UA", "AA", "B6", "DL"], "type": "string"}},
    "properties": {
        "flight": {
            "anyOf": [
                {"type": "string", "pattern": "^[A-Z0-9]{2}[0-9]{1,4}$", "examples": ["UA1545"]},
                {"type": "null"},
            ]
        },
        "date": {"type": "string", "format": "date", "description": "day of the flight"},
        "carrier": {"anyOf": [{"$ref": "#/$defs/Carrier"}, {"type": "null"}], "default": None},
        "dep_delay": {"type": "number", "minimum": -60, "maximum": 1500, "description": "minutes"},
        "distance": {"type": "integer", "exclusiveMinimum": 0},
        "holiday": {"type": "boolean", "default": False},
    },
}
PARAMS: dict[str, Any] = {
    "type": "object",
    "properties": {"since": {"type": "string"}, "until": {"type": "string"}},
}
METRICS = (
    MetricSpec(name="mae", title="MAE", unit="min", direction="lower"),
    MetricSpec(name="bias", title="bias", unit="min", direction="zero"),
    MetricSpec(name="within", title="within 15 minutes", unit="share", direction="higher", business=True),
)


def job(verb: str = "retrain", typed: str = "/ml retrain arrival-delay until=2013-06", **more: Any) -> Job:
    """Return a job of the operator."""
    fields: dict[str, Any] = {
        "flow_id": f"cmd-{verb}-1",
        "verb": verb,
        "model": "arrival-delay",
        "typed": typed,
        "user": OPERATOR,
        "channel": CHANNEL,
        "asked_at": AT,
    }
    return Job(**{**fields, **more})


def alias(version: int = 1, **more: Any) -> AliasView:
    """Return the champion alias, moved by the owner."""
    fields: dict[str, Any] = {
        "model": "arrival-delay",
        "alias": "champion",
        "version": version,
        "event": 1,
        "at": AT - timedelta(days=3),
        "by": OWNER,
        "why": "first version",
    }
    return AliasView(**{**fields, **more})


def model(**more: Any) -> ModelView:
    """Return the demo model with v1 as champion."""
    fields: dict[str, Any] = {
        "name": "arrival-delay",
        "title": "Arrival delay",
        "description": "How late a flight will arrive, known at departure.",
        "unit": "min",
        "schema": INPUTS,
        "schema_digest": DIGEST,
        "params_schema": PARAMS,
        "params_digest": DIGEST,
        "metrics": METRICS,
        "rule": "the departure delay",
        "champion": alias(),
        "champion_event": 1,
        "versions": (
            VersionSummary(
                version=1,
                created_at=AT,
                data_version=DIGEST,
                metrics={"mae": 15.03, "bias": -5.6, "within": 0.656},
            ),
        ),
    }
    return ModelView(**{**fields, **more})


def answer(**more: Any) -> RowAnswer:
    """Return the champion's answer for one real flight."""
    fields: dict[str, Any] = {
        "prediction_id": "p-2013080106-abc-0",
        "outcome": "predicted",
        "value": 12.4,
        "unit": "min",
        "interval": Interval(low=-9.2, high=37.8, coverage=0.9),
        "source": "champion",
        "version": 1,
        "data_version": DIGEST,
        "filled_in": {
            "scheduled departure": FilledIn(value="05:15", source="timetable"),
            "wind": FilledIn(value="12 mph", source="weather of EWR 05:00", age_seconds=900),
        },
    }
    return RowAnswer(**{**fields, **more})


def stages() -> tuple[StageView, ...]:
    """Return the stages of a run that fits."""
    return (
        StageView(name="load", state="done", seconds=3.1, detail="80,789 rows"),
        StageView(name="features", state="done", seconds=1.2),
        StageView(name="fit", state="running", seconds=12.0, detail="42 of 100 trees"),
        StageView(name="convert", state="waiting"),
    )


def run(**more: Any) -> RunView:
    """Return a retrain that is fitting."""
    fields: dict[str, Any] = {
        "run_id": RUN_ID,
        "model": "arrival-delay",
        "kind": "retrain",
        "state": "running",
        "params": {"until": "2013-06"},
        "stage": "fit",
        "stages": stages(),
        "progress": 0.42,
        "attempt": 1,
        "created_at": AT,
        "started_at": AT + timedelta(seconds=2),
        "requested_by": Caller(who=OPERATOR, where=CHANNEL),
        "event": 7,
    }
    return RunView(**{**fields, **more})


def failed_run(**more: Any) -> RunView:
    """Return a retrain that ran out of memory while fitting."""
    done = StageView(name="load", state="done", seconds=3.1)
    fields: dict[str, Any] = {
        "state": "failed",
        "stages": (done, StageView(name="fit", state="failed", seconds=40.0)),
        "progress": None,
        "finished_at": AT + timedelta(seconds=62),
        "reason": Reason(code="out_of_memory", detail="Killed at 2.0 GB with 80,789 rows."),
    }
    return run(**{**fields, **more})


def metric(
    spec: MetricSpec, candidate: float, champion: float | None, rule: float | None, better: bool | None
) -> MetricComparison:
    """Return one metric of a comparison."""
    return MetricComparison(
        **spec.model_dump(), candidate=candidate, champion=champion, rule=rule, better=better
    )


def evidence(**more: Any) -> Evidence:
    """Return v2 against v1: better by MAE and bias, slightly worse by the business metric."""
    edges, unit = (0.0, 5.0, 15.0, 30.0, 60.0), "min"
    fields: dict[str, Any] = {
        "format": 1,
        "digest": DIGEST,
        "model": "arrival-delay",
        "at": AT,
        "candidate": 2,
        "champion": 1,
        "champion_event": 1,
        "rows": RowsUsed(version=2, digest=DIGEST, count=28_000, since="2013-07-01", until="2013-07-31"),
        "metrics": (
            metric(METRICS[0], 14.92, 15.03, 16.8, True),
            metric(METRICS[1], 0.5, -5.6, 4.1, True),
            metric(METRICS[2], 0.641, 0.656, 0.57, False),
        ),
        "test": PairedTest(
            method="sign-flip",
            metric="mae",
            unit="min",
            difference=-0.11,
            low=-0.18,
            high=-0.04,
            p_value=0.003,
            rows=28_000,
        ),
        "beats_champion": True,
        "beats_rule": True,
        "histograms": (
            Histogram(contender="candidate", edges=edges, shares=(0.30, 0.34, 0.24, 0.12), unit=unit),
            Histogram(contender="champion", edges=edges, shares=(0.29, 0.36, 0.22, 0.13), unit=unit),
            Histogram(contender="rule", edges=edges, shares=(0.25, 0.32, 0.26, 0.17), unit=unit),
        ),
    }
    return Evidence(**{**fields, **more})


def succeeded_run(**more: Any) -> RunView:
    """Return the retrain that made v2, with its evidence."""
    fields: dict[str, Any] = {
        "state": "succeeded",
        "stage": None,
        "progress": None,
        "finished_at": AT + timedelta(seconds=95),
        "stages": tuple(
            StageView(name=name, state="done", seconds=4.0) for name in ("load", "fit", "register")
        ),
        "result": RunResult(version=2, evidence=DIGEST, comparison=evidence()),
    }
    return run(**{**fields, **more})
