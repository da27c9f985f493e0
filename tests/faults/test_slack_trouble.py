"""Slack takes the token away, is silent for long, repeats itself, or tells another time: nothing is lost."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from slack_sdk.signature import SignatureVerifier

from bot.desk import LONG, Patience
from tests.stand_ins.function_app import MODEL
from tests.stand_ins.team import WAIT_SECONDS, Team

pytestmark = pytest.mark.faults

SLOW = pytest.mark.slow
PREDICT = f"/ml predict {MODEL} flight=UA1"
LONGEST_PAUSE = 3600.0
"""The engine's own longest pause between two attempts of a step."""


@pytest.mark.parametrize(
    "code",
    ["token_revoked", *(pytest.param(one, marks=SLOW) for one in ("invalid_auth", "account_inactive"))],
)
@pytest.mark.parametrize(
    ("method", "text", "answer"),
    [
        ("chat.postMessage", PREDICT, "about 12 min"),
        pytest.param("chat.postEphemeral", "/ml models", "Arrival delay", marks=SLOW),
    ],
)
def test_a_token_that_comes_back(team: Team, method: str, text: str, answer: str, code: str) -> None:
    """What could not be shown while Slack refused the token is shown as soon as it takes it again."""
    team.slack.fault(method, error=code, times=3)
    before = team.say("viewer", text)
    assert answer in team.seen(before, answer)["plain"]


def test_a_decision_outlives_its_token(team: Team) -> None:
    """The end of a run, its files and the call for approvers wait for the token; the decision is taken."""
    before, run = team.retrain()
    for method in ("chat.update", "files.getUploadURLExternal", "chat.postMessage", "usergroups.list"):
        team.slack.fault(method, error="token_revoked", times=2)
    team.functions.finish(run["run_id"])
    card = team.state(before, "decision")
    team.seen(card["seq"], "please decide above")
    team.slack.press("owner", card, "version.promote")
    assert "v2 was promoted" in team.state(card["seq"], "done")["plain"]


@pytest.mark.parametrize(
    ("method", "act"),
    [
        ("views.open", lambda team: team.say("viewer", f"/ml predict {MODEL}")),
        ("views.publish", lambda team: team.slack.open_home("viewer")),
    ],
    ids=["views.open", "views.publish"],
)
@pytest.mark.parametrize(
    "trouble",
    [{"retry_after": 0}, *(pytest.param(one, marks=SLOW) for one in ({"status": 500}, {"cut": True}))],
    ids=str,
)
def test_trouble_of_views(team: Team, method: str, act: Any, trouble: dict[str, Any]) -> None:
    """A form and a Home tab are shown although Slack stumbles once over them."""
    before = team.slack.seq()
    team.slack.fault(method, **trouble)
    act(team)
    team.slack.wait_for(lambda event: event["kind"] in ("view_opened", "home_published"), after=before)


@pytest.mark.parametrize("trouble", [{"retry_after": 0}, {"status": 500}, {"error": "fatal_error"}], ids=str)
def test_trouble_while_looking_for_a_lost_post(team: Team, trouble: dict[str, Any]) -> None:
    """A post's answer is lost and Slack stumbles over the search for it, too: it is found and posted once."""
    before = team.slack.seq()
    team.slack.fault("chat.postMessage", after=True, cut=True)
    team.slack.fault("conversations.history", **trouble)
    team.say("viewer", PREDICT)
    team.stored("predict", "show the prediction")
    shown = [one for one in team.slack.feed(before) if one["kind"] == "message_posted"]
    assert len(shown) == 1


@SLOW
def test_a_post_that_slack_answers_after_the_time_out(team: Team) -> None:
    """Slack takes the post and says so after a minute: it is looked for and found, not sent again."""
    before = team.slack.seq()
    team.slack.fault("chat.postMessage", after=True, hang_seconds=60)
    team.say("viewer", PREDICT)
    team.seen(before, "about 12 min")
    team.stored("predict", "show the prediction", 40.0)
    shown = [one for one in team.slack.feed(before) if one["kind"] == "message_posted"]
    assert len(shown) == 1


@pytest.mark.parametrize(
    "headers",
    [{}, {"x-slack-retry-num": "1", "x-slack-retry-reason": "http_timeout"}],
    ids=["without headers", "with headers"],
)
def test_redelivery_out_of_order(team: Team, headers: dict[str, str]) -> None:
    """An earlier command comes again after a later one, several times at once: each is answered once."""
    before, cards = team.slack.seq(), len(team.cards())
    first = team.slack.say("viewer", "ml-arrivals", f"/ml predict {MODEL} flight=UA5")
    team.slack.say("viewer", "ml-arrivals", f"/ml predict {MODEL} flight=UA6")
    team.slack.redeliver(first["delivery"], times=3, headers=headers)
    team.seen(before, "flight=UA5`")
    team.seen(before, "flight=UA6`")
    team.slack.redeliver(first["delivery"], headers=headers)
    team.told("viewer", "/ml whoami")
    assert (team.functions.predictions, len(team.cards()) - cards) == (2, 2)


@SLOW
def test_a_press_that_comes_again(team: Team) -> None:
    """A press is delivered again after the decision was taken: nothing is decided a second time."""
    card = team.decision()
    before = team.slack.seq()
    pressed = team.slack.press("owner", card, "version.reject")
    team.state(before, "done")
    team.slack.redeliver(pressed["delivery"], times=2)
    team.told("viewer", "/ml whoami")
    assert [one["version"] for one in team.functions.aliases] == [1]


@pytest.mark.parametrize(
    ("skew_seconds", "status"), [(-400, 401), (-240, 200), (0, 200), (240, 200), (400, 401)]
)
def test_clocks_that_differ(team: Team, skew_seconds: int, status: int) -> None:
    """Five minutes between Slack's clock and the bot's are borne; beyond them a request may be a replay."""
    typed = {"command": "/ml", "text": "whoami", "trigger_id": f"skew.{skew_seconds}"}
    where = {"team_id": "T01LOOPBACK", "user_id": "U01VIEWER00", "channel_id": "C01ARRIVALS"}
    body = urlencode(typed | where)
    at = str(int(time.time() + skew_seconds))
    signature = SignatureVerifier(team.slack.signing_secret).generate_signature(timestamp=at, body=body)
    headers = {
        "x-slack-signature": str(signature),
        "x-slack-request-timestamp": at,
        "content-type": "application/x-www-form-urlencoded",
    }
    said = requests.post(team.bots[-1].address, data=body, headers=headers, timeout=WAIT_SECONDS)
    assert said.status_code == status


def test_half_an_hour_without_slack_loses_nothing() -> None:
    """A result is tried for about a day, and often enough to come soon after half an hour of silence."""
    tries = list(moments(LONG))
    assert 20 * 3600 < tries[-1] < 30 * 3600
    assert sum(at < 30 * 60 for at in tries) > 40
    later = [at for at in tries if at > 30 * 60]
    assert later[0] - 30 * 60 < 3 * 60


def moments(patience: Patience) -> list[float]:
    """Return after how many seconds a step is tried, as the engine does it."""
    at, tries = 0.0, [0.0]
    for number in range(patience.attempts - 1):
        at += min(patience.first_seconds * patience.growth**number, LONGEST_PAUSE)
        tries.append(at)
    return tries
