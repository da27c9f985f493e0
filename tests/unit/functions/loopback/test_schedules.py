"""Azure's six-field timer schedules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from functions.loopback.schedules import BadSchedule, Schedule

NOON = datetime(2013, 7, 4, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*/30 * * * * *", datetime(2013, 7, 4, 12, 0, 30, tzinfo=UTC)),
        ("0 * * * * *", datetime(2013, 7, 4, 12, 1, tzinfo=UTC)),
        ("15 5 * * * *", datetime(2013, 7, 4, 12, 5, 15, tzinfo=UTC)),
        ("0 0 9 * * 1", datetime(2013, 7, 8, 9, 0, tzinfo=UTC)),
        ("0 30 9 1 * *", datetime(2013, 8, 1, 9, 30, tzinfo=UTC)),
    ],
)
def test_next_due_time(expression: str, expected: datetime) -> None:
    """The first field is seconds, the last the weekday, and the next time lies after the given one."""
    assert Schedule(expression).next_after(NOON) == expected


def test_due_times_are_in_utc_whatever_the_moment_is_in() -> None:
    """A moment in another zone is the same moment."""
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    assert Schedule("0 0 13 * * *").next_after(tokyo) == datetime(2013, 7, 4, 13, 0, tzinfo=UTC)


@pytest.mark.parametrize("expression", ["* * * * *", "61 * * * * *", "a b c d e f", ""])
def test_other_expressions_are_refused(expression: str) -> None:
    """Five fields, values out of range and words are an error at start."""
    with pytest.raises(BadSchedule):
        Schedule(expression)
