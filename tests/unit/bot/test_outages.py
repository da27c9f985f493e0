"""What a step writes waits for the bot's own database, and only for that."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from bot.databases import make_engine
from bot.outages import MOST_SECONDS, is_away, is_repeated, through_outages


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    """A database of the bot that waits for no lock."""
    made = make_engine(f"sqlite:///{tmp_path}/bot.sqlite3")
    with made.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE things (name TEXT)")
    return made


def writing(engine: sa.Engine) -> Callable[[], str]:
    """Return an action that writes a row."""

    def write() -> str:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout = 0")
            connection.exec_driver_sql("INSERT INTO things VALUES ('a')")
            connection.commit()
        return "done"

    return write


def test_a_lock_is_waited_for(engine: sa.Engine, tmp_path: Path) -> None:
    """The action is done again, after ever longer pauses, until the lock is let go of."""
    other = sqlite3.connect(tmp_path / "bot.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 7:
            other.execute("ROLLBACK")

    assert through_outages(writing(engine), pause) == "done"
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, MOST_SECONDS, MOST_SECONDS]
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM things").scalar_one() == 1
    other.close()
    engine.dispose()


def test_a_full_disk_is_waited_for(engine: sa.Engine) -> None:
    """A database that may not grow takes the row once it may."""
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()

    def write() -> str:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 1000 * len(pauses)}")
            connection.exec_driver_sql("INSERT INTO things VALUES (zeroblob(1000000))")
            connection.commit()
        return "done"

    pauses: list[float] = []
    assert through_outages(write, pauses.append) == "done"
    assert len(pauses) == 1
    engine.dispose()


def test_a_mistake_is_not_repeated(engine: sa.Engine) -> None:
    """What no waiting can mend is raised at once."""

    def write() -> None:
        with engine.connect() as connection:
            connection.exec_driver_sql("INSERT INTO nothing_such VALUES (1)")

    with pytest.raises(OperationalError, match="no such table"):
        through_outages(write, pytest.fail)
    engine.dispose()


@pytest.mark.parametrize(
    ("orig", "away"),
    [
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.DiskFull(), True),
        (psycopg.OperationalError("connection refused"), True),
        (psycopg.errors.UniqueViolation(), False),
        (psycopg.errors.UndefinedTable(), False),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else "",
)
def test_what_postgres_may_mend(orig: Exception, away: bool) -> None:
    """A server that ends, has no room or is not there may come back; wrong words stay wrong."""
    assert is_away(DBAPIError("INSERT", None, orig)) is away


def test_no_connection_left_is_waited_for() -> None:
    """A pool that is empty for a moment is no failure."""
    assert is_away(NoConnectionLeft())


def test_a_repetition_knows_that_it_is_one() -> None:
    """From the second time on, and not any more once it is done; what holds it back is asked before each."""
    seen: list[bool | str] = []

    def act() -> str:
        seen.append(is_repeated())
        if len(seen) < 5:
            raise NoConnectionLeft
        return through_outages(lambda: "done")

    def held() -> None:
        seen.append("held")

    assert through_outages(act, lambda _: None, held) == "done"
    assert seen == [False, "held", True, "held", True]
    assert not is_repeated()
