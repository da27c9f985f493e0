"""The bot is killed around the writing of an experiment's issue; it stays one issue and one run."""

from __future__ import annotations

import threading

import pytest

from tests.stand_ins.github_team import GitHubTeam

pytestmark = pytest.mark.faults

TEXT = '/ml experiment start run retrain kind=quick purpose="Is quick enough?"'


def test_killed_between_the_issue_and_its_checkpoint(github_team: GitHubTeam) -> None:
    """GitHub wrote the issue and no answer came: after the restart it is found, and not written again."""
    team, github = github_team.team, github_team.github
    bot = github_team.start_bot()
    github.lose = {"POST .*/issues$"}
    before = team.say("operator", TEXT)
    github.wait_until(lambda: len(github.issues) == 1)
    bot.kill()
    github.lose = set()
    github_team.start_bot()
    team.seen(before, "Experiment #1")
    github.wait_until(lambda: len(github.runs) == 1)
    github.end(github.runs[0])
    team.seen(before, "The result is in the issue: #1")
    assert (len(github.issues), len(github.runs)) == (1, 1)


def test_killed_while_the_result_is_written(github_team: GitHubTeam) -> None:
    """Cut off while it writes the result, the bot writes it after its restart: once, and in the body."""
    team, github = github_team.team, github_team.github
    bot = github_team.start_bot()
    before = team.say("operator", TEXT)
    github.wait_until(lambda: len(github.runs) == 1)
    team.stored("experiment_record", "remember the issue")
    github.hold = {"/issues/1$": threading.Event()}
    github.end(github.runs[0])
    github.wait_until(lambda: github.count("GET", "/issues/1$") > 0)
    bot.kill()
    github.hold.pop("/issues/1$").set()
    github_team.start_bot()
    team.seen(before, "The result is in the issue: #1")
    assert str(github.issues[0]["body"]).count("**Succeeded**") == 1
    assert github.comments.get(1) is None
