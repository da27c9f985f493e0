"""The prediction log: predictions of concurrent requests are written together and then confirmed.

Requests hand their rows in and get the ids at once; what has gathered while the last group was written is
the next group. On a folder a group is appended to this process's file, elsewhere it is one object. When the
store cannot take a group its requests hear False, within seconds, and are answered all the same.

Who writes: a thread, or, while appends to a folder take no time to speak of, who hands the rows in, because
waking a thread costs more than the write.
"""

from __future__ import annotations

import secrets
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from pydantic_core import to_json

from ml.archive import find_archived
from ml.contract import PredictionView
from ml.errors import AlreadyExists, NotFound
from ml.groups import Group, Segment, Submission
from ml.objects import ObjectStore, Patience
from ml.segments import (
    END_OF_TORN_LINE,
    Loggable,
    PredictionColumns,
    PredictionId,
    PredictionRecord,
    encode_line,
    find_row,
    hour_of,
)
from ml.tallies import Tallies

__all__ = ["PredictionColumns", "PredictionLog", "PredictionRecord", "Submission"]

ROWS_PER_FILE = 10_000
"""Rows after which a folder store's file is closed: showing one prediction reads a few megabytes at most."""

MAX_WAITING_ROWS = 200_000
"""Rows that may wait for the writer; beyond that they are refused at once rather than kept in memory."""

RETRY_SECONDS = 1.0
"""After a failed write, how long rows are refused at once before one group tries the store again."""

QUICK_SECONDS = 0.005
"""Where appends take longer than this on average the disk is slow, and an event loop must not wait for it."""

LAST_APPENDS = 8
"""About how many appends that average reaches back. One alone says little: a busy machine may have taken the
processor away meanwhile, which looks the same."""

LONGEST_COMPANY_SECONDS = 0.005
"""How long the thread waits at most for requests that are likely to come, before it makes an object."""


class PredictionLog:
    """Writes predictions by group commit; one per process and store, shared by all threads and event loops.

    Args:
        store: Where they go.
        clock: Seconds since the epoch.
    """

    def __init__(self, store: ObjectStore, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._process = secrets.token_hex(6)
        self._tallies = Tallies(store, self._process)
        self._segments_made = 0
        self._hour_number = -1
        self._hour = ""
        self._files: dict[str, Segment] = {}
        self._open: dict[str, Group] = {}
        self._gathering: list[Group] = []
        self._waiting_rows = 0
        self._waiting_requests = 0
        self._expected_requests = 1
        self._company_seconds = 0.0
        self._retry_at: float | None = None
        self._append_seconds = 0.0
        self._condition = threading.Condition()
        self._writing = threading.Lock()
        self._writer: threading.Thread | None = None
        self._closed = False
        self.counters: dict[str, int] = {
            "rows_logged": 0,
            "rows_lost": 0,
            "groups_written": 0,
            "groups_failed": 0,
        }

    def submit(self, model: str, records: Sequence[Loggable], requests: int = 1) -> Submission:
        """Hand in the predictions of so many *requests* for the thread to write; return their ids in order.

        Never raises for the store's sake.
        """
        submission = self._gather(model, records, requests)
        if not submission.taken.done():
            with self._condition:
                self._wake_writer()
        return submission

    def write(self, model: str, records: Sequence[Loggable], requests: int = 1) -> Submission:
        """Hand predictions in like `submit`, and write them here where that takes no time to speak of."""
        submission = self._gather(model, records, requests)
        if not (submission.taken.done() or (self._may_write_here() and self._write_here())):
            with self._condition:
                self._wake_writer()
        return submission

    def read(self, prediction_id: str) -> PredictionView:
        """Return a logged prediction; one read, because its id says where it is, and a few once archived.

        Raises:
            NotFound: There is no such prediction: it was answered as not logged, or the id is wrong, or it
                is older than predictions are kept.
            Corrupt: It cannot be read.
        """
        wanted = PredictionId.parse(prediction_id)
        try:
            data = self._store.get(wanted.path)
        except NotFound:
            return find_archived(self._store, wanted)
        return find_row(data, wanted)

    def close(self, timeout: float | None = 10.0) -> None:
        """Write what waits and stop the writer; rows that are submitted afterwards are refused."""
        with self._condition:
            self._closed = True
            if self._gathering:
                self._wake_writer()
            self._condition.notify()
        if self._writer is not None:
            self._writer.join(timeout)
        self._tallies.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _gather(self, model: str, records: Sequence[Loggable], requests: int) -> Submission:
        """Return the rows' places in a group that somebody must be told to write."""
        rows = sum(record.rows for record in records)
        with self._condition:
            if self._refusing(rows):
                return self._refuse(model, rows)
            group = self._group(model)
            group.trial = group.trial or self._retry_at is not None
            first = group.segment.rows
            row = first
            for record in records:
                group.records.append((row, record))
                row += record.rows
            group.segment.rows = row
            group.rows += rows
            self._waiting_rows += rows
            self._waiting_requests += requests
        return Submission(_ids(group.segment, first, rows), group.taken, group)

    # --- gathering, with the condition held ---------------------------------------------------------------

    def _group(self, model: str) -> Group:
        """Return the group that gathers the model's rows, in a segment of the present hour."""
        hour = self._present_hour()
        group = self._open.get(model)
        if group is None or not _has_room(group.segment, hour):
            group = Group(self._segment(model, hour))
            self._open[model] = group
            self._gathering.append(group)
        return group

    def _segment(self, model: str, hour: str) -> Segment:
        """Return this process's file for the model and hour, or a new object's name."""
        segment = self._files.get(model)
        if segment is None or not _has_room(segment, hour):
            self._segments_made += 1
            segment = Segment(model, hour, f"{self._process}{self._segments_made:x}")
            if self._store.can_append:
                self._files[model] = segment
        return segment

    def _present_hour(self) -> str:
        now = self._clock()
        number = int(now // 3600)
        if number != self._hour_number:
            self._hour_number, self._hour = number, hour_of(datetime.fromtimestamp(now, UTC))
        return self._hour

    def _refusing(self, rows: int) -> bool:
        """Return whether rows are turned away: closed, too many waiting, or the store failed just now.

        While it fails, one submission a second is let through to try it, so that only that one has to wait.
        """
        if self._closed or (self._waiting_rows and self._waiting_rows + rows > MAX_WAITING_ROWS):
            return True
        if self._retry_at is None:
            return False
        now = self._clock()
        if now < self._retry_at:
            return True
        self._retry_at = now + RETRY_SECONDS
        return False

    def _refuse(self, model: str, rows: int) -> Submission:
        """Return ids under which nothing will ever be found, and the answer False."""
        self._count("rows_lost", rows)
        self._segments_made += 1
        segment = Segment(model, self._present_hour(), f"{self._process}{self._segments_made:x}")
        group = Group(segment)
        group.resolve(False)
        return Submission(_ids(segment, 0, rows), group.taken, group)

    def _wake_writer(self) -> None:
        """Let the thread look."""
        if self._writer is None:
            self._writer = threading.Thread(target=self._write_groups, name="prediction-log", daemon=True)
            self._writer.start()
        self._condition.notify()

    def _may_write_here(self) -> bool:
        """Return whether writing takes no time to speak of."""
        return self._store.can_append and self._append_seconds <= QUICK_SECONDS

    # --- writing ------------------------------------------------------------------------------------------

    def _write_here(self) -> bool:
        """Write what has gathered, unless another thread is writing; return whether that was done."""
        if not self._writing.acquire(blocking=False):
            return False
        try:
            self._write_gathered()
        finally:
            self._writing.release()
        return True

    def _write_groups(self) -> None:
        """Write until the log is closed; the thread's work."""
        while True:
            with self._condition:
                while not self._gathering and not self._closed:
                    self._condition.wait()
                if not self._store.can_append:
                    self._await_company()
            with self._writing:
                if not self._write_gathered() and self._closed:
                    return

    def _await_company(self) -> None:
        """Wait for as many requests as came last time, half as long as a write takes: an object costs money.

        A sender that waits for its answers comes back at once. One that comes alone never waits.
        """
        self._condition.wait_for(
            lambda: self._closed or self._waiting_requests >= self._expected_requests, self._company_seconds
        )

    def _write_gathered(self) -> bool:
        """Write what has gathered and tell those who wait; return whether there was anything."""
        with self._condition:
            groups, self._gathering = self._gathering, []
            self._open.clear()
            requests, self._waiting_requests = self._waiting_requests, 0
            self._waiting_rows = 0
        for group in groups:
            group.resolve(self._write(group))
        with self._condition:
            self._expected_requests = max(1, requests + self._waiting_requests)
        return bool(groups)

    def _write(self, group: Group) -> bool:
        try:
            if self._retry_at is not None and not group.trial:
                # It gathered while the last write was failing; trying again would double its wait.
                self._count("rows_lost", group.rows)
                return False
            data = b"".join([encode_line(record, row) for row, record in group.records])
            begun = time.perf_counter()
            self._put(group.segment, data)
            self._note_pace(time.perf_counter() - begun)
        except Exception as error:  # noqa: BLE001 - whatever it is, the requests that wait must be answered
            self._failed(group, error)
            return False
        self._retry_at = None
        self._tallies.add(group.segment.model, group.segment.hour, group.tally())
        self._count("rows_logged", group.rows)
        self._count("groups_written", 1)
        return True

    def _note_pace(self, seconds: float) -> None:
        self._append_seconds += (seconds - self._append_seconds) / LAST_APPENDS
        self._company_seconds = min(seconds / 2, LONGEST_COMPANY_SECONDS)

    def _put(self, segment: Segment, data: bytes) -> None:
        if not self._store.can_append:
            try:
                self._store.create(segment.path, data, Patience.HURRIED)
            except (
                AlreadyExists
            ):  # the name is this group's alone, so an earlier try of this call got through
                return
            return
        if segment.torn:
            data = END_OF_TORN_LINE + data
        segment.torn = True
        self._store.append(segment.path, data)
        segment.torn = False

    def _count(self, counter: str, by: int) -> None:
        with self._condition:  # reentrant: requests count too, while they hold it
            self.counters[counter] += by

    def _failed(self, group: Group, error: Exception) -> None:
        self._retry_at = self._clock() + RETRY_SECONDS
        self._count("rows_lost", group.rows)
        self._count("groups_failed", 1)
        line = {
            "event": "prediction_log_failed",
            "at": datetime.fromtimestamp(self._clock(), UTC),
            "model": group.segment.model,
            "rows": group.rows,
            "rows_lost": self.counters["rows_lost"],
            "error": f"{type(error).__name__}: {error}"[:300],
        }
        sys.stderr.write(to_json(line).decode() + "\n")


def _has_room(segment: Segment, hour: str) -> bool:
    return segment.hour == hour and segment.rows < ROWS_PER_FILE


def _ids(segment: Segment, first: int, rows: int) -> list[str]:
    stem = str(PredictionId(segment.model, segment.hour, segment.name, 0))[:-1]
    if rows == 1:
        return [f"{stem}{first}"]
    return [f"{stem}{row}" for row in range(first, first + rows)]
