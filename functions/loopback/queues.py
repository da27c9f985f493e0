"""Queues of messages that outlive their host: one SQLite file, owned by one living process.

The owner holds SQLite's own exclusive lock on the file for as long as it lives, and the operating system
frees it at death, also at SIGKILL. Whoever opens the file thus knows that the former owner is dead: a
message it was working on is visible again at once, without any timeout to wait for or to renew.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id TEXT PRIMARY KEY, number INTEGER NOT NULL, queue TEXT NOT NULL, body BLOB NOT NULL,
    inserted_at TEXT NOT NULL, dequeue_count INTEGER NOT NULL, visible_at REAL
);
CREATE INDEX IF NOT EXISTS messages_by_queue ON messages (queue, number);
CREATE TABLE IF NOT EXISTS owner (worker_id TEXT NOT NULL);
"""


class QueuesInUse(RuntimeError):
    """Another living process owns the folder."""


class QueuesUnusable(RuntimeError):
    """The folder's file is damaged, or cannot be written."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message in the hands of a worker; `dequeue_count` counts this delivery too."""

    id: str
    queue: str
    body: bytes
    inserted_at: datetime
    dequeue_count: int


class Queues:
    """Named first-in-first-out queues in *folder*, safe for the threads of this process.

    `worker_id` names the folder's owner, whoever it is at the time: the same name at every start.
    """

    def __init__(self, folder: Path) -> None:
        """Open or create the queues, and make the messages of a dead owner visible.

        Raises:
            QueuesInUse: another living process has them open; give this one a folder of its own.
            QueuesUnusable: their file is damaged, or cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._changed = threading.Condition()
        self._database = sqlite3.connect(
            folder / "queues.sqlite", timeout=0.5, isolation_level=None, check_same_thread=False
        )
        try:
            # Exclusive mode must be set before the file is first read in WAL mode; the lock is taken by the
            # first write and kept until the connection ends: https://www.sqlite.org/pragma.html
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.executescript(_SCHEMA)
            self._database.execute("UPDATE messages SET visible_at = 0")
        except sqlite3.DatabaseError as error:
            self._database.close()
            if getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise QueuesInUse(f"another local host is using the queues in {folder}") from error
            raise QueuesUnusable(
                f"{folder / 'queues.sqlite'} cannot be used ({error}). Where it is damaged, move it away and "
                "start again: runs that wait are in the store, and the sweep sends them anew."
            ) from error
        self.worker_id = self._name_owner()

    def _name_owner(self) -> str:
        row = self._database.execute("SELECT worker_id FROM owner").fetchone()
        if row is None:
            row = (f"local-{uuid.uuid4().hex[:12]}",)
            self._database.execute("INSERT INTO owner VALUES (?)", row)
        return str(row[0])

    def put(self, queue: str, *bodies: bytes) -> None:
        """Add messages to *queue*; they are on disk when this returns."""
        at = datetime.now(UTC).isoformat()
        with self._changed:
            for body in bodies:
                self._database.execute(
                    "INSERT INTO messages SELECT ?, 1 + coalesce(max(number), 0), ?, ?, ?, 0, 0"
                    " FROM messages",
                    (uuid.uuid4().hex, queue, body, at),
                )
            self._changed.notify_all()

    def take(self, queue: str) -> Message | None:
        """Return the oldest visible message and hide it until it is settled, or None."""
        with self._changed:
            row = self._database.execute(
                "UPDATE messages SET visible_at = NULL, dequeue_count = dequeue_count + 1 WHERE id ="
                " (SELECT id FROM messages WHERE queue = ? AND visible_at <= ? ORDER BY number LIMIT 1)"
                " RETURNING id, queue, body, inserted_at, dequeue_count",
                (queue, time.monotonic()),
            ).fetchone()
        return row and Message(row[0], row[1], row[2], datetime.fromisoformat(row[3]), row[4])

    def delete(self, message: Message) -> None:
        """Forget a message whose work is done."""
        with self._changed:
            self._database.execute("DELETE FROM messages WHERE id = ?", (message.id,))
            self._changed.notify_all()

    def give_back(self, message: Message, *, delay_seconds: float = 0.0, count: bool = True) -> None:
        """Make a message visible again after a delay; *count* says whether this delivery counts."""
        with self._changed:
            self._database.execute(
                "UPDATE messages SET visible_at = ?, dequeue_count = dequeue_count - ? WHERE id = ?",
                (time.monotonic() + delay_seconds, 0 if count else 1, message.id),
            )
            self._changed.notify_all()

    def move(self, message: Message, queue: str) -> None:
        """Put a message on another queue as a new one, in one step."""
        with self._changed:
            self._database.execute(
                "UPDATE messages SET queue = ?, visible_at = 0, dequeue_count = 0 WHERE id = ?",
                (queue, message.id),
            )
            self._changed.notify_all()

    def wait(self, queue: str, stopping: threading.Event) -> None:
        """Return when *queue* may have a visible message, or when *stopping* is set (see `wake`)."""
        with self._changed:
            if stopping.is_set():
                return
            (due,) = self._database.execute(
                "SELECT min(visible_at) FROM messages WHERE queue = ? AND visible_at IS NOT NULL", (queue,)
            ).fetchone()
            if due is None:
                self._changed.wait()
            elif (seconds := due - time.monotonic()) > 0:
                self._changed.wait(seconds)

    def wake(self) -> None:
        """Let every waiting thread look again."""
        with self._changed:
            self._changed.notify_all()

    def size(self, queue: str) -> int:
        """Return how many messages *queue* holds, also those being worked on."""
        with self._changed:
            row = self._database.execute("SELECT count(*) FROM messages WHERE queue = ?", (queue,)).fetchone()
        return int(row[0])

    def wait_until_empty(self, *queues: str, timeout_seconds: float) -> bool:
        """Return True once all *queues* are empty, False after the time is up."""
        deadline = time.monotonic() + timeout_seconds
        with self._changed:
            return self._changed.wait_for(
                lambda: not any(self.size(queue) for queue in queues), deadline - time.monotonic()
            )

    def close(self) -> None:
        """Release the folder; messages in work stay on disk and are visible at the next start."""
        with self._changed:
            self._database.close()
