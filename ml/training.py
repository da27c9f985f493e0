"""Working on a recorded run: claim it, let the child process do it, relay how far it is, register what it
made.

The same code serves the queue trigger, the Actions runner and the playground. A run ends here in one of the
ways of `Ending`: what a person can change becomes the run's reason, what only another process can do is left
to it.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ml.attempt import Attempt
from ml.catalog import Catalog
from ml.contract import Reason, RunResult
from ml.errors import (
    AttemptLost,
    Corrupt,
    Misconfigured,
    Refused,
    StoreMisconfigured,
    StoreUnavailable,
    TrainingFailed,
)
from ml.registration import Material, evidence_of, gather, register
from ml.registry import Registry
from ml.runs import Runs
from ml.supervision import Child, Limits

Ending = Literal["succeeded", "failed", "cancelled", "interrupted", "lost", "not_claimed"]
"""How work on a run ended here; `lost` and `not_claimed`: another worker has it, or it had ended before."""

RETRAIN_STAGES = ("load", "features", "fit", "convert", "evaluate", "register")
COMPARE_STAGES = ("load", "evaluate", "register")
LISTEN_SECONDS = 0.25
"""How often to look for a cancel request or the end of this process while the child is silent."""

MOST_CRASHES = 2
"""Crashes of the child within one attempt (a fault in a native library, say) before the run fails."""

KILLED = (-9, 137)
"""Exit statuses of a process that the system ended for its memory."""

_log = logging.getLogger("toban.training")


class _Cancelled(Exception):
    """A person asked for the run to stop."""


class _Interrupted(Exception):
    """This process is to end."""


@dataclass
class _Heard:
    """What the child has said so far."""

    stage: str = "start"
    rows: int | None = None
    bytes: int | None = None
    result: dict[str, Any] | None = None


def execute(
    run_id: str,
    *,
    runs: Runs,
    registry: Registry,
    catalog: Catalog,
    worker: str,
    stopping: threading.Event,
    environment: Mapping[str, str] = os.environ,
) -> Ending:
    """Work on a run until it ends, is cancelled, is lost to another worker, or *stopping* is set.

    Raises:
        NotFound: There is no such run.
        StoreUnavailable: The store is gone; the run is taken up again once its attempt is stale.
    """
    attempt = runs.claim(run_id, worker)
    if attempt is None:
        return "not_claimed"
    try:
        limits = Limits.from_environment(environment)
        attempt.succeed(_Work(attempt, registry, catalog, stopping, limits).do())
    except TrainingFailed as error:
        return _fail(attempt, error.code, error.detail)
    except Refused as error:
        return _fail(attempt, error.reason_code, error.detail)
    except Misconfigured as error:
        return _fail(attempt, "misconfigured", str(error))
    except Corrupt as error:
        return _fail(attempt, "record_damaged", f"a record that the run needs is damaged: {error}")
    except _Cancelled:
        attempt.cancelled()
        return "cancelled"
    except _Interrupted:
        attempt.interrupted()
        return "interrupted"
    except AttemptLost as error:
        _log.warning("attempt lost", extra={"run_id": run_id, "detail": error.detail})
        return "lost"
    return "succeeded"


def _fail(attempt: Attempt, code: str, detail: str) -> Ending:
    _log.warning("run failed", extra={"run_id": attempt.view.run_id, "reason_code": code})
    try:
        attempt.failed(Reason(code=code, detail=detail))
    except AttemptLost:
        return "lost"
    return "failed"


class _Work:
    """One attempt at a run."""

    def __init__(
        self,
        attempt: Attempt,
        registry: Registry,
        catalog: Catalog,
        stopping: threading.Event,
        limits: Limits,
    ) -> None:
        self._attempt = attempt
        self._registry = registry
        self._catalog = catalog
        self._stopping = stopping
        self._limits = limits

    def do(self) -> RunResult:
        """Return what the run made."""
        view = self._attempt.view
        recipe = self._catalog.recipe(view.model)
        path = self._catalog.settings(view.model).recipe
        stages = RETRAIN_STAGES if view.kind == "retrain" else COMPARE_STAGES
        self._attempt.stage(stages[0], stages)
        with tempfile.TemporaryDirectory(prefix="toban-") as name:
            material = gather(self._registry, recipe, path, view, Path(name))
            result = self._let_child_do(material)
            self._attempt.stage("register")
            self._look_up()
            version = None
            if view.kind == "retrain":
                version = register(self._registry, recipe, material, result)
            evidence = evidence_of(self._registry, recipe, material, result, version)
        digest = self._registry.put_evidence(evidence)
        return RunResult(
            version=version, evidence=digest, comparison=evidence.model_copy(update={"digest": digest})
        )

    def _let_child_do(self, material: Material) -> dict[str, Any]:
        for crash in range(1, MOST_CRASHES + 1):
            heard = _Heard()
            with Child(material.job, self._limits) as child:
                while (event := self._next_event(child)) is not None:
                    self._hear(event, heard)
                # What it made is whole once it says so. To end may take it long, or go wrong in a library.
                if heard.result is not None:
                    return heard.result
                status = child.wait()
                if status in KILLED:
                    raise out_of_memory(heard.stage, heard.rows, heard.bytes, self._limits)
                _log.error(
                    "training process crashed",
                    extra={
                        "run_id": self._attempt.view.run_id,
                        "status": status,
                        "stderr": child.last_words(),
                    },
                )
            if crash == MOST_CRASHES:
                raise TrainingFailed(
                    "training_crashed",
                    f"the training process ended without a word in stage {heard.stage} (status {status}), "
                    f"{MOST_CRASHES} times; its last words are in the log",
                )
        raise AssertionError("unreachable")

    def _next_event(self, child: Child) -> dict[str, Any] | None:
        while True:
            self._look_up()
            try:
                return child.next_event(LISTEN_SECONDS)
            except TimeoutError:
                continue

    def _look_up(self) -> None:
        """Show that the attempt lives, and stop if it should; a store away for a moment stops nothing."""
        if self._stopping.is_set():
            raise _Interrupted
        try:
            self._attempt.heartbeat()
            if self._attempt.cancel_requested():
                raise _Cancelled
        except (StoreUnavailable, StoreMisconfigured) as error:
            _log.warning("store away while training", extra={"detail": str(error)})

    def _hear(self, event: dict[str, Any], heard: _Heard) -> None:
        kind = event["event"]
        if kind == "stage":
            heard.stage = event["name"]
            if heard.stage != self._attempt.view.stage:
                self._attempt.stage(heard.stage)
        elif kind == "progress":
            self._attempt.progress(event["share"], event["detail"])
        elif kind == "data":
            heard.rows, heard.bytes = event["rows"], event["bytes"]
        elif kind == "result":
            heard.result = event
        elif kind == "failed":
            if event["code"] == "out_of_memory":
                raise out_of_memory(heard.stage, heard.rows, heard.bytes, self._limits)
            raise TrainingFailed(event["code"], event["detail"])


def out_of_memory(stage: str, rows: int | None, size: int | None, limits: Limits) -> TrainingFailed:
    """Return (to be raised) the failure of a training that did not fit into memory, with its size."""
    data = f"{rows:,} rows, {(size or 0) / 1e6:,.1f} MB as loaded" if rows else "the data was not loaded yet"
    limit = f"; its limit is {limits.memory_bytes / 1e6:,.0f} MB" if limits.memory_bytes else ""
    return TrainingFailed(
        "out_of_memory",
        f"stage {stage} needed more memory than there is ({data}{limit}). "
        "Train on fewer rows, or on a bigger runner.",
    )
