"""When digests are due: the latest due time, what was missed, and the hours that clocks repeat or skip."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.databases import make_engine
from bot.flows.digest import _claim, latest_due, local_time, missed_dues, overdue, schedule_flow_id
from bot.records import Records
from bot.team_file import DigestTable

DAILY = DigestTable(name="daily", cron="30 9 * * *", time_zone="Asia/Tokyo", channel="C1")
NIGHTLY = DigestTable(name="nightly", cron="30 2 * * *", time_zone="Europe/Berlin", channel="C1")


def at(text: str) -> datetime:
    """Return an aware UTC time."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2013-08-01T00:30:00", "2013-08-01T00:30:00"),
        ("2013-08-01T00:29:59", "2013-07-31T00:30:00"),
        ("2013-08-01T12:00:00", "2013-08-01T00:30:00"),
    ],
)
def test_latest_due_time(now: str, due: str) -> None:
    """A due time counts from its very second on."""
    assert latest_due(DAILY, at(now)) == at(due)


def test_missed_times_lie_between() -> None:
    """Neither the last digest's time nor this one's is a missed one."""
    missed = missed_dues(DAILY, at("2013-07-28T00:30:00"), at("2013-08-01T00:30:00"))
    assert missed == [at("2013-07-29T00:30:00"), at("2013-07-30T00:30:00"), at("2013-07-31T00:30:00")]


def test_hour_that_comes_twice_gives_one_claim(tmp_path: Path) -> None:
    """In autumn 02:30 comes twice; whichever the schedule gives, one digest is claimed for that night."""
    records = Records(make_engine(f"sqlite:///{tmp_path}/x.sqlite3"))
    records.migrate()
    both = [at("2024-10-27T00:30:00"), at("2024-10-27T01:30:00")]
    won = [
        records.claim_digest(NIGHTLY.name, due, local_time(NIGHTLY, due), schedule_flow_id(NIGHTLY, due))
        for due in both
    ]
    assert won == [True, False]
    records.engine.dispose()


@pytest.mark.parametrize("night", ["2024-10-26", "2024-10-27", "2024-03-30", "2024-03-31"])
def test_one_night_brings_at_most_one_missed_time_more(night: str) -> None:
    """Around the changes of the clock a week still has seven digests."""
    start = at(f"{night}T12:00:00")
    nights = {local_time(NIGHTLY, due)[:10] for due in missed_dues(NIGHTLY, start, start + timedelta(days=7))}
    assert len(nights) == 7


def test_flow_id_is_the_schedulers_own() -> None:
    """A due time that the scheduler has begun is not begun again under another id."""
    due = latest_due(DAILY, at("2013-08-01T12:00:00"))
    assert schedule_flow_id(DAILY, due) == "sched-digest-daily-2013-08-01T09:30:00+09:00"


def test_what_fell_due_is_served_once_and_nothing_from_before(tmp_path: Path) -> None:
    """A new digest owes nothing; one that fell due after it was first seen is owed until it is claimed."""
    records = Records(make_engine(f"sqlite:///{tmp_path}/x.sqlite3"))
    records.migrate()
    desk = cast("Any", SimpleNamespace(records=records))
    assert overdue(desk, DAILY, at("2013-08-01T06:00:00")) is None
    assert overdue(desk, DAILY, at("2013-08-01T23:00:00")) is None
    due = overdue(desk, DAILY, at("2013-08-04T06:00:00"))
    assert due == at("2013-08-04T00:30:00")
    records.claim_digest(DAILY.name, due, local_time(DAILY, due), "f")
    assert overdue(desk, DAILY, at("2013-08-04T06:00:00")) is None
    assert overdue(desk, DAILY, at("2013-08-05T06:00:00")) == at("2013-08-05T00:30:00")
    records.engine.dispose()


def test_late_digest_leaves_its_place_to_a_later_one(tmp_path: Path) -> None:
    """A due time whose turn comes after the next one is due is left out: the later digest covers it."""
    records = Records(make_engine(f"sqlite:///{tmp_path}/x.sqlite3"))
    records.migrate()
    now = at("2013-08-03T06:00:00")
    desk = cast("Any", SimpleNamespace(records=records, now=lambda: now))
    assert _claim(desk, DAILY, at("2013-08-02T00:30:00")) is None
    since = _claim(desk, DAILY, at("2013-08-03T00:30:00"))
    assert since is not None
    assert datetime.fromisoformat(since) == at("2013-08-02T00:30:00")
    now = at("2013-08-04T06:00:00")
    assert _claim(desk, DAILY, at("2013-08-04T00:30:00")) == "2013-08-03T00:30:00+00:00"
    records.engine.dispose()
