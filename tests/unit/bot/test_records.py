"""The bot's own tables: one suite, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.databases import make_engine, psycopg_url
from bot.records import Records
from bot.tables import INDEXES, MIGRATIONS, audit, migrations, processes

PLACE = {"channel": "C1", "ts": "1.0"}
AT = datetime(2013, 8, 1, 6, 0, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of an empty database."""
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path}/records.sqlite3"


@pytest.fixture
def records(url: str) -> Iterator[Records]:
    """Records in an empty database."""
    made = Records(make_engine(url))
    made.migrate()
    yield made
    made.engine.dispose()


def test_migrations_run_once_however_many_start(url: str) -> None:
    """Several processes that start at once leave one set of tables."""
    engines = [make_engine(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda engine: Records(engine).migrate(), engines))
    Records(engines[0]).migrate()
    assert Records(engines[0]).open_cards("waiting") == []
    for engine in engines:
        engine.dispose()


def test_card_goes_from_waiting_to_closed(records: Records) -> None:
    """A card is found by its flow and its run, moves with its message, and is closed in the end."""
    records.open_card("c-1", "c-1-run", "m", {"verb": "retrain"}, PLACE)
    records.open_card("c-1", "c-1-run", "m", {"verb": "other"}, PLACE)
    assert [card["job"] for card in records.open_cards("waiting")] == [{"verb": "retrain"}]
    records.watch("c-1", "r-1")
    assert records.open_cards("waiting") == []
    found = records.card("r-1")
    assert found is not None
    assert (found["flow_id"], found["state"], found["run_flow_id"]) == ("c-1", "running", "c-1-run")
    records.move_card("c-1", {"channel": "C2", "ts": "2.0"})
    records.close_card("c-1")
    closed = records.card("c-1")
    assert closed is not None
    assert (closed["channel"], closed["ts"], closed["state"]) == ("C2", "2.0", "closed")
    assert records.open_cards("waiting", "running") == []
    assert records.card("c-2") is None


def test_of_a_long_queue_the_first_are_read_and_all_are_counted(records: Records) -> None:
    """Whoever waits far behind costs the watcher nothing; what is under way is always followed."""
    for model, number in (("m", 9), ("n", 1)):
        for n in range(number):
            records.open_card(f"{model}-{n}", f"{model}-{n}-run", model, {"n": n}, PLACE)
    records.watch("m-0", "r-0")
    records.watch("m-8", "r-8")
    found = [(card["flow_id"], card["open"]) for card in records.watched_cards(near=2)]
    assert found == [("m-0", 9), ("m-1", 9), ("m-2", 9), ("m-8", 9), ("n-0", 1)]
    assert (records.count_open("m"), records.count_open("o")) == (9, 0)


def test_no_look_reads_all_that_ever_was(tmp_path: Path) -> None:
    """What is asked again and again goes by an index, so that a million closed jobs cost nothing."""
    records = Records(make_engine(f"sqlite:///{tmp_path}/looks.sqlite3"))
    records.migrate()
    asked: list[tuple[str, object]] = []
    sa.event.listen(
        records.engine, "before_cursor_execute", lambda _c, _k, sql, values, *_: asked.append((sql, values))
    )
    records.watched_cards(5)
    records.count_open("m")
    records.open_cards("running")
    records.card("r-1")
    records.cards_of("U1", 5)
    records.asked_by("U1", 5)
    records.open_decisions("m")
    looks = [(sql, values) for sql, values in asked if sql.startswith("SELECT")]
    assert len(looks) == 7
    with records.engine.connect() as connection:
        for sql, values in looks:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all()
            scans = [row[3] for row in plan if row[3].startswith("SCAN toban_")]
            assert [scan for scan in scans if "USING" not in scan] == [], (sql, plan)
    records.engine.dispose()


def test_indexes_reach_a_database_that_is_older(url: str) -> None:
    """A database of before the indexes gets them at the next start."""
    engine = make_engine(url)
    Records(engine).migrate()
    with engine.begin() as connection:
        for index in INDEXES:
            index.drop(connection)
        number = MIGRATIONS.index(INDEXES) + 1
        connection.execute(sa.delete(migrations).where(migrations.c.number == number))
    Records(engine).migrate()
    held = sa.inspect(engine)
    names = {one["name"] for table in held.get_table_names() for one in held.get_indexes(table)}
    assert {index.name for index in INDEXES} <= names
    engine.dispose()


def test_first_cancel_is_kept(records: Records) -> None:
    """Who cancelled first is who cancelled."""
    assert records.cancelled_by("c-1") is None
    assert records.cancel("c-1", "U1")
    assert not records.cancel("c-1", "U2")
    assert records.cancelled_by("c-1") == "U1"


def test_one_of_many_presses_has_the_decision(records: Records) -> None:
    """Of presses at one moment one has the decision, also when it asks again, until it gives it back."""
    records.open_decision("d", "m", 2, "sha256:e")
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda number: records.press("d", f"b-{number}", f"U{number}"), range(8)))
    assert won.count(True) == 1
    first = won.index(True)
    assert records.press("d", f"b-{first}", f"U{first}")
    decision = records.decision("d")
    assert decision is not None
    assert decision["by"] == f"U{first}"
    other = (first + 1) % 8
    records.release("d", f"b-{other}")
    assert not records.press("d", f"b-{other}", "U")
    records.release("d", f"b-{first}")
    assert records.press("d", f"b-{other}", "U")


def test_decision_closes_once(records: Records) -> None:
    """The first outcome stays; asking for it again is success, asking for another one is not."""
    records.open_decision("d", "m", 2, "sha256:e")
    records.open_decision("d", "other", 3, "sha256:f")
    assert records.open_decisions("m") == ["d"]
    assert records.press("d", "b-1", "U1")
    assert records.close_decision("d", "promoted", "U1")
    assert records.close_decision("d", "promoted", "U1")
    assert not records.close_decision("d", "rejected", "U2")
    assert not records.press("d", "b-1", "U1")
    assert records.open_decisions("m") == []


def test_expiry_waits_for_a_press_under_way(records: Records) -> None:
    """A decision that somebody has just pressed does not expire under their finger."""
    records.open_decision("d", "m", 2, "sha256:e")
    assert records.press("d", "b-1", "U1")
    assert not records.close_decision("d", "expired", None)
    records.release("d", "b-1")
    assert records.close_decision("d", "expired", None)
    assert records.close_decision("d", "expired", None)


def test_digest_is_claimed_by_one_flow(records: Records) -> None:
    """A due time belongs to the flow that claimed it first, also when the clocks repeat the hour."""
    assert records.claim_digest("daily", AT, "06:00", "f-1")
    assert records.claim_digest("daily", AT, "06:00", "f-1")
    assert not records.claim_digest("daily", AT + timedelta(hours=1), "06:00", "f-2")
    assert records.claim_digest("weekly", AT, "06:00", "f-3")
    assert records.last_digest("daily", AT) is None
    assert records.last_digest("daily", AT + timedelta(seconds=1)) == AT


def test_deed_is_noted_once_for_a_flow(records: Records) -> None:
    """A step that runs twice leaves one line in the audit."""
    records.note("c-1", "U1", "retrain", allowed=True)
    records.note("c-1", "U1", "retrain", allowed=True)
    records.note("c-1", "U1", "promoted")
    with records.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(audit)).scalar() == 2


def test_a_long_deed_is_cut(records: Records) -> None:
    """A command with a long name is noted, also where the database is strict about lengths."""
    records.note("c-1", "U1", "x" * 64 + ": this one", typed="a\x00b")
    with records.engine.connect() as connection:
        assert connection.execute(sa.select(audit.c.what)).scalar() == "x" * 60


def silence(records: Records, executor_id: str) -> None:
    """Let a process have been silent for an hour."""
    before = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1)
    with records.engine.begin() as connection:
        connection.execute(
            sa.update(processes).where(processes.c.executor_id == executor_id).values(heartbeat_at=before)
        )


def test_silent_process_is_taken_over_by_one(records: Records) -> None:
    """Of those that see a process silent, one takes over; the silent one is told by its next beat."""
    for name in ("a", "b", "c"):
        assert records.beat(name)
    silence(records, "a")
    with ThreadPoolExecutor(2) as pool:
        taken = list(pool.map(lambda name: records.take_over_stale(name, timedelta(minutes=1)), ("b", "c")))
    assert sorted(map(len, taken)) == [0, 1]
    assert not records.beat("a")
    assert records.beat("b")


def test_what_a_dead_process_had_taken_over_is_inherited(records: Records) -> None:
    """A process may die before it came to the flows it took over: the next one has them, too."""
    for name in ("a", "b", "c"):
        records.beat(name)
    silence(records, "a")
    records.take_over_stale("b", timedelta(minutes=1))
    silence(records, "b")
    records.take_over_stale("c", timedelta(minutes=1))
    assert sorted(records.taken_over("c")) == ["a", "b"]


def test_process_that_leaves_may_be_replaced_at_once(records: Records) -> None:
    """A process that stopped in order counts as silent, and its leases are free."""
    records.beat("a")
    assert records.hold_lease("watcher", "a", timedelta(minutes=5))
    records.leave("a")
    assert records.take_over_stale("b", timedelta(minutes=1)) == ["a"]
    assert records.hold_lease("watcher", "b", timedelta(minutes=5))


def test_lease_has_one_holder(records: Records) -> None:
    """A lease is renewed by its holder, refused to others, and free when its time is over."""
    assert records.hold_lease("watcher", "a", timedelta(minutes=5))
    assert records.hold_lease("watcher", "a", timedelta(seconds=-1))
    with ThreadPoolExecutor(4) as pool:
        held = list(
            pool.map(lambda name: records.hold_lease("watcher", name, timedelta(minutes=5)), ("b", "c", "d"))
        )
    assert held.count(True) == 1
    assert not records.hold_lease("watcher", "a", timedelta(minutes=5))


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_any_common_form_of_a_postgres_address_is_taken(scheme: str) -> None:
    """Addresses come in several spellings; all mean the same driver."""
    assert psycopg_url(f"{scheme}://u:p@h/db") == "postgresql+psycopg://u:p@h/db"
