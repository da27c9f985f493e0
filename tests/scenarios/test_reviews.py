"""Approvals of a deployment that do not count, or that GitHub does not take, and one that does."""

from __future__ import annotations

from contextlib import suppress

from playground.control_client import PlaygroundError
from tests.stand_ins.deploying_team import DeployingTeam
from tests.stand_ins.team import OVER_ALL, over

pytestmark = over(OVER_ALL)

REVIEW = "POST /repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments"
MAPPED = 'U01OWNER000 = "octo-owner"\n'


def test_an_approval_counts_once_and_only_where_all_of_it_holds(deploying_team: DeployingTeam) -> None:
    """An unmapped person is told so; what GitHub refuses can be tried again; two presses are one review."""
    team, github = deploying_team.team, deploying_team.github
    known = team.config.read_text(encoding="utf-8")
    team.config.write_text(known.replace(MAPPED, ""), encoding="utf-8")
    bot = deploying_team.start_bot()
    before = team.say("operator", "/ml deploy api")
    waits = team.seen(before, "waits for an approval by")
    called = team.seen(before, "please approve or reject above")

    def told(text: str) -> str:
        then = team.slack.seq()
        team.slack.press("owner", waits, "work.approve")
        return str(team.private(then, text)["plain"])

    assert told("No login is named for you in toban.toml")
    bot.terminate()
    team.config.write_text(known, encoding="utf-8")
    deploying_team.start_bot()
    for status, says, answer in (
        (403, "Resource not accessible by personal access token", "Resource not accessible"),
        (404, "Not Found", "GitHub has no such thing"),
        (422, "No pending deployment requests to approve or reject", "No pending deployment requests"),
    ):
        github.fault(REVIEW, status=status, message=says)
        assert told(answer)
    run = deploying_team.runs("deploy.yml")[0]
    approvals = f"/repos/acme/flights/actions/runs/{run['id']}/approvals"
    assert github.api("GET", approvals).json() == []
    said = team.slack.press("owner", waits, "work.approve")
    team.slack.redeliver(said["delivery"], times=2)
    with suppress(PlaygroundError):  # the card may have moved on by now
        team.slack.press("owner", waits, "work.approve")
    done = team.state(called["seq"], "done")
    assert "production approved by @owner as `octo-owner`" in done["plain"]
    assert len(github.api("GET", approvals).json()) == 1
