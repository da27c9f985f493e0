"""The engine under the flows: DBOS on SQLite or PostgreSQL, its queues, and who of several processes does what.

DBOS keeps every flow's arguments and the result of each step; a flow whose process dies goes on where it was.
Two things are ours: which process may recover whose flows, and a version that does not change with the code,
so that an upgrade finds the flows that wait (https://docs.dbos.dev/python/tutorials/upgrading-workflows).
"""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig
from sqlalchemy.engine import Engine as SqlEngine

from bot.checkpoints import JsonSerializer
from bot.errors import ConfigurationError
from bot.records import Records, make_engine, psycopg_url

log = logging.getLogger(__name__)

APPLICATION = "toban"
FLOW_VERSION = "1"
"""The version under which flows are kept. It changes only if old flows could not go on under new code;
a changed order of steps inside a flow goes through `DBOS.patch` instead."""

REQUESTS = "requests"
RUNS = "runs"
DECISIONS = "decisions"

NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "9p", "fuse.sshfs"})


@dataclass(frozen=True)
class Timing:
    """How often the engine looks for work, and how long a silent process counts as alive (seconds)."""

    poll_seconds: float = 0.1
    heartbeat_seconds: float = 5.0
    stale_seconds: float = 60.0


class Engine:
    """Runs flows until stopped. Make one per process; `launch` once, `stop` once."""

    def __init__(self, database_url: str, timing: Timing | None = None) -> None:
        self.url = database_url
        self.timing = timing or Timing()
        self.on_sqlite = database_url.startswith("sqlite")
        self._lock = _lock_sqlite(database_url) if self.on_sqlite else None
        self.executor_id = "bot" if self.on_sqlite else f"{socket.gethostname()}-{uuid.uuid4().hex[:12]}"
        self.sql: SqlEngine = make_engine(database_url)
        self.records = Records(self.sql)
        self.records.migrate()
        self._stopping = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._dbos = DBOS(config=self._config())
        self.client = open_client(database_url)
        self.on_taken_over: Callable[[], None] = _leave_at_once

    def _config(self) -> DBOSConfig:
        return {
            "name": APPLICATION,
            "system_database_url": _dbos_url(self.url),
            "application_version": FLOW_VERSION,
            "executor_id": self.executor_id,
            "serializer": JsonSerializer(),
            "log_level": os.environ.get("TOBAN_ENGINE_LOG", "ERROR"),
            "enable_otlp": False,
            "notification_listener_polling_interval_sec": self.timing.poll_seconds,
            "scheduler_polling_interval_sec": 5.0,
            "run_migrations": True,
        }

    def launch(self) -> None:
        """Start to run flows: those that a dead process left, those that wait, and those to come."""
        self.records.beat(self.executor_id)
        DBOS.launch()
        DBOS.set_latest_application_version(FLOW_VERSION)
        poll = self.timing.poll_seconds
        DBOS.register_queue(REQUESTS, polling_interval_sec=poll, on_conflict="always_update")
        DBOS.register_queue(DECISIONS, polling_interval_sec=poll, on_conflict="always_update")
        DBOS.register_queue(
            RUNS, partition_concurrency=1, polling_interval_sec=poll, on_conflict="always_update"
        )
        self._heart.start()

    def stop(self) -> None:
        """Stop taking work and leave; flows under way are taken up by the next process."""
        self._stopping.set()
        if self._heart.is_alive():
            self._heart.join(timeout=5)
        DBOS.destroy(workflow_completion_timeout_sec=0, destroy_registry=False)
        self.records.leave(self.executor_id)
        self.client.destroy()
        self.sql.dispose()
        if self._lock is not None:
            self._lock.close()

    def _beat(self) -> None:
        while not self._stopping.wait(self.timing.heartbeat_seconds):
            try:
                if not self.records.beat(self.executor_id):
                    log.error(
                        "another process has taken over the flows of this one", extra={"id": self.executor_id}
                    )
                    self.on_taken_over()
                    return
                self._recover()
            except sa.exc.SQLAlchemyError:
                log.warning("heartbeat could not be written", exc_info=True)

    def _recover(self) -> None:
        self.records.take_over_stale(self.executor_id, timedelta(seconds=self.timing.stale_seconds))
        dead = self.records.taken_over(self.executor_id)
        if dead:
            # Idempotent: a flow that a live process has begun again no longer carries the dead one's id.
            DBOS._recover_pending_workflows(dead)


def register(name: str, function: Callable[..., Any]) -> None:
    """Make *function* a flow under *name*, a name that never changes once released."""
    DBOS.workflow(name=name, max_recovery_attempts=None)(function)


def open_client(database_url: str) -> DBOSClient:
    """Return a client that enqueues and asks about flows without running any."""
    return DBOSClient(
        system_database_url=_dbos_url(database_url),
        serializer=JsonSerializer(),
        application_name=APPLICATION,
        lazy=True,
    )


def _dbos_url(url: str) -> str:
    return url if url.startswith("sqlite") else psycopg_url(url)


def _leave_at_once() -> None:
    # The other process already repeats our steps: anything that we still do would be done twice.
    os._exit(75)


def _lock_sqlite(url: str) -> IO[str]:
    """Hold the lock file beside the database for as long as this process lives; refuse a second bot."""
    path = Path(url.removeprefix("sqlite:///")).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = _file_system(path.parent, _mounts())
    if kind in NETWORK_FILE_SYSTEMS:
        raise ConfigurationError(
            [
                f"TOBAN_DATABASE_URL: {path} lies on a network file system ({kind}), where SQLite loses data; "
                "use a local disk or PostgreSQL"
            ]
        )
    lock = open(f"{path}.lock", "a+", encoding="utf-8")  # noqa: SIM115 - held until the process ends
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise ConfigurationError(
            [
                f"TOBAN_DATABASE_URL: another bot already runs on {path}; "
                "stop it first, or use PostgreSQL for several"
            ]
        ) from None
    return lock


def _mounts() -> list[tuple[str, str]]:
    """Return (mount point, file system) pairs, or nothing where the system does not tell."""
    try:
        lines = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [(fields[1], fields[2]) for fields in map(str.split, lines) if len(fields) > 2]


def _file_system(folder: Path, mounts: Iterable[tuple[str, str]]) -> str:
    """Return the file system of the longest mount point above *folder*, or an empty string."""
    above = [
        (point, kind) for point, kind in mounts if folder == Path(point) or Path(point) in folder.parents
    ]
    return max(above, key=lambda pair: len(pair[0]), default=("", ""))[1]
