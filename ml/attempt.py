"""A worker's hold on a run: it says how far it is, and learns that it was cancelled or lost the run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from ml.contract import Reason, RunResult, RunView
from ml.errors import AlreadyExists, AttemptLost
from ml.events import EventLog, utc_now, validated
from ml.run_events import RunEvent, cancelled_by

PROGRESS_EVERY = timedelta(seconds=1)
HEARTBEAT_EVERY = timedelta(seconds=10)
LOOK_EVERY = timedelta(seconds=1)


class Attempt:
    """One attempt at a run, held by one worker; safe to use from several threads.

    Every method may raise AttemptLost (another worker took over, or the run ended: stop at once) and
    StoreUnavailable (nothing is known; going on is right, for at most a minute somebody else will not take
    over).

    Args:
        log: The run's events.
        event: The `claimed` event that this attempt wrote.
        clock: The present time; aware UTC.
    """

    def __init__(self, log: EventLog, event: RunEvent, clock: Callable[[], datetime] = utc_now) -> None:
        self._log = log
        self._event = event
        self._worker = event.by
        self._clock = clock
        self._lock = threading.RLock()
        self._looked_at = event.at
        self._lost: str | None = None

    @property
    def view(self) -> RunView:
        """The run as this attempt knows it."""
        return self._event.view

    def stage(self, name: str, stages: Sequence[str] = ()) -> None:
        """Say that stage *name* begins; *stages* names all of them, once, in order."""
        self._write(lambda event, at: event.staged(name, stages, at))

    def progress(self, share: float | None, detail: str | None = None) -> None:
        """Say how much of the present stage is done (0-1); kept at most once a second, so say it freely."""
        with self._lock:
            if self._clock() - self._event.at >= PROGRESS_EVERY:
                self._write(lambda event, at: event.progressed(share, detail, at))

    def heartbeat(self) -> None:
        """Say that the attempt lives, if it has not written for ten seconds."""
        with self._lock:
            beaten_at = self._event.heartbeat_at
            if beaten_at is None or self._clock() - beaten_at >= HEARTBEAT_EVERY:
                self._write(lambda event, at: event.beaten(at))

    def cancel_requested(self) -> bool:
        """Return whether a person asked for the run to stop; looks in the store at most once a second."""
        with self._lock:
            self._stop_if_lost()
            now = self._clock()
            if not self.view.cancel_requested and now - self._looked_at >= LOOK_EVERY:
                self._looked_at = now
                if self._log.newest(self.view.event) > self.view.event:
                    self._take_up()
            return self.view.cancel_requested

    def succeed(self, result: RunResult) -> RunView:
        """End the run with its result."""
        return self._write(lambda event, at: event.succeeded(result, at))

    def failed(self, reason: Reason) -> RunView:
        """End the run without a result, for a reason that trying again would not change."""
        return self._write(lambda event, at: event.ended("failed", event.worker or "", at, reason=reason))

    def cancelled(self, by: str | None = None) -> RunView:
        """End the run because a person asked for it."""

        def change(event: RunEvent, at: datetime) -> RunEvent:
            who = by or event.cancel_by or "unknown"
            return event.ended("cancelled", who, at, reason=cancelled_by(who))

        return self._write(change)

    def interrupted(self) -> RunView:
        """Give the run back because this process is to stop; does not use up an attempt."""
        return self._write(lambda event, at: event.interrupted(at))

    def _write(self, change: Callable[[RunEvent, datetime], RunEvent]) -> RunView:
        with self._lock:
            while True:
                self._stop_if_lost()
                event = change(self._event, self._clock())
                try:
                    self._log.append(event.model_dump(mode="json"), event.view.event)
                except AlreadyExists:
                    event = self._take_up()
                    if not event.final:
                        continue
                self._go_on_from(event)
                return event.view

    def _take_up(self) -> RunEvent:
        """Read the event that stands where this attempt wanted to write, and go on from it if that is right.

        It is right after a request to cancel, and after an event of this very attempt whose writing seemed
        to fail.
        """
        n = self.view.event + 1
        found = validated(RunEvent, self._log.path(n), self._log.read(n))
        own = found.by == self._worker and found.view.attempt == self.view.attempt
        if found.kind != "cancel_requested" and not own:
            self._lost = f"event {found.view.event} is {found.kind} by {found.by}"
            self._stop_if_lost()
        self._go_on_from(found)
        return found

    def _go_on_from(self, event: RunEvent) -> None:
        self._event = event
        if event.worker is None:
            self._lost = "the attempt is over"

    def _stop_if_lost(self) -> None:
        if self._lost:
            raise AttemptLost(self.view.run_id, self._lost)
