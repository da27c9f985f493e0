"""The bot is killed around a deployment; one command, or one push, stays one deployment and one review."""

from __future__ import annotations

import pytest

from tests.stand_ins.deploying_team import DeployingTeam

pytestmark = pytest.mark.faults

DISPATCH = "POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches"
REVIEW = "POST /repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments"


@pytest.mark.parametrize(
    "moment",
    [
        "as it starts",
        "as it is approved",
        pytest.param("during the checks", marks=pytest.mark.slow),
        pytest.param("as it waits", marks=pytest.mark.slow),
    ],
)
def test_killed_around_a_deployment(deploying_team: DeployingTeam, moment: str) -> None:
    """Killed at any moment, the bot goes on: one card, one run, one review, one end."""
    team, github = deploying_team.team, deploying_team.github
    if moment == "during the checks":
        github.hold(workflow="ci.yml", step="Test")
    deploying_team.push("one")
    bot = deploying_team.start_bot()
    if moment == "as it starts":
        github.fault(DISPATCH, cut=True, after=True)
    so_far = github.seq()
    before = team.say("operator", "/ml deploy api")
    if moment == "during the checks":
        team.seen(before, "It waits for 1 of 1 checks")
    elif moment == "as it starts":
        github.wait_for(
            lambda event: event["kind"] == "run" and event.get("action") == "requested", after=so_far
        )
    else:
        team.seen(before, "please approve or reject above")
        team.stored("work", "call the reviewers")
    if moment == "as it is approved":
        waits = team.seen(before, "waits for an approval by")
        github.fault(REVIEW, cut=True, after=True)
        team.slack.press("owner", waits, "work.approve")
        run = deploying_team.runs("deploy.yml")[0]
        github.wait_for_run(run["id"])
    bot.kill()
    github.clear_faults()
    github.clear_holds()
    github.release(workflow="ci.yml", step="Test")
    deploying_team.start_bot()
    if moment != "as it is approved":
        waits = team.seen(before, "waits for an approval by")
        then = team.slack.seq()
        team.slack.press("owner", waits, "work.approve")
        team.private(then, "GitHub took it")
    done = team.state(before, "done")
    assert "production is done" in done["plain"]
    runs = deploying_team.runs("deploy.yml")
    said = github.api("GET", f"/repos/acme/flights/actions/runs/{runs[0]['id']}/approvals").json()
    assert (len(runs), len(said), len(team.cards())) == (1, 1, 1)


def test_killed_around_a_push(deploying_team: DeployingTeam) -> None:
    """What was pushed while no bot ran is deployed by the next one, once."""
    team = deploying_team.team
    bot = deploying_team.start_bot()
    deploying_team.noticed()
    bot.kill()
    before = team.slack.seq()
    sha = deploying_team.push("one")
    deploying_team.start_bot().kill()
    deploying_team.start_bot()
    assert f"staging {sha[:7]} → staging is done" in team.state(before, "done")["plain"]
    assert (len(deploying_team.runs("staging.yml")), len(team.cards())) == (1, 1)


def test_killed_as_the_card_of_a_push_is_posted(deploying_team: DeployingTeam) -> None:
    """A post is found although the settings give its channel by name, not by id."""
    team = deploying_team.team
    bot = deploying_team.start_bot()
    deploying_team.noticed()
    team.slack.fault("chat.postMessage", after=True, hang_seconds=600)
    before = team.slack.seq()
    deploying_team.push("one")
    team.seen(before, "staging")
    bot.kill()
    deploying_team.start_bot()
    team.state(before, "done")
    assert len(team.cards()) == 1
