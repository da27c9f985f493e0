"""What comes to the bot's door without being Slack's, or is typed to hurt, is refused; nothing is done."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from bot.engine import REQUESTS, open_client
from bot.signing import sign
from tests.stand_ins.function_app import MODEL
from tests.stand_ins.team import ARRIVALS, Team

SECONDS = 60
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
OTHER = "T99ELSEWHERE"

Json = dict[str, Any]


def command(text: str, **fields: str) -> bytes:
    """Return a slash command as Slack writes it."""
    known = {
        "command": "/ml",
        "text": text,
        "team_id": "T01LOOPBACK",
        "user_id": "U01OWNER000",
        "channel_id": "C01ARRIVALS",
        "trigger_id": f"{time.time_ns()}",
    }
    return urlencode(known | fields).encode()


def send(
    team: Team, body: bytes, kind: str = FORM, *, secret: str | None = None, age: int = 0, signature: str = ""
) -> requests.Response:
    """Send *body* to the bot, signed with *secret* (Slack's own by default), *age* seconds ago."""
    at = int(time.time()) - age
    signed = signature or sign(team.slack.signing_secret if secret is None else secret, at, body)
    headers = {"Content-Type": kind, "X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": signed}
    return requests.post(team.bots[-1].address, data=body, headers=headers, timeout=SECONDS)


@pytest.fixture(autouse=True)
def nothing_done(team: Team) -> Iterator[None]:
    """Check after each test that nothing was started, and that nobody saw the inside of the program."""
    said, predicted, runs = len(team.bots[-1].said), team.functions.predictions, len(team.functions.runs)
    yield
    assert "Traceback" not in team.bots[-1].said[said:]
    assert (team.functions.predictions, len(team.functions.runs)) == (predicted, runs)


@pytest.mark.parametrize(
    "forged",
    [
        {"secret": "another secret"},
        {"age": 330},
        {"age": -390},
        {"signature": "v0=" + "0" * 64},
        {"signature": "v0="},
        {"signature": "v1=" + "é" * 64},
    ],
    ids=lambda forged: next(iter(forged)),
)
def test_what_slack_did_not_sign_now_does_nothing(team: Team, forged: dict[str, Any]) -> None:
    """Signed with another secret, five minutes ago, or not at all, a command is refused."""
    if not str(forged.get("signature", "")).isascii():
        forged = {"signature": str(forged["signature"]).encode()}
    answer = send(team, command(f"predict {MODEL} flight=UA1545"), **forged)
    assert answer.status_code == 401


def test_a_signature_holds_for_its_own_bytes_only(team: Team) -> None:
    """The signature of one command opens the door to no other."""
    signed = sign(team.slack.signing_secret, int(time.time()), command("help"))
    answer = send(team, command(f"predict {MODEL} flight=UA1545"), signature=signed)
    assert answer.status_code == 401


def form_of(team: Team) -> Json:
    """Return a form that somebody has open, with what was entered."""
    before = team.say("viewer", f"/ml predict {MODEL}")
    view: Json = team.slack.wait_for(
        lambda one: one["kind"] in ("view_opened", "view_changed") and "Flight" in one.get("plain", ""),
        after=before,
    )["view"]
    entered = {"0:flight": {"form.value": {"type": "plain_text_input", "value": "UA1545"}}}
    return view | {"state": {"values": entered}}


def file_of(team: Team) -> Json:
    """Return a message that holds a table."""
    ts = team.slack.share("operator", ARRIVALS, f"{MODEL}.csv", b"flight\nUA1545\n")["ts"]
    return next(one for one in team.slack.messages(ARRIVALS, "viewer") if one["ts"] == ts)


def interaction(kind: str, **fields: Any) -> bytes:
    """Return an interaction of a person of another workspace, as Slack writes it."""
    known = {
        "type": kind,
        "team": {"id": OTHER, "domain": "elsewhere"},
        "enterprise": None,
        "user": {"id": "U01OWNER000", "team_id": OTHER},
        "channel": {"id": "C01ARRIVALS"},
        "trigger_id": "1.2.3",
        "action_ts": f"{time.time_ns()}",
    }
    return urlencode({"payload": json.dumps(known | fields)}).encode()


def press(action_id: str, value: str) -> bytes:
    """Return a press of a button in another workspace."""
    pressed = {"type": "button", "action_id": action_id, "value": value, "action_ts": f"{time.time_ns()}"}
    return interaction("block_actions", actions=[pressed])


def choice(team: Team) -> bytes:
    """Return the answer to the question which model a file is for."""
    message = file_of(team)
    return press("file.predict_0", json.dumps({**message["files"][0], "model": MODEL, "ts": message["ts"]}))


def event(kind: str, **fields: str) -> bytes:
    """Return an event of another workspace."""
    inner = {"type": kind, "user": "U01OWNER000", "channel": "C01ARRIVALS", "ts": "1.1", **fields}
    envelope = {"type": "event_callback", "team_id": OTHER, "event_id": f"Ev{time.time_ns()}", "event": inner}
    return json.dumps(envelope).encode()


ELSEWHERE: dict[str, Callable[[Team], bytes]] = {
    "command": lambda team: command(f"predict {MODEL} flight=UA1545", team_id=OTHER),
    "press": lambda team: press("form.open", f"predict {MODEL}"),
    "home button": lambda team: press("home.predict", f"predict {MODEL} flight=UA1545"),
    "choice": choice,
    "form": lambda team: interaction("view_submission", view=form_of(team)),
    "menu": lambda team: interaction(
        "block_suggestion", view=form_of(team), action_id="form.value", block_id="2:carrier", value="U"
    ),
    "message": lambda team: interaction(
        "message_action", callback_id="file.predict", message=file_of(team), response_url=None
    ),
    "mention": lambda team: event(
        "app_mention", text=f"<@{team.workspace.bot.user_id}> predict {MODEL} flight=UA1545"
    ),
    "home": lambda team: event("app_home_opened", tab="home"),
}
"""For each door a request that would be served if it came from the bot's own workspace."""


def flows(team: Team) -> set[str]:
    """Return the ids of all that was ever asked of the bot; a request is stored before it is acked."""
    waiting = set(team.requests())  # before the flows: who moves from here to there is seen
    client = open_client(team.database_url)
    try:
        return waiting | {one.workflow_id for one in client.list_workflows(queue_name=REQUESTS)}
    finally:
        client.destroy()


@pytest.mark.parametrize("door", ELSEWHERE)
def test_another_workspace_is_not_served(team: Team, door: str) -> None:
    """A well signed request of another workspace (an app that was shared by mistake) does nothing here."""
    body = ELSEWHERE[door](team)
    before, known = team.slack.seq(), flows(team)
    answer = send(team, body, JSON if body.startswith(b"{") else FORM)
    assert answer.status_code == 200, answer.text
    assert "U01OWNER000" not in answer.text
    assert not (answer.json() if door == "menu" else {}).get("options")
    assert flows(team) == known
    team.told("viewer", "/ml whoami")
    kinds = [one["kind"] for one in team.slack.feed(before)]
    assert [kind for kind in kinds if kind not in ("command_typed", "delivery")] == ["ephemeral_posted"]


@pytest.mark.parametrize("at", ["soon", "1e9", "", "-1", "nan", "9" * 500, "\u00b2".encode("latin-1")])
def test_a_time_that_is_no_number_is_refused(team: Team, at: str | bytes) -> None:
    """Without a secret nobody makes the bot fail by a time that cannot be read."""
    headers = {"Content-Type": FORM, "X-Slack-Request-Timestamp": at, "X-Slack-Signature": "v0=0"}
    answer = requests.post(team.bots[-1].address, data=command("help"), headers=headers, timeout=SECONDS)
    assert answer.status_code == 401


JSON_LESS = b'{"type": "event_callback", "team_id": "T01LOOPBACK", "event": %b}'
PRESS_LESS = b'{"team": {"id": "T01LOOPBACK"}, "user": {"id": "U1"}, %b}'
DEEP = b'{"type": ' + b"[" * 100_000
ODD: list[tuple[bytes, str]] = [
    (DEEP, JSON),
    (b"payload=" + b"[" * 100_000, FORM),
    (b"payload=5", FORM),
    (b"payload=null", FORM),
    (b"payload=%7B", FORM),
    (b"[1, 2]", JSON),
    (b"null", JSON),
    (b"5", JSON),
    (b'{"type": "event_callback"}', JSON),
    (b'{"type": ' + b"9" * 5_000 + b"}", JSON),
    (b"\xff\xfe\x00", FORM),
    (b"\xff\xfe\x00", JSON),
    (b"", FORM),
    *((JSON_LESS % event, JSON) for event in (b"null", b"[]", b'"app_mention"', b'{"type": ["x"]}', b"{}")),
    (JSON_LESS % b'{"type": "app_mention", "user": "U1"}', JSON),
    (b"command=%2Fml&text=status&team_id=T01LOOPBACK", FORM),
    (b"payload=" + PRESS_LESS % b'"type": "block_actions", "actions": []', FORM),
    (b"payload=" + PRESS_LESS % b'"type": "view_submission", "view": {}', FORM),
]


@pytest.mark.parametrize("secret", [None, "another secret"], ids=["signed", "forged"])
@pytest.mark.parametrize(("body", "kind"), ODD, ids=lambda value: repr(value)[:20])
def test_bodies_of_any_shape_are_refused(team: Team, body: bytes, kind: str, secret: str | None) -> None:
    """Too deep, cut, no text, or JSON of another shape: refused, signed or not, without a stack trace."""
    answer = send(team, body, kind, secret=secret)
    assert answer.status_code in (400, 401, 404), (answer.status_code, answer.text)


@pytest.mark.parametrize(
    ("size", "path"), [(2, "slack/events"), (2, "hooks/x"), (2, "callbacks/x/y"), (50, "github/events")]
)
def test_too_large_bodies_are_refused(team: Team, size: int, path: str) -> None:
    """More megabytes than anybody sends are refused at each door, and the bot answers on."""
    door = team.bots[-1].address.removesuffix("slack/events")
    with_body = {"data": b"x" * size * 1_000_000, "headers": {"Content-Type": FORM}}
    try:
        status = requests.post(door + path, timeout=SECONDS, **with_body).status_code
    except requests.ConnectionError:  # refused by its announced size, before all of it was sent
        status = 413
    assert status == 413
    assert "Arrival delay" in team.told("viewer", "/ml models")


TEXTS = [
    "..",
    "../../etc/passwd",
    "%2e%2e%2f",
    "a\x00b",
    "\\\\server\\share",
    "💣💥",
    "\u202eevil\u202c",
    "<!channel>",
    '{"rows": [1]}',
    "1e309",
    "NaN",
    "=1+1",
    "x" * 100_000,
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text)[:16])
def test_whatever_is_typed_gets_a_private_answer(team: Team, text: str) -> None:
    """A name, a value or a verb of any characters is refused or shown escaped; nothing fails."""
    for typed in (
        text,
        f"show {text}",
        f"cancel {text}",
        f"models {text}",
        f"predict {MODEL} dep_delay={text}",
    ):
        said = team.told("owner", f"/ml {typed}")
        assert "Traceback" not in said
        assert "failed here" not in said
        assert len(said) < 10_000


def test_a_slip_is_met_with_the_nearest_name(team: Team) -> None:
    """An unknown verb, model and input are answered by what was perhaps meant."""
    assert "predict" in team.told("viewer", "/ml predcit")
    assert MODEL in team.told("viewer", f"/ml models {MODEL[:-1]}")
    assert "dep_delay" in team.told("viewer", f"/ml predict {MODEL} dep_dely=5")
