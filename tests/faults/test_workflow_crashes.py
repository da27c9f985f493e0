"""The bot is killed around a workflow's run; one command stays one run and one card."""

from __future__ import annotations

import threading

import pytest

from tests.stand_ins.github import PLAIN
from tests.stand_ins.github_team import GitHubTeam

pytestmark = pytest.mark.faults


@pytest.mark.parametrize(
    "moment",
    [
        "as it starts",
        "while it runs",
        pytest.param("before the start arrives", marks=pytest.mark.slow),
        pytest.param("as it ends", marks=pytest.mark.slow),
        pytest.param("as it runs again", marks=pytest.mark.slow),
    ],
)
def test_killed_around_a_run(github_team: GitHubTeam, moment: str) -> None:
    """Killed at any moment, the bot goes on: one run, one card, one end."""
    team, github = github_team.team, github_team.github
    bot = github_team.start_bot()
    if moment == "before the start arrives":
        github.hold = {"/contents/": threading.Event()}
        before = team.say("operator", "/ml run retrain kind=full")
        github.wait_until(lambda: github.count("GET", "/contents/") > 0)
        bot.kill()
        github.hold.pop("/contents/").set()
    elif moment == "as it starts":
        github.lose = {"/dispatches"}
        before, _ = github_team.run()
        bot.kill()
        github.lose = set()
    else:
        before, run = github_team.run()
        team.seen(before, "running")
        if moment == "as it runs again":
            github.end(run, "failure")
            failed = team.state(before, "done")
            team.seen(failed["seq"], "@operator")
            before = failed["seq"]
            github.lose = {"/rerun"}
            team.slack.press("operator", failed, "work.rerun")
            github.wait_until(lambda: run["run_attempt"] == 2)
        bot.kill()
        github.lose = set()
        if moment == "as it ends":
            github.end(run)

    github_team.start_bot()
    github.wait_until(lambda: len(github.runs) == 1)
    if moment != "as it ends":
        team.seen(before, "running" if moment != "as it runs again" else "attempt 2")
        github.end(github.runs[0])
    done = team.state(before, "done") if moment != "as it runs again" else team.seen(before, "is done")
    assert "is done" in done["plain"]
    team.seen(done["seq"], "@operator")
    assert (len(github.runs), len(team.cards())) == (1, 1)
    assert github.count("POST", "/dispatches") == 1
    assert github.count("POST", "/rerun$") == (moment == "as it runs again")


def test_second_delivery_is_no_second_run(github_team: GitHubTeam) -> None:
    """A command that Slack delivers again, also to the next bot, is one run."""
    team, github = github_team.team, github_team.github
    bot = github_team.start_bot()
    said = team.slack.say("operator", "ml-arrivals", "/ml run retrain kind=full")
    github.wait_until(lambda: len(github.runs) == 1)
    bot.kill()
    github_team.start_bot()
    team.slack.redeliver(said["delivery"], times=2)
    team.told("viewer", "/ml whoami")
    assert (len(github.runs), len(team.cards())) == (1, 1)


@pytest.mark.parametrize(
    "moment",
    [
        "as it is taken up",
        pytest.param("as it starts", marks=pytest.mark.slow),
        pytest.param("while it runs", marks=pytest.mark.slow),
        pytest.param("as it ends", marks=pytest.mark.slow),
    ],
)
def test_killed_around_a_training_elsewhere(trained_team: GitHubTeam, moment: str) -> None:
    """Killed at any moment, the bot goes on: one workflow run, one card, one decision."""
    team, github = trained_team.team, trained_team.github
    bot = trained_team.start_bot()
    if moment == "as it starts":
        github.lose = {"/dispatches"}
    before, run = trained_team.retrain()
    if moment == "as it is taken up":
        held = team.functions.hold("/api/runs/")
        made = trained_team.finish(run)
        team.functions.wait_until(lambda: team.functions.count("GET", made["run_id"]) > 0)
        bot.kill()
        held.set()
    else:
        if moment != "as it starts":
            team.seen(before, "running")
        bot.kill()
        github.lose = set()
    if moment == "as it ends":
        trained_team.finish(run)

    trained_team.start_bot()
    if moment in ("as it starts", "while it runs"):
        team.seen(before, "running")
        trained_team.finish(run)
    decision = team.state(before, "decision")
    assert "v2 instead of v1?" in decision["plain"]
    team.seen(decision["seq"], "please decide above")
    assert (len(github.runs), len(team.cards())) == (1, 1)
    assert (github.count("POST", "/dispatches"), team.functions.count("POST", "/compare")) == (1, 0)


def test_killed_around_two_starts_that_nothing_tells_apart(github_team: GitHubTeam) -> None:
    """Two commands start a workflow that carries no id, and one run comes of it: one command follows it.

    The other one says that it cannot be told whether its run was started.
    """
    team, github = github_team.team, github_team.github
    github.files["nightly.yml"] = PLAIN
    bot = github_team.start_bot()
    never, both = threading.Event(), threading.Event()
    github.hold = {"/dispatches": never}
    before = team.say("operator", "/ml run nightly.yml")
    team.say("operator", "/ml run nightly.yml ref=main")
    github.wait_until(lambda: github.count("POST", "/dispatches") == 2)
    bot.kill()
    run = github.add_run("nightly.yml")
    github.hold = {"workflows/nightly.yml/runs": both}
    github_team.start_bot()
    github.wait_until(lambda: github.count("GET", "workflows/nightly.yml/runs") == 2)
    github.hold = {}
    both.set()
    team.seen(before, "cannot be told whether the run was started")
    team.seen(before, "running")
    github.end(run)
    team.seen(before, "@operator Plain in acme/flights is done")
    assert sorted("is done" in card["plain"] for card in team.cards()) == [False, True]
    never.set()
