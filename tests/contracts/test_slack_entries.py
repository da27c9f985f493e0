"""Shortcuts, mentions in threads, App Home, shared files and the address check of the loopback Slack."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk.errors import SlackApiError

from playground.slack.client import PlaygroundError
from playground.slack.manifest import read_manifest
from playground.slack.settings import Shortcut
from playground.slack.under_test import SlackUnderTest, served

pytest_plugins = ["playground.slack.fixtures"]

Json = dict[str, Any]
START = Callable[..., SlackUnderTest]
CONNECT = Callable[[SlackUnderTest, App], None]
ARRIVALS = "C01ARRIVALS"
EVENTS = ("app_mention", "app_home_opened", "file_shared", "message.channels", "message.im")


@pytest.fixture(params=["http", "socket"])
def connect(request: pytest.FixtureRequest) -> Iterator[CONNECT]:
    """Connect an app by Bolt's own adapters: a signed request to it, or its socket."""
    with ExitStack() as stack:

        def begin(slack: SlackUnderTest, app: App) -> None:
            if request.param == "http":
                slack.point_at(stack.enter_context(served(app)))
                return
            handler = SocketModeHandler(app, slack.app_token)
            stack.callback(handler.close)
            after = slack.seq()
            handler.connect()
            slack.wait_for(lambda event: event["kind"] == "socket_connected", after=after)

        yield begin


def test_a_message_shortcut_brings_the_message(slack: SlackUnderTest, connect: CONNECT) -> None:
    """The payload holds message, channel and trigger, and its response_url answers in the channel."""
    app, heard = slack.bolt_app(), list[Json]()

    @app.shortcut("predict_file")
    def taken(ack: Any, body: Json, respond: Any) -> None:
        ack()
        heard.append(body)
        respond("taken")

    connect(slack, app)
    said = slack.say("operator", "ml-arrivals", "a message")
    message = slack.messages("ml-arrivals", "owner")[0]
    assert slack.shortcut("owner", "predict_file", message)["ok"]
    (body,) = heard
    assert (body["type"], body["callback_id"], body["message_ts"]) == (
        "message_action",
        "predict_file",
        said["ts"],
    )
    assert (body["message"]["text"], body["channel"]) == (
        "a message",
        {"id": ARRIVALS, "name": "ml-arrivals"},
    )
    assert (body["user"]["id"], body["team"]["domain"]) == ("U01OWNER000", "loopback")
    assert slack.messages("ml-arrivals", "owner")[-1]["plain"] == "taken"


def test_a_global_shortcut_opens_a_form(slack: SlackUnderTest, connect: CONNECT) -> None:
    """It has a trigger and no channel."""
    app = slack.bolt_app()
    view = {"type": "modal", "title": {"type": "plain_text", "text": "Hi"}, "blocks": [{"type": "divider"}]}

    @app.global_shortcut("start")
    def taken(ack: Any, shortcut: Json, client: Any) -> None:
        ack()
        assert not {"channel", "message", "response_url"} & shortcut.keys()
        client.views_open(trigger_id=shortcut["trigger_id"], view=view)

    connect(slack, app)
    assert slack.shortcut("owner", "start")["ok"]
    assert slack.views("owner")[0]["title"]["text"] == "Hi"


def test_only_registered_shortcuts_exist(start_slack: START) -> None:
    """What the app did not register is refused with what it has; private messages have no shortcuts."""
    slack = start_slack(shortcuts=(Shortcut(callback_id="one", name="One", type="message"),))
    slack.say("owner", "ml-arrivals", "x")
    (message,) = slack.messages("ml-arrivals", "owner")
    with pytest.raises(PlaygroundError, match="no message shortcut 'two'; it has: one"):
        slack.shortcut("owner", "two", message)
    with pytest.raises(PlaygroundError, match="no global shortcut 'one'; it has: none"):
        slack.shortcut("owner", "one")
    slack.web_client().chat_postEphemeral(channel=ARRIVALS, user="U01OWNER000", text="private")
    with pytest.raises(PlaygroundError, match="have no shortcuts"):
        slack.shortcut("owner", "one", slack.messages("ml-arrivals", "owner")[-1])
    assert slack.workspace()["app"]["shortcuts"][0]["callback_id"] == "one"


def test_a_mention_in_a_thread_names_the_thread(slack: SlackUnderTest, connect: CONNECT) -> None:
    """The event has thread_ts, and an answer there is seen in the thread only."""
    app, heard = slack.bolt_app(), list[Json]()

    @app.event("app_mention")
    def mentioned(event: Json, say: Any) -> None:
        heard.append(event)
        say("here", thread_ts=event.get("thread_ts") or event["ts"])

    connect(slack, app)
    root = slack.say("viewer", "ml-arrivals", "a question")["ts"]
    assert slack.say("owner", "ml-arrivals", "@toban help", thread_ts=root)["ok"]
    (event,) = heard
    assert (event["thread_ts"], event["text"], event["channel"]) == (root, "<@U01TOBANBOT> help", ARRIVALS)
    assert [m["plain"] for m in slack.messages("ml-arrivals", "owner", root)][-1] == "here"
    assert [m["plain"] for m in slack.messages("ml-arrivals", "owner")] == ["a question"]
    with pytest.raises(PlaygroundError, match=r"no message 1\.2 in #ml-arrivals"):
        slack.say("owner", "ml-arrivals", "lost", thread_ts="1.2")


def test_home_is_opened_published_and_pressed(slack: SlackUnderTest, connect: CONNECT) -> None:
    """The event comes without a view first and with it later; a press names the view and no channel."""
    app, heard, pressed = slack.bolt_app(), list[Json](), list[Json]()
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, "value": "1"}
    home = {"type": "home", "blocks": [{"type": "actions", "elements": [button]}], "private_metadata": "mine"}

    @app.event("app_home_opened")
    def opened(event: Json, client: Any) -> None:
        heard.append(event)
        client.views_publish(user_id=event["user"], view=home)

    @app.action("go")
    def go(ack: Any, body: Json) -> None:
        ack()
        pressed.append(body)

    connect(slack, app)
    assert slack.home("owner") is None
    channel = slack.open_home("owner")["channel"]
    assert slack.open_home("owner")["ok"]
    assert slack.open_home("owner", "messages")["ok"]
    assert [(event["tab"], event["channel"], "view" in event) for event in heard] == [
        ("home", channel, False),
        ("home", channel, True),
        ("messages", channel, False),
    ]
    published = slack.home("owner")
    assert published is not None
    assert (published["type"], published["plain"], slack.home("viewer")) == ("home", "[ Go ]", None)
    assert slack.press("owner", "home", "go")["ok"]
    (body,) = pressed
    assert (body["view"]["id"], body["view"]["private_metadata"]) == (published["id"], "mine")
    assert body["container"] == {"type": "view", "view_id": published["id"]}
    assert not {"channel", "message", "response_url"} & body.keys()
    with pytest.raises(PlaygroundError, match="the Home tab cannot be closed"):
        slack.close_view("owner", "home")


def test_a_home_tab_must_be_switched_on(start_slack: START) -> None:
    """Without it views.publish says not_enabled."""
    slack = start_slack(home_tab=False)
    with pytest.raises(SlackApiError, match="not_enabled"):
        slack.web_client().views_publish(user_id="U01OWNER000", view={"type": "home", "blocks": []})


def test_people_share_files(start_slack: START, connect: CONNECT) -> None:
    """A dropped file is a message with the file, an event, and bytes that only the app's token downloads."""
    slack = start_slack(events=EVENTS)
    app, heard = slack.bolt_app(), list[Json]()
    for kind in ("message", "file_shared", "app_mention"):
        app.event(kind)(lambda event: heard.append(event))
    connect(slack, app)
    shared = slack.share("owner", "ml-arrivals", "day.csv", b"a;b\n1;2\n", "@toban see")
    events = {event["type"]: event for event in heard}
    assert events["message"]["subtype"] == "file_share"
    assert "subtype" not in events["app_mention"]
    assert events["file_shared"]["file_id"] == shared["file"]["id"]
    file = events["message"]["files"][0]
    assert (file["name"], file["filetype"], file["mimetype"], file["size"]) == (
        "day.csv",
        "csv",
        "text/csv",
        8,
    )
    assert file["shares"]["public"] == {ARRIVALS: [{"ts": shared["ts"]}]}
    headers = {"authorization": f"Bearer {slack.bot_token}"}
    assert requests.get(file["url_private"], headers=headers, timeout=10).content == b"a;b\n1;2\n"
    sign_in = requests.get(file["url_private_download"], timeout=10)
    assert (sign_in.status_code, sign_in.headers["content-type"].partition(";")[0]) == (200, "text/html")
    assert slack.web_client().files_info(file=file["id"])["file"]["user"] == "U01OWNER000"
    with pytest.raises(PlaygroundError, match=r"empty\.csv is empty"):
        slack.share("owner", "ml-arrivals", "empty.csv", b"")


def test_files_elsewhere_are_not_the_apps(start_slack: START) -> None:
    """Where the app is no member it finds no file; without files:read it is sent to the sign-in page."""
    slack = start_slack(scopes=("chat:write", "files:read"))
    file = slack.share("owner", "random", "day.csv", b"x")["file"]
    headers = {"authorization": f"Bearer {slack.bot_token}"}
    assert requests.get(file["url_private"], headers=headers, timeout=10).status_code == 404
    with pytest.raises(SlackApiError, match="file_not_found"):
        slack.web_client().files_info(file=file["id"])
    other = start_slack(scopes=("chat:write",))
    file = other.share("owner", "ml-arrivals", "day.csv", b"x")["file"]
    reply = requests.get(file["url_private"], headers=headers, timeout=10, allow_redirects=False)
    assert reply.status_code == 302


def test_files_are_there_again_after_a_restart(start_slack: START, tmp_path: Path) -> None:
    """The message still shows the file, and its bytes are the same."""
    first = start_slack(state=tmp_path)
    file = first.share("owner", "ml-arrivals", "day.csv", b"x")["file"]
    first.running.stop()
    again = start_slack(state=tmp_path)
    assert again.messages("ml-arrivals", "owner")[0]["files"][0]["id"] == file["id"]
    assert again.file(file["id"]) == b"x"


def test_people_have_locales(slack: SlackUnderTest) -> None:
    """users.info and users.list name the locale when asked to."""
    slack.add_person("nurse", tz="Asia/Tokyo", locale="ja-JP")
    client = slack.web_client()
    found = client.users_info(user=slack.workspace()["people"][-1]["id"], include_locale=True)["user"]
    assert (found["locale"], found["tz"]) == ("ja-JP", "Asia/Tokyo")
    assert {user["locale"] for user in client.users_list(include_locale=True)["members"]} == {
        "en-US",
        "ja-JP",
    }
    assert "locale" not in client.users_info(user="U01OWNER000")["user"]


def test_an_address_is_verified(slack: SlackUnderTest, serve: Any) -> None:
    """Bolt says the challenge back; another server does not."""
    assert slack.point_at(serve(slack.bolt_app()), verify=True)["verification"]["ok"]
    refused = slack.point_at(f"{slack.url}/signin", verify=True)["verification"]
    assert (refused["ok"], refused["error"]) == (False, "dispatch_failed")


def test_direct_messages_are_events_of_their_own(start_slack: START, serve: Any) -> None:
    """message.im hears direct messages, and message.channels those in public channels, each only its own."""
    slack = start_slack(events=("message.im",))
    app, heard = slack.bolt_app(), list[Json]()
    app.event("message")(lambda event: heard.append(event))
    slack.point_at(serve(app))
    assert slack.say("owner", "@toban", "hello")["ok"]
    assert slack.say("owner", "ml-arrivals", "hello")["delivery"] is None
    assert [event["channel_type"] for event in heard] == ["im"]


def test_a_manifest_sets_the_workspace_up(tmp_path: Path) -> None:
    """Commands, shortcuts, events, scopes, the Home tab and the bot's name are what the manifest says."""
    path = tmp_path / "manifest.json"
    path.write_text(
        '{"features": {"slash_commands": [{"command": "/ml", "should_escape": true}],'
        ' "shortcuts": [{"name": "Predict", "type": "message", "callback_id": "p", "description": "d"}],'
        ' "app_home": {"home_tab_enabled": true}, "bot_user": {"display_name": "My Bot"}},'
        ' "oauth_config": {"scopes": {"bot": ["commands"]}},'
        ' "settings": {"event_subscriptions": {"bot_events": ["app_mention"]}}}'
    )
    stated = read_manifest(path)
    assert stated.pop("workspace").bot.name == "my-bot"
    assert stated == {
        "commands": ("/ml",),
        "escape_commands": True,
        "shortcuts": (Shortcut(callback_id="p", name="Predict", type="message", description="d"),),
        "home_tab": True,
        "events": ("app_mention",),
        "scopes": ("commands",),
    }
    path.write_text("[]")
    with pytest.raises(ValueError, match="not an app manifest"):
        read_manifest(path)
