"""The ledgers of calls and webhooks: one suite, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.calls import Calls, Standing
from bot.databases import make_engine
from bot.deliveries import Deliveries
from bot.records import Records
from bot.tables import MIGRATIONS, metadata, migrations

SOON = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Records]:
    """An empty database."""
    url = f"sqlite:///{tmp_path}/records.sqlite3"
    made = Records(make_engine(url if request.param == "sqlite" else request.getfixturevalue("postgres_url")))
    yield made
    made.engine.dispose()


def test_a_database_of_the_first_release_is_brought_up_to_date(records: Records) -> None:
    """Where the first migration was made long ago, the tables of calls and webhooks are added."""
    with records.engine.begin() as connection:
        metadata.create_all(connection, tables=[migrations, *MIGRATIONS[0]])
        connection.execute(sa.insert(migrations).values(number=1))
    records.migrate()
    assert Deliveries(records.engine).of("glue") == []
    assert Calls(records.engine).find(["c-1"]) == {}


def test_a_signed_request_is_claimed_once(records: Records) -> None:
    """Of many that bring the same signature at once, one has it; after a month it is forgotten."""
    records.migrate()
    ledger = Deliveries(records.engine)
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda at: ledger.claim("s", "retrain", f"h-{at}"), range(8)))
    assert sorted(claims) == [False] * 7 + [True]
    ledger.delete_before(SOON)
    assert ledger.claim("s", "retrain", "h-9")


def test_a_delivery_is_followed_to_its_first_ending(records: Records) -> None:
    """Attempts are counted with what came of them; what has ended stays so, and goes after a month."""
    records.migrate()
    ledger = Deliveries(records.engine)
    ledger.open("e-1-to-glue", "glue", "run.finished", "{}")
    ledger.tried("e-1-to-glue", "status 503")
    ledger.open("e-1-to-glue", "glue", "run.finished", "other")
    ledger.tried("e-1-to-glue", "status 200")
    ledger.close("e-1-to-glue", "delivered", "status 200")
    ledger.close("e-1-to-glue", "given_up", "late")
    ledger.tried("e-1-to-glue", "late")
    (row,) = ledger.of("glue")
    assert (row["state"], row["attempts"], row["detail"], row["body"]) == ("delivered", 2, "status 200", "{}")
    ledger.open("e-2-to-glue", "glue", "run.finished", "{}")
    ledger.delete_before(SOON)
    assert [row["id"] for row in ledger.of("glue")] == ["e-2-to-glue"]


def test_a_call_is_claimed_followed_and_kept(records: Records) -> None:
    """A key is claimed once; an ended call stays as it ended; only an unsent one can be forgotten."""
    records.migrate()
    ledger = Calls(records.engine)
    assert ledger.begin("c-1", "fill") is None
    known = ledger.begin("c-1", "fill")
    assert known is not None
    assert known.standing is None
    ledger.forget("c-1")
    assert ledger.begin("c-1", "fill") is None
    assert ledger.note("c-1", Standing(state="running", status_path="/r/1"))
    ledger.forget("c-1")
    assert ledger.note("c-1", Standing(state="succeeded", answer={"a": [1]}))
    assert not ledger.note("c-1", Standing(state="failed"))
    call = ledger.find(["c-1", "c-2"])["c-1"]
    assert call.ended
    assert call.standing == Standing(state="succeeded", answer={"a": [1]})
    ledger.delete_before(SOON)
    assert ledger.find(["c-1"]) == {}
