"""The bot is killed around a team's own command, a webhook and an event for outside: each happens once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from bot.databases import make_engine
from bot.deliveries import Deliveries
from bot.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign
from tests.stand_ins.bot_process import BotProcess
from tests.stand_ins.endpoint import TeamEndpoint
from tests.stand_ins.team import WAIT_SECONDS, Team

pytestmark = pytest.mark.faults

SECRET, OTHER = "a secret of the test's own", "another secret of the test"
TOML = """
[hooks]
channel = "C01ARRIVALS"

[commands.backfill]
summary = "Fill a day of features again."
connector = "http"
inputs = {{ day = {{ format = "date" }} }}
http = {{ url = "{url}/later", cancel_url = "stop", repeatable = true }}

[commands.wipe]
summary = "Forget everything."
connector = "http"
confirm = "Really?"
http = {{ url = "{url}/later" }}

[[webhooks]]
name = "glue"
url = "{url}/now/told"
events = ["run.finished"]
secret_from = "GLUE_SECRET"
"""


@pytest.fixture
def endpoint() -> Iterator[TeamEndpoint]:
    """What the commands call, and who is told of their end."""
    made = TeamEndpoint()
    yield made
    made.stop()


@pytest.fixture
def team(new_team: Callable[..., Team], endpoint: TeamEndpoint) -> Team:
    """A team with commands of its own; a webhook is an operator there. The bot is started by the test."""
    made = new_team(more=TOML.format(url=endpoint.url))
    text = made.config.read_text("utf-8").replace('["@ml-operators"]', '["@ml-operators", "webhook"]')
    made.config.write_text(text, encoding="utf-8")
    return made


def begin(team: Team) -> BotProcess:
    """Start a bot that looks often."""
    return team.start_bot("--work-seconds", "0.1", TOBAN_HOOKS_SECRET=SECRET, GLUE_SECRET=OTHER)


def told(endpoint: TeamEndpoint) -> list[dict[str, Any]]:
    """Return the events that have come."""
    with endpoint.lock:
        return [one for one in endpoint.asked if one["path"] == "/now/told"]


def wait_until_told(team: Team, endpoint: TeamEndpoint) -> dict[str, Any]:
    """Wait until the ledger has the one delivery as arrived; return it."""
    engine = make_engine(team.database_url)
    try:
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            rows = Deliveries(engine).of("glue")
            if rows and rows[0]["ended_at"] is not None:
                (row,) = rows
                return row
            time.sleep(0.05)  # another process writes it: there is nothing to wait on
    finally:
        engine.dispose()
    raise AssertionError(told(endpoint))


@pytest.mark.parametrize(
    "moment",
    [
        "as it is called",
        "as it ends",
        pytest.param("while it runs", marks=pytest.mark.slow),
        pytest.param("as it is cancelled", marks=pytest.mark.slow),
    ],
)
def test_killed_around_a_command(team: Team, endpoint: TeamEndpoint, moment: str) -> None:
    """Killed at any moment, the bot goes on: one run of the endpoint, one card, one end, one event."""
    bot = begin(team)
    held = threading.Event()
    endpoint.held = held if moment == "as it is called" else None
    before = team.say("operator", "/ml backfill day=2013-07-04")
    endpoint.wait_for(1)
    if moment != "as it is called":
        live = team.seen(before, "running")
    if moment == "as it is cancelled":
        endpoint.held = held
        team.slack.press("operator", live, "work.cancel")
        with endpoint.changed:
            assert endpoint.changed.wait_for(
                lambda: endpoint.runs["r1"]["state"] == "cancelled", WAIT_SECONDS
            )
    bot.kill()
    endpoint.held = None
    held.set()
    if moment == "as it ends":
        endpoint.end("r1")

    begin(team)
    if moment in ("as it is called", "while it runs"):
        team.seen(before, "running")
        endpoint.end("r1")
    done = team.state(before, "done")
    assert ("was cancelled" if moment == "as it is cancelled" else "is done") in done["plain"]
    assert wait_until_told(team, endpoint)["state"] == "delivered"
    assert (list(endpoint.runs), len(team.cards())) == (["r1"], 1)


def test_killed_as_a_command_is_confirmed(team: Team, endpoint: TeamEndpoint) -> None:
    """An endpoint that may not be asked twice is not: the card says that nobody knows."""
    bot = begin(team)
    before = team.say("operator", "/ml wipe")
    asked = team.state(before, "decision")
    endpoint.held = threading.Event()
    team.slack.press("operator", asked, "work.start")
    endpoint.wait_for(1)
    bot.kill()
    endpoint.held.set()
    begin(team)
    assert "cannot be told whether the run was started" in team.state(asked["seq"], "done")["plain"]
    assert (len(endpoint.posts()), len(team.cards())) == (1, 1)


def test_killed_after_a_webhook_was_taken(team: Team, endpoint: TeamEndpoint) -> None:
    """What a webhook asked for goes on in the next bot; the same bytes again begin nothing there."""
    bot = begin(team)
    at, body = int(time.time()), b'{"inputs": {"day": "2013-07-04"}}'
    headers = {TIMESTAMP_HEADER: str(at), SIGNATURE_HEADER: sign(SECRET, at, body)}
    address = bot.address.removesuffix("/slack/events")
    before = team.slack.seq()
    assert requests.post(f"{address}/hooks/backfill", data=body, headers=headers, timeout=WAIT_SECONDS).ok
    bot.kill()
    address = begin(team).address.removesuffix("/slack/events")
    again = requests.post(f"{address}/hooks/backfill", data=body, headers=headers, timeout=WAIT_SECONDS)
    assert again.status_code == 409
    team.seen(before, "running")
    endpoint.end("r1")
    team.state(before, "done")
    assert (list(endpoint.runs), len(team.cards())) == (["r1"], 1)


def test_killed_as_an_event_is_told(team: Team, endpoint: TeamEndpoint) -> None:
    """An event whose answer was lost with the bot is told again under the same id, and noted once."""
    bot = begin(team)
    before = team.say("operator", "/ml backfill day=2013-07-04")
    team.seen(before, "running")
    endpoint.wait_for(1)
    endpoint.end("r1")
    done = team.state(before, "done")
    endpoint.held = threading.Event()
    with endpoint.changed:
        assert endpoint.changed.wait_for(lambda: len(told(endpoint)) > 0, WAIT_SECONDS)
    bot.kill()
    endpoint.held.set()
    endpoint.held = None
    begin(team)
    assert wait_until_told(team, endpoint)["state"] == "delivered"
    assert len({one["headers"]["x-toban-delivery"] for one in told(endpoint)}) == 1
    assert len({one["raw"] for one in told(endpoint)}) == 1
    assert done["message"]["ts"] == team.cards()[0]["ts"]
