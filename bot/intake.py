"""The intake: requests are persisted here before Slack gets its ack, many in one transaction.

One thread takes what waits, up to 64 requests, and writes them into the inbox in one go, so that a burst of
senders costs one commit and not one each. If a batch cannot be written because of one request in it, each is
tried alone. The same thread begins the flows of what is stored: all of them as soon as nobody waits any more,
and while many do one after each batch. So acks come first, and flows go on all the same.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from bot.checkpoints import JsonSerializer
from bot.databases import begin_writing
from bot.inbox import Inbox
from bot.outages import is_away
from bot.timing import Timing

log = logging.getLogger(__name__)

BATCH = 64
STORED_BETWEEN, FLOWS_BETWEEN = 256, 2
FLOWS_AT_ONCE = 32
"""Flows begun in one transaction: who comes meanwhile waits for it, about ten milliseconds."""
QUIET_SECONDS = 0.1
"""When nobody has come for so long, nobody waits."""
LOOK_SECONDS = 1.0
"""How often it is looked for what another process, or an error, has left in the inbox."""
BEING_STORED_SECONDS = 0.4
"""What is left of Slack's three seconds for a request whose batch is being written when its time is over."""
SERIALIZER = JsonSerializer()


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
    """Stores requests and begins their flows; `submit` returns only when the request is on disk."""

    def __init__(
        self,
        sql: Engine,
        inbox: Inbox,
        rush: Callable[[float], None],
        ack_seconds: float = Timing.ack_seconds,
    ) -> None:
        """*rush* is told, of every batch in a rush, for how many seconds flows should stand back.

        A request waits *ack_seconds* for its turn.
        """
        self._sql = sql
        self._ack_seconds = ack_seconds
        self._rush = rush
        self.inbox = inbox
        self._waiting: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="intake", daemon=True)

    def start(self) -> None:
        """Start the intake's thread."""
        self._thread.start()

    def stop(self) -> None:
        """Store what still waits and begin its flows, then end the thread."""
        self._waiting.put(None)
        self._thread.join(timeout=10)

    def submit(self, entry: Entry, timeout_seconds: float | None = None) -> None:
        """Persist *entry*; return when it is stored.

        A flow id that is already known is success and starts nothing. Raises TimeoutError when its turn did
        not come in time, or the database's own error. The flow will not start then, unless the time was over
        while the database was already making the commit.
        """
        self._waiting.put(entry)
        try:
            entry.stored.result(timeout=self._ack_seconds if timeout_seconds is None else timeout_seconds)
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
        is_empty, more, stored = False, True, 0
        while more:
            try:
                first = self._waiting.get(timeout=LOOK_SECONDS if is_empty else QUIET_SECONDS)
            except queue.Empty:
                is_empty = self._begin_flows(FLOWS_AT_ONCE)
                continue
            if first is None:
                break
            batch, more = self._gather(first)
            self._store(batch)
            few, stored = is_empty and len(batch) <= FLOWS_BETWEEN, stored + len(batch)
            is_empty = False
            if not few:
                self._rush(QUIET_SECONDS)
            if few or stored >= STORED_BETWEEN:
                is_empty, stored = self._begin_flows(FLOWS_BETWEEN), 0
        while not self._begin_flows(FLOWS_AT_ONCE):
            pass

    def _begin_flows(self, most: int) -> bool:
        """Begin the flows of the oldest *most* requests; return whether none is left, or can be begun."""
        try:
            return self.inbox.begin_flows(most) < most
        except Exception as error:
            log.warning("flows could not be begun yet", exc_info=True)
            if not is_away(error):
                with suppress(SQLAlchemyError):  # it may have gone away since
                    self.inbox.begin_each(FLOWS_AT_ONCE)
            return True

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
            begin_writing(connection)
            wanted = [entry for entry in batch if _is_wanted(entry)]
            if wanted:
                self.inbox.put(connection, [_row(entry) for entry in wanted])
            if any(entry.given_up.is_set() for entry in wanted):
                connection.rollback()
                raise TimeoutError("somebody gave up while the batch was being written")
            connection.commit()
        for entry in wanted:
            entry.stored.set_result(None)


def _row(entry: Entry) -> dict[str, str]:
    args = SERIALIZER.serialize(entry.args)
    return {"flow_id": entry.flow_id, "flow": entry.flow, "queue": entry.queue, "args": args}


def _is_wanted(entry: Entry) -> bool:
    """Return whether somebody waits for *entry*; from here on they give it up by `given_up` only."""
    if entry.given_up.is_set():
        return False
    return entry.stored.running() or entry.stored.set_running_or_notify_cancel()
