"""Who comes first goes first, within one second and over restarts."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dbos import EnqueueOptions

from bot.line import LAST, NUMBERED_SINCE, Line

NOW = datetime(2027, 3, 1, tzinfo=UTC)


class Clock:
    """A clock that stands where a test puts it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> float:
        """Return seconds since 1970."""
        return self.at.timestamp()


def places(line: Line, count: int) -> list[int]:
    """Return the next numbers."""
    return [line.next_place() for _ in range(count)]


def test_numbers_grow_within_a_moment_and_with_a_clock_that_goes_back() -> None:
    """No two flows have the same place, and no later one an earlier place."""
    clock = Clock(NOW)
    line = Line(numbered=True, clock=clock)
    first = places(line, 50)
    clock.at -= timedelta(hours=1)
    both = [*first, *places(line, 50)]
    assert both == sorted(set(both))


def test_a_restart_goes_on_behind_those_that_wait() -> None:
    """Whoever comes after a restart, a moment later, stands behind those who came before it."""
    clock = Clock(NOW)
    (before,) = places(Line(numbered=True, clock=clock), 1)
    clock.at += timedelta(seconds=1)
    assert places(Line(numbered=True, clock=clock), 1)[0] > before


@pytest.mark.parametrize("year", [2020, 2026, 2042, 2090])
def test_numbers_are_such_as_the_engine_takes(year: int) -> None:
    """The engine takes 1 to 2,147,483,647, whatever the clock says."""
    assert datetime.fromtimestamp(NUMBERED_SINCE, UTC).year == 2026
    line = Line(numbered=True, clock=Clock(NOW.replace(year=year)))
    assert all(1 <= one <= LAST for one in places(line, 3))


def test_where_the_database_keeps_the_order_nothing_is_added() -> None:
    """On PostgreSQL the engine's own times are exact, and are those of one clock."""
    options: EnqueueOptions = {"workflow_name": "run", "queue_name": "runs"}
    assert Line(numbered=False).add_to(options) == options
    assert Line(numbered=True).add_to(options)["priority"] > 0


def test_flows_of_a_partition_run_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    """Eight that come within a second, whose ids say nothing, run one after the other as they came."""
    program = [sys.executable, "-m", "tests.stand_ins.lined_up", f"sqlite:///{tmp_path / 'bot.db'}"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == list(range(8))
