"""Which runs may still want a worker, so that looking for them costs no more the more runs there have been.

The index of all runs only grows. What was seen to have ended is not looked at again: a record in the store,
written now and then, says up to which entry of the index that is known, and which runs before it are open.
It is a shortcut and no truth: without it, or where it is damaged, the index is read back again.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ml.contract import RUN_ID_PATTERN
from ml.errors import AlreadyExists, Corrupt, NotFound
from ml.events import EventLog, validated
from ml.objects import ObjectStore

KEEP_EVERY = 100
"""Entries of the index after which the record is written anew; so many a new process reads at most."""

_log = logging.getLogger("toban.runs")


def recorded_at(run_id: str) -> datetime | None:
    """Return when a run was recorded, which its id says, or None for what is no run's id."""
    if not re.fullmatch(RUN_ID_PATTERN, run_id):
        return None
    try:
        return datetime.strptime(run_id[:15], "%Y%m%dt%H%M%S").replace(tzinfo=UTC)
    except ValueError:  # the thirteenth month
        return None


def read_entry(index: EventLog, n: int) -> str | None:
    """Return the run of entry *n* of an index, or None where the entry is damaged.

    That hides one run from the lists; it must not hide all others, nor keep the sweep from finding them.
    """
    try:
        run_id = index.read(n).get("run_id")
    except (Corrupt, NotFound) as error:
        _log.error("damaged entry passed over", extra={"detail": str(error)})
        return None
    if isinstance(run_id, str) and recorded_at(run_id) is not None:
        return run_id
    _log.error("damaged entry passed over", extra={"detail": f"{index.path(n)} names no run"})
    return None


class Seen(BaseModel):
    """Up to which entry of the index the runs have been looked at, and which of them had not ended."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    format: Literal[1] = 1
    upto: int = 0
    open: tuple[str, ...] = ()


class Backlog:
    """The runs of one store that may still want a worker. One sweep at a time."""

    def __init__(self, store: ObjectStore, index: EventLog) -> None:
        self._index = index
        self._records = EventLog(store, "runs/backlog", width=8)
        self._record = 0
        self._kept_upto = 0
        self._seen: Seen | None = None

    def candidates(self, is_too_old: Callable[[str], bool]) -> tuple[int, Sequence[str]]:
        """Return how far the index goes, and the runs that were open or are new since, oldest first.

        Runs behind the first one that *is_too_old*, counted from the newest, are not among the new ones.
        """
        seen = self._seen = self._seen or self._read()
        newest = self._index.newest(seen.upto)
        new = list(self._new(newest, seen.upto, is_too_old))[::-1]
        waiting = [run_id for run_id in seen.open if not is_too_old(run_id)]
        return newest, list(dict.fromkeys([*waiting, *new]))

    def keep(self, upto: int, still_open: Sequence[str]) -> None:
        """Remember which runs up to entry *upto* are open; writes that down every so many entries."""
        self._seen = Seen(upto=upto, open=tuple(still_open))
        if upto - self._kept_upto < KEEP_EVERY:
            return
        try:
            self._records.append(self._seen.model_dump(mode="json"), self._record + 1)
        except AlreadyExists:
            self._seen = None  # another process has looked, too: go on from what it saw
            return
        self._record, self._kept_upto = self._record + 1, upto

    def _new(self, newest: int, upto: int, is_too_old: Callable[[str], bool]) -> Iterator[str]:
        for n in range(newest, upto, -1):
            run_id = read_entry(self._index, n)
            if run_id is None:
                continue
            if is_too_old(run_id):
                return
            yield run_id

    def _read(self) -> Seen:
        self._record = self._records.newest(self._record)
        if not self._record:
            return Seen()
        try:
            seen = validated(Seen, self._records.path(self._record), self._records.read(self._record))
        except Corrupt as error:
            _log.error("damaged record of open runs passed over", extra={"detail": str(error)})
            return Seen()
        self._kept_upto = seen.upto
        return seen
