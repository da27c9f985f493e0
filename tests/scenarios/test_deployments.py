"""Deployments from Slack, with a GitHub whose workflows, checks and environments really work."""

from __future__ import annotations

from tests.stand_ins.deploying_team import DeployingTeam
from tests.stand_ins.team import OVER_ALL, over

pytestmark = over(OVER_ALL)


def test_from_command_to_result_with_an_approval(deploying_team: DeployingTeam) -> None:
    """One card shows commit, checks, the approval by a mapped person, and where the result can be seen."""
    team, github = deploying_team.team, deploying_team.github
    sha = deploying_team.push("one", message="Make it fast")
    deploying_team.start_bot()
    before = team.say("operator", "/ml deploy api")
    waits = team.seen(before, "waits for an approval by")
    assert "Make it fast" in waits["plain"]
    assert "1 of 1 checks passed" in waits["plain"]
    assert "octo-owner" in waits["plain"]
    called = team.seen(before, "please approve or reject above")
    assert "@owner" in called["plain"]
    assert called["message"]["thread_ts"] == waits["message"]["ts"]
    team.slack.press("operator", waits, "work.approve")
    assert "for the role owner" in team.private(called["seq"])["plain"]
    team.slack.press("owner", waits, "work.approve")
    assert "*production* is approved" in team.private(called["seq"], "GitHub took it")["plain"]
    done = team.state(called["seq"], "done")
    assert f"api {sha[:7]} → production is done" in done["plain"]
    assert "production approved by @owner as `octo-owner`" in done["plain"]
    assert "https://flights.example" in str(done["message"]["blocks"])
    run = deploying_team.runs("deploy.yml")[0]
    said = github.api("GET", f"/repos/acme/flights/actions/runs/{run['id']}/approvals").json()[0]
    assert (said["user"]["login"], said["state"]) == ("octo-bot", "approved")
    assert "octo-owner (U01OWNER000)" in said["comment"]
    assert len(team.cards()) == 1
    shown = team.told("viewer", f"/ml show {team.flow('deploy')}")
    assert f"api {sha[:7]} → production · done" in shown
    assert run["html_url"] in shown
    listed = team.told("operator", "/ml deploy")
    assert f"`{sha[:7]}` (`main`) by toban" in listed
    assert "staging" in listed


def test_checks_are_waited_for_and_one_that_fails_ends_it(deploying_team: DeployingTeam) -> None:
    """Nothing starts while a check runs; a failing one is named on the card, and the requester is called."""
    team, github = deploying_team.team, deploying_team.github
    github.hold(workflow="ci.yml", step="Test")
    sha = deploying_team.push("one")
    deploying_team.start_bot()
    before = team.say("operator", "/ml deploy api")
    live = team.seen(before, "It waits for 1 of 1 checks")
    assert "test" in live["plain"]
    assert f"api {sha[:7]} → production" in team.told("owner", "/ml deploy api")
    assert "is being deployed already" in team.told("owner", f"/ml deploy api {sha}")
    assert "Being deployed" not in live["plain"]
    assert "by @operator since" in team.told("owner", "/ml deploy")
    github.release(conclusion="failure", workflow="ci.yml", step="Test")
    done = team.state(before, "done")
    assert "was not started" in done["plain"]
    assert "Failed: test of 1." in done["plain"]
    called = team.seen(done["seq"], "was not started")
    assert "@operator" in called["plain"]
    assert deploying_team.runs("deploy.yml") == []
    github.clear_holds()


def test_slips_and_refusals(deploying_team: DeployingTeam) -> None:
    """What cannot be deployed is told privately, with what was perhaps meant; nothing begins."""
    team = deploying_team.team
    deploying_team.start_bot()
    assert "Did you mean `api`" in team.told("operator", "/ml deploy apy")
    assert "no such branch, tag or commit" in team.told("operator", "/ml deploy api mian")
    assert "Did you mean `main`" in team.told("operator", "/ml deploy api mian")
    assert "stands alone" in team.told("operator", "/ml deploy api main now")
    assert "there is no such input" in team.told("operator", "/ml deploy api speed=fast").casefold()
    assert "for the role owner" in team.told("operator", "/ml deploy model")
    assert "roles do not cover" in team.told("viewer", "/ml deploy api")
    assert team.cards() == []


def test_environments_that_cannot_be_used(deploying_team: DeployingTeam) -> None:
    """An environment that is not there or may not be read is told; without a name all targets are listed."""
    team, github = deploying_team.team, deploying_team.github
    deploying_team.start_bot()
    assert "names no such environment" in team.told("owner", "/ml deploy unprotected")
    assert "Did you mean `production`" in team.told("owner", "/ml deploy nowhere")
    listed = team.told("operator", "/ml deploy")
    assert "Nothing is deployed there yet." in listed
    assert "each push to `main`" in listed
    github.fault(
        "GET /repos/{owner}/{repo}/environments/{environment_name}",
        status=403,
        message="Resource not accessible by personal access token",
    )
    assert "Resource not accessible" in team.told("operator", "/ml deploy api")
    assert team.cards() == []


def test_who_may_not_decide_and_a_rejection(deploying_team: DeployingTeam) -> None:
    """Nobody approves their own deployment; a rejection on GitHub ends the card, and it can run again."""
    team, github = deploying_team.team, deploying_team.github
    deploying_team.start_bot()
    before = team.say("owner", "/ml deploy api")
    waits = team.seen(before, "waits for an approval by")
    team.slack.press("owner", waits, "work.approve")
    assert "approve what they asked for themselves" in team.private(before, "Nobody may")["plain"]
    run = deploying_team.runs("deploy.yml")[0]
    github.review("octo-owner", run["id"], "production", "rejected", "not today")
    done = team.state(waits["seq"], "done")
    assert "The deployment was rejected. It was octo-owner who rejected production." in done["plain"]
    assert "production rejected by `octo-owner` on GitHub: not today" in done["plain"]
    then = team.slack.seq()
    team.slack.press("owner", done, "work.rerun")
    again = team.seen(then, "attempt 2")
    github.review("octo-owner", run["id"], "production", "approved")
    assert "is done" in team.state(again["seq"], "done")["plain"]
    assert len(team.cards()) == 1


def test_each_push_is_deployed_once(deploying_team: DeployingTeam) -> None:
    """A new head is deployed without a command, an old one is not; a push whose checks fail ends plainly."""
    team, github = deploying_team.team, deploying_team.github
    deploying_team.push("before the bot came")
    deploying_team.start_bot()
    team.told("operator", "/ml deploy")
    deploying_team.noticed()
    before = team.slack.seq()
    sha = deploying_team.push("one", message="Make it fast")
    done = team.state(before, "done")
    assert f"staging {sha[:7]} → staging is done" in done["plain"]
    assert "Pushed to `main` by developer." in done["plain"]
    assert "asked by github:developer" in done["plain"]
    github.outcome("failure", "broken", workflow="ci.yml", step="Test")
    before = team.slack.seq()
    deploying_team.push("two")
    ended = team.state(before, "done")
    assert "Failed: test of 1." in ended["plain"]
    assert [run["head_sha"] for run in deploying_team.runs("staging.yml")] == [sha]
    assert len(team.cards()) == 2


def test_branch_that_moves_meanwhile(deploying_team: DeployingTeam) -> None:
    """What was shown is what is deployed: a branch that moves during the checks ends it, and says to what."""
    team, github = deploying_team.team, deploying_team.github
    deploying_team.push("one", "next")
    github.hold(workflow="ci.yml", step="Test")
    deploying_team.push("two", "next")
    deploying_team.start_bot()
    before = team.say("operator", "/ml deploy api next")
    team.seen(before, "It waits for 1 of 1 checks")
    github.clear_holds()
    moved = deploying_team.push("three", "next")
    github.release(workflow="ci.yml", step="Test")
    done = team.state(before, "done")
    assert f"Now next is {moved[:7]}, not" in done["plain"]
    assert deploying_team.runs("deploy.yml") == []


def test_deployment_over_the_api(deploying_team: DeployingTeam) -> None:
    """Confirmed first; the card follows the states that whoever carries it out reports, to the address."""
    team, github = deploying_team.team, deploying_team.github
    deploying_team.start_bot()
    before = team.say("owner", "/ml deploy model main")
    asked = team.state(before, "decision")
    team.slack.press("owner", asked, "work.start")
    made = deploying_team.deployment("models")
    path = f"/repos/acme/flights/deployments/{made['id']}/statuses"
    github.api("POST", path, {"state": "in_progress", "description": "copying"})
    team.seen(before, "copying")
    github.api("POST", path, {"state": "success", "environment_url": "https://models.example"})
    done = team.state(asked["seq"], "done")
    assert "→ models is done" in done["plain"]
    assert "https://models.example" in str(done["message"]["blocks"])
    assert made["payload"]["toban_id"].startswith("c-")
    assert f"`{made['sha'][:7]}`" in team.told("owner", "/ml deploy")


def test_ordinary_run_that_waits(deploying_team: DeployingTeam) -> None:
    """`/ml run` of a workflow whose environment asks people shows that too, with the same buttons."""
    team = deploying_team.team
    deploying_team.start_bot()
    before = team.say("operator", "/ml run deploy.yml")
    waits = team.seen(before, "waits for an approval by `octo-owner`")
    team.seen(before, "please approve or reject above")
    then = team.slack.seq()
    team.slack.press("owner", waits, "work.reject")
    done = team.state(then, "done")
    assert "production rejected by @owner as `octo-owner`" in done["plain"]
    assert "The deployment was rejected." in done["plain"]
