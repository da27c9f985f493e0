"""A team whose repository has workflows: bots with a scripted GitHub beside Slack, as a fixture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.stand_ins.bot_process import BotProcess
from tests.stand_ins.github import REPOSITORY, TOKEN, GitHub
from tests.stand_ins.team import Team

TOML = f"""
[github]
repositories = ["{REPOSITORY}"]

[[github.workflows]]
file = "plain.yml"
roles = ["owner"]
confirm = true
"""
QUICK = ("--work-seconds", "0.1")


class GitHubTeam:
    """A team and its GitHub."""

    def __init__(self, team: Team, github: GitHub) -> None:
        self.team = team
        self.slack = team.slack
        self.github = github
        team.more_env = {"GITHUB_API_URL": github.url, "GITHUB_TOKEN": TOKEN}

    def start_bot(self, *more: str) -> BotProcess:
        """Start a bot that looks at runs ten times a second."""
        return self.team.start_bot(*QUICK, *more)

    def run(self, text: str = "retrain kind=full", who: str = "operator") -> tuple[int, dict[str, Any]]:
        """Type `/ml run …`; return the event before, and the run once GitHub has it."""
        known = len(self.github.runs)
        before = self.team.say(who, f"/ml run {text}")
        self.github.wait_until(lambda: len(self.github.runs) > known)
        return before, self.github.runs[0]


@pytest.fixture
def github() -> Iterator[GitHub]:
    """A GitHub by script."""
    made = GitHub()
    yield made
    made.stop()


@pytest.fixture
def github_team(new_team: Callable[..., Team], github: GitHub) -> GitHubTeam:
    """A team with a repository; the bot is started by the test."""
    return GitHubTeam(new_team(more=TOML), github)
