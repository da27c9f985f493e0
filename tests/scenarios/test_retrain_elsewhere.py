"""A model that a workflow trains: the same command, card, queue and decision as one of the function app."""

from __future__ import annotations

import json

from tests.stand_ins.function_app import MODEL
from tests.stand_ins.github_team import GitHubTeam
from tests.stand_ins.team import OVER_ALL, over

pytestmark = over(OVER_ALL)


def test_from_the_command_to_the_champion(trained_team: GitHubTeam) -> None:
    """The workflow gets the typed parameters; its steps are live; what it made is decided on as ever."""
    team, github = trained_team.team, trained_team.github
    trained_team.start_bot()
    before, run = trained_team.retrain("since=2013-02 until=2013-06")
    inputs = dict(run["inputs"])
    assert inputs.pop("toban_id")
    assert inputs == {"model": MODEL, "since": "2013-02", "until": "2013-06"}
    card = team.state(before, "open")
    github.set_job(run, ("load", "completed", "success"), ("fit", "in_progress", None))
    live = team.seen(before, "fit")
    assert f"Retraining {MODEL} by train.yml in acme/flights · running" in live["plain"]
    assert live["message"]["ts"] == card["message"]["ts"]
    assert f"Retraining {MODEL} by train.yml" in team.told("viewer", "/ml status")

    trained_team.finish(run, cost="0.12 USD", metrics={"maee": 14.9})
    decision = team.state(before, "decision")
    assert f"{MODEL}: v2 instead of v1?" in decision["plain"]
    assert decision["message"]["ts"] == card["message"]["ts"]
    team.seen(decision["seq"], "please decide above")
    said = "\n".join(team.thread(decision))
    assert "cost `0.12 USD`" in said
    assert "did you mean mae" in said
    assert "how far off v2 is" in said
    team.slack.press("owner", decision, "version.promote")
    assert "v2 was promoted* by @owner" in team.state(decision["seq"], "done")["plain"]
    assert team.functions.aliases[-1]["version"] == 2
    assert (len(github.runs), len(team.cards())) == (1, 1)
    assert team.functions.count("POST", "/retrain") == 0


def test_one_training_of_a_model_at_a_time(trained_team: GitHubTeam) -> None:
    """A second one shows its place and begins when the first has ended; cancelled there, it never runs."""
    team, github = trained_team.team, trained_team.github
    trained_team.start_bot()
    first, run = trained_team.retrain()
    team.seen(first, "running")
    second = team.say("operator", f"/ml retrain {MODEL} until=2013-07")
    waiting = team.seen(second, "It is next")
    third = team.say("operator", f"/ml retrain {MODEL} until=2013-08")
    team.slack.press("operator", team.seen(third, "Place 2 of 2"), "run.cancel")
    assert "before it started" in team.seen(third, "was cancelled")["plain"]
    assert len(github.runs) == 1
    trained_team.finish(run)
    decided = team.state(first, "decision")
    github.wait_until(lambda: len(github.runs) == 2)
    assert github.runs[0]["inputs"]["until"] == "2013-07"
    trained_team.finish(github.runs[0])
    decision = team.state(decided["seq"], "decision")
    assert (len(github.runs), decision["message"]["ts"]) == (2, waiting["message"]["ts"])


def test_cancel_and_failure_end_the_card(trained_team: GitHubTeam) -> None:
    """Cancel stops the workflow's run; a failure names step and line; neither is run again from its card."""
    team, github = trained_team.team, trained_team.github
    trained_team.start_bot()
    before, run = trained_team.retrain()
    team.slack.press("operator", team.seen(before, "running"), "work.cancel")
    ended = team.state(before, "done")
    assert "was cancelled* by @operator" in ended["plain"]
    assert (run["conclusion"], "Rerun" in ended["plain"]) == ("cancelled", False)

    before, run = trained_team.retrain()
    github.set_job(run, ("Train", "completed", "failure"))
    github.logs[run["id"] * 10] = "2026-11-01T12:00:01.0Z run x: no rows between since and until\n"
    github.end(run, "failure")
    failed = team.state(before, "done")
    assert "Train › Train: run x: no rows between" in failed["plain"]
    assert "Rerun" not in failed["plain"]
    team.seen(failed["seq"], "@operator")
    assert team.functions.models[MODEL].versions == [1]


def test_report_that_names_no_run_of_the_registry(trained_team: GitHubTeam) -> None:
    """A version there is compared by the function app, then decided on; without one the card ends there."""
    team, github = trained_team.team, trained_team.github
    trained_team.start_bot()
    before, run = trained_team.retrain()
    team.functions.models[MODEL].versions.append(2)
    github.add_report(run, json.dumps({"version": "v2", "run_id": "20130101t000000-nobody"}).encode())
    github.end(run)
    compared = team.started()
    assert compared["params"] == {"versions": [2, 1]}
    team.functions.progress(compared["run_id"], "score", 0.5)
    team.seen(before, "score")
    team.functions.finish(compared["run_id"])
    assert "v2 instead of v1?" in team.state(before, "decision")["plain"]

    before, run = trained_team.retrain()
    github.end(run)
    assert f"names no version of {MODEL}" in team.state(before, "done")["plain"]
    before, run = trained_team.retrain()
    github.add_report(run, json.dumps({"version": 9, "metrics": {"mae": 14.9}}).encode())
    github.end(run)
    ended = team.state(before, "done")["plain"]
    assert "names v9" in ended
    assert "same store" in ended
    assert "14.9 min" in ended


def test_refusals_before_anything_begins(trained_team: GitHubTeam) -> None:
    """Parameters are judged by the model, then by what the workflow takes; roles of both are asked for."""
    team, github = trained_team.team, trained_team.github
    trained_team.start_bot()
    assert "there is no such input" in team.told("operator", f"/ml retrain {MODEL} untill=2013-06").casefold()
    said = team.told("operator", f"/ml retrain {MODEL} rows=7")
    assert "train.yml has no such input; it has: model, since, until" in said
    github.files["train.yml"] = github.files["train.yml"].replace("since: {}", "runner: {required: true}")
    assert "`runner`" in team.told("operator", f"/ml retrain {MODEL} until=2013-06")
    github.disabled.add("train.yml")
    assert "is disabled" in team.told("operator", f"/ml retrain {MODEL} until=2013-06")
    del github.files["train.yml"]
    assert "No workflow train.yml" in team.told("operator", f"/ml retrain {MODEL} until=2013-06")
    assert "roles do not cover" in team.told("viewer", f"/ml retrain {MODEL}")
    assert (github.runs, team.cards()) == ([], [])
