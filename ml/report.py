"""What a training says of itself to whoever started it elsewhere: the file `toban-report.json`.

An Actions runner hands it over as an artifact, and the bot shows it like any retraining. The file holds
nothing that the store does not hold; docs/training.md lists its keys.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ml.contract import RunResult, RunView
from ml.registry import Registry


def build_report(run: RunView, data_version: str | None) -> dict[str, Any]:
    """Return the report of a run that has ended, as plain JSON.

    `metrics` are the candidate's on the evaluation rows; there are none where the run made no version, and
    `reason` then says why.
    """
    result = run.result or RunResult()
    compared = result.comparison
    kept = {"name", "unit", "direction", "business"}
    metrics = [
        {**metric.model_dump(mode="json", include=kept), "value": metric.candidate}
        for metric in (compared.metrics if compared else ())
    ]
    seconds = (run.finished_at - run.created_at).total_seconds() if run.finished_at else None
    report = {
        "metrics": metrics,
        "version": None if result.version is None else str(result.version),
        "data": data_version,
        "model": run.model,
        "run_id": run.run_id,
        "state": run.state,
        "evidence": result.evidence,
        "champion": compared.champion if compared else None,
        "beats_champion": compared.beats_champion if compared else None,
        "rows": compared.rows.count if compared else None,
        "seconds": seconds,
        "reason": run.reason.detail if run.reason else None,
    }
    return {name: value for name, value in report.items() if value is not None}


def write_report(path: Path, run: RunView, registry: Registry) -> None:
    """Write the report of *run* to *path*, whichever way the run ended."""
    version = run.result.version if run.result else None
    data = None if version is None else registry.manifest(run.model, version).data_version
    path.write_text(json.dumps(build_report(run, data), indent=2) + "\n", encoding="utf-8")
