"""How the bot opens its database: SQLite beside it, or a PostgreSQL that several bots share."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError

LOCK_SECONDS = 30.0
LOOK_AGAIN_MILLISECONDS = 3


def make_engine(url: str) -> Engine:
    """Return an SQLAlchemy engine for *url* with the settings that the flow engine needs beside it.

    On SQLite, writers begin IMMEDIATE and wait up to 30 s for a lock, and the file is in WAL mode, so that
    readers and the one writer do not stop each other (https://www.sqlite.org/wal.html).
    """
    if not url.startswith("sqlite"):
        return sa.create_engine(
            psycopg_url(url), pool_pre_ping=True, pool_size=5, max_overflow=10, hide_parameters=True
        )
    engine = sa.create_engine(url, isolation_level="SERIALIZABLE", hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        connection.execute("PRAGMA busy_timeout=30000")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    return engine


def claim(engine: Engine, table: sa.Table, /, **values: Any) -> bool:
    """Insert a row; False, and nothing changed, where a unique constraint says that it is there already."""
    try:
        with engine.begin() as connection:
            connection.execute(sa.insert(table).values(**values))
    except IntegrityError:
        return False
    return True


def read_to_write(connection: Connection) -> None:
    """Begin a transaction of SQLite in which nobody else changes what is read before it is written.

    The driver begins none before the first write (https://docs.python.org/3/library/sqlite3.html). On
    PostgreSQL what is read FOR UPDATE is locked: there is nothing to do.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def begin_writing(connection: Connection, seconds: float = LOCK_SECONDS) -> None:
    """Begin a transaction of SQLite that holds the write lock, ahead of the flows that want it too.

    SQLite keeps no queue: who waits looks again after a pause that grows to 100 ms, so one thread among many
    may come too late for seconds (https://www.sqlite.org/c3ref/busy_timeout.html). People wait for the
    intake, so it looks again every few milliseconds. Raises sqlite3.OperationalError after *seconds*, or at
    once where something else than a lock is in the way. PostgreSQL has no such lock: there is nothing to do.
    """
    if connection.dialect.name != "sqlite":
        return
    driver: Any = connection.connection.driver_connection  # each statement by SQLAlchemy would cost more
    until = time.monotonic() + seconds
    (usual,) = driver.execute("PRAGMA busy_timeout").fetchone()
    driver.execute(f"PRAGMA busy_timeout = {LOOK_AGAIN_MILLISECONDS}")
    try:
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
    finally:
        driver.execute(f"PRAGMA busy_timeout = {usual}")


def psycopg_url(url: str) -> str:
    """Return a PostgreSQL *url* that names the psycopg 3 driver, whichever common form it came in."""
    scheme, rest = url.split("://", 1)
    return f"postgresql+psycopg://{rest}" if scheme in {"postgres", "postgresql"} else url
