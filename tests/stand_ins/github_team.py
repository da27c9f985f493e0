"""A team whose repository has workflows: bots with a scripted GitHub beside Slack, as a fixture."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.stand_ins.bot_process import BotProcess
from tests.stand_ins.function_app import MODEL
from tests.stand_ins.github import REPOSITORY, TOKEN, GitHub
from tests.stand_ins.team import Team

TOML = f"""
[github]
repositories = ["{REPOSITORY}"]
experiments = "{REPOSITORY}"

[[github.workflows]]
file = "plain.yml"
roles = ["owner"]
confirm = true
"""
TRAIN = """
name: Train
run-name: Train ${{ inputs.model }} ${{ inputs.toban_id }}
on:
  workflow_dispatch:
    inputs:
      model: {required: true}
      since: {}
      until: {}
      toban_id: {}
jobs: {}
"""
TRAINED_TOML = f"""
[models.{MODEL}.retrain]
repository = "{REPOSITORY}"
workflow = "train.yml"
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

    def retrain(self, text: str = "until=2013-06") -> tuple[int, dict[str, Any]]:
        """Type `/ml retrain …` for the model that a workflow trains; return the event before, and the run."""
        known = len(self.github.runs)
        before = self.team.say("operator", f"/ml retrain {MODEL} {text}")
        self.github.wait_until(lambda: len(self.github.runs) > known)
        return before, self.github.runs[0]

    def finish(self, run: dict[str, Any], **report: Any) -> dict[str, Any]:
        """Let the workflow train into the registry and report *report*; return the registry's run."""
        made = self.team.functions.train_elsewhere()
        content = {"version": str(made["result"]["version"]), "run_id": made["run_id"], **report}
        self.github.add_report(run, json.dumps(content).encode())
        self.github.end(run)
        return made

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


@pytest.fixture
def trained_team(new_team: Callable[..., Team], github: GitHub) -> GitHubTeam:
    """A team whose first model is trained by a workflow; the bot is started by the test."""
    github.files["train.yml"] = TRAIN
    return GitHubTeam(new_team(more=TOML + TRAINED_TOML), github)
