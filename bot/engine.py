"""The engine under the flows: DBOS on SQLite or PostgreSQL, its queues, and which process does what.

DBOS keeps every flow's arguments and the result of each step; a flow whose process dies goes on where it was.
Two things are ours: which process may recover whose flows, and a version that does not change with the code,
so that an upgrade finds the flows that wait (https://docs.dbos.dev/python/tutorials/upgrading-workflows).
"""

from __future__ import annotations

import fcntl
import logging
import math
import os
import socket
import sqlite3
import sys
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from dbos import DBOS, DBOSClient, DBOSConfig, SetWorkflowID
from sqlalchemy.engine import Engine as SqlEngine
from sqlalchemy.exc import DBAPIError

from bot.checkpoints import JsonSerializer
from bot.databases import make_engine, psycopg_url
from bot.errors import ConfigurationError
from bot.line import Line
from bot.records import Records
from bot.timing import Timing

log = logging.getLogger(__name__)

APPLICATION = "toban"
FLOW_VERSION = "1"
"""The version under which flows are kept. It changes only if old flows could not go on under new code;
a changed order of steps inside a flow goes through `DBOS.patch` instead."""

REQUESTS = "requests"
RUNS = "runs"
DECISIONS = "decisions"
DELIVERIES = "deliveries"
WORK = "work"
INCIDENTS = "incidents"
LATER = "later"

REQUESTS_AT_ONCE = 32
"""Requests that one process works on at a time. SQLite gives its write lock to whoever asks next, so
a thousand flows at once would keep the intake, and with it the acks, waiting for seconds."""

SELDOM = 4
"""So many times less often than for requests it is looked for decisions, deliveries and incidents."""

USE_ANOTHER = "SQLite loses data there: use a local disk or PostgreSQL"
OLD_SQLITE = "use a newer SQLite, Python 3.11 or PostgreSQL"
STOP_IT = "stop it first, or use PostgreSQL for several"

SQLITE_SINCE = (3, 42, 0)
"""From Python 3.12 on the tables of DBOS count milliseconds by SQLite's `subsec`, which is no older:
https://www.sqlite.org/lang_datefunc.html#modifiers."""

STAND_BACK_SECONDS = 0.5
"""So long an effect waits in a rush for those who wait for their acks."""

LEAVE_SECONDS = 3.0
"""So long a process that is told to end waits for steps under way."""

NETWORK_FILE_SYSTEMS = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre"),
        *("fuse.sshfs", "fuse.blobfuse2", "fuse.gcsfuse", "fuse.s3fs", "fuse.rclone"),
    }
)


class Fence:
    """Stands between a process and its effects; a step enters it before it does anything.

    A process that has not written its heartbeat for a while (stopped, or cut off from the database) may have
    been replaced: it leaves before it does anything that its successor does again. A process that is to end
    closes the fence: steps under way come to their end, and no other one begins. In a rush of requests a step
    stands back for a moment before it begins, so that their acks have the interpreter.
    """

    def __init__(
        self, stale_seconds: float, leave: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._allowed_seconds = stale_seconds * 0.8
        self._leave = leave
        self._clock = clock
        self._beat_at = clock()
        self._condition = threading.Condition()
        self._inside = 0
        self._closed = False
        self._rush_until = clock()

    def beat(self) -> None:
        """Say that the heartbeat has just been written."""
        with self._condition:
            self._beat_at = self._clock()
            self._condition.notify_all()

    def age_seconds(self) -> float:
        """Return how long ago the heartbeat was written."""
        return self._clock() - self._beat_at

    def rush(self, seconds: float) -> None:
        """Say that people wait for their acks, and will do so for the next *seconds*."""
        self._rush_until = self._clock() + seconds

    def _stand_back(self) -> None:
        """Return when the rush is over, or after STAND_BACK_SECONDS: a rush without end stops no flow."""
        patience = self._clock() + STAND_BACK_SECONDS
        while (seconds := min(self._rush_until, patience) - self._clock()) > 0:
            time.sleep(seconds)

    def __enter__(self) -> None:
        """Begin an effect; does not return once the fence is closed."""
        self._stand_back()
        if not self._is_fresh():
            log.error("no heartbeat for too long; another process may have taken over")
            self._leave()
        with self._condition:
            self._condition.wait_for(lambda: not self._closed)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        """End an effect."""
        with self._condition:
            self._inside -= 1
            self._condition.notify_all()

    def wait_until_fresh(self) -> None:
        """Return once the heartbeat is young enough: what is done again after an outage waits for that.

        A process that was replaced meanwhile learns so at its next heartbeat, and leaves.
        """
        with self._condition:
            self._condition.wait_for(self._is_fresh)

    def _is_fresh(self) -> bool:
        return self.age_seconds() <= self._allowed_seconds

    def close(self, patience_seconds: float) -> bool:
        """Let no further effect begin; return whether all under way ended within *patience_seconds*."""
        with self._condition:
            self._closed = True
            return self._condition.wait_for(lambda: self._inside == 0, timeout=patience_seconds)


class Engine:
    """Runs flows until stopped. Make one per process; `launch` once, `stop` once."""

    def __init__(self, database_url: str, timing: Timing | None = None) -> None:
        self.url = database_url
        self.timing = timing or Timing()
        self.on_sqlite = database_url.startswith("sqlite")
        self._lock = _lock_sqlite(database_url) if self.on_sqlite else None
        self.line = Line(numbered=self.on_sqlite)
        self.executor_id = "bot" if self.on_sqlite else f"{socket.gethostname()}-{uuid.uuid4().hex[:12]}"
        self.sql: SqlEngine = make_engine(database_url)
        self.records = Records(self.sql)
        try:
            self.records.migrate()
        except DBAPIError as error:
            self.sql.dispose()
            if self._lock is not None:
                self._lock.close()
            reason = str(error.orig).partition("\n")[0]
            raise ConfigurationError([f"TOBAN_DATABASE_URL: the database cannot be used: {reason}"]) from None
        stale = math.inf if self.on_sqlite else self.timing.stale_seconds
        self.fence = Fence(stale, _leave_at_once)
        self._stopping = threading.Event()
        self._launched = threading.Event()
        self._heart = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._dbos = DBOS(config=self._config())
        self.client = open_client(database_url)

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
            "db_engine_kwargs": {"hide_parameters": True},
        }

    def launch(self) -> None:
        """Start to run flows: those that a dead process left, those that wait, and those to come."""
        self.records.beat(self.executor_id)
        self.fence.beat()
        # The engine's own migrations may take long, and who is silent is taken for dead.
        self._heart.start()
        DBOS.launch()
        DBOS.set_latest_application_version(FLOW_VERSION)
        poll = self.timing.poll_seconds
        DBOS.register_queue(
            REQUESTS,
            worker_concurrency=REQUESTS_AT_ONCE,
            polling_interval_sec=poll,
            on_conflict="always_update",
        )
        DBOS.register_queue(WORK, polling_interval_sec=poll, on_conflict="always_update")
        DBOS.register_queue(
            RUNS, partition_concurrency=1, polling_interval_sec=poll, on_conflict="always_update"
        )
        # Nobody looks at the clock for these, and each look takes a millisecond of the processor.
        seldom = poll * SELDOM
        DBOS.register_queue(DECISIONS, polling_interval_sec=seldom, on_conflict="always_update")
        # One at a time for each receiver, so that events come in order and a dead receiver holds up no other;
        # one at a time for each incident, so that its news comes in order.
        # One at a time for each channel that Slack keeps waiting: what waits here holds up nothing else.
        for ordered in (DELIVERIES, INCIDENTS, LATER):
            DBOS.register_queue(
                ordered, partition_concurrency=1, polling_interval_sec=seldom, on_conflict="always_update"
            )
        self._recover()
        self._launched.set()

    def leave(self) -> None:
        """Stop in order, just before the process ends: flows under way go on at the next start, or elsewhere.

        They are not stopped one by one: they live in threads that end with the process, as after a crash.
        """
        self.fence.close(LEAVE_SECONDS)
        self._stopping.set()
        if self._heart.is_alive():
            self._heart.join(timeout=LEAVE_SECONDS)
        self.records.leave(self.executor_id)

    def _beat(self) -> None:
        while not self._stopping.wait(self.timing.heartbeat_seconds):
            try:
                if not self.records.beat(self.executor_id):
                    log.error("another process has taken over", extra={"executor_id": self.executor_id})
                    _leave_at_once()
                self.fence.beat()
                if self._launched.is_set():
                    self._recover()
            except Exception:
                log.warning("heartbeat could not be written", exc_info=True)

    def _recover(self) -> None:
        self.records.take_over_stale(self.executor_id, timedelta(seconds=self.timing.stale_seconds))
        dead = self.records.taken_over(self.executor_id)
        if dead:
            # Idempotent: a flow that a live process has begun again no longer carries the dead one's id.
            DBOS._recover_pending_workflows(dead)  # noqa: SLF001 - the engine has no public door for it


def is_on(queue: str) -> bool:
    """Return whether the present flow came from *queue*. To be called inside a step."""
    flow = DBOS.get_workflow_status(DBOS.workflow_id or "")
    return flow is not None and flow.queue_name == queue


def is_under_way(flow_id: str, names: Collection[str]) -> bool:
    """Return whether a flow of one of these *names* has not ended. To be called inside a step."""
    flow = DBOS.get_workflow_status(flow_id)
    return flow is not None and flow.name in names and flow.status in ("ENQUEUED", "PENDING")


def go_on(queue: str, partition: str, flow_id: str, from_step: int) -> None:
    """Let the present flow go on from one of its steps as *flow_id*, when it has its turn on *queue*.

    What was done before that step is not done again; the same id goes on once. To be called inside a step.
    """
    assert DBOS.workflow_id is not None, "only flows go on"
    if DBOS.get_workflow_status(flow_id) is None:
        with SetWorkflowID(flow_id):
            DBOS.fork_workflow(
                DBOS.workflow_id,
                from_step,
                application_version=FLOW_VERSION,
                queue_name=queue,
                queue_partition_key=partition,
            )


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


def sqlite_problem(
    found: tuple[int, ...] = sqlite3.sqlite_version_info, python: tuple[int, ...] = sys.version_info[:2]
) -> str | None:
    """Return, as a sentence, why flows cannot be kept in this SQLite; None where they can."""
    if found >= SQLITE_SINCE or python < (3, 12):
        return None
    has, needs, version = (".".join(map(str, one)) for one in (found, SQLITE_SINCE, python))
    return f"Python {version} has SQLite {has} here, and the flows need {needs} or newer"


def _lock_sqlite(url: str) -> IO[str]:
    """Hold the lock file beside the database for as long as this process lives; refuse a second bot."""
    if (problem := sqlite_problem()) is not None:
        raise ConfigurationError([f"TOBAN_DATABASE_URL: {problem}; {OLD_SQLITE}"])
    path = Path(url.removeprefix("sqlite:///")).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = file_system_of(path.parent)
    if kind in NETWORK_FILE_SYSTEMS:
        raise ConfigurationError(
            [f"TOBAN_DATABASE_URL: {path} lies on a network file system ({kind}); {USE_ANOTHER}"]
        )
    lock = Path(f"{path}.lock").open("a+", encoding="utf-8")  # noqa: SIM115 - held until the process ends
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise ConfigurationError(
            [f"TOBAN_DATABASE_URL: another bot already runs on {path}; {STOP_IT}"]
        ) from None
    return lock


def file_system_of(folder: Path) -> str:
    """Return the kind of file system on which *folder* lies, or an empty string where that is not known."""
    return _file_system(folder, _mounts())


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
