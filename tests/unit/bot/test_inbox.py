"""The inbox: each request waits once and begins once; one suite, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from dbos import error as engine_errors

from bot.databases import make_engine
from bot.inbox import Inbox
from bot.tables import inbox as inbox_table

begun = sa.Table("begun", sa.MetaData(), sa.Column("id", sa.Text), sa.Column("said", sa.Text))


class Client:
    """Stands in for the engine's client: notes what begins; what is taken has begun under another name."""

    def __init__(self) -> None:
        self.dies_at = ""

    def enqueue_in_transaction(self, connection: sa.Connection, options: Any, *args: Any) -> None:
        """Note a flow."""
        if options["workflow_id"] == "taken":
            raise engine_errors.DBOSConflictingWorkflowError("taken", "another name")
        connection.execute(sa.insert(begun).values(id=options["workflow_id"], said=args[0]["said"]))
        if options["workflow_id"] == self.dies_at:
            raise ConnectionError("the process was killed")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """A database with an empty inbox."""
    url = f"sqlite:///{tmp_path}/bot.sqlite3"
    made = make_engine(url if request.param == "sqlite" else request.getfixturevalue("postgres_url"))
    with made.begin() as connection:
        inbox_table.create(connection)
        begun.create(connection)
    yield made
    made.dispose()


@pytest.fixture
def client() -> Client:
    """The engine's client."""
    return Client()


@pytest.fixture
def inbox(engine: sa.Engine, client: Any) -> Inbox:
    """The inbox."""
    return Inbox(engine, client)


def put(inbox: Inbox, engine: sa.Engine, *flow_ids: str, said: str = '"ä' + "\\u0000" + '"') -> None:
    """Store requests in one transaction."""
    rows = [
        {"flow_id": one, "flow": "predict", "queue": "requests", "args": f'[{{"said":{said}}}]'}
        for one in flow_ids
    ]
    with engine.begin() as connection:
        inbox.put(connection, rows)


def ids(engine: sa.Engine, column: sa.Column[str]) -> list[str]:
    """Return what a column holds, in the order in which it was written."""
    with engine.connect() as connection:
        return list(connection.execute(sa.select(column)).scalars())


def test_requests_begin_in_order_and_leave(inbox: Inbox, engine: sa.Engine) -> None:
    """The oldest begin first, as many as are asked for, with their arguments; then none is left."""
    put(inbox, engine, "c-9", "c-1", said='"one"')
    put(inbox, engine, "c-5", said='"two"')
    assert [inbox.begin_flows(2), inbox.begin_flows(2), inbox.begin_flows(2)] == [2, 1, 0]
    assert ids(engine, begun.c.id) == ["c-9", "c-1", "c-5"]
    assert ids(engine, begun.c.said) == ["one", "one", "two"]
    assert ids(engine, inbox_table.c.flow_id) == []


def test_what_waits_already_waits_once(inbox: Inbox, engine: sa.Engine) -> None:
    """A request that comes again, in its own batch or in another, changes nothing."""
    put(inbox, engine, "c-1", "c-1", "c-2", said='"first"')
    put(inbox, engine, "c-2", "c-3", "c-1", said='"again"')
    assert inbox.begin_flows(9) == 3
    assert ids(engine, begun.c.id) == ["c-1", "c-2", "c-3"]
    assert ids(engine, begun.c.said) == ["first", "first", "again"]


def test_killed_between_two_flows_none_of_them_has_begun(
    inbox: Inbox, engine: sa.Engine, client: Client
) -> None:
    """To begin flows and to take their rows away is one thing: either all of it has happened or nothing."""
    put(inbox, engine, "c-1", "c-2", "c-3", said='"one"')
    client.dies_at = "c-2"
    with pytest.raises(ConnectionError):
        inbox.begin_flows(9)
    assert ids(engine, begun.c.id) == []
    client.dies_at = ""
    assert inbox.begin_flows(9) == 3
    assert ids(engine, begun.c.id) == ["c-1", "c-2", "c-3"]


def test_what_was_another_flow_before_holds_nobody_up(inbox: Inbox, engine: sa.Engine) -> None:
    """A request whose id has begun under another name, as after an upgrade, is passed over."""
    put(inbox, engine, "c-1", "taken", "c-2", said='"one"')
    assert inbox.begin_flows(9) == 3
    assert ids(engine, begun.c.id) == ["c-1", "c-2"]
    assert ids(engine, inbox_table.c.flow_id) == []


def test_one_that_cannot_be_begun_holds_nobody_up(inbox: Inbox, engine: sa.Engine, client: Client) -> None:
    """It stays where it is, and the others begin in their order."""
    put(inbox, engine, "c-1", "c-2", "c-3", said='"one"')
    client.dies_at = "c-2"
    inbox.begin_each(9)
    assert ids(engine, begun.c.id) == ["c-1", "c-3"]
    assert ids(engine, inbox_table.c.flow_id) == ["c-2"]


def test_several_processes_begin_each_request_once(engine: sa.Engine, client: Any) -> None:
    """Those that begin flows at the same time share them out."""
    inboxes = [Inbox(engine, client) for _ in range(4)]
    flow_ids = [f"c-{number:03}" for number in range(200)]
    put(inboxes[0], engine, *flow_ids, said='"one"')

    def empty(one: Inbox) -> int:
        return sum(iter(lambda: one.begin_flows(7), 0))

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(empty, inboxes))
    assert sum(counts) == 200
    assert sorted(ids(engine, begun.c.id)) == flow_ids
