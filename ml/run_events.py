"""The events of a run: each says what happened and holds the whole state after it. Pure; no I/O here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from ml.contract import FINAL_STATES, Caller, Reason, RunKind, RunResult, RunView, StageView

STALE = timedelta(seconds=60)
"""A running attempt that has written nothing for so long is taken over by whoever claims the run next."""

MAX_ATTEMPTS = 3
"""Attempts that may be lost or crash; attempts interrupted by a deployment do not count."""

EventKind = Literal[
    "queued",
    "claimed",
    "stage",
    "progress",
    "heartbeat",
    "cancel_requested",
    "interrupted",
    "succeeded",
    "failed",
    "cancelled",
]
Ending = Literal["succeeded", "failed", "cancelled"]


class RunEvent(BaseModel):
    """One event of a run and the run's state after it.

    `worker` holds the run, `heartbeat_at` is when it last wrote, `stage_at` when the present stage began;
    `used` counts the attempts that count against MAX_ATTEMPTS. `cancel_by` is who asked for the run to
    stop.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    format: Literal[1] = 1
    at: datetime
    kind: EventKind
    by: str
    worker: str | None = None
    heartbeat_at: datetime | None = None
    stage_at: datetime | None = None
    used: int = 0
    cancel_by: str | None = None
    view: RunView

    @classmethod
    def first(
        cls,
        run_id: str,
        model: str,
        kind: RunKind,
        params: dict[str, Any],
        requested_by: Caller | None,
        at: datetime,
    ) -> RunEvent:
        """Return the event that records a request."""
        view = RunView(
            run_id=run_id,
            model=model,
            kind=kind,
            state="queued",
            params=params,
            created_at=at,
            requested_by=requested_by,
            event=1,
        )
        return cls(at=at, kind="queued", by=requested_by.who if requested_by else "unknown", view=view)

    @property
    def final(self) -> bool:
        """Whether the run has ended."""
        return self.view.state in FINAL_STATES

    def held(self, at: datetime) -> bool:
        """Return whether a live attempt holds the run at that time."""
        return (
            self.view.state == "running" and self.heartbeat_at is not None and at - self.heartbeat_at < STALE
        )

    def claimed(self, worker: str, at: datetime) -> RunEvent:
        """Return the event by which *worker* takes the run; its stages begin anew."""
        return self._next(
            "claimed",
            worker,
            at,
            {"worker": worker, "heartbeat_at": at, "stage_at": None, "used": self.used + 1},
            state="running",
            attempt=self.view.attempt + 1,
            started_at=self.view.started_at or at,
            stage=None,
            stages=(),
            progress=None,
            detail=None,
        )

    def staged(self, name: str, names: Sequence[str], at: datetime) -> RunEvent:
        """Return the event by which stage *name* begins; *names* are all stages, where they are known."""
        known = [stage.name for stage in self.view.stages]
        planned = [*(names or known)]
        if name not in planned:
            planned.append(name)
        before = {stage.name: stage for stage in self._closed_stages("done", at)}
        stages = tuple(before.get(each, StageView(name=each, state="waiting")) for each in planned)
        running = StageView(name=name, state="running", seconds=0.0)
        return self._alive(
            "stage",
            at,
            {"stage_at": at},
            stage=name,
            stages=tuple(running if stage.name == name else stage for stage in stages),
            progress=None,
            detail=None,
        )

    def progressed(self, share: float | None, detail: str | None, at: datetime) -> RunEvent:
        """Return the event that says how much of the present stage is done."""
        return self._alive(
            "progress", at, {}, stages=self._running_stages(detail, at), progress=share, detail=detail
        )

    def beaten(self, at: datetime) -> RunEvent:
        """Return the event that only says that the attempt lives."""
        return self._alive("heartbeat", at, {}, stages=self._running_stages(self.view.detail, at))

    def cancel_requested(self, by: str, at: datetime) -> RunEvent:
        """Return the event that asks a running attempt to stop, or that ends a waiting run at once."""
        if self.view.state == "queued":
            return self.ended("cancelled", by, at, cancel_requested=True, reason=cancelled_by(by))
        return self._next("cancel_requested", by, at, {"cancel_by": by}, cancel_requested=True)

    def interrupted(self, at: datetime) -> RunEvent:
        """Return the event that gives the run back unharmed, because the worker's process is to stop."""
        own = {"worker": None, "heartbeat_at": None, "stage_at": None, "used": max(0, self.used - 1)}
        return self._next(
            "interrupted", self.worker or "unknown", at, own, state="queued", stage=None, progress=None
        )

    def ended(self, ending: Ending, by: str, at: datetime, **changes: Any) -> RunEvent:
        """Return the event that ends the run; *changes* are its result or reason."""
        return self._next(
            ending,
            by,
            at,
            {"worker": None},
            state=ending,
            finished_at=at,
            progress=None,
            stages=self._closed_stages("done" if ending == "succeeded" else "failed", at),
            **changes,
        )

    def succeeded(self, result: RunResult, at: datetime) -> RunEvent:
        """Return the event that ends the run with its result."""
        return self.ended("succeeded", self.worker or "unknown", at, result=result)

    def _alive(self, kind: EventKind, at: datetime, own: dict[str, Any], **changes: Any) -> RunEvent:
        return self._next(kind, self.worker or "unknown", at, {"heartbeat_at": at, **own}, **changes)

    def _next(self, kind: EventKind, by: str, at: datetime, own: dict[str, Any], **changes: Any) -> RunEvent:
        view = self.view.model_copy(update={**changes, "event": self.view.event + 1})
        return self.model_copy(update={"at": at, "kind": kind, "by": by, "view": view, **own})

    def _seconds(self, at: datetime) -> float | None:
        return round((at - self.stage_at).total_seconds(), 3) if self.stage_at else None

    def _closed_stages(self, state: Literal["done", "failed"], at: datetime) -> tuple[StageView, ...]:
        update = {"state": state, "seconds": self._seconds(at)}
        return tuple(
            stage.model_copy(update=update) if stage.state == "running" else stage
            for stage in self.view.stages
        )

    def _running_stages(self, detail: str | None, at: datetime) -> tuple[StageView, ...]:
        update = {"seconds": self._seconds(at), "detail": detail}
        return tuple(
            stage.model_copy(update=update) if stage.state == "running" else stage
            for stage in self.view.stages
        )


def cancelled_by(who: str) -> Reason:
    """Return the reason of a run that a person stopped."""
    return Reason(code="cancelled", detail=f"cancelled by {who}")


def attempts_exhausted(used: int) -> Reason:
    """Return the reason of a run whose attempts all ended without a word."""
    return Reason(
        code="attempts_exhausted",
        detail=f"gave up after {used} attempts that each stopped without a word (was the worker killed?)",
    )
