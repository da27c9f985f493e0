"""Slack limits, stumbles or takes things away; results come all the same."""

from __future__ import annotations

import pytest

from tests.stand_ins.function_app import MODEL
from tests.stand_ins.team import OVER_ALL, Team, over

pytestmark = over(OVER_ALL)

PREDICT = f"/ml predict {MODEL} flight=UA1"


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 429, "retry_after": 0},
        {"status": 500},
        pytest.param({"status": 503, "error": "service_unavailable"}, marks=pytest.mark.slow),
        {"error": "internal_error"},
        pytest.param({"cut": True}, marks=pytest.mark.slow),
    ],
    ids=["429", "500", "503", "error", "cut"],
)
@pytest.mark.parametrize(
    ("method", "text", "answer"),
    [
        ("chat.postMessage", PREDICT, "about 12 min"),
        ("chat.postEphemeral", "/ml models", "Arrival delay"),
        ("usergroups.list", "/ml whoami", "with the role"),
    ],
)
def test_trouble_of_a_method_loses_nothing(
    team: Team, method: str, text: str, answer: str, trouble: dict[str, object]
) -> None:
    """A rate limit, a server error or a cut connection is tried again, and one answer comes."""
    team.slack.fault(method, times=2, **trouble)
    before = team.say("viewer", text)
    assert answer in team.seen(before, answer)["plain"]


@pytest.mark.parametrize(
    "method", ["chat.update", "files.getUploadURLExternal", "upload", "files.completeUploadExternal"]
)
@pytest.mark.parametrize("status", [500, pytest.param(429, marks=pytest.mark.slow)])
def test_trouble_at_the_end_of_a_run_loses_nothing(team: Team, method: str, status: int) -> None:
    """The decision, its chart and its call for approvers come although Slack stumbles just then."""
    before, run = team.retrain()
    retry = {"retry_after": 0} if status == 429 else {}
    team.slack.fault(method, times=2, status=status, **retry)
    team.functions.finish(run["run_id"])
    card = team.state(before, "decision")
    team.seen(card["seq"], "please decide above")
    assert sum("how far off v2 is" in reply for reply in team.thread(card)) == 1


def test_blocks_that_slack_does_not_know_become_text(team: Team) -> None:
    """Where a workspace refuses a block, the same words come as text, and the buttons stay."""
    before, run = team.retrain()
    team.slack.fault("chat.update", error="invalid_blocks", holding="champion v1")
    team.functions.finish(run["run_id"])
    card = team.state(before, "decision")
    assert "champion v1" in card["plain"]
    kinds = [block["type"] for block in card["message"]["blocks"]]
    assert kinds == ["section", "actions"]
    team.slack.press("owner", card, "version.promote")
    assert "v2 was promoted" in team.state(card["seq"], "done")["plain"]


def test_deleted_card_is_posted_anew(team: Team) -> None:
    """When somebody deletes the card of a run, its result is posted as a new one that works as well."""
    before, run = team.retrain()
    card = team.state(before, "open")
    deleting = {"channel": card["channel"], "ts": card["message"]["ts"]}
    team.slack.web_client().chat_delete(**deleting)
    team.functions.finish(run["run_id"])
    anew = team.state(card["seq"], "decision")
    assert anew["message"]["ts"] != card["message"]["ts"]
    team.seen(anew["seq"], "please decide above")
    team.slack.press("owner", anew, "version.promote")
    assert "v2 was promoted" in team.state(anew["seq"], "done")["plain"]


def test_spent_response_url_is_replaced_by_a_direct_message(team: Team) -> None:
    """In a channel without the bot, an answer that the response URL does not take comes directly."""
    team.slack.fault("response_url", error="used_url", status=404)
    before = team.say("viewer", "/ml models", "random")
    assert team.event(before, "message_posted", "Arrival delay")["channel"].startswith("D")


def test_groups_that_cannot_be_read_refuse(team: Team) -> None:
    """While Slack does not say who is an owner, nobody promotes, and the presser is told why."""
    card = team.decision()
    team.slack.fault("usergroups.list", error="fatal_error", times=20)
    before = team.slack.seq()
    team.slack.press("owner", card, "version.promote")
    assert "roles could not be looked up" in team.private(before)["plain"]
    assert len(team.functions.aliases) == 1


def test_what_slack_denies_is_said_at_once(team: Team) -> None:
    """Where Slack denies access to the channel, the asker hears so; nothing is tried for a day."""
    before = team.slack.seq()
    team.slack.fault("chat.postMessage", error="access_denied", holding="flight=UA1")
    team.say("viewer", PREDICT)
    assert "access_denied" in team.private(before)["plain"]
