"""The intake: what is submitted is stored, once, and its way to SQLite's write lock."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from bot.databases import make_engine
from bot.intake import Entry, Intake, take_write_lock


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
        take_write_lock(connection)
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
        threading.Timer(0.05, other.execute, ["COMMIT"]).start()
        take_write_lock(connection)
        assert connection.connection.driver_connection.in_transaction  # type: ignore[union-attr]
    other.close()
    engine.dispose()


def test_a_lock_that_is_never_given_is_an_error(engine: sa.Engine, path: Path) -> None:
    """After its time the intake gives up, and the connection is as patient as before."""
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    with engine.connect() as connection:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            take_write_lock(connection, seconds=0.0)
        connection.rollback()
        assert busy_timeout(connection) == 30_000
    other.close()
    engine.dispose()


class Client:
    """Stands in for the engine's client: writes flows into a table, refuses what is poisoned."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.tried: list[str] = []

    def enqueue_in_transaction(self, connection: sa.Connection, options: Any, *args: Any) -> None:
        """Store a flow, once for its id."""
        self.tried.append(options["workflow_id"])
        if args == ("poison",):
            raise ValueError("cannot be stored")
        if args == ("lock",):  # as an insert does in PostgreSQL, where another transaction has the row
            self.begun.set()
            assert self.go.wait(10)
        statement = "INSERT OR IGNORE INTO flows VALUES (?, ?)"
        connection.exec_driver_sql(statement, (options["workflow_id"], options["workflow_name"]))


@pytest.fixture
def stored(engine: sa.Engine) -> Callable[[], list[str]]:
    """Tell which flows are stored."""
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE flows (id TEXT PRIMARY KEY, name TEXT)")

    def read() -> list[str]:
        with engine.connect() as connection:
            return [row[0] for row in connection.exec_driver_sql("SELECT id FROM flows ORDER BY id")]

    return read


@pytest.fixture
def client() -> Client:
    """The engine's client."""
    return Client()


@pytest.fixture
def intake(engine: sa.Engine, stored: Callable[[], list[str]], client: Any) -> Iterator[Intake]:
    """An intake that has not been started yet."""
    made = Intake(engine, client)
    yield made
    made.stop()
    engine.dispose()


def entry(flow_id: str, *args: str) -> Entry:
    """Return a flow to store."""
    return Entry("predict", "requests", flow_id, args)


def test_what_is_submitted_is_on_disk(intake: Intake, stored: Callable[[], list[str]]) -> None:
    """Submit returns when the flow is stored, and a flow that is known already is success."""
    intake.start()
    intake.submit(entry("a"))
    intake.submit(entry("a"))
    intake.submit(entry("b"))
    assert stored() == ["a", "b"]


def test_poisoned_request_harms_no_other(intake: Intake, stored: Callable[[], list[str]]) -> None:
    """Of a batch in which one cannot be stored, all others are, and that one is told why."""
    entries = [entry(f"{number:03}") for number in range(100)]
    entries[40] = entry("040", "poison")
    with ThreadPoolExecutor(len(entries)) as pool:
        waiting = [pool.submit(intake.submit, one, 30.0) for one in entries]
        intake.start()
        failed = [number for number, one in enumerate(waiting) if one.exception() is not None]
    assert failed == [40]
    assert stored() == [f"{number:03}" for number in range(100) if number != 40]


def test_request_that_was_given_up_is_not_stored_later(
    intake: Intake, stored: Callable[[], list[str]]
) -> None:
    """Whoever was told that nothing was taken can send again without having it twice."""
    with pytest.raises(TimeoutError):
        intake.submit(entry("late"), timeout_seconds=0.01)
    intake.start()
    intake.submit(entry("next"))
    assert stored() == ["next"]


@pytest.mark.parametrize("others", [0, 3])
def test_request_given_up_while_its_batch_was_written_is_not_stored(
    intake: Intake, client: Client, stored: Callable[[], list[str]], others: int
) -> None:
    """Who was refused because an insert hung is not served when it goes on; who still waits is."""
    entries = [entry(f"taken-{number}") for number in range(others)]
    with ThreadPoolExecutor(others + 1) as pool:
        taken = [pool.submit(intake.submit, one, 30.0) for one in entries]
        refused = pool.submit(intake.submit, entry("refused", "lock"), 1.0)
        intake.start()
        assert client.begun.wait(10)
        assert isinstance(refused.exception(10), TimeoutError)
        client.go.set()
        assert [one.exception(30) for one in taken] == [None] * others
    intake.submit(entry("with the next"))
    assert stored() == sorted([*(one.flow_id for one in entries), "with the next"])
    assert client.tried.count("refused") == 1


def test_stopping_stores_what_waits(intake: Intake, stored: Callable[[], list[str]]) -> None:
    """What came before the end is stored before the end."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(intake.submit, entry("last"), 30.0)
        intake.start()
        waiting.result(30)
        intake.stop()
    assert stored() == ["last"]


def test_request_given_up_while_the_database_was_locked_is_not_stored(
    intake: Intake, stored: Callable[[], list[str]], path: Path
) -> None:
    """Who was refused because of a lock is not served when it is let go; who came meanwhile is."""
    intake.start()
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(2) as pool:
        refused = pool.submit(intake.submit, entry("refused"), 0.05)
        assert isinstance(refused.exception(), TimeoutError)
        taken = pool.submit(intake.submit, entry("taken"), 30.0)
        other.rollback()
        assert taken.exception() is None
    assert stored() == ["taken"]
    other.close()
