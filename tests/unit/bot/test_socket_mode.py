"""Lines to Slack: held, followed by another before they end, opened anew when they break."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from bot import socket_mode
from bot.errors import SlackRefused, SlackUnreachable
from bot.socket_mode import SocketMode
from tests.stand_ins.wire import Wire

SECONDS = 60.0
SELDOM = 600.0
"""So seldom it is asked whether a line stands: what is noticed earlier is noticed by itself."""

Json = dict[str, Any]


class Slack:
    """Slack's end of the lines: a test says what each brings."""

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[ServerConnection] = queue.SimpleQueue()
        self._server = serve(self._hold, "127.0.0.1", 0, close_timeout=0.1)
        self.port = int(self._server.socket.getsockname()[1])
        self.address = f"ws://127.0.0.1:{self.port}"
        self.trouble: list[Exception] = []
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def open_address(self) -> str:
        """Return the address of a line, or raise the next trouble."""
        if self.trouble:
            raise self.trouble.pop(0)
        return self.address

    def line(self, hello: bool = True) -> ServerConnection:
        """Wait until the bot has opened a line; return it."""
        line = self._lines.get(timeout=SECONDS)
        if hello:
            line.send('{"type": "hello"}')
        return line

    def close(self) -> None:
        """End every line."""
        self._server.shutdown()
        self._thread.join()

    def _hold(self, line: ServerConnection) -> None:
        self._lines.put(line)
        line.wait_closed()


def command(envelope_id: str, text: str = "models") -> str:
    """Return a slash command as it comes over a line."""
    payload = {"command": "/ml", "text": text, "user_id": "U1", "team_id": "T1", "channel_id": "C1"}
    return json.dumps({"type": "slash_commands", "envelope_id": envelope_id, "payload": payload})


def ack(line: ServerConnection) -> Json:
    """Return the next ack on *line*."""
    said: Json = json.loads(line.recv(SECONDS))
    return said


def serve_a_command(slack: Slack) -> None:
    """Greet lines until a command is acked on one; a bot of little patience may give some up."""
    acked = False
    while not acked:
        with contextlib.suppress(ConnectionClosed):
            line = slack.line()
            line.send(command("e1"))
            acked = ack(line)["envelope_id"] == "e1"


def break_off(line: ServerConnection) -> None:
    """End *line* as a broken cable does: without a word of the websocket's own."""
    line.socket.shutdown(2)


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slack]:
    """Slack's end; lines may follow each other faster than in earnest."""
    monkeypatch.setattr(socket_mode, "SHORTEST_PAUSE_SECONDS", 0.01)
    with closing(Slack()) as made:
        yield made


@pytest.fixture
def held() -> threading.Event:
    """Lets the command `/ml wait` go on."""
    return threading.Event()


@pytest.fixture
def app(slack: Slack, held: threading.Event) -> App:
    """An app with one command, which says what was typed."""
    known = AuthorizeResult(enterprise_id=None, team_id="T1", bot_id="B1", bot_user_id="U0", bot_token="t")
    made = App(
        client=WebClient(base_url=slack.address), authorize=lambda **_: known, process_before_response=True
    )

    @made.command("/ml")
    def take(ack: Any, body: Json) -> None:
        if body["text"] == "wait":
            held.wait(SECONDS)
        ack(body["text"])

    return made


@pytest.fixture
def first(slack: Slack) -> Future[ServerConnection]:
    """Slack's end of the first line, greeted."""
    made: Future[ServerConnection] = Future()
    threading.Thread(target=lambda: made.set_result(slack.line())).start()
    return made


@pytest.fixture
def bot(
    slack: Slack, app: App, held: threading.Event, first: Future[ServerConnection]
) -> Iterator[SocketMode]:
    """The bot's end, connected."""
    made = SocketMode(app, slack.open_address, SELDOM)
    made.start()
    yield made
    held.set()
    made.stop()


@pytest.fixture
def line(bot: SocketMode, first: Future[ServerConnection]) -> ServerConnection:
    """Slack's end of the bot's first line."""
    return first.result(SECONDS)


def test_requests_are_taken_and_acked(bot: SocketMode, line: ServerConnection) -> None:
    """Once it has started it is connected; each envelope is acked with what the listener says."""
    assert bot.is_connected()
    line.send(command("e1", "one"))
    assert ack(line) == {"envelope_id": "e1", "payload": {"text": "one"}}


def test_a_line_that_breaks_is_followed_at_once(
    bot: SocketMode, line: ServerConnection, slack: Slack
) -> None:
    """The end of a line is noticed by itself, not by pings, also within a message; the next is opened."""
    line.socket.sendall(b"\x81\x7f" + (1000).to_bytes(8, "big") + b'{"type": "slash_com')
    break_off(line)
    again = slack.line()
    again.send(command("e2"))
    assert ack(again)["envelope_id"] == "e2"


def test_the_next_line_is_there_before_the_old_one_ends(
    bot: SocketMode, line: ServerConnection, slack: Slack
) -> None:
    """Told that a line is about to close, the bot opens one other, and takes what either brings."""
    for reason in ("warning", "refresh_requested"):
        line.send(json.dumps({"type": "disconnect", "reason": reason}))
    new = slack.line()
    for each, envelope_id in ((line, "e1"), (new, "e2"), (line, "e3")):
        each.send(command(envelope_id))
        assert ack(each)["envelope_id"] == envelope_id
    line.close()
    new.send(command("e4"))
    assert ack(new)["envelope_id"] == "e4"
    assert bot.is_connected()
    assert slack._lines.empty()


def test_an_ack_whose_line_broke_goes_over_the_next(
    bot: SocketMode, line: ServerConnection, slack: Slack, held: threading.Event
) -> None:
    """What was being taken while the line broke is acked all the same."""
    line.send(command("e1", "wait"))
    break_off(line)
    again = slack.line()
    again.send(command("e2"))  # once it is acked, the line is known to stand
    assert ack(again)["envelope_id"] == "e2"
    held.set()
    assert ack(again)["envelope_id"] == "e1"
    assert bot.is_connected()


def test_what_is_no_message_is_passed_over(bot: SocketMode, line: ServerConnection) -> None:
    """Garbage, unknown types and requests without a payload end nothing."""
    for text in ("{", "[]", "é", '{"type": "news"}', '{"envelope_id": "e0", "type": "slash_commands"}'):
        line.send(text)
    line.send(command("e1"))
    assert ack(line)["envelope_id"] == "e1"


def test_slack_is_asked_again_until_it_gives_a_line(
    bot: SocketMode, line: ServerConnection, slack: Slack
) -> None:
    """Neither an outage nor a refusal while it runs is the end: it tries again."""
    slack.trouble = [SlackUnreachable("gone"), SlackRefused("invalid_auth", "apps.connections.open")]
    break_off(line)
    again = slack.line()
    again.send(command("e1"))
    assert ack(again)["envelope_id"] == "e1"
    assert bot.is_connected()
    assert not slack.trouble


def test_a_line_without_hello_is_given_up(
    bot: SocketMode, line: ServerConnection, slack: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack begins with a hello; a line on which none comes is none, and another is opened."""
    monkeypatch.setattr(socket_mode, "OPEN_SECONDS", 0.2)
    break_off(line)
    mute = slack.line(hello=False)
    assert mute.wait_closed(SECONDS)
    assert not bot.is_connected()
    monkeypatch.setattr(socket_mode, "OPEN_SECONDS", SECONDS)
    serve_a_command(slack)


# Its pings begin in a thread, which at this pace may come before the library has noted how it is used.
@pytest.mark.filterwarnings("ignore:connect.. must be used as a context manager:DeprecationWarning")
def test_a_line_that_falls_silent_is_given_up(slack: Slack, app: App) -> None:
    """Where neither an end nor an answer to pings arrives, the line is dead, and another is opened."""
    with closing(Wire(slack.port, itertools.repeat(10**9))) as wire:
        slack.address = f"ws://127.0.0.1:{wire.port}"
        bot = SocketMode(app, slack.open_address, ping_seconds=0.1)
        greeter = threading.Thread(target=slack.line)
        greeter.start()
        bot.start()
        greeter.join()
        wire.silence()
        serve_a_command(slack)
        bot.stop()


def test_what_people_type_is_never_logged(
    bot: SocketMode, line: ServerConnection, slack: Slack, caplog: pytest.LogCaptureFixture
) -> None:
    """However much is logged, neither a line's address nor what comes over it is."""
    with caplog.at_level(logging.DEBUG):
        line.send(command("e1", "among-friends"))
        ack(line)
        break_off(line)
        slack.address += "/?ticket=open-sesame"
        again = slack.line()
        again.send(command("e2"))
        ack(again)
    said = [record.getMessage() for record in caplog.records if record.name != "websockets.server"]
    assert [text for text in said if "among-friends" in text or "open-sesame" in text] == []


def test_a_token_that_is_refused_stops_the_start(slack: Slack, app: App) -> None:
    """What Slack says to the first request for a line is raised."""
    slack.trouble = [SlackRefused("invalid_auth", "apps.connections.open")]
    with pytest.raises(SlackRefused, match="invalid_auth"):
        SocketMode(app, slack.open_address, SELDOM).start()
