"""The intake: what is submitted is stored, once, and its flow begins; in a rush acks come first."""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot import intake as intake_module
from bot.databases import make_engine
from bot.inbox import Inbox
from bot.intake import BATCH, FLOWS_BETWEEN, STORED_BETWEEN, Entry, Intake
from bot.tables import inbox as inbox_table

SECONDS = 60.0


class Log(Inbox):
    """The inbox, which tells what is done in which order, and hangs where it is told to."""

    def __init__(self, engine: sa.Engine, client: Any) -> None:
        super().__init__(engine, client)
        self.done: list[tuple[str, int]] = []
        self.hung, self.go = threading.Event(), threading.Event()
        self.tried: list[str] = []
        self.changed = threading.Condition()

    def put(self, connection: sa.Connection, rows: Sequence[Mapping[str, str]]) -> None:
        """Write rows; an insert that waits for another transaction's hangs, as in PostgreSQL."""
        self.tried += [row["flow_id"] for row in rows]
        if any("hang" in row["args"] for row in rows):
            self.hung.set()
            assert self.go.wait(SECONDS)
        super().put(connection, rows)
        self.note("stored", len(rows))

    def begin_flows(self, most: int) -> int:
        """Begin flows and tell how many."""
        count = super().begin_flows(most)
        self.note("begun", count)
        return count

    def count(self, what: str) -> int:
        """Return how many were stored, or begun, so far."""
        return sum(number for name, number in self.done if name == what)

    def wait_for(self, what: str, number: int) -> None:
        """Wait until so many were stored, or begun."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.done and self.count(what) >= number, SECONDS)

    def note(self, what: str, count: int) -> None:
        """Remember that something was done."""
        with self.changed:
            self.done.append((what, count))
            self.changed.notify_all()


class Client:
    """Stands in for the engine's client: writes flows into a table."""

    def enqueue_in_transaction(self, connection: sa.Connection, options: Any, *args: Any) -> None:
        """Store a flow, once for its id."""
        statement = "INSERT OR IGNORE INTO flows VALUES (?)"
        connection.exec_driver_sql(statement, (options["workflow_id"],))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "bot.sqlite3"


@pytest.fixture
def engine(path: Path) -> Iterator[sa.Engine]:
    """The bot's own way to it."""
    made = make_engine(f"sqlite:///{path}")
    with made.begin() as connection:
        inbox_table.create(connection)
        connection.exec_driver_sql("CREATE TABLE flows (id TEXT PRIMARY KEY)")
    yield made
    made.dispose()


@pytest.fixture
def begun(engine: sa.Engine) -> Callable[[], list[str]]:
    """Tell which flows have begun."""

    def read() -> list[str]:
        with engine.connect() as connection:
            return [row[0] for row in connection.exec_driver_sql("SELECT id FROM flows ORDER BY id")]

    return read


@pytest.fixture
def stored(engine: sa.Engine, begun: Callable[[], list[str]]) -> Callable[[], list[str]]:
    """Tell what is on disk, whether its flow has begun or not."""

    def read() -> list[str]:
        with engine.connect() as connection:
            waiting = connection.execute(sa.select(inbox_table.c.flow_id)).scalars().all()
        return sorted({*waiting, *begun()})

    return read


@pytest.fixture
def inbox(engine: sa.Engine) -> Log:
    """The inbox."""
    client: Any = Client()
    return Log(engine, client)


@pytest.fixture
def intake(engine: sa.Engine, inbox: Log) -> Iterator[Intake]:
    """An intake that has not been started yet."""
    made = Intake(engine, inbox, lambda _: inbox.note("rush", 1))
    yield made
    if made._thread.ident is not None:
        made.stop()


class Hasty(Future[None]):
    """What somebody waits for whose patience ends once *event* has come."""

    def __init__(self, event: threading.Event) -> None:
        super().__init__()
        self._event = event

    def result(self, timeout: float | None = None) -> None:
        """Wait for the event, and hardly longer."""
        assert self._event.wait(SECONDS)
        super().result(0.01)


def entry(flow_id: str, *args: Any) -> Entry:
    """Return a flow to store."""
    return Entry("predict", "requests", flow_id, args)


def names(count: int) -> list[str]:
    """Return so many flow ids, in order."""
    return [f"{number:03}" for number in range(count)]


def test_what_is_submitted_is_on_disk(intake: Intake, stored: Callable[[], list[str]]) -> None:
    """Submit returns when the request is stored, and one that is known already is success."""
    intake.start()
    intake.submit(entry("a"))
    assert stored() == ["a"]
    intake.submit(entry("a"))
    intake.submit(entry("b"))
    assert stored() == ["a", "b"]


def test_poisoned_request_harms_no_other(intake: Intake, stored: Callable[[], list[str]]) -> None:
    """Of a batch in which one cannot be stored, all others are, and that one is told why."""
    entries = [entry(name) for name in names(100)]
    entries[40] = entry("040", object())
    with ThreadPoolExecutor(len(entries)) as pool:
        waiting = [pool.submit(intake.submit, one, 30.0) for one in entries]
        intake.start()
        failed = [number for number, one in enumerate(waiting) if one.exception() is not None]
    assert failed == [40]
    assert stored() == [name for name in names(100) if name != "040"]


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
    intake: Intake, inbox: Log, stored: Callable[[], list[str]], others: int
) -> None:
    """Who was refused because an insert hung is not served when it goes on; who still waits is."""
    entries = [entry(f"taken-{number}") for number in range(others)]
    with ThreadPoolExecutor(others + 1) as pool:
        taken = [pool.submit(intake.submit, one, 30.0) for one in entries]
        hasty = replace(entry("refused", "hang"), stored=Hasty(inbox.hung))
        refused = pool.submit(intake.submit, hasty)
        intake.start()
        assert isinstance(refused.exception(SECONDS), TimeoutError)
        inbox.go.set()
        assert [one.exception(30) for one in taken] == [None] * others
    intake.submit(entry("with the next"))
    assert stored() == sorted([*(one.flow_id for one in entries), "with the next"])
    assert inbox.tried.count("refused") == 1


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


def rush(intake: Intake, count: int) -> None:
    """Let *count* requests wait at once, then start the intake; return once all are stored."""
    with ThreadPoolExecutor(count) as pool:
        waiting = [pool.submit(intake.submit, entry(name), 30.0) for name in names(count)]
        while intake._waiting.qsize() < count:
            threading.Event().wait(0.001)
        intake.start()
        for one in waiting:
            one.result(30)


def test_who_comes_alone_is_served_at_once(
    intake: Intake, inbox: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flow of a request with none beside it begins without waiting for anything."""
    intake.start()
    inbox.wait_for("begun", 0)  # the look at what was left before
    monkeypatch.setattr(intake_module, "QUIET_SECONDS", 3600.0)
    monkeypatch.setattr(intake_module, "LOOK_SECONDS", 3600.0)
    intake.submit(entry("a"))
    inbox.wait_for("begun", 1)
    assert inbox.count("rush") == 0


def test_in_a_rush_acks_come_first(intake: Intake, inbox: Log) -> None:
    """While people wait for their acks no flow begins and others stand back; after that all begin."""
    rush(intake, BATCH + 10)
    inbox.wait_for("begun", BATCH + 10)
    assert [name for name, count in inbox.done if count][:4] == ["stored", "rush", "stored", "rush"]


def test_in_a_long_rush_flows_go_on(intake: Intake, inbox: Log) -> None:
    """However long people keep coming, a few flows begin between their acks."""
    rush(intake, STORED_BETWEEN + BATCH)
    kinds = [(name, count) for name, count in inbox.done if count]
    last = max(at for at, (name, _) in enumerate(kinds) if name == "stored")
    assert ("begun", FLOWS_BETWEEN) in kinds[:last]


def test_requests_begin_in_the_order_of_their_acks(
    intake: Intake, inbox: Log, begun: Callable[[], list[str]], engine: sa.Engine
) -> None:
    """Who was stored first is begun first."""
    rush(intake, 20)
    inbox.wait_for("begun", 20)
    with engine.connect() as connection:
        order = connection.exec_driver_sql("SELECT id FROM flows ORDER BY rowid").scalars().all()
    assert order == [name for name in inbox.tried if name in set(begun())]


def test_what_a_dead_process_left_is_begun_at_start(
    intake: Intake, inbox: Log, engine: sa.Engine, begun: Callable[[], list[str]]
) -> None:
    """Requests that were acked, and whose flows had not begun, begin with the next process."""
    with engine.begin() as connection:
        inbox.put(connection, [intake_module._row(entry(name)) for name in names(50)])
    intake.start()
    inbox.wait_for("begun", 50)
    assert begun() == names(50)


def test_an_end_in_order_leaves_nothing_behind(intake: Intake, begun: Callable[[], list[str]]) -> None:
    """What was acked before the end has begun before the end."""
    rush(intake, 100)
    intake.stop()
    assert begun() == names(100)


def test_flows_that_could_not_begin_begin_later(
    intake: Intake, inbox: Log, begun: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trouble while flows are begun harms no ack, and they begin when it is over."""
    monkeypatch.setattr(intake_module, "LOOK_SECONDS", 0.01)
    troubles = itertools.count()

    def troubled(*_: Any) -> None:
        if next(troubles) < 3:
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error

    enqueue = inbox._client.enqueue_in_transaction
    monkeypatch.setattr(inbox._client, "enqueue_in_transaction", lambda *given: (troubled(), enqueue(*given)))
    intake.start()
    intake.submit(entry("a"))
    inbox.wait_for("begun", 1)
    assert begun() == ["a"]
    assert next(troubles) > 3


def test_one_flow_that_cannot_begin_holds_up_no_other(
    intake: Intake, inbox: Log, begun: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request whose flow cannot be begun stays behind; those after it begin."""
    enqueue = inbox._client.enqueue_in_transaction

    def troubled(connection: sa.Connection, options: Any, *args: Any) -> None:
        if options["workflow_id"] == "a":
            raise ValueError("of no use")
        enqueue(connection, options, *args)

    monkeypatch.setattr(inbox._client, "enqueue_in_transaction", troubled)
    intake.start()
    intake.submit(entry("a"))
    intake.submit(entry("b"))
    intake.stop()
    assert begun() == ["b"]
