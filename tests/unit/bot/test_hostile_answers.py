"""Answers of other machines that are made to hurt: too deep, too large, too long, or leading elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from bot.connectors.azure_functions import AzureFunctionsConnector, build_cancel
from bot.connectors.github_client import GitHubClient
from bot.connectors.github_deployments import _key
from bot.connectors.run_reports import read_report
from bot.connectors.wire import HttpCall, Sender, streamed
from bot.errors import BotError, EndpointUnreachable, FunctionsUnreachable, GitHubUnreachable
from bot.settings import FunctionsSettings, GitHubSettings
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
    sender = Sender(server.url, {}, connect_seconds=5, read_seconds=5)
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
        streamed(f"{server.url}/file", EndpointUnreachable, 5, 5) as pieces,
    ):
        list(pieces)
    assert server.asked == ["/file"]


def test_github_sends_to_https_only(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GitHub that is reached by https keeps its files there, too: other addresses are not asked."""
    client = GitHubClient(GitHubSettings(api_url="https://api.github.com", token=SecretStr("test")))
    server.status, server.headers = 302, {"Location": f"{server.url}/private"}
    plain = Sender(server.url, {}, connect_seconds=5, read_seconds=5, unreachable=GitHubUnreachable)
    monkeypatch.setattr(client, "_sender", plain)
    with pytest.raises(GitHubUnreachable, match="https"), client.file("/zip") as pieces:
        list(pieces)
    assert server.asked == ["/zip"]


@pytest.mark.parametrize("name", [".", "..", "...", "../health", "%2e%2e", "a/../b", "\x00", "\\", "?", "#"])
def test_no_name_leaves_its_place_in_a_path(server: Server, name: str) -> None:
    """Whatever a run or model is called by a person, the request asks for one name below its collection."""
    sender = Sender(server.url, {}, connect_seconds=5, read_seconds=5)
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
