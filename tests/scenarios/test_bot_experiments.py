"""Experiments: recorded as an issue, near duplicates pointed out, the run's result written back."""

from __future__ import annotations

import json
from typing import Any

from tests.stand_ins.function_app import MODEL
from tests.stand_ins.github_team import GitHubTeam
from tests.stand_ins.team import OVER_ALL, Team, over

pytestmark = over(OVER_ALL)

BY_HAND = "### Purpose\n\nDo older planes arrive later?\n\n### Background\n\n_No response_\n"


def opened(team: Team, after: int) -> dict[str, Any]:
    """Return the form of an experiment that a person now sees."""
    event = team.slack.wait_for(
        lambda one: one["kind"] in ("view_opened", "view_changed") and "Purpose" in one.get("plain", ""),
        after=after,
    )
    view: dict[str, Any] = event["view"]
    return view


def body(github_team: GitHubTeam) -> str:
    """Return the newest issue's text."""
    return str(github_team.github.issues[0]["body"])


def test_from_the_form_to_the_result(github_team: GitHubTeam) -> None:
    """The form writes the issue, the run it starts goes as ever, and its numbers come back into both."""
    team, github = github_team.team, github_team.github
    github_team.start_bot()
    before = team.say("operator", "/ml experiment")
    view = opened(team, before)
    assert not team.slack.submit("operator", {"Method": "Half a year only."}, view)["ok"]
    entered = {
        "Purpose": "Does half a year do?\nIt is quicker.",
        "Method": "Half @all of it.",
        "With": "until=2013-06",
    }
    start = next(one["block_id"] for one in view["blocks"] if one.get("label", {}).get("text") == "Start")
    found = team.slack.suggest("operator", view, "form.value", "retrain arr", start)["options"]
    assert found[0]["value"] == f"retrain {MODEL}"
    assert team.slack.submit("operator", {**entered, "Start": found[0]["value"]}, view)["ok"]
    card = team.event(before, "message_changed", "Experiment #1")
    assert "retrain arrival-delay" in card["plain"]
    issue = github.issues[0]
    assert issue["title"] == "Does half a year do? It is quicker."
    assert [one["name"] for one in issue["labels"]] == ["experiment"]
    assert issue["body"].startswith(
        "### Purpose\n\nDoes half a year do?\nIt is quicker.\n\n### Background\n\n_No resp"
    )
    assert "@all" not in issue["body"]
    run = team.started()
    assert run["params"] == {"until": "2013-06"}
    issue["body"] = issue["body"].replace("### Discussion\n\n_No response_", "### Discussion\n\nLooks fine.")
    team.functions.finish(run["run_id"])
    told = team.seen(before, "The result is in the issue: #1")
    assert told["message"]["thread_ts"] == card["message"]["ts"]
    assert "v2 beats v1" in told["plain"]
    assert "| MAE | min |" in body(github_team)
    assert f"run `{run['run_id']}`" in body(github_team)
    assert "Looks fine." in body(github_team)
    assert "Filled in when the run ends" not in body(github_team)


def test_near_duplicates_are_pointed_out(github_team: GitHubTeam) -> None:
    """What was done before is shown with why it is alike; one may go on, or stop and nothing is written."""
    team, github = github_team.team, github_team.github
    github.add_issue("Older planes", BY_HAND, ["experiment"], user="mai")
    github_team.start_bot()
    before = team.say("operator", '/ml experiment purpose="Do older planes arrive late?"')
    asked = team.state(before, "decision")
    assert "#1* Older planes" in asked["plain"]
    assert "% alike" in asked["plain"]
    then = team.slack.seq()
    team.slack.press("viewer", asked, "experiment.go")
    assert "roles do not cover" in team.private(then)["plain"]
    team.slack.press("operator", asked, "experiment.stop")
    assert "stopped by @operator; nothing was recorded" in team.state(before, "done")["plain"]
    assert len(github.issues) == 1
    before = team.say("operator", '/ml experiment purpose="Do older planes arrive late?"')
    team.slack.press("operator", team.state(before, "decision"), "experiment.go")
    team.seen(before, "Experiment #2")
    assert len(github.issues) == 2


def test_the_same_training_is_a_near_duplicate(github_team: GitHubTeam) -> None:
    """A run of the model with the same parameters is named, with what came of it."""
    team = github_team.team
    github_team.start_bot()
    _, run = team.retrain()
    team.functions.finish(run["run_id"])
    before = team.say("operator", f'/ml experiment start {MODEL} until=2013-06 purpose="Again?"')
    card = team.seen(before, "looks like what was done before")
    assert f"run {run['run_id']}" in card["plain"]
    assert "the same model and parameters, which made v2" in card["plain"]
    team.slack.press("operator", card, "experiment.stop")
    team.seen(before, "nothing was recorded or started")


def test_workflow_that_reports(github_team: GitHubTeam) -> None:
    """An experiment may start a workflow; its report's metrics, duration and address are the result."""
    team, github = github_team.team, github_team.github
    github_team.start_bot()
    before = team.say(
        "operator", '/ml experiment start run retrain kind=quick months=3 purpose="Is quick enough?"'
    )
    github.wait_until(lambda: len(github.runs) == 1)
    run = github.runs[0]
    assert run["inputs"]["kind"] == "quick"
    report = {"metrics": [{"name": "mae", "value": 14.9, "unit": "min"}], "version": "v7"}
    github.add_report(run, json.dumps(report).encode())
    github.end(run)
    team.seen(before, "The result is in the issue: #1")
    assert "| mae | 14.9 min | – |" in body(github_team)
    assert "version v7" in body(github_team)
    assert f"(<{run['html_url']}>)" in body(github_team)


def test_what_people_wrote_over_the_marks_is_kept(github_team: GitHubTeam) -> None:
    """Where somebody edited the result's own place, the result comes as a comment, once."""
    team, github = github_team.team, github_team.github
    github_team.start_bot()
    before = team.say("operator", '/ml experiment start run retrain kind=quick purpose="Is quick enough?"')
    github.wait_until(lambda: len(github.runs) == 1)
    mine = "### Purpose\n\nRewritten by hand.\n\n### Result\n\nI saw it fail.\n"
    github.issues[0]["body"] = mine
    github.end(github.runs[0], "failure")
    team.seen(before, "The result is in a comment")
    assert body(github_team) == mine
    assert len(github.comments[1]) == 1
    assert "**Failed**" in github.comments[1][0]["body"]


def test_slips_and_refusals(github_team: GitHubTeam) -> None:
    """A missing purpose and a start that cannot be stop everything before anything is written."""
    team, github = github_team.team, github_team.github
    github_team.start_bot()
    assert "roles do not cover" in team.told("viewer", '/ml experiment purpose="x"')
    assert "`purpose` is missing" in team.told("operator", "/ml experiment methode=x")
    before = team.say("operator", "/ml experiment method=x")
    view = opened(team, before)
    assert "`/ml experiment` ·" in view["blocks"][0]["elements"][0]["text"]
    for text, said in (
        ("start nothing", "cannot be started"),
        ("start retrain no-such-model", "no such model"),
        (f"start {MODEL} rows=0", "`rows` cannot be"),
        ("start run retrain", "`kind` is missing"),
        ("start run plain", "role owner"),
        ("start predict x", "cannot be started"),
        ("other words", "stands alone"),
    ):
        assert said.casefold() in team.told("operator", f'/ml experiment {text} purpose="Why?"').casefold()
    assert (github.issues, github.runs, team.cards()) == ([], [], [])


def test_refused_by_github(github_team: GitHubTeam) -> None:
    """What GitHub does not take is on the card in words, and nothing is started."""
    team, github = github_team.team, github_team.github
    github_team.start_bot()
    team.told("operator", "/ml experiments")
    refusal = (410, {"message": "Issues has been disabled in this repository."}, {})
    before = team.slack.seq()
    held = len(github.asked)
    github.refusals.append(("/issues$", (200, [], {})))
    github.refusals.append(("/issues$", refusal))
    team.say("operator", '/ml experiment start run retrain kind=quick purpose="Why?"')
    done = team.state(before, "done")
    assert "was not recorded, and nothing was started" in done["plain"]
    assert "Issues has been disabled" in done["plain"]
    assert len(github.asked) > held
    assert github.runs == []


def test_the_latest_are_listed(github_team: GitHubTeam) -> None:
    """Recorded by the bot or written by hand, all of them or those of a model."""
    team, github = github_team.team, github_team.github
    github_team.start_bot()
    assert "No experiments yet" in team.told("viewer", "/ml experiments").replace("*", "")
    github.add_issue("Older planes", BY_HAND, ["experiment"], user="mai")
    github.add_issue("No experiment", "x", ["bug"])
    before = team.say("operator", f'/ml experiment start {MODEL} purpose="Does half a year do?"')
    team.seen(before, "Experiment #3")
    every = team.told("viewer", "/ml experiments")
    assert "Older planes" in every
    assert f"retrain {MODEL}" in every
    assert "No experiment " not in every.replace("Experiments", "")
    assert "Older planes" not in team.told("viewer", f"/ml experiments {MODEL}")


def test_without_a_repository(new_team: Any) -> None:
    """A team without a repository for experiments is told how to name one."""
    team = new_team()
    team.start_bot()
    assert "[github] experiments" in team.told("operator", '/ml experiment purpose="x"')
    assert "no repository is set" in team.told("viewer", "/ml experiments").casefold()
