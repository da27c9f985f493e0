"""A closed hour of predictions, and a store that cuts a worker off at a given write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from ml.archive import Hour
from ml.compaction import Compactor, Done
from ml.errors import NotFound
from ml.objects import ObjectStore, Patience
from ml.predictions import PredictionLog
from ml.segments import count_rows, read_rows, segment_name
from ml.usage import Usage
from tests.contracts.logged import AT, MODEL, columns, record

HOUR = "2013070112"
CLOSED = AT + timedelta(hours=1)
GRACE_OVER = CLOSED + timedelta(hours=2)


class CutOff(BaseException):
    """The worker is dead: nothing catches this, so the store is as a kill would leave it."""


class CuttingStore(ObjectStore):
    """A store whose user dies at write number *at*: before it, or after it took effect.

    Where *then* is given, that happens instead of dying.
    """

    def __init__(
        self, store: ObjectStore, at: int, after: bool, then: Callable[[], None] | None = None
    ) -> None:
        self.__dict__.update(store.__dict__)
        self.at, self.after, self.then = at, after, then
        self.writes = 0

    def _cut(self, after: bool) -> None:
        self.writes += not after
        if self.writes == self.at and after == self.after:
            if self.then is None:
                raise CutOff
            self.then()

    def create(self, path: str, data: bytes, patience: Patience | None = None) -> None:
        self._cut(after=False)
        super().create(path, data, patience)
        self._cut(after=True)

    def delete(self, path: str) -> None:
        self._cut(after=False)
        super().delete(path)
        self._cut(after=True)

    def delete_folder(self, prefix: str) -> None:
        self._cut(after=False)
        super().delete_folder(prefix)
        self._cut(after=True)


def log_an_hour(store: ObjectStore) -> dict[str, int]:
    """Log rows by two processes, single and in columns; return what each id was logged with."""
    known: dict[str, int] = {}
    ends = {"low": [float(n) for n in range(40)], "high": [n + 2.0 for n in range(40)], "coverage": 0.9}
    for process in range(2):
        with PredictionLog(store, clock=AT.timestamp) as log:
            for n in range(2):
                submission = log.submit(MODEL, [record(10 * process + n)])
                assert submission.taken.result(30)
                known[submission.ids[0]] = 10 * process + n
            many = log.submit(MODEL, [columns(40, interval=ends)])
            assert many.taken.result(30)
            known.update({each: n for n, each in enumerate(many.ids)})
    return known


def compact(store: ObjectStore, now: datetime) -> Done:
    """Do what is due at that time."""
    return Compactor(store, timedelta(days=36_500), clock=lambda: now).run()


def assert_whole(store: ObjectStore, known: dict[str, int], folder: Path) -> None:
    """Each row is there once, found by its id, and counted once."""
    log = PredictionLog(store)
    for prediction_id in [*list(known)[:4], *list(known)[-2:]]:
        assert log.read(prediction_id).input == {"n": known[prediction_id]}
    assert everything(store, folder) == Counter(known.keys())
    assert Usage(store, lambda: CLOSED).hour(MODEL, HOUR).total() == len(known)


def everything(store: ObjectStore, folder: Path) -> Counter[str]:
    """Return the ids of all rows of the hour as a reader finds them: the archive, and what is not in it."""
    found: Counter[str] = Counter()
    named: set[str] = set()
    for number, manifest in enumerate(Hour(store, MODEL, HOUR).manifests()):
        file = folder / f"{number}.parquet"
        file.write_bytes(store.get(manifest.file))
        rows = duckdb.sql(f"SELECT segment, row FROM '{file}'").fetchall()
        assert len(rows) == manifest.rows == sum(manifest.tally.values())
        found.update(f"p-{MODEL}-{HOUR}-{segment}-{row}" for segment, row in rows)
        named |= manifest.segments.keys()
    for path in list(store.list(f"predictions/{MODEL}")):
        if segment_name(path) in named:
            continue
        try:
            data = store.get(path)
        except NotFound:
            continue
        rows = list(read_rows(data, segment_name(path), path))
        assert len(rows) == count_rows(data).total()
        found.update(f"p-{MODEL}-{HOUR}-{row['segment']}-{row['row']}" for row in rows)
    return found
