"""Runs: recorded once under an idempotency key, claimed by one worker at a time, shown and listed.

A run is the newest of its numbered events (`run_events`); whoever works on it holds an `Attempt`. Two
indexes of numbered entries, one over all models and one per model, keep the order in which runs were asked
for.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ml.attempt import Attempt
from ml.backlog import Backlog, read_entry, recorded_at
from ml.contract import RUN_ID_PATTERN, Caller, Reason, RunKind, RunsView, RunView
from ml.damaged_runs import DamagedRuns
from ml.errors import AlreadyExists, Corrupt, NotFound, Refused
from ml.events import EventLog, decode, encode, utc_now, validated
from ml.objects import ObjectStore
from ml.run_events import MAX_ATTEMPTS, STALE, RunEvent, attempts_exhausted, cancelled_by

__all__ = ["MAX_ATTEMPTS", "STALE", "Attempt", "Runs"]

SWEEP_BACK = timedelta(days=7)
"""How far back `unclaimed` looks for runs that nobody finished."""

MOST_ENTRIES = 20_000
"""Entries of the indexes that a process remembers."""

_log = logging.getLogger("toban.runs")


class Runs:
    """The runs in one store; safe to share between threads.

    Args:
        store: Where they are.
        clock: The present time; aware UTC.
    """

    def __init__(self, store: ObjectStore, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, RunEvent] = {}
        self._indexed: dict[str, int] = {}
        self._entered: dict[str, str] = {}
        self._backlog = Backlog(store, self._index(None))
        self._damaged = DamagedRuns(self._index(None))

    def create(
        self,
        model: str,
        kind: RunKind,
        params: dict[str, Any],
        requested_by: Caller | None = None,
        key: str | None = None,
    ) -> RunView:
        """Record a run and return it; the same *key* with the same request returns the same run.

        The key is bound to the run's id first, then the run is entered in the indexes, then its first event
        makes it exist. A caller who was cut off in between calls again with the same key and the rest is
        done.

        Raises:
            Refused: `idempotency_key_reused`: the key came with another request before.
        """
        at = self._clock()
        run_id = self._reserve(key, _request_digest(model, kind, params), at)
        if self._exists(run_id):
            return self.view(run_id)
        for index in (None, model):
            self._enter(index, {"at": at, "run_id": run_id, "model": model, "kind": kind})
        event = RunEvent.first(run_id, model, kind, params, requested_by, at)
        try:
            self._log(run_id).append(event.model_dump(mode="json"), 1)
        except AlreadyExists:
            return self.view(run_id)
        self._remember(event)
        return event.view

    def view(self, run_id: str) -> RunView:
        """Return the run as it stands.

        Raises:
            NotFound: There is no such run.
        """
        return self._newest(run_id).view

    def list(self, model: str | None = None, limit: int = 20, after: str | None = None) -> RunsView:
        """Return runs, newest first, of one model or of all; *after* is the last run of the page before."""
        page: list[RunView] = []
        for run_id in self._entries(model, after):
            if len(page) == limit:
                return RunsView(runs=tuple(page), after=page[-1].run_id)
            if (event := self._readable(run_id)) is not None:
                page.append(event.view)
        return RunsView(runs=tuple(page))

    def claim(self, run_id: str, worker: str) -> Attempt | None:
        """Take the run for *worker*, or return None: it has ended, or a live attempt holds it.

        A run whose attempts are used up ends here as failed; one that a person cancelled ends as cancelled.
        The holder's own name may take the run over at once: a name lives once, so the holder is dead.

        Raises:
            NotFound: There is no such run.
        """
        while True:
            event, at = self._newest(run_id), self._clock()
            if event.final or (event.held(at) and event.worker != worker):
                return None
            ending = _ending_before_claim(event, at)
            following = ending or event.claimed(worker, at)
            if not self._append(run_id, following):
                continue
            return None if ending else Attempt(self._log(run_id), following, self._clock)

    def request_cancel(self, run_id: str, by: str) -> RunView:
        """Ask for the run to stop: a waiting one ends at once, a running one is told; asking twice is fine.

        Raises:
            NotFound: There is no such run.
        """
        while True:
            event = self._newest(run_id)
            if event.final or event.view.cancel_requested:
                return event.view
            following = event.cancel_requested(by, self._clock())
            if self._append(run_id, following):
                return following.view

    def fail(self, run_id: str, reason: Reason, by: str = "sweep") -> RunView:
        """End the run as failed, whoever holds it; an ended run stays as it is."""
        while True:
            event = self._newest(run_id)
            if event.final:
                return event.view
            following = event.ended("failed", by, self._clock(), reason=reason)
            if self._append(run_id, following):
                return following.view

    def unclaimed(self, older_than: timedelta = timedelta(0)) -> Sequence[str]:
        """Return runs that nobody works on, oldest first.

        Those waiting since their recording or interruption at least *older_than* ago, and those whose
        attempt is stale. One whose newest event is damaged ends here as failed, if nobody goes on with it.
        Looks back seven days. What it costs grows with the runs that have not ended and
        with those recorded since the last look, not with all there have been.
        """
        at, found, still_open = self._clock(), [], []
        upto, candidates = self._backlog.candidates(lambda run_id: _is_too_old(run_id, at))
        for run_id in candidates:
            event = self._swept(run_id, at)
            if event is not None and event.final:
                continue
            still_open.append(run_id)
            if event is not None and _wants_a_worker(event, at, older_than):
                found.append(run_id)
        self._backlog.keep(upto, still_open)
        return found

    # --- events -------------------------------------------------------------------------------------------

    def _newest(self, run_id: str) -> RunEvent:
        if not re.fullmatch(RUN_ID_PATTERN, run_id):
            raise NotFound(f"run {run_id[:60]}")
        known = self._known.get(run_id)
        if known is not None and known.final:
            return known
        log = self._log(run_id)
        n = log.newest(known.view.event if known else 0)
        if n == 0:
            raise NotFound(f"run {run_id}")
        if known is not None and known.view.event == n:
            return known
        event = validated(RunEvent, log.path(n), log.read(n))
        self._remember(event)
        return event

    def _readable(self, run_id: str) -> RunEvent | None:
        """Return the run's newest event, None where there is none that can be read.

        A run may be in the index without an event, because its caller was cut off; and one damaged record
        must not hide all other runs.
        """
        found = self._newest_or_damage(run_id)
        return found if isinstance(found, RunEvent) else None

    def _swept(self, run_id: str, at: datetime) -> RunEvent | None:
        """Return the run's newest event like `_readable`, perhaps the one that ends it for its damage."""
        found = self._newest_or_damage(run_id)
        if not isinstance(found, Corrupt):
            return found
        ending = self._damaged.ending(run_id, self._log(run_id), found, at)
        return ending if ending is not None and self._append(run_id, ending) else None

    def _newest_or_damage(self, run_id: str) -> RunEvent | Corrupt | None:
        try:
            return self._newest(run_id)
        except NotFound:
            return None
        except Corrupt as error:
            _log.error("damaged run passed over", extra={"run_id": run_id, "detail": str(error)})
            return error

    def _append(self, run_id: str, event: RunEvent) -> bool:
        try:
            self._log(run_id).append(event.model_dump(mode="json"), event.view.event)
        except AlreadyExists:
            return False
        self._remember(event)
        return True

    def _exists(self, run_id: str) -> bool:
        return run_id in self._known or self._store.exists(self._log(run_id).path(1))

    def _remember(self, event: RunEvent) -> None:
        if len(self._known) > 2000:
            self._known.clear()
        self._known[event.view.run_id] = event

    def _log(self, run_id: str) -> EventLog:
        return EventLog(self._store, f"runs/{run_id[:4]}-{run_id[4:6]}/{run_id}")

    # --- keys and indexes ---------------------------------------------------------------------------------

    def _reserve(self, key: str | None, request: str, at: datetime) -> str:
        """Return the run id that belongs to *key*, a new one where the key is new or there is none."""
        run_id = f"{at.astimezone(UTC):%Y%m%dt%H%M%S}-{secrets.token_hex(4)}"
        if key is None:
            return run_id
        path = f"keys/{hashlib.sha256(key.encode()).hexdigest()}.json"
        try:
            self._store.create(path, encode({"format": 1, "at": at, "request": request, "run_id": run_id}))
        except AlreadyExists:
            record = decode(path, self._store.get(path))
            if record["request"] != request:
                raise Refused(
                    "idempotency_key_reused", "this Idempotency-Key came with another request before"
                ) from None
            return str(record["run_id"])
        return run_id

    def _index(self, model: str | None) -> EventLog:
        return EventLog(self._store, f"runs/index/{f'model-{model}' if model else 'all'}", width=8)

    def _enter(self, model: str | None, entry: Mapping[str, Any]) -> None:
        index = self._index(model)
        while True:
            n = index.newest(self._indexed.get(index.prefix, 0)) + 1
            try:
                index.append(entry, n)
            except AlreadyExists:
                continue
            self._indexed[index.prefix] = n
            return

    def _entries(self, model: str | None, after: str | None) -> Iterator[str]:
        """Yield run ids from the newest entry down, each once, from behind *after*."""
        index, seen = self._index(model), set[str]()
        newest = index.newest(self._indexed.get(index.prefix, 0))
        self._indexed[index.prefix] = newest
        skipping = after is not None
        for n in range(newest, 0, -1):
            run_id = self._entry(index, n)
            if run_id and run_id not in seen:
                seen.add(run_id)
                if not skipping:
                    yield run_id
                skipping = skipping and run_id != after

    def _entry(self, index: EventLog, n: int) -> str:
        """Return the run of entry *n*, "" where it is damaged; an entry never changes, so it is read once."""
        path = index.path(n)
        known = self._entered.get(path)
        if known is None:
            known = read_entry(index, n) or ""
            if len(self._entered) >= MOST_ENTRIES:
                self._entered.clear()
            self._entered[path] = known
        return known


def _wants_a_worker(event: RunEvent, at: datetime, older_than: timedelta) -> bool:
    waiting = event.view.state == "queued" and at - event.at >= older_than
    return waiting or (event.view.state == "running" and not event.held(at))


def _ending_before_claim(event: RunEvent, at: datetime) -> RunEvent | None:
    """Return the event that ends a run instead of its being claimed, None if it may be claimed."""
    if event.view.cancel_requested:
        who = event.cancel_by or "unknown"
        return event.ended("cancelled", who, at, reason=cancelled_by(who))
    if event.used >= MAX_ATTEMPTS:
        return event.ended("failed", "sweep", at, reason=attempts_exhausted(event.used))
    return None


def _is_too_old(run_id: str, at: datetime) -> bool:
    recorded = recorded_at(run_id)
    return recorded is None or at - recorded > SWEEP_BACK


def _request_digest(model: str, kind: str, params: Mapping[str, Any]) -> str:
    return hashlib.sha256(encode({"model": model, "kind": kind, "params": _sorted(params)})).hexdigest()


def _sorted(value: Any) -> Any:
    """Return *value* with its keys in order, so that equal requests have equal digests."""
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list | tuple) else value
