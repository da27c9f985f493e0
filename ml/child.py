"""The process that trains: reads one job from stdin, writes files into a folder and one JSON line per event.

It knows no store and holds no store's credentials in use: what it needs lies in the folder before it starts,
what it makes lies there when it ends. It ends when its parent does (stdin closes). Whatever libraries print
goes to stderr. Run as `python -m ml.child`; started by `ml.supervision` only.
"""

from __future__ import annotations

import errno
import importlib.metadata
import os
import platform
import resource
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TextIO

import numpy as np
from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json

from ml.calibration import calibrate
from ml.catalog import load_recipe
from ml.errors import Corrupt, Misconfigured, Refused, TrainingFailed
from ml.evidence import Comparison, Contender, compare
from ml.manifest import FeatureRange, digest_of
from ml.recipe import Predicted, Recipe, Split
from ml.sessions import LoadedModel
from ml.tables import Table, read_table

MODEL, SNAPSHOT, EVALUATION, SAMPLE = "model.onnx", "snapshot.npz", "evaluation.npz", "sample.npz"
CHAMPION, CHAMPION_SNAPSHOT = "champion.onnx", "champion_snapshot.npz"
SAMPLE_ROWS = 2_000
"""Rows of training features kept beside a version, to see later whether the world has drifted."""

NO_MEMORY = ("bad alloc", "bad_alloc", "cannot allocate memory", "failed to map segment")
"""How libraries that are no Python say that there is no more memory, in lower case."""

PROGRESS_SECONDS = 0.2
EXIT_FAILED, EXIT_ORPHANED = 1, 3


class Job(BaseModel):
    """What to do, in which folder; `source` says where the rows come from.

    `query`: the recipe loads them. `snapshot`: they lie in the folder, as they were when a version was
    trained. `rescore` judges two stored models on stored rows instead of training one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: Literal["train", "rescore", "query"]
    recipe: str
    params: dict[str, Any]
    seed: int
    folder: Path
    source: Literal["query", "snapshot"] = "query"
    champion: int | None = None
    memory_bytes: int | None = None


@dataclass
class Reporter:
    """Writes events for the parent: one JSON object per line."""

    out: TextIO
    stage_name: str = ""
    timings: dict[str, float] = field(default_factory=dict)
    _began: float = 0.0
    _last: float = 0.0

    def stage(self, name: str) -> None:
        """Say that a stage begins (and so that the one before has ended)."""
        self.close_stage()
        self.stage_name, self._began = name, time.monotonic()
        self.send("stage", name=name)

    def close_stage(self) -> None:
        """Note how long the present stage took."""
        if self.stage_name:
            self.timings[self.stage_name] = round(time.monotonic() - self._began, 3)

    def progress(self, share: float | None, detail: str) -> None:
        """Say how far the present stage is; a few times a second at most."""
        if (now := time.monotonic()) - self._last >= PROGRESS_SECONDS:
            self._last = now
            self.send("progress", share=share, detail=detail)

    def send(self, event: str, **fields: Any) -> None:
        """Write one event."""
        self.out.write(to_json({"event": event, **fields}, inf_nan_mode="null").decode() + "\n")
        self.out.flush()


def main() -> int:
    """Do the job that stdin names; return the exit status."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    line = sys.stdin.readline()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    report = Reporter(out)
    try:
        job = Job.model_validate_json(line)
        _limit_memory(job.memory_bytes)
        recipe = load_recipe(job.recipe)
        _TASKS[job.task](job, recipe, report)
    except Exception as error:  # noqa: BLE001 - whatever a team's recipe raises ends the run with a reason
        code, detail = _reason(error, report.stage_name)
        report.send("failed", code=code, detail=detail)
        return EXIT_FAILED
    return 0


def _reason(error: Exception, stage: str) -> tuple[str, str]:
    """Return the code and the sentence with which a run ends; a defect's trace goes to stderr."""
    if is_lack_of_memory(error):
        return "out_of_memory", ""
    match error:
        case TrainingFailed():
            return error.code, error.detail
        case Refused():
            return error.reason_code, error.detail
        case Misconfigured():
            return "misconfigured", str(error)
    traceback.print_exception(error)
    return "recipe_failed", _explain(error, stage)


def _train(job: Job, recipe: Recipe, report: Reporter) -> None:
    """Load, make features, fit, convert, evaluate; leave the version's files in the folder."""
    params = recipe.params.model_validate(job.params)
    report.stage("load")
    split, query_digest = _load(job, recipe, params, report)
    report.send("data", rows=len(split.training), bytes=_size(split.training))

    report.stage("features")
    # Imported here and not above: they take more than a second, in which the person already sees a stage.
    from ml.conversion import build_matrix, check_agreement, convert

    features = recipe.features(split.training)
    matrix = build_matrix(recipe, features)
    _write(job.folder / SAMPLE, _sample(features, job.seed))

    report.stage("fit")
    estimator = recipe.fit(
        recipe.estimator(params, job.seed), matrix, recipe.fitted_to(split.training), report.progress
    )
    del matrix

    report.stage("convert")
    data = convert(recipe, estimator)
    (job.folder / MODEL).write_bytes(data)
    model = LoadedModel(recipe, data)
    agreement = check_agreement(recipe, estimator, model, split.evaluation)

    report.stage("evaluate")
    judged = _judge(job, recipe, split.evaluation, model)
    report.close_stage()
    report.send(
        "result",
        **judged,
        calibration=_calibration(recipe, split.evaluation, model),
        agreement=agreement.__dict__,
        feature_ranges={name: _range(column) for name, column in features.items()},
        rows=len(split.training),
        since=split.since,
        until=split.until,
        query={
            "text": recipe.query,
            "params": recipe.query_values(params),
            "rows": len(split.training) + len(split.evaluation),
            "digest": query_digest,
        },
        environment=_environment(),
        timings=report.timings,
    )


def _rescore(job: Job, recipe: Recipe, report: Reporter) -> None:
    """Judge the model and the champion in the folder on the stored rows."""
    report.stage("load")
    rows = _read(job.folder / EVALUATION)
    report.stage("evaluate")
    try:
        model = LoadedModel(recipe, (job.folder / MODEL).read_bytes())
    except Corrupt as error:
        raise TrainingFailed("model_damaged", f"the candidate cannot be scored: {error}") from error
    if seen := _seen(rows, job.folder / SNAPSHOT):
        raise TrainingFailed(
            "rows_seen_in_training",
            f"the candidate was trained on {seen:,} of these {len(rows):,} rows, so they prove nothing; "
            "compare on the evaluation rows of the newer version",
        )
    judged = _judge(job, recipe, rows, model)
    report.close_stage()
    report.send("result", **judged, timings=report.timings)


def _query(job: Job, recipe: Recipe, report: Reporter) -> None:
    """Load the rows again and say how they differ from the stored ones."""
    report.stage("load")
    params = recipe.params.model_validate(job.params)
    rows = recipe.load(params, report.progress)
    split = recipe.split(rows, params)
    report.stage("compare")
    stored = np.concatenate([_read(job.folder / name).row_hashes() for name in (SNAPSHOT, EVALUATION)])
    found = np.concatenate([part.row_hashes() for part in (split.training, split.evaluation)])
    report.send(
        "result",
        rows=len(found),
        digest=digest_of(rows.write()),
        gone=_without(stored, found),
        new=_without(found, stored),
    )


_TASKS: dict[str, Callable[[Job, Recipe, Reporter], None]] = {
    "train": _train,
    "rescore": _rescore,
    "query": _query,
}


def _load(job: Job, recipe: Recipe, params: Any, report: Reporter) -> tuple[Split, str]:
    """Return the rows and the digest of what the query returned; leaves them in the folder."""
    if job.source == "snapshot":
        return Split(_read(job.folder / SNAPSHOT), _read(job.folder / EVALUATION)), digest_of(b"")
    rows = recipe.load(params, report.progress)
    split = recipe.split(rows, params)
    for name, part in (("to train on", split.training), ("to evaluate on", split.evaluation)):
        if not len(part):
            raise TrainingFailed("no_rows", f"the query returned no rows {name}")
    _write(job.folder / SNAPSHOT, split.training)
    _write(job.folder / EVALUATION, split.evaluation)
    return split, digest_of(rows.write())


def _judge(job: Job, recipe: Recipe, rows: Table, model: LoadedModel) -> dict[str, Any]:
    """Return candidate, champion (where there is one) and rule, all scored now on the same rows."""
    answers: dict[Contender, Predicted] = {"candidate": model.predict(rows), "rule": recipe.rule(rows)}
    notes, path = [], job.folder / CHAMPION
    if job.champion is not None and not path.exists():
        notes.append(f"champion v{job.champion} cannot be scored: its stored model is damaged or gone")
    if path.exists():
        try:
            answers["champion"] = LoadedModel(recipe, path.read_bytes()).predict(rows)
        except Corrupt as error:
            notes.append(f"champion v{job.champion} cannot be scored: {error}")
        if seen := _seen(rows, job.folder / CHAMPION_SNAPSHOT):
            notes.append(
                f"the champion was trained on {seen:,} of these {len(rows):,} rows, which flatters it"
            )
    comparison: Comparison = compare(recipe, rows, answers)
    return {
        "comparison": comparison.__dict__,
        "metrics": {metric.name: metric.candidate for metric in comparison.metrics},
        "notes": notes,
        "evaluation_rows": len(rows),
    }


def _seen(rows: Table, snapshot: Path) -> int:
    """Return how many of *rows* are among the training rows of a version."""
    if not snapshot.exists():
        return 0
    trained = _read(snapshot)
    if set(trained.columns) != set(rows.columns):
        return 0
    return int(np.isin(rows.row_hashes(), trained.row_hashes()).sum())


def _calibration(recipe: Recipe, rows: Table, model: LoadedModel) -> Any:
    if recipe.classes:
        return None
    residuals = recipe.actual(rows) - model.predict(rows).values
    return calibrate(residuals, recipe.calibration_groups(rows), recipe.policy.coverage)


def _range(column: np.ndarray) -> FeatureRange:
    if column.dtype.kind in "US":
        return FeatureRange(choices=tuple(np.unique(column).astype(str).tolist()))
    numbers = np.asarray(column, dtype=np.float32)
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return FeatureRange(missing_share=1.0)
    missing = 1 - len(known) / len(numbers)
    return FeatureRange(minimum=float(known.min()), maximum=float(known.max()), missing_share=missing)


def _sample(features: Any, seed: int) -> Table:
    table = Table(dict(features))
    count = min(SAMPLE_ROWS, len(table))
    return table.take(np.sort(np.random.default_rng(seed).choice(len(table), count, replace=False)))


def _environment() -> dict[str, Any]:
    """Return what the training ran on; the packages by version are its lock."""
    found = {dist.metadata["Name"]: dist.version for dist in importlib.metadata.distributions()}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": dict(sorted(found.items(), key=lambda item: str(item[0]).casefold())),
    }


def _without(some: np.ndarray, others: np.ndarray) -> int:
    """Return how many of *some* have no equal in *others*, counting repetitions."""
    names, counts = np.unique(some, return_counts=True)
    known = dict(zip(*np.unique(others, return_counts=True), strict=True))
    return int(sum(max(0, count - known.get(name, 0)) for name, count in zip(names, counts, strict=True)))


def _size(table: Table) -> int:
    return sum(column.nbytes for column in table.columns.values())


def _write(path: Path, table: Table) -> None:
    path.write_bytes(table.write())


def _read(path: Path) -> Table:
    return read_table(path.name, path.read_bytes())


def _limit_memory(limit: int | None) -> None:
    if limit:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def is_lack_of_memory(error: BaseException | None) -> bool:
    """Return whether *error*, or what caused it, says that there is no more memory.

    Native libraries say it in words of their own: C++'s allocator, the loader of shared objects, the system.
    """
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
            return True
        if any(words in str(error).casefold() for words in NO_MEMORY):
            return True
        error = error.__cause__ or error.__context__
    return False


def _explain(error: Exception, stage: str) -> str:
    """Return in one sentence where and why a recipe failed."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename] or list(frames)
    where = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
    return f"stage {stage or 'start'} failed: {type(error).__name__}: {str(error)[:300]}{where}"


def _end_with_parent() -> None:
    """End this process when the parent's end of stdin closes: nobody waits for the result any more."""
    while sys.stdin.read(1):
        continue
    os._exit(EXIT_ORPHANED)


if __name__ == "__main__":
    sys.exit(main())
