"""Doing a version's training again from its manifest: same metrics? And its query: same rows?

The metrics must come out within the tolerance that the manifest states. Code, packages and platform that
differ from those recorded are named, because they are where a difference would come from.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.catalog import Catalog
from ml.errors import NotFound, Refused, TrainingFailed
from ml.manifest import EVALUATION_FILE, SNAPSHOT_FILE, Manifest, digest_of
from ml.registration import build_job
from ml.registry import Registry
from ml.source import archive_source
from ml.supervision import Child, Limits


@dataclass(frozen=True)
class Report:
    """Whether everything came out as recorded, and lines for a person."""

    same: bool
    lines: tuple[str, ...]


def reproduce(
    registry: Registry,
    catalog: Catalog,
    model: str,
    version: int,
    environment: Mapping[str, str] = os.environ,
) -> Report:
    """Train again on the stored rows with the recorded parameters and seed, and compare every metric.

    Raises:
        Refused: There is no such version.
        TrainingFailed: The training did not come to an end.
    """
    manifest = _manifest(registry, catalog, model, version)
    result = _run_again(registry, catalog, manifest, "train", environment)
    lines, same = [f"{model} version {version}, trained again from its manifest:"], True
    for name, recorded in manifest.metrics.items():
        value, allowed = float(result["metrics"][name]), manifest.tolerance.get(name, 0.0)
        good = abs(value - recorded.value) <= allowed
        same = same and good
        verdict = "same" if good else "DIFFERS"
        lines.append(
            f"  {name}: {recorded.value:.6g} recorded, {value:.6g} now, {allowed:g} allowed: {verdict}"
        )
    return Report(same, (*lines, *_differences(manifest)))


def requery(
    registry: Registry,
    catalog: Catalog,
    model: str,
    version: int,
    environment: Mapping[str, str] = os.environ,
) -> Report:
    """Run the recorded query again and count the rows that are gone and new (a changed row is one of each).

    Raises:
        Refused: There is no such version.
        TrainingFailed: The query did not come to an end.
    """
    manifest = _manifest(registry, catalog, model, version)
    result = _run_again(registry, catalog, manifest, "query", environment)
    same = result["digest"] == manifest.query.digest
    counts = f"{result['rows']} rows now, {manifest.query.rows} recorded"
    if same:
        return Report(True, (f"{model} version {version}: the query returns the same rows ({counts})",))
    changed = f"{result['gone']} recorded rows are gone or changed, {result['new']} are new or changed"
    return Report(False, (f"{model} version {version}: the query returns OTHER rows ({counts}): {changed}",))


def _manifest(registry: Registry, catalog: Catalog, model: str, version: int) -> Manifest:
    catalog.settings(model)
    try:
        return registry.manifest(model, version)
    except NotFound:
        raise Refused("unknown_version", f"{model} has no version {version}") from None


def _run_again(
    registry: Registry, catalog: Catalog, manifest: Manifest, task: str, environment: Mapping[str, str]
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="toban-") as name:
        folder = Path(name)
        for file, target in ((SNAPSHOT_FILE, "snapshot.npz"), (EVALUATION_FILE, "evaluation.npz")):
            (folder / target).write_bytes(registry.get_file(manifest.files[file].digest))
        path = catalog.settings(manifest.model).recipe
        job = build_job(task, path, manifest.params, manifest.seed, folder, "snapshot")
        with Child(job, Limits.from_environment(environment)) as child:
            return _listen(child)


def _listen(child: Child) -> dict[str, Any]:
    result: dict[str, Any] | None = None
    while (event := child.next_event(timeout=24 * 3600)) is not None:
        if event["event"] == "failed":
            raise TrainingFailed(event["code"], event["detail"])
        if event["event"] == "result":
            result = event
    if result is None:
        raise TrainingFailed(
            "training_crashed", f"the training process ended without a word: {child.last_words()}"
        )
    return result


def _differences(manifest: Manifest) -> list[str]:
    """Return what is different here from what was recorded: code, Python, platform, packages."""
    lines = []
    if digest_of(archive_source()) != manifest.code.source:
        lines.append(f"  the code is not that of the version (commit {manifest.code.revision or 'unknown'})")
    for name, recorded, now in (
        ("Python", manifest.environment.python, platform.python_version()),
        ("platform", manifest.environment.platform, platform.platform()),
    ):
        if recorded != now:
            lines.append(f"  {name} was {recorded}, is {now}")
    here = {dist.metadata["Name"]: dist.version for dist in importlib.metadata.distributions()}
    lines += [
        f"  {name} was {version}, is {here.get(name, 'not installed')}"
        for name, version in manifest.environment.packages.items()
        if here.get(name) != version
    ]
    return lines
