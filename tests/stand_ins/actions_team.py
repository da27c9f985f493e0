"""A team on a loopback GitHub, whose runs really run: bots told by webhook, or only by their own looking."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from playground.github.settings import Repository
from playground.github.under_test import GitHubUnderTest
from tests.stand_ins.bot_process import BotProcess
from tests.stand_ins.team import WAIT_SECONDS, Json, Team

NAME = "acme/flights"
TOML = f"""
[github]
repositories = ["{NAME}"]
"""
WORKFLOW = """
name: {name}
on:
  push:
  workflow_dispatch:
permissions: {{}}
jobs:
  ship:
    runs-on: ubuntu-latest
    steps: [{{name: Build, run: "true"}}]
"""
FILES = {
    f".github/workflows/{file}": WORKFLOW.format(name=name)
    for file, name in (("deploy.yml", "Deploy"), ("checks.yml", "Checks"))
}
SLOW_TICKS = "600"
"""Seconds between two looks of a bot that is told by webhook: what is quicker came by one."""


class ActionsTeam:
    """A team, its GitHub, and what its channel is told of runs."""

    def __init__(self, team: Team, github: GitHubUnderTest) -> None:
        self.team = team
        self.slack = team.slack
        self.github = github
        team.more_env = {
            "GITHUB_API_URL": github.url,
            "GITHUB_TOKEN": github.token_text,
            "GITHUB_WEBHOOK_SECRET": github.webhook_secret,
        }

    def start_bot(self, *more: str, hooked: bool = False, ticks: str | None = None, **env: str) -> BotProcess:
        """Start a bot; *hooked*, it looks seldom by itself and is told by webhooks."""
        bot = self.team.start_bot("--work-seconds", ticks or (SLOW_TICKS if hooked else "0.1"), *more, **env)
        self.github.send_webhooks_to(self.door(bot) if hooked else None)
        return bot

    @staticmethod
    def door(bot: BotProcess) -> str:
        """Where a bot takes GitHub's events."""
        return bot.address.replace("/slack/events", "/github/events")

    def subscribe(self, text: str = NAME, where: str = "ml-arrivals") -> Json:
        """Subscribe a channel; return what it is told, once that is kept."""
        before = self.team.say("operator", f"/ml subscribe {text}", where)
        said = self.team.event(before, "message_posted", "This channel hears of")
        self.team.stored("subscribe", "remember the subscription")  # it is said first, then kept
        return said

    def run(
        self, conclusion: str = "success", log: str = "", file: str = "deploy.yml", ref: str = "main"
    ) -> int:
        """Let a workflow run to its end; return the run's number."""
        self.github.outcome(conclusion, log, workflow=file, step="Build")
        run = self.github.dispatch(NAME, file, ref)
        self.github.wait_for_run(run)
        return run

    def rerun(self, run: int, attempt: int, conclusion: str = "success", log: str = "") -> None:
        """Run a run again, to its end."""
        self.github.outcome(conclusion, log, run_id=run, step="Build")
        assert self.github.api("POST", f"/repos/{NAME}/actions/runs/{run}/rerun").status_code == 201
        self.github.wait_for_run(run, attempt=attempt)

    def posted(self, after: int, text: str) -> Json:
        """Return the first message posted after *after* that holds *text*."""
        return self.team.event(after, "message_posted", text)

    def edited(self, after: int, text: str) -> Json:
        """Return the first edit after *after* that holds *text*."""
        return self.slack.wait_for(
            lambda event: event["kind"] == "message_changed" and text in event.get("plain", ""),
            WAIT_SECONDS,
            after,
        )

    def messages(self, where: str = "ml-arrivals") -> list[str]:
        """Return what the channel has been told of runs, without replies."""
        told = [one["plain"] for one in self.slack.messages(where, "owner") if not _is_reply(one)]
        return [text for text in told if "This channel hears" not in text]


def _is_reply(message: Json) -> bool:
    return message.get("thread_ts") not in (None, message["ts"])


@pytest.fixture
def actions_team(
    new_team: Callable[..., Team],
    start_github: Callable[..., GitHubUnderTest],
    make_repo: Callable[..., Repository],
) -> ActionsTeam:
    """A team with a repository of two workflows; the bot is started by the test."""
    github = start_github(repositories={NAME: make_repo(FILES)})
    return ActionsTeam(new_team(more=TOML), github)
