"""Experiments beside the loopback GitHub: its issues hold them, and the runs they start really run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from playground.github.settings import Repository
from playground.github.under_test import GitHubUnderTest
from tests.stand_ins.function_app import MODEL
from tests.stand_ins.team import OVER_ALL, Team, over

pytestmark = over(OVER_ALL)

NAME = "acme/flights"
ISSUES = "/repos/{owner}/{repo}/issues"
TRY = """
name: Try
run-name: Try ${{ inputs.months }} months (${{ inputs.toban_id }})
on:
  workflow_dispatch:
    inputs:
      months: {type: number, required: true}
      toban_id: {}
jobs:
  try:
    runs-on: ubuntu-latest
    steps:
      - name: Try
        run: |
          echo '::notice title=toban-report::{"metrics": [{"name": "mae", "value": 14.9, "unit": "min"}]}'
"""
TOML = f"""
[github]
repositories = ["{NAME}"]
experiments = "{NAME}"
"""
PURPOSE = "Do six months do as well as twelve?"


class Experimenters:
    """A team whose experiments are issues of the loopback GitHub."""

    def __init__(self, team: Team, github: GitHubUnderTest) -> None:
        self.team = team
        self.github = github
        team.more_env = {"GITHUB_API_URL": github.url, "GITHUB_TOKEN": github.token_text}

    def start_bot(self) -> None:
        """Start a bot that looks at runs ten times a second."""
        self.team.start_bot("--work-seconds", "0.1")

    def issues(self) -> list[dict[str, Any]]:
        """Return the repository's issues, newest first."""
        found: list[dict[str, Any]] = self.github.api("GET", f"/repos/{NAME}/issues?state=all").json()
        return found

    def runs(self) -> list[dict[str, Any]]:
        """Return the repository's runs."""
        found: list[dict[str, Any]] = self.github.api("GET", f"/repos/{NAME}/actions/runs").json()[
            "workflow_runs"
        ]
        return found


@pytest.fixture
def experimenters(
    new_team: Callable[..., Team],
    make_repo: Callable[..., Repository],
    start_github: Callable[..., GitHubUnderTest],
) -> Experimenters:
    """A team with a repository; the bot is started by the test."""
    github = start_github(repositories={NAME: make_repo({".github/workflows/try.yml": TRY})})
    return Experimenters(new_team(more=TOML), github)


def test_from_the_form_to_the_result_in_the_issue(experimenters: Experimenters) -> None:
    """No purpose, no start; then the issue, the run and its numbers in it; the same again is pointed out."""
    team, github = experimenters.team, experimenters.github
    experimenters.start_bot()
    before = team.say("operator", '/ml experiment start run try.yml months=6 method="Half a year only."')
    view = team.slack.wait_for(
        lambda one: one["kind"] in ("view_opened", "view_changed") and "Purpose" in one.get("plain", ""),
        after=before,
    )["view"]
    assert not team.slack.submit("operator", {}, view)["ok"]
    assert (experimenters.issues(), experimenters.runs()) == ([], [])

    assert team.slack.submit("operator", {"Purpose": PURPOSE}, view)["ok"]
    team.seen(before, "The result is in the issue: #1")
    (issue,), (run,) = experimenters.issues(), experimenters.runs()
    assert (issue["title"], [one["name"] for one in issue["labels"]]) == (PURPOSE, ["experiment"])
    assert "Half a year only." in issue["body"]
    assert "| mae | 14.9 min | – |" in issue["body"]
    assert f"(<{run['html_url']}>)" in issue["body"]
    assert run["display_title"].startswith("Try 6 months (")

    before = team.say("operator", f'/ml experiment start run try.yml months=6 purpose="{PURPOSE}"')
    asked = team.state(before, "decision")
    assert f"#1* {PURPOSE}" in asked["plain"]
    team.slack.press("operator", asked, "experiment.stop")
    team.seen(before, "nothing was recorded")
    assert (len(experimenters.issues()), len(experimenters.runs())) == (1, 1)
    assert github.api("GET", f"/repos/{NAME}/issues/1/comments").json() == []


@pytest.mark.faults
def test_an_answer_about_the_issue_is_lost(experimenters: Experimenters) -> None:
    """GitHub wrote the issue and its answer was cut off: it is found, not written twice; the run begins."""
    team, github = experimenters.team, experimenters.github
    experimenters.start_bot()
    github.fault(f"POST {ISSUES}", cut=True, after=True)
    before = team.say("operator", f'/ml experiment start run try.yml months=6 purpose="{PURPOSE}"')
    team.seen(before, "The result is in the issue: #1")
    assert (len(experimenters.issues()), len(experimenters.runs())) == (1, 1)


@pytest.mark.faults
@pytest.mark.slow
def test_github_is_away_while_the_issue_is_written(experimenters: Experimenters) -> None:
    """Nothing begins before the record is there; it is written once, when GitHub is back."""
    team, github = experimenters.team, experimenters.github
    experimenters.start_bot()
    github.fault(f"POST {ISSUES}", status=503)
    before = team.say("operator", f'/ml experiment start retrain {MODEL} until=2013-06 purpose="{PURPOSE}"')
    team.seen(before, "Experiment #1")
    assert team.started()["params"] == {"until": "2013-06"}
    assert len(experimenters.issues()) == 1
    assert github.counts()["endpoints"][f"POST {ISSUES}"]["requests"] == 2
