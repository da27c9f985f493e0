"""Slack takes a post and its answer is lost, or the bot with it; with history scopes there is one post."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.stand_ins.function_app import MODEL
from tests.stand_ins.team import ARRIVALS, Team

pytestmark = pytest.mark.faults

PREDICT = f"/ml predict {MODEL} flight=UA1"
LEAST = ("chat:write", "commands", "files:write", "usergroups:read")
START = Callable[..., Team]


def answers(team: Team) -> int:
    """Return how many predictions stand in the channel."""
    return sum("about 12 min" in one["plain"] for one in team.slack.messages(ARRIVALS, "owner"))


@pytest.mark.parametrize(
    "trouble",
    [{"cut": True}, {"error": "fatal_error"}, pytest.param({"status": 500}, marks=pytest.mark.slow)],
    ids=str,
)
def test_lost_answer_to_a_post(team: Team, trouble: dict[str, object]) -> None:
    """A post whose answer was lost is found, not sent again."""
    before = answers(team)
    team.slack.fault("chat.postMessage", after=True, **trouble)
    team.say("viewer", PREDICT)
    team.stored("predict", "show the prediction")
    assert answers(team) == before + 1


def test_lost_answer_to_a_reply_and_to_a_file(team: Team) -> None:
    """What goes into a card's thread is there once, too."""
    before, run = team.retrain()
    team.slack.fault("files.completeUploadExternal", after=True, cut=True)
    team.functions.finish(run["run_id"])
    card = team.state(before, "decision")
    team.seen(card["seq"], "please decide above")
    team.stored("decide", "call the approvers")
    before, run = team.retrain()
    team.slack.fault("chat.postMessage", after=True, cut=True, times=2)
    team.functions.finish(run["run_id"])
    other = team.state(before, "decision")
    team.seen(other["seq"], "please decide above")
    for shown in (card, other):
        replies = team.thread(shown)
        assert len(replies) == len(set(replies)) == 3


def test_killed_before_it_knew_of_its_post(new_team: START) -> None:
    """Killed after Slack took the post and before it answered, the bot finds it at its next start."""
    team = new_team()
    bot = team.start_bot()
    team.slack.fault("chat.postMessage", after=True, hang_seconds=60)
    before = team.say("viewer", PREDICT)
    team.seen(before, "about 12 min")
    bot.kill()
    team.start_bot()
    team.stored("predict", "show the prediction")
    assert answers(team) == 1


def test_without_history_it_is_sent_again(new_team: START) -> None:
    """Where the bot may not look, the answer is rather shown twice than lost, and the log says so."""
    team = new_team(scopes=LEAST)
    bot = team.start_bot()
    team.slack.fault("chat.postMessage", after=True, cut=True)
    team.say("viewer", PREDICT)
    team.stored("predict", "show the prediction")
    assert answers(team) == 2
    assert "posted without looking" in bot.said
