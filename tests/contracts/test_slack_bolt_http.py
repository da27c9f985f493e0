"""The loopback Slack and an unmodified slack_bolt app that talk over HTTP."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from slack_bolt import App
from slack_sdk.webhook import WebhookClient

from playground.slack.client import NothingHappened, Playground, PlaygroundError
from playground.slack.under_test import SlackUnderTest

pytest_plugins = ["playground.slack.fixtures"]

ARRIVALS = "C01ARRIVALS"
START = Callable[..., SlackUnderTest]
SERVE = Callable[[App], str]


def blocks(*elements: dict[str, Any]) -> list[dict[str, Any]]:
    """One row of elements."""
    return [{"type": "actions", "block_id": "row", "elements": list(elements)}]


def button(action_id: str) -> dict[str, Any]:
    """A button with a value."""
    return {
        "type": "button",
        "action_id": action_id,
        "value": "7",
        "text": {"type": "plain_text", "text": "Go"},
    }


def menu(kind: str, **fields: Any) -> dict[str, Any]:
    """A menu with two options."""
    texts = [{"type": "plain_text", "text": letter} for letter in "ab"]
    options = [{"text": text, "value": text["text"]} for text in texts]
    return {"type": kind, "action_id": "pick", "options": options, **fields}


class Heard:
    """What an app's listeners were given."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, ack: Callable[..., Any], body: dict[str, Any]) -> None:
        ack()
        self.bodies.append(body)


def test_a_slash_command_has_all_of_slacks_fields(slack: SlackUnderTest, serve: SERVE) -> None:
    """Bolt accepts the signature and sees every field."""
    app, heard = slack.bolt_app(), Heard()
    app.command("/ml")(heard)
    slack.point_at(serve(app))
    result = slack.say("owner", "ml-arrivals", "/ml predict <b> & @viewer")
    assert (result["ok"], "error" in result) == (True, False)
    (body,) = heard.bodies
    assert {name: body[name] for name in body if name not in ("trigger_id", "response_url", "token")} == {
        "team_id": "T01LOOPBACK",
        "team_domain": "loopback",
        "channel_id": ARRIVALS,
        "channel_name": "ml-arrivals",
        "user_id": "U01OWNER000",
        "user_name": "owner",
        "command": "/ml",
        "text": "predict <b> & @viewer",
        "api_app_id": "A01TOBANAPP",
        "is_enterprise_install": "false",
    }
    assert body["response_url"].startswith(f"{slack.url}/commands/T01LOOPBACK/")


def test_commands_can_be_escaped(start_slack: START, serve: SERVE) -> None:
    """With the app's escape setting, people and channels arrive as references and < as an entity."""
    slack = start_slack(escape_commands=True)
    app, heard = slack.bolt_app(), Heard()
    app.command("/ml")(heard)
    slack.point_at(serve(app))
    slack.say("owner", "ml-arrivals", "/ml a < b @viewer @ml-owners #random")
    text = heard.bodies[0]["text"]
    assert text == "a &lt; b <@U01VIEWER00> <!subteam^S01MLOWNERS> <#C01RANDOM00|random>"


@pytest.mark.parametrize(
    ("answer", "owner_sees", "viewer_sees"),
    [
        ({}, [], []),
        ({"text": "only you"}, ["only you"], []),
        ({"text": "all", "response_type": "in_channel"}, ["all"], ["all"]),
    ],
)
def test_ack_bodies_are_shown_as_slack_does(
    slack: SlackUnderTest,
    serve: SERVE,
    answer: dict[str, Any],
    owner_sees: list[str],
    viewer_sees: list[str],
) -> None:
    """Nothing, a private text, or a message for the channel."""
    app = slack.bolt_app()

    @app.command("/ml")
    def ml(ack: Any) -> None:
        ack(**answer)

    slack.point_at(serve(app))
    slack.say("owner", "ml-arrivals", "/ml")
    assert [m["plain"] for m in slack.messages("ml-arrivals", "owner")] == owner_sees
    assert [m["plain"] for m in slack.messages("ml-arrivals", "viewer")] == viewer_sees


def test_an_ack_that_slack_cannot_show_is_an_error(slack: SlackUnderTest, serve: SERVE) -> None:
    """Blocks beyond a limit in an ack are told to the person and to the feed."""
    app = slack.bolt_app()

    @app.command("/ml")
    def ml(ack: Any) -> None:
        ack(blocks=[{"type": "nonsense"}])

    slack.point_at(serve(app))
    slack.say("owner", "ml-arrivals", "/ml")
    assert slack.messages("ml-arrivals", "owner")[0]["plain"] == '/ml failed with the error "invalid_blocks"'
    assert slack.wait_for(lambda event: event["kind"] == "ack_failed")["error"] == "invalid_blocks"


def test_a_late_ack_shows_slacks_error_line(start_slack: START, serve: SERVE) -> None:
    """After the deadline the person reads that the app did not respond; the command is not sent again."""
    slack = start_slack(ack_seconds=0.2)
    app, release = slack.bolt_app(), threading.Event()

    @app.command("/ml")
    def ml(ack: Any) -> None:
        release.wait()
        ack()

    slack.point_at(serve(app))
    try:
        result = slack.say("owner", "ml-arrivals", "/ml x")
    finally:
        release.set()
    assert (result["ok"], result["error"]) == (False, "operation_timeout")
    assert slack.messages("ml-arrivals", "owner")[0]["plain"] == "/ml failed because the app did not respond."
    assert [len(delivery["attempts"]) for delivery in slack.deliveries()] == [1]


def test_an_app_that_is_not_there_is_dispatch_failed(slack: SlackUnderTest) -> None:
    """A refused connection, no socket, a wrong status: each is dispatch_failed, and one is told which."""
    for address, why in (
        ("http://127.0.0.1:9/slack/events", "nothing answers at http://127.0.0.1:9/slack/events"),
        (None, "no app is connected by Socket Mode"),
        (f"{slack.url}/nowhere", f"{slack.url}/nowhere answered 404; is that where the app listens"),
    ):
        before = slack.seq()
        slack.point_at(address)
        answer = slack.say("owner", "ml-arrivals", "/ml")
        assert answer["error"] == "dispatch_failed"
        assert why in answer["detail"]
        told = slack.wait_for(lambda event: event["kind"] == "ack_failed", after=before)
        assert told["plain"] == f"⚠ /ml: dispatch_failed ({answer['detail']})"


def test_a_wrong_signing_secret_is_noticed(slack: SlackUnderTest, serve: SERVE) -> None:
    """Bolt refuses what another secret signed, so the command fails; so does a replayed old signature."""
    app = slack.bolt_app(signing_secret="another")
    app.command("/ml")(Heard())
    slack.point_at(serve(app))
    answer = slack.say("owner", "ml-arrivals", "/ml")
    assert (answer["error"], answer["status"]) == ("dispatch_failed", 401)
    assert "does the app have the signing secret of this playground?" in answer["detail"]
    assert slack.deliveries()[0]["attempts"][0]["status"] == 401


def test_commands_that_slack_itself_refuses(start_slack: START) -> None:
    """In a thread, or without being registered, a command never reaches the app."""
    slack = start_slack(commands=("/ml",))
    assert slack.say("owner", "ml-arrivals", "/ml x", thread_ts="1.2")["error"] == "not_in_thread"
    assert slack.say("owner", "ml-arrivals", "/other")["error"] == "invalid_command"
    assert slack.deliveries() == []


def test_a_button_press_has_slacks_shape(slack: SlackUnderTest, serve: SERVE) -> None:
    """The payload names person, message, action and container, and can change the message."""
    app = slack.bolt_app()
    heard: list[dict[str, Any]] = []

    @app.action("go")
    def go(ack: Any, body: dict[str, Any], respond: Any) -> None:
        ack()
        heard.append(body)
        respond("decided", replace_original=True)

    slack.point_at(serve(app))
    ts = app.client.chat_postMessage(channel=ARRIVALS, text="x", blocks=blocks(button("go")))["ts"]
    message = slack.messages("ml-arrivals", "viewer")[0]
    assert slack.press("viewer", message, "go")["ok"]
    (body,) = heard
    assert (body["type"], body["user"]["name"], body["message"]["ts"]) == ("block_actions", "viewer", ts)
    assert body["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": ARRIVALS,
        "is_ephemeral": False,
    }
    (action,) = body["actions"]
    assert (action["action_id"], action["block_id"], action["value"]) == ("go", "row", "7")
    assert float(action["action_ts"]) > float(ts)
    assert slack.messages("ml-arrivals", "owner")[0]["plain"] == "decided"


def test_a_private_button_changes_only_by_its_response_url(slack: SlackUnderTest, serve: SERVE) -> None:
    """The payload has no message; replacing and deleting reach the private original."""
    app = slack.bolt_app()

    @app.action("go")
    def go(ack: Any, body: dict[str, Any], respond: Any) -> None:
        ack()
        assert "message" not in body
        respond("replaced", blocks=blocks(button("away")), replace_original=True)

    @app.action("away")
    def away(ack: Any, respond: Any) -> None:
        ack()
        respond(delete_original=True)

    slack.point_at(serve(app))
    app.client.chat_postEphemeral(channel=ARRIVALS, user="U01OWNER000", text="x", blocks=blocks(button("go")))
    message = slack.messages("ml-arrivals", "owner")[0]
    with pytest.raises(PlaygroundError, match="viewer sees no message"):
        slack.press("viewer", message, "go")
    assert slack.press("owner", message, "go")["ok"]
    assert slack.press("owner", message, "away")["ok"]
    assert slack.messages("ml-arrivals", "owner") == []


@pytest.mark.parametrize(
    ("element", "value", "sent"),
    [
        (
            menu("static_select"),
            "b",
            ("selected_option", {"text": {"type": "plain_text", "text": "b"}, "value": "b"}),
        ),
        (
            menu("checkboxes"),
            ["a"],
            ("selected_options", [{"text": {"type": "plain_text", "text": "a"}, "value": "a"}]),
        ),
        ({"type": "users_select", "action_id": "pick"}, "U01VIEWER00", ("selected_user", "U01VIEWER00")),
        ({"type": "datepicker", "action_id": "pick"}, "2013-07-04", ("selected_date", "2013-07-04")),
    ],
)
def test_menus_send_what_was_chosen(
    slack: SlackUnderTest, serve: SERVE, element: dict[str, Any], value: Any, sent: tuple[str, Any]
) -> None:
    """Each kind of menu sends its own key, and the same stands in the state."""
    app, heard = slack.bolt_app(), Heard()
    app.action("pick")(heard)
    slack.point_at(serve(app))
    app.client.chat_postMessage(channel=ARRIVALS, text="x", blocks=blocks(element))
    slack.press("owner", slack.messages("ml-arrivals", "owner")[0], "pick", value)
    key, expected = sent
    assert heard.bodies[0]["actions"][0][key] == expected
    assert heard.bodies[0]["state"]["values"]["row"]["pick"][key] == expected


def test_pressing_what_is_not_there_is_said(slack: SlackUnderTest) -> None:
    """Unknown people, channels, messages, elements and options are refused with words."""
    slack.web_client().chat_postMessage(channel=ARRIVALS, text="x", blocks=blocks(menu("static_select")))
    message = slack.messages("ml-arrivals", "owner")[0]
    with pytest.raises(PlaygroundError, match="no element 'other'"):
        slack.press("owner", message, "other")
    with pytest.raises(PlaygroundError, match="no option 'z'"):
        slack.press("owner", message, "pick", "z")
    with pytest.raises(PlaygroundError, match="no person 'nobody'"):
        slack.say("nobody", "ml-arrivals", "hello")
    with pytest.raises(PlaygroundError, match="no channel 'nowhere'"):
        slack.say("owner", "nowhere", "hello")
    slack.add_channel("others")
    with pytest.raises(PlaygroundError, match="owner is not in #others"):
        slack.say("owner", "others", "hello")


def test_a_response_url_takes_five_posts(slack: SlackUnderTest, serve: SERVE) -> None:
    """Five answers are shown, the sixth is used_url; wrong content is refused by name."""
    app, heard = slack.bolt_app(), Heard()
    app.command("/ml")(heard)
    slack.point_at(serve(app))
    slack.say("owner", "ml-arrivals", "/ml")
    webhook = WebhookClient(heard.bodies[0]["response_url"])
    assert [(r.status_code, r.body) for r in (webhook.send(text=str(n)) for n in range(4))] == [
        (200, "ok")
    ] * 4
    assert webhook.send(text="last", replace_original=True).body == "ok"
    refused = webhook.send(text="6")
    assert (refused.status_code, refused.body) == (404, '{"ok": false, "error": "used_url"}')
    assert [m["plain"] for m in slack.messages("ml-arrivals", "owner")] == ["0", "1", "2", "last"]


def test_a_response_url_ends_after_half_an_hour(start_slack: START, serve: SERVE) -> None:
    """At 30 minutes and a second, by the workspace's clock, it is expired_url."""
    now = [1_800_000_000.0]
    slack = start_slack(clock=lambda: now[0])
    app, heard = slack.bolt_app(request_verification_enabled=False), Heard()
    app.command("/ml")(heard)
    slack.point_at(serve(app))
    slack.say("owner", "ml-arrivals", "/ml")
    webhook = WebhookClient(heard.bodies[0]["response_url"])
    assert webhook.send(text="in time").status_code == 200
    assert webhook.send(blocks=[{"type": "nonsense"}]).status_code == 400
    assert requests.post(webhook.url, data=b"not json", timeout=10).text == "invalid_payload"
    now[0] += 1_801
    assert webhook.send(text="late").body == '{"ok": false, "error": "expired_url"}'


def test_a_trigger_opens_a_view_once(slack: SlackUnderTest, serve: SERVE) -> None:
    """views.open works from a command, once; the opened view is told to the person's feed."""
    app = slack.bolt_app()
    errors: list[str] = []
    modal = {
        "type": "modal",
        "callback_id": "form",
        "title": {"type": "plain_text", "text": "Predict"},
        "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "one moment"}}],
    }

    @app.command("/ml")
    def ml(ack: Any, client: Any, body: dict[str, Any]) -> None:
        ack()
        view = client.views_open(trigger_id=body["trigger_id"], view=modal)["view"]
        client.views_update(view_id=view["id"], hash=view["hash"], view=modal)
        for call in (
            lambda: client.views_open(trigger_id=body["trigger_id"], view=modal),
            lambda: client.views_update(view_id=view["id"], hash=view["hash"], view=modal),
        ):
            with pytest.raises(Exception, match="error") as caught:
                call()
            errors.append(caught.value.response["error"])  # type: ignore[attr-defined]

    slack.point_at(serve(app))
    slack.say("owner", "ml-arrivals", "/ml")
    opened = slack.wait_for(lambda event: event["kind"] == "view_opened")
    assert (opened["visible_to"], opened["plain"]) == (["U01OWNER000"], "one moment")
    assert opened["view"]["callback_id"] == "form"
    assert errors == ["exchanged_trigger_id", "hash_conflict"]


def test_mentions_and_messages_are_events(start_slack: START, serve: SERVE) -> None:
    """A mention is an app_mention and a message; both carry ids of their own; the reply is seen."""
    slack = start_slack(events=("app_mention", "message"))
    app = slack.bolt_app()
    heard: list[dict[str, Any]] = []

    @app.event("app_mention")
    def mentioned(body: dict[str, Any], say: Any, event: dict[str, Any]) -> None:
        heard.append(body)
        say("yes?", thread_ts=event["ts"])

    @app.event("message")
    def message(body: dict[str, Any]) -> None:
        heard.append(body)

    slack.point_at(serve(app))
    result = slack.say("owner", "ml-arrivals", "<@bot> help")
    assert (result["ok"], len(result["deliveries"])) == (True, 2)
    kinds = sorted(body["event"]["type"] for body in heard)
    assert kinds == ["app_mention", "message"]
    assert len({body["event_id"] for body in heard}) == 2
    assert {body["event"]["text"] for body in heard} == {"<@U01TOBANBOT> help"}
    assert [m["plain"] for m in slack.messages("ml-arrivals", "owner", result["ts"])] == [
        "@toban help",
        "yes?",
    ]
    assert slack.say("owner", "random", "<@bot> nobody hears")["delivery"] is None


def test_failed_events_come_again(start_slack: START, serve: SERVE) -> None:
    """An event that was not acknowledged is sent three more times, with number and reason in the headers."""
    slack = start_slack(retry_seconds=(0.0, 0.0, 0.0))
    app = slack.bolt_app()
    numbers: list[str | None] = []

    @app.event("app_mention")
    def mentioned(request: Any) -> None:
        numbers.append((request.headers.get("x-slack-retry-num") or [None])[0])
        raise ValueError("on purpose")

    slack.point_at(serve(app))
    assert slack.say("owner", "ml-arrivals", "<@bot>")["ok"] is False
    failures = 0

    def fourth(event: dict[str, Any]) -> bool:
        nonlocal failures
        failures += event["kind"] == "delivery" and not event["ok"]
        return failures == 4

    slack.wait_for(fourth)
    assert numbers == [None, "1", "2", "3"]


def test_any_delivery_can_be_repeated_byte_for_byte(slack: SlackUnderTest, serve: SERVE) -> None:
    """Three more copies of a command arrive with the same trigger and valid signatures."""
    app, heard = slack.bolt_app(), Heard()
    app.command("/ml")(heard)
    slack.point_at(serve(app))
    delivery = slack.say("owner", "ml-arrivals", "/ml once")["delivery"]
    attempts = slack.redeliver(delivery, times=3, headers={"x-slack-retry-num": "1"})
    assert [attempt["ok"] for attempt in attempts] == [True] * 3
    assert len(heard.bodies) == 4
    assert all(body == heard.bodies[0] for body in heard.bodies)
    with pytest.raises(PlaygroundError, match="no delivery"):
        slack.redeliver("Dv0NONE")


def test_waiting_says_what_came_instead(slack: SlackUnderTest) -> None:
    """When nothing fits in time, the error lists what happened."""
    slack.say("owner", "ml-arrivals", "hello there")
    assert slack.wait_for_text("hello there")["channel_name"] == "ml-arrivals"
    with pytest.raises(NothingHappened, match="hello there"):
        slack.wait_for_text("never", timeout_seconds=0.05)
    after = slack.seq()
    with ThreadPoolExecutor(1) as pool, Playground(slack.url) as other:
        waiting = pool.submit(slack.wait_for_text, "later", after=after)
        other.say("owner", "ml-arrivals", "later")
        assert waiting.result()["seq"] > after


def test_control_is_closed_to_web_pages(slack: SlackUnderTest) -> None:
    """Another host name, or a form instead of JSON, is refused."""
    say = f"{slack.url}/playground/say"
    workspace = f"{slack.url}/playground/workspace"
    assert requests.get(workspace, timeout=10).status_code == 200
    assert requests.get(workspace, headers={"host": "evil.example"}, timeout=10).status_code == 400
    assert (
        requests.post(say, data="{}", headers={"content-type": "text/plain"}, timeout=10).status_code == 415
    )
    assert "Field required" in requests.post(say, json={}, timeout=10).json()["error"]
