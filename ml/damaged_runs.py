"""Runs whose newest event cannot be read: they end as failed once nobody goes on with them.

Whoever works on a run knows its state and writes the next event within seconds, which mends it. Where nobody
does, what the damaged event said is lost: that somebody cancelled the run, perhaps, or that it had ended with
a version. So it is never begun again here; a person who sees the reason decides.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import ValidationError

from ml.backlog import recorded_at
from ml.contract import Reason
from ml.errors import Corrupt, NotFound, TooNew
from ml.events import EventLog, validated
from ml.run_events import STALE, RunEvent

MOST_LOOKED_AT = 1_000
"""Newest entries of the index among which a run is looked for of which no event can be read."""

MOST_REMEMBERED = 1_000


class DamagedRuns:
    """What was seen of damaged runs, and when; one per process.

    Args:
        index: The runs of all models in the order in which they were asked for.
    """

    def __init__(self, index: EventLog) -> None:
        self._index = index
        self._seen: dict[str, tuple[int, datetime]] = {}

    def ending(self, run_id: str, log: EventLog, error: Corrupt, at: datetime) -> RunEvent | None:
        """Return the event that ends a run because of *error*, the damage to its newest event in *log*.

        None while a worker may still go on with it, which is a minute from when it was seen first; where a
        newer program wrote the event; and where nothing is known of the run at all.
        """
        if isinstance(error, TooNew):
            return None
        newest = log.newest()
        seen, since = self._seen.get(run_id, (0, at))
        if seen != newest or at - since < STALE:
            self._remember(run_id, newest, at if seen != newest else since)
            return None
        known = _last_readable(log, newest) or self._from_index(run_id)
        if known is None:
            return None
        before = known.model_copy(update={"view": known.view.model_copy(update={"event": newest})})
        return before.ended("failed", "sweep", at, reason=_lost(error))

    def _remember(self, run_id: str, event: int, since: datetime) -> None:
        if len(self._seen) >= MOST_REMEMBERED:
            self._seen.clear()
        self._seen[run_id] = (event, since)

    def _from_index(self, run_id: str) -> RunEvent | None:
        """Return the run's first event as far as the index knows it: without parameters and who asked."""
        newest, recorded = self._index.newest(), recorded_at(run_id)
        for n in range(newest, max(0, newest - MOST_LOOKED_AT), -1):
            try:
                entry = self._index.read(n)
                if entry.get("run_id") == run_id and recorded is not None:
                    return RunEvent.first(run_id, entry["model"], entry["kind"], {}, None, recorded)
            except (Corrupt, NotFound, KeyError, ValidationError):
                continue
        return None


def _last_readable(log: EventLog, newest: int) -> RunEvent | None:
    for n in range(newest - 1, 0, -1):
        try:
            return validated(RunEvent, log.path(n), log.read(n))
        except (Corrupt, NotFound):
            continue
    return None


def _lost(error: Corrupt) -> Reason:
    return Reason(
        code="record_damaged",
        detail=(
            f"what was recorded last of the run is damaged, and nobody went on with it ({error}); "
            "look whether it made a version before you ask for it again"
        ),
    )
