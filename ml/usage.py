"""How much a model is asked and how it answers, counted by the hour; what is closed is counted once and kept.

Reading many predictions to count them would grow with their number. So the count of each closed hour is kept
as a small object, and so is that of each closed day: a year is some hundred reads. Of the hour that is still
written to, few segments are counted as they are; of many, what their writers say of themselves (`tallies`).
"""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ml.archive import Hour, archived_parts, archived_tally
from ml.contract import UsageView
from ml.errors import AlreadyExists, Corrupt, NotFound
from ml.events import decode, encode, utc_now, validated
from ml.objects import Entry, ObjectStore
from ml.segments import Tally, count_rows, hour_of, hour_prefix, hours_between, segment_name, start_of
from ml.tallies import newest_tallies, writer_of

GRACE = timedelta(minutes=10)
"""How long after its end an hour may still be written to; a write takes seconds, clocks differ by less."""

MOST_NAMES = 5_000
"""Segments of the open hour that are listed: one request where a list is a request."""

FEW_SEGMENTS, FEW_BYTES = 100, 20_000_000
"""Segments of the open hour, and bytes in them, up to which they are counted one by one."""

MOST_KNOWN = 20_000
"""Counts of segments that a process remembers."""

_log = logging.getLogger("toban.usage")


class Rollup(BaseModel):
    """The count of one model and closed hour or day: rows by `outcome:source`."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    at: datetime
    tally: dict[str, Annotated[int, Field(ge=0)]]


class Usage:
    """Counts of predictions in one store; safe to share between threads."""

    def __init__(self, store: ObjectStore, clock: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._clock = clock
        self._closed: dict[tuple[str, str], Tally] = {}
        self._segments: dict[Entry, Tally] = {}

    def since(self, model: str, since: datetime) -> UsageView:
        """Return the model's usage in whole hours, from the one that holds *since* until now.

        Where so much is written just now that it is not counted to the last row, or where the records of an
        hour are damaged, it says so.
        """
        until = self._clock()
        total: Tally = Counter()
        complete = True
        for period in _periods(since, until):
            tally, whole = self._told(model, period)
            total.update(tally)
            complete = complete and whole
        return _view(model, min(start_of(hour_of(since)), until), until, total, complete)

    def _told(self, model: str, period: str) -> tuple[Tally, bool]:
        """Return the count of an hour or day, and whether it is complete."""
        if not self._is_closed(period):
            return self._open(model, period)
        try:
            return self._rollup(model, period), True
        except Corrupt as error:
            _log.error("damaged hour not counted", extra={"model": model, "detail": str(error)})
            return Counter(), False

    def hour(self, model: str, hour: str) -> Tally:
        """Return how the rows of one hour were answered, from its rollup if it is closed."""
        return self._rollup(model, hour) if self._is_closed(hour) else self._open(model, hour)[0]

    def _is_closed(self, period: str) -> bool:
        return self._clock() >= _end_of(period) + GRACE

    def _rollup(self, model: str, period: str) -> Tally:
        """Return the count of a closed hour or day, which is made and kept where nobody has yet."""
        if (known := self._closed.get((model, period))) is not None:
            return known
        path = f"rollups/{model}/{period}.json"
        try:
            tally: Tally = Counter(validated(Rollup, path, decode(path, self._store.get(path))).tally)
        except (NotFound, Corrupt) as error:
            if isinstance(error, Corrupt):  # it is a shortcut; what it counted says the same
                _log.error("damaged count made anew", extra={"model": model, "detail": str(error)})
            tally = self._count(model, period)
            with contextlib.suppress(AlreadyExists):  # somebody else counted the same
                self._store.create(path, encode({"format": 1, "at": self._clock(), "tally": tally}))
        self._closed[model, period] = tally
        return tally

    def _count(self, model: str, period: str) -> Tally:
        """Count a closed day by its hours, and a closed hour by its archive and what is not in that."""
        total: Tally = Counter()
        if len(period) == len("yyyymmdd"):
            for number in range(24):
                total.update(self._rollup(model, f"{period}{number:02d}"))
            return total
        while True:
            manifests = Hour(self._store, model, period).manifests()
            parts = archived_parts(manifests)
            total = archived_tally(manifests)
            try:
                for entry in self._store.entries(hour_prefix(model, period)):
                    part = parts.get(segment_name(entry.path))
                    if part is None or entry.size > part.size:
                        total.update(count_rows(self._store.get(entry.path)[part.whole if part else 0 :]))
            except NotFound:  # it was archived and deleted between our list and our read
                continue
            return total

    # --- the hour that is still written to ----------------------------------------------------------------

    def _open(self, model: str, hour: str) -> tuple[Tally, bool]:
        """Return the count of an open hour, and whether it is complete; few requests, however busy it is."""
        entries = list(islice(self._store.entries(hour_prefix(model, hour)), MOST_NAMES))
        if len(entries) <= FEW_SEGMENTS and sum(entry.size for entry in entries) <= FEW_BYTES:
            return self._count_segments(entries), True
        told = newest_tallies(self._store, model, hour)
        total = sum(told.values(), Counter())
        silent = [entry for entry in entries if writer_of(segment_name(entry.path)) not in told]
        total.update(self._count_segments(silent[:FEW_SEGMENTS]))
        return total, False

    def _count_segments(self, entries: list[Entry]) -> Tally:
        """Count segments; one that has not grown since is not read again."""
        total: Tally = Counter()
        for entry in entries:
            if (known := self._segments.get(entry)) is None:
                known = count_rows(self._store.get(entry.path))
                if len(self._segments) >= MOST_KNOWN:
                    self._segments.clear()
                self._segments[entry] = known
            total.update(known)
        return total


def _periods(since: datetime, until: datetime) -> Iterator[str]:
    """Yield the days that lie wholly between two times, and the hours before and after them, oldest first."""
    hours = list(hours_between(since, until))
    while hours:
        day = hours[0][:8]
        whole = hours[0] == f"{day}00" and f"{day}23" in hours[:24] and until >= _end_of(day) + GRACE
        yield day if whole else hours[0]
        del hours[: 24 if whole else 1]


def _end_of(period: str) -> datetime:
    """Return the end of an hour (`yyyymmddhh`) or a day (`yyyymmdd`)."""
    if len(period) == len("yyyymmdd"):
        return start_of(f"{period}00") + timedelta(days=1)
    return start_of(period) + timedelta(hours=1)


def _view(model: str, since: datetime, until: datetime, total: Tally, complete: bool) -> UsageView:
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
        complete=complete,
    )
