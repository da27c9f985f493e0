"""What watching costs at GitHub, by GitHub's own count: it grows with repositories, and hardly with runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.connectors.github_pace import MOST_JOBS
from tests.stand_ins.watched_runs import STEPS, watched_runs

LOOKS = 4


@pytest.mark.parametrize(("repositories", "runs"), [(1, 2), (1, 60), (3, 24)])
def test_one_list_for_each_repository_and_look(tmp_path: Path, repositories: int, runs: int) -> None:
    """However many runs go on, a look is one list for each repository, and the jobs of at most ten."""
    with watched_runs(tmp_path, repositories) as watched:
        watched.begin(runs)
        watched.settle()
        with watched.counted() as asked:
            watched.look(LOOKS)
        assert asked.lists == LOOKS * repositories
        assert asked.sent <= LOOKS * repositories * (1 + MOST_JOBS)
        assert (asked.counted, asked.unchanged) == (0, asked.sent)


def test_a_run_that_moves_costs_one_request(tmp_path: Path) -> None:
    """Of thirty runs three come to their next step: GitHub counts three requests, for their jobs."""
    with watched_runs(tmp_path) as watched:
        watched.begin(30)
        watched.settle()
        drawn = len(watched.nobody.drawn)
        watched.move(*watched.runs[:3])
        for run in watched.runs[:3]:
            watched.github.wait_for_step(run, "Part 2")
        with watched.counted() as asked:
            watched.look(LOOKS)
        assert asked.counted == 3
        flows = [f"c-{run}" for run in watched.runs[:3]]
        assert sorted(watched.nobody.drawn[drawn:]) == flows


def test_many_subscriptions_are_one_list(tmp_path: Path) -> None:
    """Fifty subscriptions to a repository cost what one costs, also where its runs are watched."""
    with watched_runs(tmp_path, 2) as watched:
        for repository in watched.repositories:
            watched.subscribe(repository, 50)
        watched.begin(4)
        watched.settle()
        with watched.counted() as asked:
            watched.look(LOOKS)
        assert asked.lists == LOOKS * 2
        assert asked.counted == 0


def test_looks_come_seldomer_before_the_limit_is_used_up(tmp_path: Path) -> None:
    """Where all moves all the time, GitHub's hour is not used up: cards are drawn later instead."""
    with watched_runs(tmp_path, requests_per_hour=200) as watched:
        watched.begin(12)
        watched.settle()
        for _ in range(STEPS - 5):
            watched.begin(1)
            watched.move(*watched.runs[:12])
            watched.look()
        counts = watched.github.counts()
        (left,) = (one["remaining"] for name, one in counts["callers"].items() if "toban" in name)
        assert 10 <= left < 100
        assert all(one["refused"] == 0 for one in counts["endpoints"].values())


def test_many_webhooks_do_not_use_up_the_minute(tmp_path: Path) -> None:
    """However often the watcher is told to look at once, GitHub's secondary limit is kept."""
    with watched_runs(tmp_path, enforce_secondary=True) as watched:
        watched.begin(30)
        watched.settle()
        for _ in range(130):
            for run in watched.runs:
                watched.connector.expect_news(watched.handle(run))
            watched.look(seconds=0.5)
        counts = watched.github.counts()
        assert max(counts["busiest_minute_points"].values()) <= 700
        assert all(one["refused"] == 0 for one in counts["endpoints"].values())
