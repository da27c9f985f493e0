"""The intake: flows are persisted here before Slack gets its ack, many in one transaction.

One thread takes what waits, up to 64 requests, and writes them in one go, so that a burst of senders costs
one commit and not one each. If a batch cannot be written because of one request in it, each is tried alone.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from dbos import DBOSClient, EnqueueOptions
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import OperationalError

from bot.engine import FLOW_VERSION

log = logging.getLogger(__name__)

BATCH = 64
LOCK_SECONDS = 30.0
LOOK_AGAIN_MILLISECONDS = 3
BEING_STORED_SECONDS = 0.4
"""What is left of Slack's three seconds for a request whose batch is being written when its time is over."""


@dataclass(frozen=True)
class Entry:
    """A flow to start: its registered name, its queue, its id (which makes it run once) and its arguments.

    `given_up` says that nobody waits for it any more although its batch was being written.
    """

    flow: str
    queue: str
    flow_id: str
    args: tuple[Any, ...]
    stored: Future[None] = field(default_factory=Future, compare=False)
    given_up: threading.Event = field(default_factory=threading.Event, compare=False)


class Intake:
    """Stores flows to be run; `submit` returns only when the flow is on disk."""

    def __init__(self, sql: Engine, client: DBOSClient) -> None:
        self._sql = sql
        self._client = client
        self._waiting: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="intake", daemon=True)

    def start(self) -> None:
        """Start the intake's thread."""
        self._thread.start()

    def stop(self) -> None:
        """Store what still waits, then end the thread."""
        self._waiting.put(None)
        self._thread.join(timeout=10)

    def submit(self, entry: Entry, timeout_seconds: float = 2.5) -> None:
        """Persist *entry*; return when it is stored.

        A flow id that is already known is success and starts nothing. Raises TimeoutError when its turn did
        not come in time, or the database's own error. The flow will not start then, unless the time was over
        while the database was already making the commit.
        """
        self._waiting.put(entry)
        try:
            entry.stored.result(timeout=timeout_seconds)
        except TimeoutError:
            if entry.stored.cancel():
                raise
            self._await_batch(entry)

    def _await_batch(self, entry: Entry) -> None:
        """Wait for the batch that is being written; raises TimeoutError, and *entry* is given up then."""
        try:
            entry.stored.result(timeout=BEING_STORED_SECONDS)
        except TimeoutError:
            entry.given_up.set()
            if not entry.stored.done():
                raise
            entry.stored.result()

    def _work(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch, more = self._gather(first)
            self._store(batch)
            if not more:
                return

    def _gather(self, first: Entry) -> tuple[list[Entry], bool]:
        batch = [first]
        while len(batch) < BATCH:
            try:
                entry = self._waiting.get_nowait()
            except queue.Empty:
                break
            if entry is None:
                return batch, False
            batch.append(entry)
        return batch, True

    def _store(self, batch: list[Entry]) -> None:
        batch = [entry for entry in batch if not entry.stored.cancelled()]
        if not batch:
            return
        try:
            self._write(batch)
        except Exception as error:
            if len(batch) == 1:
                log.exception("request could not be stored", extra={"flow_id": batch[0].flow_id})
                if _is_wanted(batch[0]):
                    batch[0].stored.set_exception(error)
                return
            for entry in batch:
                self._store([entry])
            return

    def _write(self, batch: list[Entry]) -> None:
        """Write those of the *batch* that somebody still waits for, in one transaction.

        That is asked once the lock is held: who gave up before, and was told so, must not be stored after. It
        is asked again before the commit, as PostgreSQL's locks are waited for in between: where one of them
        was given up meanwhile, nothing is written and TimeoutError is raised. The commit itself cannot be
        taken back: who gives up while it is made is told that nothing was taken although it may have been.
        """
        with self._sql.connect() as connection:
            if connection.dialect.name == "sqlite":
                take_write_lock(connection)
            wanted = [entry for entry in batch if _is_wanted(entry)]
            for entry in wanted:
                options: EnqueueOptions = {
                    "workflow_name": entry.flow,
                    "queue_name": entry.queue,
                    "workflow_id": entry.flow_id,
                    "app_version": FLOW_VERSION,
                }
                self._client.enqueue_in_transaction(connection, options, *entry.args)
            if any(entry.given_up.is_set() for entry in wanted):
                connection.rollback()
                raise TimeoutError("somebody gave up while the batch was being written")
            connection.commit()
        for entry in wanted:
            entry.stored.set_result(None)


def _is_wanted(entry: Entry) -> bool:
    """Return whether somebody waits for *entry*; from here on they give it up by `given_up` only."""
    if entry.given_up.is_set():
        return False
    return entry.stored.running() or entry.stored.set_running_or_notify_cancel()


def take_write_lock(connection: Connection, seconds: float = LOCK_SECONDS) -> None:
    """Begin a transaction of SQLite that holds the write lock, ahead of the flows that want it too.

    SQLite keeps no queue: who waits looks again after a pause that grows to 100 ms, so one thread among many
    may come too late for seconds (https://www.sqlite.org/c3ref/busy_timeout.html). People wait for the
    intake, so it looks again every few milliseconds. Raises OperationalError after *seconds*, or at once
    where something else than a lock is in the way.
    """
    until = time.monotonic() + seconds
    usual = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {LOOK_AGAIN_MILLISECONDS}")
    try:
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                return
            except OperationalError as error:
                code = getattr(error.orig, "sqlite_errorcode", None)
                if code != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {usual}")
