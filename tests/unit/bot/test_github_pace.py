"""Limits of GitHub that are to last: how many jobs are read, and how long a scope is left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.connectors.github_pace import Allowance, Pace, jobs_at_once, read_allowance, rest_seconds
from bot.connectors.wire import HttpReply

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(minutes=40)


@pytest.mark.parametrize(("left", "jobs"), [(5000, 10), (2500, 10), (1250, 5), (100, 1), (0, 1)])
def test_fewer_jobs_are_read_as_the_limit_runs_out(left: int, jobs: int) -> None:
    """With half of the limit left nothing is saved."""
    assert jobs_at_once(Allowance(5000, left, UNTIL)) == jobs


@pytest.mark.parametrize(
    ("counted", "left", "scopes", "seconds"),
    [
        (20, 5000, 1, 0.0),
        (0, 1000, 1, 0.0),
        (2, 1700, 1, 4.0),
        (2, 1700, 3, 12.0),
        (11, 501, 1, 20.0),
        (0, 0, 1, 0.0),
    ],
)
def test_rest_after_a_look(counted: int, left: int, scopes: int, seconds: float) -> None:
    """What is left above the reserve is spread over the time that is left, among all scopes."""
    assert rest_seconds(counted, Allowance(5000, left, UNTIL), NOW, scopes) == seconds


class GitHub:
    """A client of which only the count of its requests is asked, with a clock that the test moves."""

    def __init__(self) -> None:
        self.sent, self.unchanged, self.seconds = 0, 0, 0.0
        self.allowance: Allowance | None = None

    def now(self) -> datetime:
        """Return the moment."""
        return NOW + timedelta(seconds=self.seconds)

    def ask(self, pace: Pace, scope: str, requests: int) -> bool:
        """Look at a scope with so many requests unless it rests; return whether it was looked at."""
        if pace.rests(scope):
            return False
        with pace.look(scope):
            self.sent += requests
        return True


def test_a_busy_scope_beside_quiet_ones_is_looked_at_each_time() -> None:
    """Nine quiet scopes that take one request each do not make the busy one wait, nor it them."""
    github = GitHub()
    pace = Pace(github)
    for _ in range(200):
        assert github.ask(pace, "busy", 11)
        assert all(github.ask(pace, f"quiet-{number}", 1) for number in range(9))
        github.seconds += 3.0


def test_all_scopes_together_keep_the_minute() -> None:
    """However many scopes are asked for however often, it is ten requests a second and a few before."""
    github = GitHub()
    pace = Pace(github)
    for _ in range(120):
        for number in range(50):
            github.ask(pace, f"scope-{number}", 11)
        github.seconds += 0.5
    assert 600 <= github.sent <= 600 + 50 + 11


def test_what_is_dear_lets_only_its_own_scope_rest() -> None:
    """With little left of the hour a scope that took something rests; one that took nothing does not."""
    github = GitHub()
    github.allowance = Allowance(5000, 501, UNTIL)
    pace = Pace(github)
    assert github.ask(pace, "dear", 11)
    with pace.look("free"):
        github.sent += 1
        github.unchanged += 1
    github.seconds = 10.0
    assert pace.rests("dear")
    assert not pace.rests("free")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "7"},
        {"x-ratelimit-limit": "0", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"},
        {"x-ratelimit-limit": "30", "x-ratelimit-remaining": "7", "x-ratelimit-reset": "1",
         "x-ratelimit-resource": "search"},
        {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "7", "x-ratelimit-reset": "9" * 20},
        {"x-ratelimit-limit": "9" * 5000, "x-ratelimit-remaining": "\u00b2", "x-ratelimit-reset": "soon"},
    ],
)  # fmt: skip
def test_what_says_nothing_of_the_hour(headers: dict[str, str]) -> None:
    """A server without limits, limits of other resources and what is no number are passed over."""
    assert read_allowance(HttpReply(200, headers, {})) is None
    assert jobs_at_once(None) == 10
    assert rest_seconds(5, None, NOW) == 0.0
