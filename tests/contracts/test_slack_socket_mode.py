"""The loopback Slack and an unmodified slack_bolt app that talk over Socket Mode."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.errors import SlackApiError

from playground.slack.under_test import SlackUnderTest

pytest_plugins = ["playground.slack.fixtures"]

ARRIVALS = "C01ARRIVALS"
CONNECT = Callable[[SlackUnderTest, App], None]


@pytest.fixture
def connect() -> Iterator[CONNECT]:
    """Connect apps by Bolt's own handler and wait until each is connected; all are closed at the end."""
    with ExitStack() as stack:

        def begin(slack: SlackUnderTest, app: App) -> None:
            handler = SocketModeHandler(app, slack.app_token)
            stack.callback(handler.close)
            after = slack.seq()
            handler.connect()
            slack.wait_for(lambda event: event["kind"] == "socket_connected", after=after)

        yield begin


def test_commands_buttons_and_events_travel_over_the_socket(slack: SlackUnderTest, connect: CONNECT) -> None:
    """Without an address of the app everything goes to its socket, acks with payloads come back."""
    app = slack.bolt_app()
    blocks = [
        {
            "type": "actions",
            "elements": [{"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}],
        }
    ]

    @app.command("/ml")
    def ml(ack: Any, command: dict[str, Any]) -> None:
        ack(text=f"got {command['text']}", blocks=blocks)

    @app.action("go")
    def go(ack: Any, respond: Any) -> None:
        ack()
        respond("pressed", replace_original=True)

    @app.event("app_mention")
    def mentioned(say: Any) -> None:
        say("yes?")

    connect(slack, app)
    assert slack.say("owner", "ml-arrivals", "/ml status")["ok"]
    (message,) = slack.messages("ml-arrivals", "owner")
    assert (message["text"], message["plain"]) == ("got status", "[ Go ]")
    assert slack.press("owner", message, "go")["ok"]
    slack.wait_for_text("pressed")
    assert slack.say("owner", "ml-arrivals", "<@bot>")["ok"]
    slack.wait_for_text("yes?")
    assert [delivery["type"] for delivery in slack.deliveries()] == [
        "slash_commands",
        "interactive",
        "events_api",
    ]


def test_a_plain_text_ack_is_shown(slack: SlackUnderTest, connect: CONNECT) -> None:
    """ack("text") reaches the person as a private message, and the channel does not see it."""
    app = slack.bolt_app()

    @app.command("/ml")
    def ml(ack: Any) -> None:
        ack("only you")

    connect(slack, app)
    slack.say("owner", "ml-arrivals", "/ml")
    assert [m["plain"] for m in slack.messages("ml-arrivals", "owner")] == ["only you"]
    assert slack.messages("ml-arrivals", "viewer") == []


def test_each_envelope_goes_to_one_connection(slack: SlackUnderTest, connect: CONNECT) -> None:
    """Two connections share the commands; none is delivered twice."""
    heard: list[int] = []

    def connected(number: int) -> None:
        app = slack.bolt_app()

        @app.command("/ml")
        def ml(ack: Any) -> None:
            heard.append(number)
            ack()

        connect(slack, app)

    connected(1)
    connected(2)
    assert slack.workspace()["sockets"] == 2
    for _ in range(4):
        assert slack.say("owner", "ml-arrivals", "/ml")["ok"]
    assert sorted(heard) == [1, 1, 2, 2]


def test_the_app_comes_again_when_slack_asks(
    start_slack: Callable[..., SlackUnderTest], connect: CONNECT
) -> None:
    """After a disconnect message Bolt opens a new socket by itself and commands work again."""
    slack = start_slack(ack_seconds=3.0)
    app = slack.bolt_app()
    app.command("/ml")(lambda ack: ack())
    connect(slack, app)
    after = slack.seq()
    assert slack.disconnect() == 1
    slack.wait_for(lambda event: event["kind"] == "socket_connected", after=after)
    # Both the message and the end of the socket make Bolt open one, and the first of the two is closed again.
    assert any(slack.say("owner", "ml-arrivals", "/ml")["ok"] for _ in range(10))


def test_an_unacknowledged_envelope_times_out(
    start_slack: Callable[..., SlackUnderTest], connect: CONNECT
) -> None:
    """Nobody listens for the command, so Bolt sends no ack and the person reads Slack's line."""
    slack = start_slack(ack_seconds=0.2)
    connect(slack, slack.bolt_app())
    assert slack.say("owner", "ml-arrivals", "/ml")["error"] == "operation_timeout"
    assert slack.messages("ml-arrivals", "owner")[0]["plain"] == "/ml failed because the app did not respond."


def test_repeated_envelopes_carry_the_same_payload(slack: SlackUnderTest, connect: CONNECT) -> None:
    """Redelivery works over the socket, with the retry number where Bolt looks for it."""
    app = slack.bolt_app()
    heard: list[tuple[str, Any]] = []

    @app.event("app_mention")
    def mentioned(body: dict[str, Any], request: Any) -> None:
        heard.append((body["event_id"], request.headers.get("x-slack-retry-num")))

    connect(slack, app)
    delivery = slack.say("owner", "ml-arrivals", "<@bot>")["delivery"]
    slack.redeliver(delivery, headers={"x-slack-retry-num": "1", "x-slack-retry-reason": "timeout"})
    (first, _), (second, retry) = heard
    assert (first == second, retry) == (True, ["1"])


def test_sockets_need_the_app_token(slack: SlackUnderTest) -> None:
    """apps.connections.open refuses the bot token and gives an address for the app token."""
    client = slack.web_client()
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        client.apps_connections_open(app_token=slack.bot_token)
    assert client.apps_connections_open(app_token=slack.app_token)["url"].startswith("ws://127.0.0.1:")
