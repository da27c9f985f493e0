"""`/ml show` finds whatever has an id: versions, runs, predictions, and each kind of flow."""

from __future__ import annotations

import pytest

from tests.scenarios.test_bot_files import drop, predict
from tests.stand_ins.function_app import MODEL
from tests.stand_ins.github_team import GitHubTeam
from tests.stand_ins.team import OVER_ALL, Team, over

pytest_plugins = ["tests.stand_ins.team", "tests.stand_ins.github_team"]
pytestmark = over(OVER_ALL)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (f"{MODEL} v1", f"Card of {MODEL} v1"),
        (f"{MODEL}@v1", f"Card of {MODEL} v1"),
        (f"{MODEL}@champion", f"Card of {MODEL} v1"),
        (f"{MODEL}@latest", f"Card of {MODEL} v1"),
        (f"{MODEL}@v7", "it has v1"),
        (MODEL, "Arrival delay"),
        (f"`{MODEL}`", "Arrival delay"),
    ],
)
def test_a_version_is_named_in_any_way(team: Team, typed: str, words: str) -> None:
    """Two words, an @ between them, a number or an alias."""
    assert words in team.told("viewer", f"/ml show {typed}")


def test_a_prediction_and_what_asked_for_it(team: Team) -> None:
    """The prediction by its id; the command by its flow's, with who asked and what was typed."""
    before = team.say("viewer", f"/ml predict {MODEL} flight=UA1545")
    team.state(before, "done")
    assert "UA1545" in team.told("owner", "/ml show p-2013070405-s-1")
    shown = team.told("owner", f"/ml show {team.ended('predict')}")
    assert "predict · done" in shown
    assert f"/ml predict {MODEL} flight=UA1545" in shown
    assert "@viewer" in shown


def test_a_retrain_its_run_and_its_decision(team: Team) -> None:
    """A job's id shows its run, before the run its place; a decision's id shows what became of it."""
    card = team.decision()
    run = team.functions.only_run()["run_id"]
    assert "Retrain of arrival-delay: succeeded" in team.told("viewer", f"/ml show {run}")
    assert "Retrain of arrival-delay: succeeded" in team.told("viewer", f"/ml show {team.flow('retrain')}")
    decide = team.flow("decide")
    waiting = team.told("viewer", f"/ml show {decide}")
    assert f"Decision on {MODEL} v2: open" in waiting.replace("*", "")
    assert "decide · under way" in waiting
    team.slack.press("owner", card, "version.reject")
    team.state(card["seq"], "done")
    decided = team.told("viewer", f"/ml show {decide}").replace("*", "")
    assert f"Decision on {MODEL} v2: rejected by @owner" in decided
    assert "by @owner" in team.told("viewer", f"/ml show {team.flow('press')}").lower()


def test_a_job_that_waits_has_no_run_yet(team: Team) -> None:
    """The second of two retrains is shown by its own id, as waiting, with its message."""
    team.retrain()
    before = team.say("operator", f"/ml retrain {MODEL} until=2013-07")
    team.seen(before, "waits for its turn")
    team.stored("retrain", "remember the card")
    shown = team.told("viewer", f"/ml show {team.flow('retrain')}")
    assert "waits for its turn" in shown
    assert "until=2013-07" in shown
    assert "Its message: http" in shown


def test_a_file_is_shown_by_its_flow(team: Team) -> None:
    """A batch of rows names its file and who asked."""
    before = predict(team, drop(team, b"flight\nUA1\n"))
    team.seen(before, "1 row of")
    shown = team.told("owner", f"/ml show {team.ended('file')}")
    assert "file · done" in shown
    assert f"{MODEL}.csv" in shown


def test_private_words_stay_private(team: Team) -> None:
    """What somebody looked up is shown in words to them, and to others as a private thing."""
    team.told("viewer", f"/ml models {MODEL}")
    flow = team.flow("lookup")
    assert f"/ml models {MODEL}" in team.told("viewer", f"/ml show {flow}")
    others = team.told("owner", f"/ml show {flow}")
    assert "something private" in others
    assert f"/ml models {MODEL}" not in others.replace(f"/ml show {flow}", "")


def test_what_was_typed_stays_in_its_channel(team: Team) -> None:
    """Nobody reads elsewhere what was typed in a channel that may be private; its asker does."""
    before = team.say("operator", f"/ml predict {MODEL} flight=UA1545")
    team.event(before, "message_posted", "about 12 min")
    flow = team.flow("predict")
    assert "flight=UA1545" in team.told("owner", f"/ml show {flow}")
    assert "flight=UA1545" not in team.told("owner", f"/ml show {flow}", "ml-wine")
    assert "flight=UA1545" in team.told("operator", f"/ml show {flow}", "ml-wine")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("c-00000000000000000000", "nothing under that id"),
        ("arrival-dely", f"Did you mean `{MODEL}`"),
        ("20130801t060000-zzzzzz", "no such run"),
        ("p-nothing-2013070112-a-0", "What can be shown"),
        ("@", "nothing under that id"),
        ("?!", "arrival-delay@champion"),
    ],
)
def test_an_unknown_id_is_answered_with_what_there_is(team: Team, typed: str, words: str) -> None:
    """The nearest names and what ids look like, never an error of the machinery."""
    assert words in team.told("viewer", f"/ml show {typed}")


def test_the_nearest_known_run_is_offered(team: Team) -> None:
    """One letter off, and the run that was meant is named."""
    _, run = team.retrain()
    team.stored("run", "watch the run")
    meant = run["run_id"]
    assert f"Did you mean `{meant}`" in team.told("viewer", f"/ml show {meant[:-1]}0")


def test_runs_and_experiments_on_github(github_team: GitHubTeam) -> None:
    """A workflow's run by GitHub's number and by its flow; an experiment by its flow, with its issue."""
    team = github_team.team
    github_team.start_bot()
    before, run = github_team.run()
    team.seen(before, "running")
    for typed in (str(run["id"]), team.flow("workflow"), f"#{run['id']}"):
        shown = team.told("viewer", f"/ml show {typed}")
        assert "under way" in shown
        assert run["html_url"] in shown
        assert "/ml run retrain kind=full" in shown
    github_team.github.end(run)
    team.state(before, "done")
    assert "done" in team.told("viewer", f"/ml show {run['id']}")
    before = team.say("operator", '/ml experiment purpose="Do planes age?"')
    team.seen(before, "Experiment #1")
    team.stored("experiment_record", "remember the issue")
    assert "#1" in team.told("viewer", f"/ml show {team.flow('experiment')}").split("Experiment: ")[1]
