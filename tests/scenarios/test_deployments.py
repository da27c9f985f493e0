"""Deployments from Slack, with a GitHub whose workflows, checks and environments really work."""

from __future__ import annotations

from tests.stand_ins.deploying_team import DeployingTeam


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
    listed = team.told("operator", "/ml deploy")
    assert f"`{sha[:7]}` (`main`) by toban" in listed
    assert "staging" in listed
