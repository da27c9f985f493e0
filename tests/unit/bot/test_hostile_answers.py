"""Answers of other machines that are made to hurt: too deep, too large, too long, or leading elsewhere."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from bot import slack_client
from bot.connectors.azure_functions import AzureFunctionsConnector, build_cancel
from bot.connectors.github_client import GitHubClient
from bot.connectors.github_deployments import _key
from bot.connectors.run_reports import read_report
from bot.connectors.wire import HttpCall, Sender, streamed
from bot.errors import (
    BotError,
    ConfigurationError,
    EndpointUnreachable,
    FunctionsUnreachable,
    GitHubUnreachable,
    SlackRefused,
    SlackUnreachable,
)
from bot.hops.slack import SlackHop
from bot.messages.message import Message
from bot.settings import FunctionsSettings, GitHubSettings, SlackSettings
from bot.slack import Identity, SlackDesk
from ml.contract import Caller

DEEP = b"[" * 200_000
HUGE = b'{"state": ' + b"9" * 5_000 + b"}"
CALLER = Caller(who="U1", where="slack:T1/C1")


class Server:
    """Answers everything with one status, one set of headers and one body."""

    def __init__(self) -> None:
        self.status, self.body = 200, b"{}"
        self.headers: Mapping[str, str] = {}
        self.asked: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                self.send_response(server.status)
                for name, value in server.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(server.body)))
                self.end_headers()
                self.wfile.write(server.body)

            do_POST = do_GET

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Serve no more."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server whose answers the test chooses."""
    running = Server()
    yield running
    running.stop()


@pytest.mark.parametrize("body", [DEEP, HUGE, b"\xff\xfe", b"{"], ids=["deep", "huge", "bytes", "cut"])
def test_json_that_nobody_can_read_is_no_answer(server: Server, body: bytes) -> None:
    """JSON of any depth, and numbers of any length, are an answer that makes no sense, and nothing worse."""
    server.body = body
    sender = Sender(server.url, {}, connect_seconds=60, read_seconds=60)
    with pytest.raises(FunctionsUnreachable, match="not JSON"):
        sender.send(HttpCall("GET", "/"))
    functions = AzureFunctionsConnector(FunctionsSettings(url=server.url, key=SecretStr("test")))
    with pytest.raises(BotError):
        functions.model("sums")


@pytest.mark.parametrize("body", [DEEP, HUGE], ids=["deep", "huge"])
def test_a_report_or_payload_that_nobody_can_read_is_none(body: bytes) -> None:
    """What a workflow reports, and what a deployment carries, may be anything."""
    assert read_report(body).problems == ("The report is not proper JSON.",)
    assert _key(body.decode()) is None


def test_a_file_is_not_looked_for_elsewhere(server: Server) -> None:
    """A redirect from where GitHub keeps a file leads nowhere, least of all into our own network."""
    server.status, server.headers = 302, {"Location": f"{server.url}/private"}
    with (
        pytest.raises(EndpointUnreachable, match="302"),
        streamed(f"{server.url}/file", EndpointUnreachable, 60, 60) as pieces,
    ):
        list(pieces)
    assert server.asked == ["/file"]


def test_github_sends_to_https_only(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GitHub that is reached by https keeps its files there, too: other addresses are not asked."""
    client = GitHubClient(GitHubSettings(api_url="https://api.github.com", token=SecretStr("test")))
    server.status, server.headers = 302, {"Location": f"{server.url}/private"}
    plain = Sender(server.url, {}, connect_seconds=60, read_seconds=60, unreachable=GitHubUnreachable)
    monkeypatch.setattr(client, "_sender", plain)
    with pytest.raises(GitHubUnreachable, match="https"), client.file("/zip") as pieces:
        list(pieces)
    assert server.asked == ["/zip"]


@pytest.mark.parametrize("name", [".", "..", "...", "../health", "%2e%2e", "a/../b", "\x00", "\\", "?", "#"])
def test_no_name_leaves_its_place_in_a_path(server: Server, name: str) -> None:
    """Whatever a run or model is called by a person, the request asks for one name below its collection."""
    sender = Sender(server.url, {}, connect_seconds=60, read_seconds=60)
    sender.send(build_cancel(name, CALLER, "key"))
    with pytest.raises(BotError):
        AzureFunctionsConnector(FunctionsSettings(url=server.url)).model(name)
    cancelled, model = server.asked
    assert cancelled.startswith("/api/runs/")
    assert cancelled.endswith("/cancel")
    assert cancelled.count("/") == 4
    assert model.startswith("/api/models/")
    assert model.count("/") == 3
    assert len(model) > len("/api/models/")


def slack(server: Server) -> SlackDesk:
    """Return the bot's hands in a Slack that is this server."""
    return SlackDesk(slack_settings(server))


def slack_settings(server: Server) -> SlackSettings:
    """Return the settings of a bot in a Slack that is this server."""
    return SlackSettings(bot_token=SecretStr("xoxb-" + "test"), api_url=f"{server.url}/api/")


@pytest.mark.parametrize("status", [200, 404, 502])
@pytest.mark.parametrize(
    "body",
    [DEEP, HUGE, b"\xff\xfe", b"{", b'["ok"]', b"<p>Sign in to the network"],
    ids=["deep", "huge", "bytes", "cut", "list", "page"],
)
def test_what_slack_never_says_is_no_answer_of_slacks(server: Server, body: bytes, status: int) -> None:
    """Whoever answers in its place, what was asked is asked again later, and nothing breaks."""
    server.body, server.status = body, status
    server.headers = {"Content-Type": "text/html; charset=nobody-knows"}
    with pytest.raises(SlackUnreachable):
        slack(server).post("C1", Message("words", ()))


@pytest.mark.parametrize(
    ("whose", "words"),
    [
        ({"team_id": "E01", "user_id": "U01", "is_enterprise_install": True}, "whole organization"),
        ({"team_id": None, "user_id": "U01"}, "SLACK_API_URL"),
        ({"team_id": "T01"}, "SLACK_API_URL"),
        ({}, "SLACK_API_URL"),
    ],
    ids=["organization", "no team", "nobody", "nothing"],
)
def test_a_token_of_nobody_in_one_workspace_is_said_at_the_start(
    server: Server, whose: dict[str, Any], words: str
) -> None:
    """A bot that does not know its workspace would refuse everybody later, so it does not start."""
    server.body = json.dumps({"ok": True, **whose}).encode()
    with pytest.raises(ConfigurationError, match=words):
        slack(server).identity()
    if words == "whole organization":
        said = next(SlackHop(slack_settings(server), None).ask())
        assert (said.level, words in said.text) == ("fail", True)


def test_what_slack_leaves_out_of_an_identity_is_empty(server: Server) -> None:
    """Names may be missing or null; only the ids are needed."""
    server.body = b'{"ok": true, "team_id": "T01", "user_id": "U01", "user": null, "new": {}}'
    assert slack(server).identity() == Identity("T01", "", "U01", "", "")


def test_an_answer_of_slacks_is_read_as_utf_8(server: Server) -> None:
    """As JSON is, whatever a header says; also where Slack refuses."""
    server.body = '{"ok": false, "error": "größe"}'.encode()
    server.headers = {"Content-Type": "application/json; charset=latin-1"}
    for server.status in (200, 400):
        with pytest.raises(SlackRefused, match="größe"):
            slack(server).post("C1", Message("words", ()))


@pytest.mark.parametrize("status", [200, 502])
def test_an_answer_of_slacks_that_is_too_large_is_given_up(
    server: Server, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """No more of it than an answer may have is kept in memory."""
    monkeypatch.setattr(slack_client, "MOST_ANSWER_BYTES", 10_000)
    server.body, server.status = b'{"ok": true, "ts": "1.2", "more": "%s"}' % (b"x" * 10_000), status
    with pytest.raises(SlackUnreachable, match="too large"):
        slack(server).post("C1", Message("words", ()))


def test_the_token_goes_to_slack_only(server: Server) -> None:
    """A redirect would lead it to another address."""
    elsewhere = Server()
    try:
        server.status, server.headers = 302, {"Location": f"{elsewhere.url}/"}
        with pytest.raises(SlackUnreachable):
            slack(server).post("C1", Message("words", ()))
        assert elsewhere.asked == []
    finally:
        elsewhere.stop()
