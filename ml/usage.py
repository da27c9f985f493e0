"""How much a model is asked and how it answers, counted by the hour; a closed hour is counted once and kept.

Reading many predictions to count them would grow with their number, so the count of each closed hour is
stored as a small object, and readers of status and digests read those.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from ml.contract import UsageView
from ml.errors import AlreadyExists, NotFound
from ml.events import decode, encode, utc_now, validated
from ml.objects import ObjectStore
from ml.segments import Tally, count_rows, hour_of, hour_prefix, hours_between, start_of

GRACE = timedelta(minutes=10)
"""How long after its end an hour may still be written to; a write takes seconds, clocks differ by less."""


class Rollup(BaseModel):
    """The count of one model and closed hour: rows by `outcome:source`, and from how many segments."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    at: datetime
    tally: dict[str, int]
    segments: int


class Usage:
    """Counts of predictions in one store; safe to share between threads."""

    def __init__(self, store: ObjectStore, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._clock = clock
        self._closed: dict[tuple[str, str], Tally] = {}

    def since(self, model: str, since: datetime) -> UsageView:
        """Return the model's usage in whole hours, from the one that holds *since* until now."""
        until = self._clock()
        total: Tally = Counter()
        for hour in hours_between(since, until):
            total.update(self.hour(model, hour))
        return _view(model, min(start_of(hour_of(since)), until), until, total)

    def hour(self, model: str, hour: str) -> Tally:
        """Return how the rows of one hour were answered, from its rollup if it is closed."""
        if self._clock() < start_of(hour) + timedelta(hours=1) + GRACE:
            return self._count(model, hour)[0]
        known = self._closed.get((model, hour))
        if known is None:
            known = self._rollup(model, hour)
            self._closed[model, hour] = known
        return known

    def _rollup(self, model: str, hour: str) -> Tally:
        path = f"rollups/{model}/{hour}.json"
        try:
            return Counter(validated(Rollup, path, decode(path, self._store.get(path))).tally)
        except NotFound:
            tally, segments = self._count(model, hour)
        try:
            self._store.create(
                path, encode({"format": 1, "at": self._clock(), "tally": tally, "segments": segments})
            )
        except AlreadyExists:  # somebody else counted the same closed hour
            return tally
        return tally

    def _count(self, model: str, hour: str) -> tuple[Tally, int]:
        total: Tally = Counter()
        paths = list(self._store.list(hour_prefix(model, hour)))
        for path in paths:
            total.update(count_rows(self._store.get(path)))
        return total, len(paths)


def _view(model: str, since: datetime, until: datetime, total: Tally) -> UsageView:
    by_outcome: Counter[str] = Counter()
    by_source: Counter[str] = Counter()
    for name, count in total.items():
        outcome, _, source = name.partition(":")
        by_outcome[outcome] += count
        by_source[source] += count
    rows = total.total()
    return UsageView(
        model=model,
        since=since,
        until=until,
        total=rows,
        by_outcome=dict(by_outcome),
        by_source=dict(by_source),
        fallback_share=by_outcome["fallback"] / rows if rows else None,
        abstain_share=by_outcome["abstain"] / rows if rows else None,
    )
