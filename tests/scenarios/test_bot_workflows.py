"""Workflows from Slack: listed, started, followed, cancelled, run again, and each refusal in words."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from tests.stand_ins.function_app import MODEL
from tests.stand_ins.github import Answer, GitHub
from tests.stand_ins.github_team import GitHubTeam
from tests.stand_ins.team import OVER_ALL, over

pytestmark = over(OVER_ALL)


def test_from_start_to_the_report(github_team: GitHubTeam) -> None:
    """One message shows jobs and steps live, then what the run reports; a reply calls who asked."""
    team, github = github_team.team, github_team.github
    github_team.start_bot()
    before, run = github_team.run('retrain kind=quick months=3 note="a b" where=staging')
    assert {name: run["inputs"][name] for name in ("kind", "months", "note", "where")} == {
        "kind": "quick",
        "months": "3.0",
        "note": "a b",
        "where": "staging",
    }
    card = team.state(before, "open")
    github.set_job(run, ("load", "completed", "success"), ("fit", "in_progress", None))
    live = team.seen(before, "fit")
    assert "Retrain in acme/flights · running" in live["plain"]
    assert live["message"]["ts"] == card["message"]["ts"]
    github.add_report(run, json.dumps({"metrics": [{"name": "mae", "value": 14.9, "unit": "min"}]}).encode())
    github.end(run)
    done = team.state(before, "done")
    assert "Retrain in acme/flights is done" in done["plain"]
    assert "14.9 min" in done["plain"]
    called = team.seen(done["seq"], "@operator")
    assert called["message"]["thread_ts"] == card["message"]["ts"]
    assert (len(github.runs), len(team.cards())) == (1, 1)


def test_failure_and_rerun_of_what_failed(github_team: GitHubTeam) -> None:
    """A failure names its step and first error line; Rerun failed goes on in the same message, once."""
    team, github = github_team.team, github_team.github
    github_team.start_bot()
    before, run = github_team.run()
    github.set_job(run, ("fit", "completed", "failure"))
    github.logs[run["id"] * 10] = "2026-11-01T12:00:01.0Z ValueError: no rows\n"
    github.end(run, "failure")
    failed = team.state(before, "done")
    assert "A step failed. Train › fit: ValueError: no rows" in failed["plain"]
    team.seen(failed["seq"], "@operator")

    before = team.slack.seq()
    team.slack.press("viewer", failed, "work.rerun_failed")
    assert "roles do not cover" in team.private(before)["plain"]
    github.hold = {"/rerun": threading.Event()}
    team.slack.press("operator", failed, "work.rerun_failed")
    github.wait_until(lambda: github.count("POST", "/rerun") == 1)
    then = team.slack.seq()
    team.slack.press("owner", failed, "work.rerun_failed")
    assert "Somebody was quicker" in team.private(then)["plain"]
    github.hold.pop("/rerun").set()
    team.seen(before, "attempt 2")
    then = team.slack.seq()
    github.end(run)
    done = team.state(then, "done")
    assert "is done" in done["plain"]
    assert done["message"]["ts"] == failed["message"]["ts"]
    assert run["run_attempt"] == 2


def test_cancel_by_button_and_on_github(github_team: GitHubTeam) -> None:
    """Who pressed Cancel is named; a run that was cancelled on GitHub says so."""
    team, github = github_team.team, github_team.github
    github_team.start_bot()
    before, run = github_team.run()
    live = team.seen(before, "running")
    team.slack.press("owner", live, "work.cancel")
    assert "was cancelled* by @owner" in team.state(before, "done")["plain"]
    assert run["conclusion"] == "cancelled"
    before, run = github_team.run()
    github.end(run, "cancelled")
    assert "was cancelled*, not from here" in team.state(before, "done")["plain"]
    before, run = github_team.run()
    team.seen(before, "running")
    team.say("operator", f"/ml cancel {run['id']}")
    assert "was cancelled* by @operator" in team.state(before, "done")["plain"]
    assert "ended already" in team.told("operator", f"/ml cancel {run['id']}")


def test_start_that_must_be_confirmed(github_team: GitHubTeam) -> None:
    """Where the settings say so, an owner's press comes before the start, and Don't start ends it."""
    team, github = github_team.team, github_team.github
    github_team.start_bot()
    assert "for the role owner" in team.told("operator", "/ml run plain")
    before = team.say("owner", "/ml run plain ref=next")
    asked = team.state(before, "decision")
    assert "`next`" in asked["plain"]
    then = team.slack.seq()
    team.slack.press("operator", asked, "work.start")
    assert "for the role owner" in team.private(then)["plain"]
    assert github.runs == []
    team.slack.press("owner", asked, "work.start")
    github.wait_until(lambda: len(github.runs) == 1)
    assert github.runs[0]["head_branch"] == "next"
    before = team.say("owner", "/ml run plain")
    team.slack.press("owner", team.state(before, "decision"), "work.dismiss")
    assert "stopped by @owner before it started" in team.state(before, "done")["plain"]
    assert len(github.runs) == 1


def test_list_and_slips_of_the_keyboard(github_team: GitHubTeam) -> None:
    """Without a name the workflows are listed; what is not there is answered with what was perhaps meant."""
    team, github = github_team.team, github_team.github
    github_team.start_bot()
    github.disabled.add("plain.yml")
    listed = team.told("operator", "/ml run")
    assert "`retrain.yml`" in listed
    assert "`plain.yml` Plain · disabled" in listed
    assert "Did you mean `retrain.yml`" in team.told("operator", "/ml run retrian")
    assert "Did you mean `acme/flights`" in team.told("operator", "/ml run acme/flight retrain")
    assert "is disabled" in team.told("owner", "/ml run plain")
    assert "workflow_dispatch" in team.told("operator", "/ml run flights checks")
    wrong = team.told("operator", "/ml run retrain kind=ful months=x other=1")
    assert "did you mean full" in wrong.casefold()
    assert "`months` cannot be `x`" in wrong
    assert "there is no such input" in wrong.casefold()
    assert "`kind` is missing" in team.told("operator", "/ml run retrain other=1")
    assert "Did you mean `main`" in team.told("operator", "/ml run retrain kind=full ref=mian")
    assert "roles do not cover" in team.told("viewer", "/ml run retrain kind=full")
    github.name = "acme/journeys"
    assert "is called acme/journeys now" in team.told("operator", "/ml run retrain kind=full")
    assert (github.runs, team.cards()) == ([], [])


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        (422, 'Unexpected inputs provided: ["x"]', "takes other inputs there"),
        (422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow", "disabled on GitHub"),
        (422, "No ref found for: main", "no such branch or tag"),
        (404, "Not Found", "may see acme/flights but not start its workflows"),
        (403, "Resource not accessible by personal access token", "Resource not accessible"),
        (401, "Bad credentials", "wrong, expired or revoked"),
    ],
)
def test_refused_start_is_told_on_the_card(
    github_team: GitHubTeam, github: GitHub, status: int, message: str, said: str
) -> None:
    """What GitHub says no to is on the card in words, and nothing hangs."""
    github_team.start_bot()
    github.refusals = [("/dispatches", (status, {"message": message}, {}))]
    before = github_team.team.say("operator", "/ml run retrain kind=full")
    done = github_team.team.state(before, "done")
    assert "was not started" in done["plain"]
    assert said in done["plain"]


def test_limit_is_waited_for(github_team: GitHubTeam, github: GitHub) -> None:
    """At its limit the card says until when it waits, and then the run starts by itself."""
    github_team.start_bot()

    def over_the_limit() -> Answer:
        reset = datetime.now(UTC) + timedelta(seconds=8)
        limit = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(reset.timestamp()) + 1)}
        return 403, {"message": "API rate limit exceeded"}, limit

    github.refusals = [("/dispatches", over_the_limit)]
    before, run = github_team.run()
    github_team.team.seen(before, "waits until")
    github.end(run)
    assert "is done" in github_team.team.state(before, "done")["plain"]
    assert len(github.runs) == 1


def test_deleted_run_ends_its_card(github_team: GitHubTeam, github: GitHub) -> None:
    """A run that somebody deletes on GitHub ends its card once it has been out of sight for long enough."""
    team = github_team.team
    github_team.start_bot("--unseen-seconds", "0.3")
    before, run = github_team.run()
    team.seen(before, "running")
    github.delete(run)
    gone = team.state(before, "done")
    assert "The run is gone. It was deleted on GitHub." in gone["plain"]
    team.seen(gone["seq"], "@operator")

    before, run = github_team.run()
    team.seen(before, "running")
    github.end(run)
    done = team.state(before, "done")
    github.delete(run)
    then = team.slack.seq()
    team.slack.press("operator", done, "work.rerun")
    assert "does not show this to the bot" in team.private(then)["plain"]


def test_renamed_repository_is_followed(github_team: GitHubTeam, github: GitHub) -> None:
    """A run goes on under the repository's new name, and is cancelled there."""
    team = github_team.team
    github_team.start_bot()
    before, run = github_team.run()
    team.seen(before, "running")
    github.name = "acme/journeys"
    github.set_job(run, ("fit", "in_progress", None))
    team.slack.press("operator", team.seen(before, "fit"), "work.cancel")
    assert "was cancelled* by @operator" in team.state(before, "done")["plain"]


def test_token_that_expires_while_a_run_goes_on(github_team: GitHubTeam, github: GitHub) -> None:
    """The card says that GitHub does not take the token, and goes on when there is a good one."""
    team = github_team.team
    github_team.start_bot("--silence-seconds", "0.3")
    before, run = github_team.run()
    team.seen(before, "running")
    good, github.token = github.token, "another-" + "token"
    lost = team.seen(before, "GitHub does not let me look")
    assert "wrong, expired or revoked" in lost["plain"]
    assert good not in team.bots[-1].said
    github.token = good
    github.end(run)
    assert "is done" in team.state(lost["seq"], "done")["plain"]


def test_reports_that_cannot_be_used_whole(github_team: GitHubTeam, github: GitHub) -> None:
    """An artifact that is too large, expired or broken, and numbers that a model does not have, are named."""
    team = github_team.team
    github_team.start_bot()
    unknown = {"model": MODEL, "metrics": [{"name": "mea", "value": 14.9, "unit": "min", "business": True}]}
    for content, about, said in (
        (b"{}", {"size_in_bytes": 9 << 20}, "larger than 8 MiB"),
        (b"{}", {"expired": True}, "has expired"),
        (b"{", {}, "not proper JSON"),
        (json.dumps(unknown).encode(), {}, "none that arrival-delay has (did you mean mae)"),
    ):
        before, run = github_team.run()
        github.add_report(run, content, **about)
        github.end(run)
        done = team.state(before, "done")["plain"]
        assert "is done" in done
        assert said in done
    assert "14.9 min" in done
    assert "★" not in done


def test_github_away_while_a_run_goes_on(github_team: GitHubTeam, github: GitHub) -> None:
    """The card says that GitHub does not answer, and goes on when it does again."""
    team = github_team.team
    github_team.start_bot("--silence-seconds", "0.3")
    before, run = github_team.run()
    team.seen(before, "running")
    github.lose = {"/actions/runs"}
    lost = team.seen(before, "GitHub does not answer")
    github.lose = set()
    github.end(run)
    assert "is done" in team.state(lost["seq"], "done")["plain"]
