"""Webhooks: signed requests run a command like a person's, and events go out until they have arrived."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import pytest
import requests
import sqlalchemy as sa

from bot.databases import make_engine
from bot.deliveries import Deliveries
from bot.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, judge, sign
from bot.tables import audit
from playground.slack.server import start
from playground.slack.settings import Settings
from playground.slack.under_test import SlackUnderTest
from tests.stand_ins.endpoint import TeamEndpoint
from tests.stand_ins.function_app import MODEL
from tests.stand_ins.team import WAIT_SECONDS, Team

START = Callable[..., Team]
SECRET = "a secret of the test's own"
OTHER = "another secret of the test"
HOOKS = """
[hooks]
channel = "C01ARRIVALS"

[commands.backfill]
summary = "Fill a day of features again."
connector = "http"
required = ["day"]
inputs = {{ day = {{ format = "date" }}, fast = {{ type = "boolean" }} }}
http = {{ url = "{url}/now" }}

[[webhooks]]
name = "glue"
url = "{url}/now"
events = ["run.finished", "version.promoted"]
secret_from = "GLUE_SECRET"
"""


@pytest.fixture
def endpoint() -> Iterator[TeamEndpoint]:
    """What the command calls, and the receiver of events."""
    made = TeamEndpoint()
    yield made
    made.stop()


@pytest.fixture
def hooked(new_team: START, endpoint: TeamEndpoint) -> Team:
    """A team whose bot takes and sends webhooks; a webhook is an operator there."""
    team = new_team(more=HOOKS.format(url=endpoint.url))
    text = team.config.read_text("utf-8").replace('["@ml-operators"]', '["@ml-operators", "webhook"]')
    team.config.write_text(text, encoding="utf-8")
    team.start_bot(TOBAN_HOOKS_SECRET=SECRET, GLUE_SECRET=OTHER)
    return team


def send(team: Team, verb: str, body: bytes, secret: str = SECRET, age: int = 0) -> requests.Response:
    """Send a signed webhook to the team's bot."""
    at = int(time.time()) - age
    headers = {TIMESTAMP_HEADER: str(at), SIGNATURE_HEADER: sign(secret, at, body)}
    door = team.bots[-1].address.removesuffix("/slack/events")
    return requests.post(f"{door}/hooks/{verb}", data=body, headers=headers, timeout=WAIT_SECONDS)


def test_a_webhook_runs_the_command_and_leaves_the_same_record(hooked: Team, endpoint: TeamEndpoint) -> None:
    """It is answered 202 with an id; the card is in the channel; the audit has who, what and that it may."""
    before = hooked.slack.seq()
    reply = send(hooked, "backfill", b'{"inputs": {"day": "2013-07-04", "fast": true}}')
    assert reply.status_code == 202
    done = hooked.state(before, "done")["plain"]
    assert "backfill day=2013-07-04 fast=yes" in done
    assert endpoint.posts()[0]["raw"] == b'{"day": "2013-07-04", "fast": true}'
    engine = make_engine(hooked.database_url)
    with engine.connect() as connection:
        (row,) = connection.execute(
            sa.select(audit.c.who, audit.c.what, audit.c.flow_id, audit.c.facts)
        ).all()
    engine.dispose()
    assert (row.who, row.what, row.flow_id) == ("webhook", "backfill", reply.json()["id"])
    assert json.loads(row.facts)["allowed"] is True
    shown = hooked.told("viewer", f"/ml show {reply.json()['id']}")
    assert "backfill · done" in shown
    assert "Asked by webhook" in shown


def test_a_built_in_command_is_run_too(hooked: Team) -> None:
    """A retrain that a webhook asks for is a run with its card like any other."""
    reply = send(hooked, "retrain", json.dumps({"words": [MODEL], "inputs": {"rows": 7}}).encode())
    assert reply.status_code == 202
    assert hooked.started()["params"] == {"rows": 7}


def test_checks_are_those_of_slack(hooked: Team, endpoint: TeamEndpoint) -> None:
    """Wrong inputs and missing roles are refused by the flow, in the channel, and nothing is started."""
    before = hooked.slack.seq()
    assert send(hooked, "backfill", b'{"inputs": {"day": "tomorrow"}}').status_code == 202
    hooked.seen(before, "It is not a date")
    before = hooked.slack.seq()
    assert send(hooked, "promote", json.dumps({"words": [MODEL, "v1"]}).encode()).status_code == 202
    hooked.seen(before, "for the role owner")
    assert endpoint.posts() == []


@pytest.mark.parametrize(
    ("verb", "body", "secret", "age", "status", "code"),
    [
        ("backfill", b"{}", OTHER, 0, 401, "bad_signature"),
        ("backfill", b"{}", SECRET, 301, 401, "bad_signature"),
        ("backfill", b"{}", SECRET, -390, 401, "bad_signature"),
        ("backfil", b"{}", SECRET, 0, 404, "unknown_command"),
        ("whoami", b"{}", SECRET, 0, 404, "unknown_command"),
        ("backfill", b"[]", SECRET, 0, 400, "invalid_request"),
        ("backfill", b'{"inputs": {"day": {"a": 1}}}', SECRET, 0, 400, "invalid_request"),
        ("backfill", b'{"input": {}}', SECRET, 0, 400, "invalid_request"),
        ("backfill", b"{" + b" " * 70_000 + b"}", SECRET, 0, 413, "body_too_large"),
    ],
)
def test_bad_requests_are_refused(
    shared_hooked: Team, verb: str, body: bytes, secret: str, age: int, status: int, code: str
) -> None:
    """What is unsigned, old, forged, unknown, malformed or too large is refused with its reason."""
    reply = send(shared_hooked, verb, body, secret, age)
    assert (reply.status_code, reply.json()["reason_code"]) == (status, code)


@pytest.fixture(scope="module")
def shared_hooked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """One team for all that is refused at the door."""
    running = start(Settings())
    with SlackUnderTest(running) as slack:
        made = Team(tmp_path_factory.mktemp("hooks"), slack, more=HOOKS.format(url="http://127.0.0.1:9"))
        made.start_bot(TOBAN_HOOKS_SECRET=SECRET, GLUE_SECRET=OTHER)
        yield made
        made.close()
    running.stop()


def test_a_replay_is_refused_and_runs_nothing(hooked: Team, endpoint: TeamEndpoint) -> None:
    """The same signed bytes a second time are refused, with the id of the first."""
    at, body = int(time.time()), b'{"inputs": {"day": "2013-07-04"}}'
    headers = {TIMESTAMP_HEADER: str(at), SIGNATURE_HEADER: sign(SECRET, at, body)}
    door = hooked.bots[-1].address.removesuffix("/slack/events")
    before = hooked.slack.seq()
    first, second = (
        requests.post(f"{door}/hooks/backfill", data=body, headers=headers, timeout=WAIT_SECONDS)
        for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (202, 409)
    assert first.json()["id"] in second.json()["detail"]
    hooked.state(before, "done")
    endpoint.wait_for(2)
    calls = [one for one in endpoint.posts() if SIGNATURE_HEADER.lower() not in one["headers"]]
    assert len(calls) == 1


def test_without_a_secret_nothing_is_let_in(new_team: START) -> None:
    """A bot that was given no secret refuses every webhook and callback."""
    team = new_team()
    team.start_bot()
    assert send(team, "retrain", b"{}").json()["reason_code"] == "not_set_up"


def test_events_go_out_signed_until_they_arrive(hooked: Team, endpoint: TeamEndpoint) -> None:
    """The end of a run and a promotion are told in order, signed, and kept in a ledger."""
    endpoint.refuse = (503, None)
    card = hooked.decision()
    hooked.slack.press("owner", card, "version.promote")
    hooked.state(card["seq"], "done")
    endpoint.wait_for(2)
    endpoint.refuse = None
    known = endpoint.wait_for(3)
    while known[-1]["headers"]["x-toban-event"] == "run.finished":  # one more refusal may be on its way
        known = endpoint.wait_for(len(known) + 1)
    *first, told = known
    assert len(first) >= 2
    assert {one["headers"]["x-toban-event"] for one in first} == {"run.finished"}
    assert told["headers"]["x-toban-event"] == "version.promoted"
    for one in (first[-1], told):
        stamp, signature = (one["headers"][name.lower()] for name in (TIMESTAMP_HEADER, SIGNATURE_HEADER))
        assert judge(OTHER, stamp, signature, one["raw"], time.time()) == "good"
    assert json.loads(told["raw"])["data"] | {"evidence": ""} == {
        "model": MODEL,
        "version": 2,
        "previous": 1,
        "evidence": "",
        "by": "U01OWNER000",
    }
    engine = make_engine(hooked.database_url)
    ledger = wait_until_closed(Deliveries(engine), 2)
    engine.dispose()
    assert [row["state"] for row in ledger] == ["delivered", "delivered"]
    assert ledger[0]["attempts"] == len(first)


def test_a_receiver_that_refuses_is_not_asked_again(hooked: Team, endpoint: TeamEndpoint) -> None:
    """A refused event is written down as that, and the next one goes out."""
    endpoint.refuse = (410, None)
    send(hooked, "backfill", b'{"inputs": {"day": "2013-07-04"}}')  # refused: it never began, so no event
    _, run = hooked.retrain()
    hooked.functions.finish(run["run_id"])
    engine = make_engine(hooked.database_url)
    (row,) = wait_until_closed(Deliveries(engine), 1)
    engine.dispose()
    assert (row["state"], row["attempts"], row["detail"]) == ("refused", 1, "status 410")


def wait_until_closed(deliveries: Deliveries, count: int) -> list[dict[str, object]]:
    """Wait until *count* deliveries have ended; return all."""
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        rows = deliveries.of("glue")
        if sum(row["ended_at"] is not None for row in rows) >= count:
            return rows
        time.sleep(0.05)  # another process writes them: there is nothing to wait on
    raise AssertionError(deliveries.of("glue"))
