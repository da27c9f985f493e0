"""Forms in Slack: opened by what is missing, by a button or by name; judged at once; the same as typing."""

from __future__ import annotations

import json
from typing import Any

from tests.stand_ins.github_team import GitHubTeam
from tests.stand_ins.team import ARRIVALS, OVER_ALL, Team, job_state, over

pytest_plugins = ["tests.stand_ins.github_team", "tests.stand_ins.team"]
pytestmark = over(OVER_ALL)


def opened(team: Team, after: int, text: str = "") -> dict[str, Any]:
    """Return the form that a person now sees, once it shows *text*."""
    event = team.slack.wait_for(
        lambda one: one["kind"] in ("view_opened", "view_changed") and text in one.get("plain", ""),
        after=after,
    )
    view: dict[str, Any] = event["view"]
    return view


def labels(view: dict[str, Any]) -> list[str]:
    """Return the labels of a form's fields."""
    return [block["label"]["text"] for block in view["blocks"] if block["type"] == "input"]


def test_predict_by_form_is_predict_by_text(team: Team) -> None:
    """Without inputs a form opens; errors stand at their fields; what is sent is the command as typed."""
    before = team.say("viewer", "/ml predict arrival-delay")
    view = opened(team, before, "Flight")
    assert labels(view) == ["Flight", "Date", "Carrier", "Dep delay", "Gate"]
    refused = team.slack.submit("viewer", {"Flight": "UA1545", "Gate": "71"}, view)
    assert refused["errors"] == {"4:gate": "It does not have the right form. Allowed: text like C71."}
    entered = {"Flight": "UA1545", "Date": "2013-07-04", "Carrier": "UA", "Gate": "c71"}
    assert team.slack.submit("viewer", entered, view)["ok"]
    done = team.state(before, "done")
    assert "`/ml predict arrival-delay flight=UA1545 date=2013-07-04 carrier=UA gate=c71`" in done["plain"]
    team.seen(before, "@viewer")


def test_again_with_changes_is_filled_in(team: Team) -> None:
    """A result's button opens the form with what was asked, at once; what is sent anew is another job."""
    before = team.say("viewer", "/ml predict arrival-delay flight=UA1545 date=2013-07-04 carrier=DL")
    done = team.state(before, "done")
    before = team.slack.seq()
    team.slack.press("viewer", done, "form.again")
    view = opened(team, before, "Flight")
    assert view["blocks"][1]["element"]["initial_value"] == "UA1545"
    assert view["blocks"][2]["element"]["initial_date"] == "2013-07-04"
    assert view["blocks"][3]["element"]["initial_option"]["text"]["text"] == "DL"
    assert team.slack.submit("viewer", {"Flight": "UA1"}, view)["ok"]
    again = team.state(done["seq"], "done")
    assert "flight=UA1 date=2013-07-04 carrier=DL" in again["plain"]


def test_retrain_by_form(team: Team) -> None:
    """`form` opens the form of a command that could begin without; what was typed stands in it."""
    before = team.say("operator", "/ml form retrain arrival-delay until=2013-06")
    view = opened(team, before, "Until")
    assert view["blocks"][2]["element"]["initial_value"] == "2013-06"
    assert team.slack.submit("operator", {"Rows": 100}, view)["ok"]
    run = team.started()
    assert run["params"] == {"until": "2013-06", "rows": 100}


def test_who_may_not_use_the_command_gets_no_form(team: Team) -> None:
    """The form takes the role that its command takes, and only what has inputs has one."""
    assert "roles do not cover" in team.told("viewer", "/ml form retrain arrival-delay")
    assert "no form for that" in team.told("viewer", "/ml form models").casefold()
    assert "no form for that" in team.told("viewer", "/ml form").casefold()
    assert "no such model" in team.told("viewer", "/ml predict nothing-such").casefold()
    assert "know no command" in team.told("viewer", "/ml form nothing")


def test_wrong_values_are_told_with_a_form_to_mend_them(team: Team) -> None:
    """A refusal names every value at fault and offers the form with what was typed."""
    before = team.say("viewer", "/ml predict arrival-delay dep_delay=9999 flight=UA1")
    refusal = team.private(before, "`dep_delay` cannot be")
    before = team.slack.seq()
    team.slack.press("viewer", refusal, "form.open")
    view = opened(team, before, "Flight")
    assert view["blocks"][1]["element"]["initial_value"] == "UA1"


def test_trigger_that_died_leaves_a_button(team: Team) -> None:
    """Where Slack opens the form no more, a message offers it by a button, which does."""
    team.slack.fault("views.open", error="expired_trigger_id", times=1)
    before = team.say("viewer", "/ml predict arrival-delay")
    offer = team.private(before, "has a form")
    before = team.slack.seq()
    team.slack.press("viewer", offer, "form.open")
    assert "Flight" in labels(opened(team, before, "Flight"))


def test_slow_function_app_shows_a_waiting_form(team: Team) -> None:
    """What must be looked up first has a form at once, which is then filled, or says why not."""
    held = team.functions.hold("/models/flower-species$")
    before = team.say("viewer", "/ml predict flower-species")
    waiting = opened(team, before, "Looking up")
    held.set()
    view = opened(team, before, "Flight")
    assert view["id"] == waiting["id"]
    before = team.say("viewer", "/ml predict no-such-model")
    opened(team, before, "Looking up")
    opened(team, before, "no such model")


def test_submission_delivered_again_is_one_job(team: Team) -> None:
    """Slack may send the same submission again; it is one job."""
    before = team.say("operator", "/ml form retrain arrival-delay")
    sent = team.slack.submit("operator", {"Rows": 5}, opened(team, before, "Rows"))
    team.started()
    team.slack.redeliver(sent["delivery"], times=2)
    team.told("viewer", "/ml whoami")
    assert len(team.functions.runs_of()) == 1


def test_form_outlives_the_bot(new_team: Any) -> None:
    """A form that was opened before a restart is judged and taken after it, without the function app."""
    team = new_team()
    bot = team.start_bot()
    before = team.say("operator", "/ml form retrain arrival-delay")
    view = opened(team, before, "Rows")
    bot.kill()
    team.start_bot()
    team.functions.down = True
    assert team.slack.submit("operator", {"Rows": "0"}, view)["errors"]
    team.functions.down = False
    assert team.slack.submit("operator", {"Rows": 7}, view)["ok"]
    assert team.started()["params"] == {"rows": 7}
    team.come_to_rest()


def test_workflow_by_form(github_team: GitHubTeam) -> None:
    """Missing inputs of a workflow open its form, with branches and tags to search in."""
    team, github = github_team.team, github_team.github
    github_team.start_bot()
    before = team.say("operator", "/ml run retrain months=3")
    view = opened(team, before, "Kind")
    assert labels(view) == ["Branch or tag", "Months", "Kind", "Dry", "Where", "Note"]
    ref = view["blocks"][1]
    assert ref["element"]["initial_option"]["value"] == "main"
    found = team.slack.suggest("operator", view, "form.value", "v", ref["block_id"])
    assert [one["value"] for one in found["options"]] == ["v1.0", "v"]
    assert team.slack.submit("operator", {"Kind": "quick"}, view)["ok"]
    github.wait_until(lambda: len(github.runs) == 1)
    run = github.runs[0]
    assert {name: run["inputs"][name] for name in ("kind", "months")} == {"kind": "quick", "months": "3.0"}
    assert run["head_branch"] == "main"
    github.end(run)
    done = team.state(before, "done")
    before = team.slack.seq()
    team.slack.press("operator", done, "form.again")
    opened(team, before, "Looking up")
    view = opened(team, before, "Kind")
    assert view["blocks"][2]["element"]["initial_value"] == "3"


def test_every_message_of_a_form_is_private(team: Team) -> None:
    """Nobody else sees that somebody fills in a form."""
    known = len(team.slack.messages(ARRIVALS, "owner"))
    before = team.say("viewer", "/ml predict arrival-delay")
    opened(team, before, "Flight")
    assert len(team.slack.messages(ARRIVALS, "owner")) == known
    assert not [one for one in team.cards() if job_state({"message": one}) != "done"]
    assert json.dumps(team.slack.views("owner")) == "[]"
