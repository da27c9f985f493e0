"""Limits of GitHub that are to last: how many jobs are read, and how long a scope is left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.connectors.github_pace import Allowance, jobs_at_once, read_allowance, rest_seconds
from bot.connectors.wire import HttpReply

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(minutes=40)


@pytest.mark.parametrize(("left", "jobs"), [(5000, 10), (2500, 10), (1250, 5), (100, 1), (0, 1)])
def test_fewer_jobs_are_read_as_the_limit_runs_out(left: int, jobs: int) -> None:
    """With half of the limit left nothing is saved."""
    assert jobs_at_once(Allowance(5000, left, UNTIL)) == jobs


@pytest.mark.parametrize(
    ("sent", "counted", "left", "scopes", "seconds"),
    [
        (20, 20, 5000, 1, 2.0),
        (20, 0, 1000, 1, 2.0),
        (2, 2, 1700, 1, 4.0),
        (2, 2, 1700, 3, 12.0),
        (11, 11, 501, 1, 20.0),
        (0, 0, 0, 1, 0.0),
    ],
)
def test_rest_after_a_look(sent: int, counted: int, left: int, scopes: int, seconds: float) -> None:
    """What is left above the reserve is spread over the time that is left, among all scopes."""
    assert rest_seconds(sent, counted, Allowance(5000, left, UNTIL), NOW, scopes) == seconds


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "7"},
        {"x-ratelimit-limit": "0", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"},
        {"x-ratelimit-limit": "30", "x-ratelimit-remaining": "7", "x-ratelimit-reset": "1",
         "x-ratelimit-resource": "search"},
    ],
)  # fmt: skip
def test_what_says_nothing_of_the_hour(headers: dict[str, str]) -> None:
    """An Enterprise Server without limits, and the limits of other resources, are passed over."""
    assert read_allowance(HttpReply(200, {}, headers)) is None
    assert jobs_at_once(None) == 10
    assert rest_seconds(5, 5, None, NOW) == 0.5
