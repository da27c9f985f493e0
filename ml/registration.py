"""What a run needs from the registry before it starts, and what it leaves there: a version, and evidence.

Registering is idempotent by run: a second attempt that finds the version of the first registers nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ml.card import write_card
from ml.contract import Evidence, MetricComparison, RowsUsed, RunView
from ml.errors import Corrupt, NotFound, Refused, TrainingFailed
from ml.manifest import (
    CARD_FILE,
    EVALUATION_FILE,
    MODEL_FILE,
    SNAPSHOT_FILE,
    SOURCE_FILE,
    CodeRef,
    FileRef,
    Manifest,
    MetricValue,
)
from ml.recipe import Recipe
from ml.registry import CHAMPION, Registry
from ml.source import archive_source, find_revision

FORMAT = 1
ONNX_TYPE, ROWS_TYPE, TAR_TYPE, CARD_TYPE = (
    "application/onnx",
    "application/x-npz",
    "application/x-tar",
    "text/markdown",
)


@dataclass(frozen=True)
class Material:
    """Everything that a run works with: the job for the child, its folder, and who is compared with whom.

    `candidate` and `rows_of` (the version whose evaluation rows are used) are None for a version still to be
    made.
    """

    view: RunView
    recipe_path: str
    folder: Path
    job: dict[str, Any]
    champion: int | None
    champion_event: int
    candidate: int | None = None
    rows_of: int | None = None


def gather(registry: Registry, recipe: Recipe, path: str, view: RunView, folder: Path) -> Material:
    """Lay what the child needs into *folder* and return what is to be done.

    Raises:
        Refused: The request names versions or parameters that do not exist (any more).
        TrainingFailed: A stored file that is needed is damaged.
    """
    if view.kind == "compare":
        return _gather_compare(registry, recipe, path, view, folder)
    alias = registry.alias(view.model, CHAMPION)
    if alias is not None:
        _lay_champion(registry, view.model, alias.version, folder)
    champion, event = (alias.version, alias.event) if alias else (None, 0)
    job = build_job("train", path, recipe.read_params(view.params), recipe.seed, folder)
    return Material(view, path, folder, {**job, "champion": champion}, champion, event)


def build_job(
    task: str, path: str, params: Mapping[str, Any], seed: int, folder: Path, source: str = "query"
) -> dict[str, Any]:
    """Return the child's job as plain JSON (see `ml.child.Job`)."""
    return {
        "task": task,
        "recipe": path,
        "params": dict(params),
        "seed": seed,
        "folder": str(folder),
        "source": source,
    }


def register(registry: Registry, recipe: Recipe, material: Material, result: Mapping[str, Any]) -> int:
    """Store the files that the child made and register the version; returns its number."""
    view = material.view
    known = registry.version_of_run(view.model, view.run_id)
    if known is not None:
        return known
    source = archive_source()
    files = {
        MODEL_FILE: _put(registry, _made(material, "model.onnx"), ONNX_TYPE),
        SNAPSHOT_FILE: _put(registry, _made(material, "snapshot.npz"), ROWS_TYPE),
        EVALUATION_FILE: _put(registry, _made(material, "evaluation.npz"), ROWS_TYPE),
        SOURCE_FILE: _put(registry, source, TAR_TYPE),
    }
    sample = _put(registry, _made(material, "sample.npz"), ROWS_TYPE)
    manifest = _manifest(recipe, material, result, files, sample, find_revision(source))
    metrics = [MetricComparison.model_validate(metric) for metric in result["comparison"]["metrics"]]
    evaluated = f"{result['evaluation_rows']} rows" + _window(result)
    card = write_card(recipe, manifest, metrics, evaluated, material.champion)
    files[CARD_FILE] = _put(registry, card, CARD_TYPE)
    sizes = {name: ref.size for name, ref in files.items()}
    return registry.register(view.model, manifest.model_copy(update={"files": files, "sizes": sizes}))


def evidence_of(
    registry: Registry, recipe: Recipe, material: Material, result: Mapping[str, Any], made: int | None
) -> Evidence:
    """Return the evidence that the run found; *made* is the version that it registered."""
    model = material.view.model
    candidate, rows_of = made or material.candidate, made or material.rows_of
    assert candidate is not None
    assert rows_of is not None
    manifest = registry.manifest(model, rows_of)
    since, until = manifest.evaluation_window or (None, None)
    return Evidence.model_validate(
        {
            "format": FORMAT,
            "model": model,
            "at": datetime.now(UTC),
            "candidate": candidate,
            "champion": material.champion,
            "champion_event": material.champion_event,
            "rows": RowsUsed(
                version=rows_of,
                digest=manifest.files[EVALUATION_FILE].digest,
                count=result["evaluation_rows"],
                since=since,
                until=until,
            ),
            **result["comparison"],
            "notes": result["notes"],
        }
    )


def _gather_compare(registry: Registry, recipe: Recipe, path: str, view: RunView, folder: Path) -> Material:
    """Prepare a comparison; whichever of the two is champion now stands in the champion's place."""
    first, second = view.params["versions"]
    rows_of = int(str(view.params["rows"]).removeprefix("evaluation of "))
    alias = registry.alias(view.model, CHAMPION)
    candidate, champion = (second, first) if alias and alias.version == first else (first, second)
    rows = _stored(registry, view.model, rows_of, EVALUATION_FILE)
    (folder / "evaluation.npz").write_bytes(rows)
    (folder / "model.onnx").write_bytes(_stored(registry, view.model, candidate, MODEL_FILE))
    (folder / "snapshot.npz").write_bytes(_stored(registry, view.model, candidate, SNAPSHOT_FILE))
    _lay_champion(registry, view.model, champion, folder)
    job = {**build_job("rescore", path, {}, recipe.seed, folder), "champion": champion}
    event = alias.event if alias else 0
    return Material(view, path, folder, job, champion, event, candidate, rows_of)


def _lay_champion(registry: Registry, model: str, version: int, folder: Path) -> None:
    """Lay the champion's files into the folder; a damaged one is left out, and the evidence says so."""
    for name, target in ((MODEL_FILE, "champion.onnx"), (SNAPSHOT_FILE, "champion_snapshot.npz")):
        try:
            data = registry.get_file(registry.manifest(model, version).files[name].digest)
        except (Corrupt, NotFound):
            continue
        (folder / target).write_bytes(data)


def _stored(registry: Registry, model: str, version: int, name: str) -> bytes:
    try:
        manifest = registry.manifest(model, version)
    except NotFound:
        raise Refused("unknown_version", f"{model} has no version {version}") from None
    try:
        return registry.get_file(manifest.files[name].digest)
    except (Corrupt, NotFound) as error:
        raise TrainingFailed(
            "file_damaged", f"{name} of version {version} cannot be read: {error}"
        ) from error


def _manifest(
    recipe: Recipe,
    material: Material,
    result: Mapping[str, Any],
    files: Mapping[str, FileRef],
    sample: FileRef,
    revision: str | None,
) -> Manifest:
    comparison = {metric["name"]: metric for metric in result["comparison"]["metrics"]}
    method = f"on {result['evaluation_rows']} rows" + _window(result)
    view = material.view
    return Manifest.model_validate(
        {
            "model": view.model,
            "created_at": datetime.now(UTC),
            "run_id": view.run_id,
            "recipe": material.recipe_path,
            "files": dict(files),
            "query": result["query"],
            "code": CodeRef(revision=revision, source=files[SOURCE_FILE].digest),
            "environment": result["environment"],
            "seed": material.job["seed"],
            "params": material.job["params"],
            "assumptions": recipe.assumptions,
            "metrics": {
                spec.name: MetricValue(
                    value=comparison[spec.name]["candidate"],
                    unit=spec.unit,
                    direction=spec.direction,
                    method=f"{spec.description or spec.title}, {method}",
                )
                for spec in recipe.metrics
            },
            "feature_ranges": result["feature_ranges"],
            "reference_sample": sample,
            "calibration": result["calibration"],
            "agreement": result["agreement"],
            "timings": result["timings"],
            "evaluation_window": (result["since"], result["until"]) if result.get("since") else None,
            "tolerance": dict(recipe.tolerance),
        }
    )


def _window(result: Mapping[str, Any]) -> str:
    return f", {result['since']} to {result['until']}" if result.get("since") else ""


def _made(material: Material, name: str) -> bytes:
    return (material.folder / name).read_bytes()


def _put(registry: Registry, data: bytes, media_type: str) -> FileRef:
    return FileRef(digest=registry.put_file(data), size=len(data), media_type=media_type)
