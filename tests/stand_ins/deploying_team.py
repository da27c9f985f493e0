"""A team that deploys: bots beside the loopback GitHub, whose workflows really run, as a fixture."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from playground.github.settings import Environment, Repository, Token
from playground.github.under_test import GitHubUnderTest
from tests.stand_ins.bot_process import BotProcess
from tests.stand_ins.team import ARRIVALS, WAIT_SECONDS, Team

REPOSITORY = "acme/flights"
CI = """
name: ci
on: push
permissions: {}
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - name: Test
        run: echo tested
"""
DEPLOY = """
name: deploy
on:
  workflow_dispatch:
    inputs:
      sha: {type: string}
permissions: {}
jobs:
  deploy:
    runs-on: ubuntu-latest
    environment: {name: production, url: "https://flights.example"}
    steps:
      - name: Roll out
        run: echo rolled out
"""
STAGING = DEPLOY.replace("production", "staging")
TOML = f"""
[github]
repositories = ["{REPOSITORY}"]

[github.people]
U01OWNER000 = "octo-owner"
U01OPERATOR = "octo-operator"

[github.deployments.api]
repository = "{REPOSITORY}"
environment = "production"
workflow = "deploy.yml"
roles = ["operator"]

[github.deployments.staging]
repository = "{REPOSITORY}"
environment = "staging"
workflow = "staging.yml"
branch = "main"
on_push = true
channel = "#{ARRIVALS}"

[github.deployments.unprotected]
repository = "{REPOSITORY}"
environment = "models"
workflow = "deploy.yml"

[github.deployments.nowhere]
repository = "{REPOSITORY}"
environment = "prodction"
workflow = "deploy.yml"

[github.deployments.model]
repository = "{REPOSITORY}"
environment = "models"
checks = "none"
confirm = true
"""
QUICK = ("--work-seconds", "0.1", "--push-seconds", "0.1", "--settle-seconds", "0.2")


class DeployingTeam:
    """A team and its GitHub: `production` asks octo-owner or the bot's reviewing user, `staging` nobody."""

    def __init__(self, team: Team, github: GitHubUnderTest, review_token: str) -> None:
        self.team = team
        self.slack = team.slack
        self.github = github
        team.more_env = {
            "GITHUB_API_URL": github.url,
            "GITHUB_TOKEN": github.token_text,
            "GITHUB_REVIEW_TOKEN": review_token,
            "GITHUB_WEBHOOK_SECRET": github.webhook_secret,
        }

    def start_bot(self, *more: str) -> BotProcess:
        """Start a bot that looks at everything ten times a second."""
        return self.team.start_bot(*QUICK, *more)

    def push(self, text: str, ref: str = "main", message: str = "Change") -> str:
        """Push a commit; return its hash. Its checks run by themselves."""
        return str(self.github.push(REPOSITORY, ref, {"code.txt": text}, message)["sha"])

    def noticed(self) -> None:
        """Wait until the bot has noted where the branch is that it deploys on push."""
        asked = "GET /repos/{owner}/{repo}/git/ref/{ref:path}"
        pause, deadline = threading.Event(), time.monotonic() + WAIT_SECONDS
        while self.github.counts()["endpoints"].get(asked, {}).get("not_modified", 0) == 0:
            assert time.monotonic() < deadline
            pause.wait(0.05)

    def deployment(self, environment: str) -> dict[str, Any]:
        """Wait until there is a deployment of *environment*; return it."""
        path = f"/repos/{REPOSITORY}/deployments?environment={environment}"
        pause, deadline = threading.Event(), time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            found: list[dict[str, Any]] = self.github.api("GET", path).json()
            if found:
                return found[0]
            pause.wait(0.05)
        raise AssertionError("there is no deployment")

    def runs(self, file: str) -> list[dict[str, Any]]:
        """Return the runs of a workflow, newest first."""
        path = f"/repos/{REPOSITORY}/actions/workflows/{file}/runs"
        found: list[dict[str, Any]] = self.github.api("GET", path).json()["workflow_runs"]
        return found


@pytest.fixture
def deploying_team(
    new_team: Callable[..., Team],
    make_repo: Callable[..., Repository],
    start_github: Callable[..., GitHubUnderTest],
) -> DeployingTeam:
    """A team with a repository; the bot is started by the test."""
    files = {
        f".github/workflows/{name}": text
        for name, text in (("ci.yml", CI), ("deploy.yml", DEPLOY), ("staging.yml", STAGING))
    }
    asks = Environment(reviewers=("octo-owner", "octo-bot"), prevent_self_review=True)
    repository = make_repo(
        files, environments={"production": asks, "staging": Environment(), "models": Environment()}
    )
    tokens = (
        Token(login="toban", token=SecretStr("ghp_" + "loopback")),
        Token(login="octo-bot", token=SecretStr("ghp_" + "reviews")),
    )
    github = start_github(repositories={REPOSITORY: repository}, tokens=tokens)
    return DeployingTeam(new_team(more=TOML), github, "ghp_" + "reviews")
