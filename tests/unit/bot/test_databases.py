"""How the bot opens its database: its way to SQLite's write lock."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.databases import begin_writing, make_engine


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "bot.sqlite3"


@pytest.fixture
def engine(path: Path) -> sa.Engine:
    """The bot's own way to it."""
    return make_engine(f"sqlite:///{path}")


def busy_timeout(connection: sa.Connection) -> int:
    """Return how long the connection waits for a lock, in milliseconds."""
    return int(connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one())


def test_the_lock_is_held_from_the_beginning(engine: sa.Engine, path: Path) -> None:
    """Nobody else can write once the transaction has begun, and the usual patience is back."""
    other = sqlite3.connect(path, timeout=0)
    with engine.connect() as connection:
        begin_writing(connection)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        assert busy_timeout(connection) == 30_000
    other.close()
    engine.dispose()


def test_a_lock_held_by_another_is_waited_for(engine: sa.Engine, path: Path) -> None:
    """The lock is taken as soon as its holder has let go of it."""
    other = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    with engine.connect() as connection:
        other.execute("BEGIN IMMEDIATE")
        holder = threading.Timer(0.05, other.execute, ["COMMIT"])
        holder.start()
        begin_writing(connection)
        assert connection.connection.driver_connection.in_transaction  # type: ignore[union-attr]
    holder.join()  # it may not have come back from its commit yet
    other.close()
    engine.dispose()


def test_a_lock_that_is_never_given_is_an_error(engine: sa.Engine, path: Path) -> None:
    """After its time the intake gives up, and the connection is as patient as before."""
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    with engine.connect() as connection:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            begin_writing(connection, seconds=0.0)
        connection.rollback()
        assert busy_timeout(connection) == 30_000
    other.close()
    engine.dispose()
