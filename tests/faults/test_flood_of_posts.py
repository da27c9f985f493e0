"""Slack takes no more posts of one channel: what waits for it holds up nobody else, and all of it comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from bot.engine import LATER, REQUESTS_AT_ONCE, open_client
from playground.slack.loopback import Loopback
from playground.slack.rates import POST, Rates
from tests.function_hosts import wait_until
from tests.stand_ins.function_app import MODEL
from tests.stand_ins.team import ARRIVALS, Team

pytestmark = pytest.mark.faults

START = Callable[..., Team]
CHANNEL, OTHER = "C01ARRIVALS", "ml-wine"
POSTS = REQUESTS_AT_ONCE + 8
PREDICT = f"/ml predict {MODEL} flight=UA1"


class ClosedChannel(Rates):
    """Slack's count of calls; it refuses all posts of one channel until it is opened."""

    def __init__(self, slack: Loopback, seconds: int) -> None:
        super().__init__(slack.settings.clock)
        self.seconds = seconds
        self.is_open = False
        self.refused = 0

    def count(self, method: str, channel: str | None, *, enforce: bool) -> int | None:
        """Count a call; return for how long it has to wait."""
        if method == POST and channel == CHANNEL and not self.is_open:
            self.refused += 1
            return self.seconds
        return super().count(method, channel, enforce=enforce)


def close_channel(team: Team, seconds: int) -> ClosedChannel:
    """Let Slack refuse posts of the channel, and say to wait so long."""
    slack = team.slack.running._served
    assert isinstance(slack, Loopback)
    slack.rates = closed = ClosedChannel(slack, seconds)
    return closed


def waiting(team: Team) -> int:
    """Return how many flows wait for Slack, apart from the requests."""
    client = open_client(team.database_url)
    try:
        return len(client.list_workflows(queue_name=LATER))
    finally:
        client.destroy()


def test_a_channel_that_waits_holds_up_no_other(new_team: START) -> None:
    """More predictions than there are workers wait for a channel; other channels and answers do not."""
    team = new_team()
    team.start_bot()
    closed = close_channel(team, 30)
    for _ in range(POSTS):
        team.say("viewer", PREDICT)
    team.functions.wait_until(lambda: team.functions.predictions >= POSTS, 60.0)
    before = team.say("viewer", PREDICT, OTHER)
    assert "about 12 min" in team.event(before, "message_posted")["plain"]
    assert "with the role" in team.told("viewer", "/ml whoami")
    before = team.say("viewer", f"/ml predict {MODEL}")
    team.event(before, "view_opened")
    assert closed.refused <= 3
    wait_until(lambda: waiting(team) >= POSTS - 3)


@pytest.mark.slow
def test_all_of_a_flood_of_posts_comes_once(new_team: START) -> None:
    """When the channel takes posts again, each answer comes once, one after another; also after a kill."""
    team = new_team()
    bot = team.start_bot()
    closed = close_channel(team, 2)
    flights = [f"UA{number}" for number in range(POSTS)]
    before = team.slack.seq()
    for flight in flights:
        team.say("viewer", f"/ml predict {MODEL} flight={flight}")
    team.functions.wait_until(lambda: team.functions.predictions >= POSTS, 60.0)
    bot.kill()
    team.start_bot()
    closed.is_open = True
    posted: list[str] = []

    def one_more(event: dict[str, object]) -> bool:
        if event["kind"] == "message_posted":
            posted.append(str(event["plain"]))
        return len(posted) >= POSTS

    team.slack.wait_for(one_more, 120.0, before)
    shown = [one["plain"] for one in team.slack.messages(ARRIVALS, "owner")]
    found = Counter(flight for flight in flights for one in shown if f"flight={flight}`" in one)
    assert found == Counter(flights)


def test_posts_that_fail_for_long_wait_apart(new_team: START) -> None:
    """Slack fails at a post again and again: it gives its place to others, and is there once in the end."""
    team = new_team()
    team.start_bot()
    team.slack.fault(POST, status=500, times=6)
    before = team.say("viewer", PREDICT)
    team.seen(before, "about 12 min")
    team.stored("predict", "show the prediction")
    assert waiting(team) == 1
    assert sum("about 12 min" in one["plain"] for one in team.slack.messages(ARRIVALS, "owner")) == 1


def test_roles_that_slack_tells_later_are_waited_for(new_team: START) -> None:
    """Slack says to ask for its user groups a while later: the command is answered then, not refused."""
    team = new_team()
    team.start_bot()
    team.slack.fault("usergroups.list", retry_after=4)
    assert "with the role `operator`" in team.told("operator", "/ml whoami")
    assert waiting(team) == 1
