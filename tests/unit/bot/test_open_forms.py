"""Open forms are found by their digest, by any process, until they are old."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from bot import open_forms
from bot.databases import make_engine
from bot.forms import Form
from bot.open_forms import OpenForms
from bot.records import Records


@pytest.fixture
def sql(tmp_path: Path) -> Iterator[Engine]:
    """A database with the bot's tables."""
    engine = make_engine(f"sqlite:///{tmp_path}/bot.sqlite3")
    Records(engine).migrate()
    yield engine
    engine.dispose()


def form(title: str = "Predict") -> Form:
    """Return a form."""
    return Form(verb="predict", schema_={"properties": {"b": {}, "a": {}}}, channel="C1", title=title)


def test_another_process_finds_it(sql: Engine) -> None:
    """A form comes back whole, with its fields in their order; keeping it again changes nothing."""
    first = OpenForms(sql)
    digest = first.keep(form())
    assert first.keep(form()) == digest
    found = OpenForms(sql).find(digest)
    assert found == form()
    assert found.digest == digest
    assert OpenForms(sql).find("0" * 64) is None


def test_old_ones_are_deleted(sql: Engine) -> None:
    """What nobody opened for long is gone."""
    digest = OpenForms(sql).keep(form())
    OpenForms(sql).delete_before(datetime.now(UTC) - timedelta(days=1))
    assert OpenForms(sql).find(digest) is not None
    OpenForms(sql).delete_before(datetime.now(UTC) + timedelta(days=1))
    assert OpenForms(sql).find(digest) is None


def test_memory_is_bounded(sql: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the latest forms are remembered; the others are read again."""
    monkeypatch.setattr(open_forms, "MOST_REMEMBERED", 2)
    kept = OpenForms(sql)
    digests = [kept.keep(form(f"t{number}")) for number in range(5)]
    assert len(kept._known) == 2
    assert all(kept.find(digest) is not None for digest in digests)
