"""The loopback Slack as a program of its own."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from slack_bolt import App
from slack_sdk import WebClient

from playground.slack.__main__ import read_settings, welcome
from playground.slack.client import Playground
from playground.slack.under_test import SlackUnderTest

pytest_plugins = ["playground.slack.fixtures"]


def test_the_program_says_where_it_listens_and_ends_when_told(tmp_path: Path) -> None:
    """One JSON line with the address; the settings of the command line hold; SIGTERM ends it with 0."""
    token = "xoxb-" + "own"
    command = [
        sys.executable,
        "-m",
        "playground.slack",
        "--state",
        str(tmp_path / "state"),
        "--bot-token",
        token,
    ]
    with subprocess.Popen([*command, "--commands", "/ml"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())
        client = WebClient(token=token, base_url=address["api_url"])
        assert client.chat_postMessage(channel="C01ARRIVALS", text="hello")["ok"]
        with Playground(address["listening"]) as people:
            assert people.messages("ml-arrivals", "viewer")[0]["plain"] == "hello"
            assert people.say("viewer", "ml-arrivals", "/other")["error"] == "invalid_command"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    assert (tmp_path / "state" / "journal.jsonl").exists()


def test_people_at_a_terminal_are_told_what_to_do() -> None:
    """Address, tokens and way are named; what somebody gave themselves is not repeated."""
    given = ["--app", "127.0.0.1:3000", "--signing-secret", "of-my-own"]
    said = welcome(read_settings(given), "http://127.0.0.1:4000", "http://127.0.0.1:4000/api/")
    assert "In a browser: http://127.0.0.1:4000\n" in said
    assert "base_url=http://127.0.0.1:4000/api/, token=xoxb-loopback" in said
    assert "signing_secret=the one that you gave, listening at http://127.0.0.1:3000/slack/events" in said
    assert "of-my-own" not in said
    for none in ([], ["--app", "socket"]):
        assert "app_token=xapp-loopback, over Socket Mode" in welcome(read_settings(none), "u", "a")


def test_the_command_line_fronts_any_app(
    tmp_path: Path, slack: SlackUnderTest, serve: Callable[[App], str]
) -> None:
    """`toban playground --app ADDRESS` is a workspace in front of a Bolt app, by its manifest."""
    app = slack.bolt_app()
    app.command("/other")(lambda ack: ack("it is me"))
    manifest = {
        "features": {"slash_commands": [{"command": "/other"}]},
        "oauth_config": {"scopes": {"bot": []}},
    }
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(manifest))
    command = [sys.executable, "-m", "bot", "playground", "--app", serve(app), "--manifest", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        with Playground(json.loads(process.stdout.readline())["listening"]) as people:
            assert people.say("viewer", "ml-arrivals", "/other")["ok"]
            assert people.messages("ml-arrivals", "viewer")[0]["plain"] == "it is me"
            assert people.say("viewer", "ml-arrivals", "/ml")["error"] == "invalid_command"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def test_a_taken_port_is_said(slack: SlackUnderTest) -> None:
    """A port that is in use is named in one line, with exit code 1."""
    port = slack.url.rpartition(":")[2]
    command = [sys.executable, "-m", "playground.slack", "--port", port]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.strip() == f"cannot listen on port {port}: Address already in use"


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000/slack/events"),
        ("127.0.0.1:3000", "http://127.0.0.1:3000/slack/events"),
        ("localhost:3000", "http://localhost:3000/slack/events"),
        ("http://bot/slack", "http://bot/slack"),
        ("http://localhost:3000/", "http://localhost:3000/"),
        ("https://app.example/in?tenant=1", "https://app.example/in?tenant=1"),
    ],
)
def test_an_app_is_named_by_its_host_alone(given: str, url: str) -> None:
    """Where the address has no path, it is the one at which Bolt listens."""
    assert read_settings(["--app", given]).app_url == url


def test_commands_are_named_with_or_without_their_slash() -> None:
    """A shell's user may leave the slash out."""
    assert read_settings(["--commands", "/ml, hello"]).commands == ("/ml", "/hello")


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("--port", "99999", "0 to 65535"),
        ("--port", "-1", "0 to 65535"),
        ("--port", "http", "0 to 65535"),
        ("--app", "nonsense", "http://127.0.0.1:3000"),
        ("--app", "ftp://x.example/y", "http://127.0.0.1:3000"),
        ("--app", "http://127.0.0.1:x/", "http://127.0.0.1:3000"),
        ("--app", "http:///slack/events", "http://127.0.0.1:3000"),
    ],
)
def test_an_option_that_cannot_be_is_named(
    capsys: pytest.CaptureFixture[str], option: str, value: str, allowed: str
) -> None:
    """The option, what was given and what is allowed are said; nothing is started."""
    with pytest.raises(SystemExit, match="2"):
        read_settings([f"{option}={value}"])
    said = capsys.readouterr().err
    assert [word for word in (option, repr(value), allowed) if word not in said] == []
