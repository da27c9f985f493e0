"""Commands by @mention: the same grammar as the slash command's, in threads too."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.stand_ins.function_app import MODEL
from tests.stand_ins.team import ARRIVALS, OVER_BOTH, Team, job_state, over

pytest_plugins = ["tests.stand_ins.team"]
pytestmark = over(OVER_BOTH)


def test_a_mention_in_a_thread_is_answered_there(new_team: Callable[..., Team]) -> None:
    """A prediction asked for in a thread stands in that thread, not in the channel."""
    team = new_team()
    team.start_bot()
    root = team.slack.say("viewer", ARRIVALS, "how late will it be?")["ts"]
    before = team.slack.seq()
    said = team.slack.say(
        "viewer", ARRIVALS, f"@toban predict {MODEL} flight=UA1 “dep_delay=5”", thread_ts=root
    )
    assert said["ok"]
    answer = team.private(before)
    assert "dep_delay=5" in answer["plain"]
    assert team.slack.say("viewer", ARRIVALS, f"well, @toban predict {MODEL} flight=UA1", thread_ts=root)[
        "ok"
    ]
    card = team.state(before, "done")
    assert card["message"]["thread_ts"] == root
    assert "about" in card["plain"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@toban", "What you can ask for"),
        ("@toban help predict", "Ask a model for a prediction"),
        ("@toban: models", "Arrival delay"),
        ("hello @toban, whoami", "with the role"),
        ("@toban predct arrival-delay", "Did you mean predict"),
        ('@toban predict arrival-delay flight="UA1', "quote"),
    ],
)
def test_what_is_looked_up_is_told_to_the_asker_alone(team: Team, text: str, words: str) -> None:
    """Help, lookups and slips of the keyboard are answered in private, in the same thread."""
    root = team.slack.say("owner", ARRIVALS, "a thread")["ts"]
    before = team.slack.seq()
    assert team.slack.say("operator", ARRIVALS, text, thread_ts=root)["ok"]
    private = team.private(before)
    assert words in private["plain"].replace("`", "")
    assert private["visible_to"] == ["U01OPERATOR"]
    assert private["message"]["thread_ts"] == root


def test_a_run_begun_in_a_thread_stays_in_it(team: Team) -> None:
    """Card, picture and what the requester is told all name the thread's first message."""
    root = team.slack.say("operator", ARRIVALS, "let us train")["ts"]
    before = team.slack.seq()
    assert team.slack.say("operator", ARRIVALS, f"@toban retrain {MODEL} until=2013-06", thread_ts=root)["ok"]
    team.functions.finish(team.started()["run_id"])
    card = team.state(before, "decision")
    team.seen(card["seq"], "please decide above")
    replies = team.slack.messages(ARRIVALS, "owner", root)
    assert len(replies) > 2
    assert {reply.get("thread_ts") for reply in replies} == {root}
    assert not [
        one for one in team.slack.messages(ARRIVALS, "owner") if job_state({"message": one}) == "decision"
    ]


@pytest.mark.parametrize("in_thread", [True, False], ids=["thread", "channel"])
@pytest.mark.parametrize(
    "text",
    [f"predict {MODEL}", f"form predict {MODEL} flight=UA7", f"predict {MODEL} dep_delay=soon"],
    ids=["nothing given", "form", "wrong"],
)
def test_a_mention_opens_its_form_by_a_button(team: Team, text: str, in_thread: bool) -> None:
    """A mention cannot open a form itself: a button does, and what is sent is answered where it was asked."""
    root = team.slack.say("operator", ARRIVALS, "what about this one?")["ts"] if in_thread else None
    before = team.slack.seq()
    assert team.slack.say("operator", ARRIVALS, f"@toban {text}", thread_ts=root)["ok"]
    offer = team.private(before, "[ Open the form ]")
    assert offer["visible_to"] == ["U01OPERATOR"]
    assert offer["message"].get("thread_ts") == root
    before = team.slack.seq()
    assert team.slack.press("operator", offer, "form.open")["ok"]
    event = team.slack.wait_for(lambda one: "Flight" in str(one.get("view", {}).get("blocks")), after=before)
    entered = {"Flight": "UA1545", "Dep delay": "5"}
    assert team.slack.submit("operator", entered, event["view"])["ok"]
    card = team.state(before, "done")
    assert card["message"].get("thread_ts") == root


def test_a_redelivered_mention_is_carried_out_once(team: Team) -> None:
    """Slack sends events again; the same one makes one answer."""
    before = team.slack.seq()
    delivery = team.slack.say("viewer", ARRIVALS, f"@toban predict {MODEL} flight=UA7")["delivery"]
    retry = {"x-slack-retry-num": "1", "x-slack-retry-reason": "http_timeout"}
    assert all(each["ok"] for each in team.slack.redeliver(delivery, times=3, headers=retry))
    team.state(before, "done")
    team.told("viewer", "/ml whoami")
    assert team.functions.count("POST", "predict") == 1


def test_the_bot_does_not_answer_itself_or_other_bots(team: Team) -> None:
    """A message of an app that mentions the bot begins nothing."""
    before = team.slack.seq()
    team.slack.web_client().chat_postMessage(channel="C01ARRIVALS", text="<@U01TOBANBOT> predict x")
    team.told("viewer", "/ml whoami")
    kinds = [event["kind"] for event in team.slack.feed(before) if event["kind"] == "ephemeral_posted"]
    assert len(kinds) == 1
