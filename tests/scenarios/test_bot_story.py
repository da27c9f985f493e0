"""Retrain, watch, decide, promote, cancel, wait for one's turn: what a team does with the bot, end to end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.engine import open_client
from tests.stand_ins.function_app import MODEL, OTHER_MODEL
from tests.stand_ins.team import OVER_ALL, Team, over

pytestmark = over(OVER_ALL)

START = Callable[..., Team]


def offered(event: dict[str, Any]) -> list[str]:
    """Return what the buttons of a message do."""
    rows = [block for block in event["message"]["blocks"] if block["type"] == "actions"]
    return [button["action_id"] for row in rows for button in row["elements"]]


def test_from_retrain_to_promotion(team: Team) -> None:
    """One message is edited from its start to the decision; the viewer may not decide, the owner may."""
    before, run = team.retrain()
    card = team.state(before, "open")
    team.functions.progress(run["run_id"], "fit", 0.4)
    assert "fit" in team.seen(before, "40 %")["plain"]
    team.functions.finish(run["run_id"])
    decision = team.state(before, "decision")
    assert decision["message"]["ts"] == card["message"]["ts"]
    assert "v2 instead of v1" in decision["plain"]
    called = team.seen(before, "please decide above")
    assert "@ml-owners" in called["plain"]
    assert called["message"]["thread_ts"] == card["message"]["ts"]
    assert any("how far off v2 is" in reply for reply in team.thread(card))
    assert any("Where arrival-delay v2 comes from" in reply for reply in team.thread(card))

    before = team.slack.seq()
    team.slack.press("viewer", decision, "version.promote")
    refusal = team.private(before)
    assert "role owner" in refusal["plain"]
    assert refusal["visible_to"] == ["U01VIEWER00"]
    assert team.functions.aliases[-1]["version"] == 1

    before = team.slack.seq()
    team.slack.press("owner", decision, "version.promote")
    done = team.state(before, "done")
    assert "v2 was promoted* by @owner" in done["plain"]
    assert offered(done) == ["form.again"]
    moved = team.functions.aliases[-1]
    assert (moved["version"], moved["by"], moved["previous"]) == (2, "U01OWNER000", 1)


def test_rejection_leaves_the_champion(team: Team) -> None:
    """Reject closes the card and moves nothing; the card of the version can be looked at before."""
    card = team.decision()
    before = team.slack.seq()
    team.slack.press("viewer", card, "version.card")
    assert "Card of arrival-delay v2" in team.private(before)["plain"]
    team.slack.press("owner", card, "version.reject")
    assert "was rejected* by @owner" in team.state(before, "done")["plain"]
    assert len(team.functions.aliases) == 1


def test_first_press_wins(team: Team) -> None:
    """While one press is carried out, a second one is told who was first, and acts on nothing."""
    card = team.decision()
    team.slack.add_person("owner2", groups=["ml-owners"], channels=["ml-arrivals"])
    moving = team.functions.hold("/aliases/champion")
    before = team.slack.seq()
    team.slack.press("owner", card, "version.promote")
    team.functions.wait_until(lambda: team.functions.count("POST", "/aliases/champion") == 1)
    team.slack.press("owner2", card, "version.reject")
    assert "@owner pressed a moment before you" in team.private(before)["plain"]
    moving.set()
    assert "v2 was promoted* by @owner," in team.state(before, "done")["plain"]


def test_press_that_could_not_be_carried_out_may_be_repeated(team: Team) -> None:
    """When the function app refuses the move, the presser is told, and the decision stays open."""
    card = team.decision()
    team.functions.refuse_next = [(422, {"title": "x", "status": 422, "detail": "Evidence is about others."})]
    team.functions.refuse_next[0][1]["reason_code"] = "evidence_mismatch"
    before = team.slack.seq()
    team.slack.press("owner", card, "version.promote")
    assert "Evidence is about others." in team.private(before)["plain"]
    team.slack.press("owner", card, "version.promote")
    assert "v2 was promoted" in team.state(before, "done")["plain"]


def test_decision_about_a_former_champion_is_closed(team: Team) -> None:
    """When the champion changed elsewhere, a press promotes nothing and the card says why."""
    card = team.decision()
    team.functions.move_champion(1)
    before = team.slack.seq()
    team.slack.press("owner", card, "version.promote")
    done = team.state(before, "done")
    assert "champion changed" in done["plain"]
    assert offered(done) == ["form.again"]
    assert team.functions.aliases[-1]["by"] == "somebody"


def test_promotion_closes_the_other_open_decisions(team: Team) -> None:
    """A second retrain runs while the first waits for its decision; promoting one overtakes the other."""
    first = team.decision()
    second = team.decision()
    before = team.slack.seq()
    team.slack.press("owner", second, "version.promote")
    overtaken = team.slack.wait_for(lambda event: "champion changed" in event.get("plain", ""), after=before)
    assert overtaken["message"]["ts"] == first["message"]["ts"]
    assert "v3 was promoted meanwhile" in overtaken["plain"]
    assert [alias["version"] for alias in team.functions.aliases] == [1, 3]


@pytest.mark.slow
def test_decision_expires(new_team: START) -> None:
    """When nobody decides in time, the card says so and has no buttons any more."""
    team = new_team(days=0.00001)
    team.start_bot()
    before, run = team.retrain()
    team.functions.finish(run["run_id"])
    assert "Nobody decided on v2" in team.state(before, "done")["plain"]


def test_failure_names_the_stage_and_calls_the_requester(team: Team) -> None:
    """A failed run says in words what failed, and mentions who asked for it."""
    before, run = team.retrain()
    team.functions.fail(run["run_id"], "out_of_memory", "12,000,000 rows did not fit.")
    assert "failed* in the stage *load*" in team.state(before, "done")["plain"]
    assert "@operator" in team.seen(before, "out of memory")["plain"]


def test_waiting_runs_show_their_place(team: Team) -> None:
    """Runs of one model go one by one and show their places; another model is not held up."""
    before, first = team.retrain()
    for _ in range(2):
        team.say("operator", f"/ml retrain {MODEL}")
    team.seen(before, "Place 2 of 2")
    team.seen(before, "It is next")
    team.say("operator", f"/ml retrain {OTHER_MODEL}")
    team.started(model=OTHER_MODEL)
    assert len(team.functions.runs_of()) == 1
    then = team.slack.seq()
    team.functions.fail(first["run_id"], "fit_failed", "no")
    team.started(2)
    team.seen(then, "It is next")


def test_cancel_while_training(team: Team) -> None:
    """The button stops a run, in the name of who pressed it; who may not is refused."""
    before, run = team.retrain()
    card = team.slack.wait_for(lambda event: "[ Cancel ]" in event.get("plain", ""), after=before)
    team.slack.press("viewer", card, "run.cancel")
    assert "roles do not cover" in team.private(before)["plain"]
    team.slack.press("owner", card, "run.cancel")
    assert "was cancelled* by @owner" in team.state(before, "done")["plain"]
    assert team.functions.cancelled == [(run["run_id"], "U01OWNER000")]
    assert "ended already" in team.told("operator", f"/ml cancel {run['run_id']}")


def test_cancel_by_command(team: Team) -> None:
    """`cancel RUN` does what the button does."""
    before, run = team.retrain()
    team.say("operator", f"/ml cancel {run['run_id']}")
    assert "was cancelled* by @operator" in team.state(before, "done")["plain"]


def test_cancel_while_waiting(team: Team) -> None:
    """A run that waits is taken off the queue at once, and never starts."""
    before, first = team.retrain()
    team.say("operator", f"/ml retrain {MODEL} rows=7")
    waiting = team.seen(before, "It is next")
    team.slack.press("operator", waiting, "run.cancel")
    assert "before it started" in team.state(before, "done")["plain"]
    team.functions.finish(first["run_id"])
    team.state(before, "decision")
    team.retrain()
    assert [run["params"] for run in team.functions.runs_of()] == [{"until": "2013-06"}] * 2


def test_cancel_before_the_card_is_known(team: Team) -> None:
    """Who presses Cancel as soon as the card stands there is heard, though Slack's answer is still out."""
    _, first = team.retrain()
    team.slack.fault("chat.postMessage", hang_seconds=1, after=True, holding="rows=7")
    before = team.say("operator", f"/ml retrain {MODEL} rows=7")
    team.slack.press("operator", team.seen(before, "It is next"), "run.cancel")
    assert "before it started" in team.state(before, "done")["plain"]
    team.functions.finish(first["run_id"])
    team.state(before, "decision")
    assert len(team.functions.runs_of()) == 1


def test_promote_by_command_uses_evidence_that_holds(team: Team) -> None:
    """`promote` shows the comparison that the version's own run made, without another run."""
    card = team.decision()
    before = team.slack.seq()
    team.slack.press("owner", card, "version.reject")
    team.state(before, "done")
    before = team.say("owner", f"/ml promote {MODEL} v2")
    again = team.state(before, "decision")
    assert len(team.functions.runs) == 1
    team.slack.press("owner", again, "version.promote")
    assert "v2 was promoted" in team.state(again["seq"], "done")["plain"]


def test_promote_by_command_compares_anew_when_the_champion_changed(team: Team) -> None:
    """Evidence about a former champion counts for nothing: both versions are scored again first."""
    card = team.decision()
    team.functions.move_champion(1)
    before = team.slack.seq()
    team.slack.press("owner", card, "version.promote")
    team.state(before, "done")
    before = team.say("owner", f"/ml promote {MODEL} latest")
    run = team.started(2)
    assert (run["kind"], run["params"]) == ("compare", {"versions": [2, 1]})
    team.functions.finish(run["run_id"])
    again = team.state(before, "decision")
    team.slack.press("owner", again, "version.promote")
    assert "v2 was promoted" in team.state(again["seq"], "done")["plain"]


@pytest.mark.slow
def test_comparison_that_decides_nothing_is_shown(team: Team) -> None:
    """Comparing the champion with a younger version shows the table, without buttons."""
    card = team.decision()
    before = team.slack.seq()
    team.slack.press("owner", card, "version.promote")
    team.state(before, "done")
    before = team.say("operator", f"/ml compare {MODEL} v2 v1")
    run = team.started(2)
    team.functions.finish(run["run_id"])
    done = team.state(before, "done")
    assert "Compared versions" in done["plain"]


def test_button_delivered_twice_acts_once(team: Team) -> None:
    """Slack's redelivery of a press changes nothing and tells nobody anything."""
    card = team.decision()
    before = team.slack.seq()
    client = open_client(team.database_url)
    earlier = len(client.list_workflows(name="press"))
    pressed = team.slack.press("owner", card, "version.promote")
    team.state(before, "done")
    team.slack.redeliver(pressed["delivery"], times=2)
    team.newest(client, "press")  # each that was stored has begun
    assert len(client.list_workflows(name="press")) == earlier + 1
    client.destroy()
    assert team.functions.count("POST", "/aliases/champion") == 1
    assert len(team.functions.aliases) == 2


def test_role_is_looked_up_afresh_for_a_press(team: Team) -> None:
    """Who left the owners a moment ago cannot decide any more, though groups are remembered for a minute."""
    workspace = team.workspace
    leaver = workspace.person("operator").id
    workspace.group("ml-owners").users.append(leaver)
    card = team.decision()
    workspace.group("ml-owners").users.remove(leaver)
    before = team.slack.seq()
    team.slack.press("operator", card, "version.promote")
    assert "role owner" in team.private(before)["plain"]
    assert len(team.functions.aliases) == 1
