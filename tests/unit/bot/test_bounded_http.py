"""Answers that come in drips are given up, whoever sends them, and wherever in the answer it begins."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from bot import bounded_http, response_urls, slack_client, slack_files
from bot.command_tables import WebhookTable
from bot.connectors.azure_functions import AzureFunctionsConnector
from bot.connectors.github_client import GitHubClient
from bot.connectors.mlflow import MlflowConnector
from bot.connectors.wire import HttpCall, Sender, streamed
from bot.errors import (
    EndpointUnreachable,
    FunctionsUnreachable,
    GitHubUnreachable,
    MlflowUnreachable,
    SlackUnreachable,
    Unreachable,
)
from bot.flows import announce
from bot.messages.message import Message
from bot.settings import FunctionsSettings, GitHubSettings, MlflowSettings, SlackSettings
from bot.slack import SlackDesk
from bot.slack_client import BoundedWebClient

WAITS = {"connect_seconds": 5.0, "read_seconds": 0.4}
PAUSE = 0.02
DRIPS = 250
"""So many bytes come, each well before a read's time-out; then the answer is whole: who waits gets it."""
BODY = b'{"ok": true, "ts": "1.2", "value": "%s"}' % (b"9" * DRIPS)
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PLAIN = b"%sContent-Length: %d\r\n\r\n" % (JSON, len(BODY))
CHUNKS = JSON + b"Transfer-Encoding: chunked\r\n\r\n"
CHUNKED = b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n"


class Dripping:
    """A server that sends the first part of its answer at once and the rest byte by byte."""

    def __init__(self) -> None:
        self.at_once = PLAIN
        self.drips: Iterable[int] = BODY
        self.stopping = threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def stop(self) -> None:
        """Serve no more."""
        self.stopping.set()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for thread in self.threads:
            thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self.threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(self.at_once)
            for byte in self.drips:
                if self.stopping.wait(PAUSE):
                    return
                connection.sendall(bytes([byte]))


@pytest.fixture
def dripping(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dripping]:
    """A server that drips, to which the bot listens for no longer in all than for one piece."""
    monkeypatch.setattr(bounded_http, "ANSWER_TIMES", 1)
    running = Dripping()
    yield running
    running.stop()


@pytest.mark.parametrize(
    ("at_once", "drips"),
    [(PLAIN, BODY), (CHUNKS, CHUNKED), (JSON, b"X-Long: " + BODY + b"\r\n\r\n"), (b"", JSON)],
    ids=["body", "chunks", "header", "status line"],
)
def test_wherever_it_drips(dripping: Dripping, at_once: bytes, drips: bytes) -> None:
    """Each byte comes in time and the answer does not: it is no answer."""
    dripping.at_once, dripping.drips = at_once, drips
    sender = Sender(dripping.url, {}, **WAITS)
    with pytest.raises(FunctionsUnreachable):
        sender.send(HttpCall("POST", "/"))


def test_an_answer_in_time_is_read_whole(dripping: Dripping) -> None:
    """Some slow pieces are no drip: what comes within the time is read to its end."""
    dripping.at_once, dripping.drips = PLAIN + BODY[:-5], BODY[-5:]
    sender = Sender(dripping.url, {}, connect_seconds=60, read_seconds=60)
    assert sender.send(HttpCall("POST", "/")).body == json.loads(BODY)


def file_of_github(url: str) -> Any:
    """Read a file that GitHub keeps elsewhere."""
    with streamed(url, GitHubUnreachable, **WAITS) as pieces:
        return b"".join(pieces)


def read_github(url: str) -> Any:
    """Ask GitHub."""
    settings = GitHubSettings(api_url=url, token=SecretStr("test"), **WAITS)
    return GitHubClient(settings).get("/", lambda body: body)


def read_mlflow(url: str) -> Any:
    """Ask MLflow."""
    return MlflowConnector(MlflowSettings(address=url, **WAITS)).names()


def read_functions(url: str) -> Any:
    """Ask the function app."""
    settings = FunctionsSettings(url=url, key=SecretStr("test"), **WAITS)
    return AzureFunctionsConnector(settings).model("sums")


def post_to_slack(url: str) -> Any:
    """Post in Slack."""
    settings = SlackSettings(bot_token=SecretStr("xoxb-" + "test"), api_url=f"{url}/api/")
    return SlackDesk(settings).post("C1", Message("words", ()))


def upload_to_slack(url: str) -> Any:
    """Send the bytes of a file to the address that Slack gave for them, by slack_sdk's own steps."""
    client = BoundedWebClient(token="xoxb-" + "test", timeout=WAITS["read_seconds"])
    where = {"file_id": "F1", "upload_url": url}
    steps = {"files_getUploadURLExternal": lambda **_: where, "files_completeUploadExternal": lambda **_: {}}
    vars(client).update(steps)
    try:
        return client.files_upload_v2(channel="C1", filename="rows.csv", content="1")
    except OSError as error:
        raise SlackUnreachable(type(error).__name__) from None


def read_file(url: str) -> Any:
    """Read a file that somebody shared in Slack."""
    return slack_files.read_file({"url_private": f"{url}/rows.csv"}, "xoxb-" + "test", f"{url}/api/")


def respond(url: str) -> Any:
    """Answer at a response URL."""
    return response_urls.respond(f"{url}/commands/1", {}, f"{url}/api/")


def deliver(url: str) -> Any:
    """Tell a service outside of an event."""
    table = WebhookTable.model_validate(
        {"name": "ops", "url": url, "secret_from": "OPS_SECRET", "events": ["run.finished"]}
    )
    return announce.post_event(table, "test", "run.finished", "d-1", "{}")


@pytest.mark.parametrize(
    ("ask", "trouble", "part"),
    [
        (read_functions, FunctionsUnreachable, "body"),
        (read_github, GitHubUnreachable, "body"),
        (file_of_github, GitHubUnreachable, "body"),
        (read_mlflow, MlflowUnreachable, "body"),
        (read_file, SlackUnreachable, "body"),
        (post_to_slack, SlackUnreachable, "body"),
        (post_to_slack, SlackUnreachable, "header"),
        (upload_to_slack, SlackUnreachable, "body"),
        (respond, SlackUnreachable, "header"),
        (deliver, EndpointUnreachable, "header"),
    ],
)
def test_whoever_drips(
    dripping: Dripping,
    monkeypatch: pytest.MonkeyPatch,
    ask: Callable[[str], Any],
    trouble: type[Unreachable],
    part: str,
) -> None:
    """The function app, GitHub and its files, MLflow, Slack, its files and addresses, services outside."""
    for module in (slack_files, response_urls, slack_client):
        monkeypatch.setattr(module, "TIMEOUT_SECONDS", WAITS["read_seconds"])
    monkeypatch.setattr(announce, "READ_SECONDS", WAITS["read_seconds"])
    if part == "header":
        dripping.at_once, dripping.drips = JSON, b"X-Long: " + BODY + b"\r\n\r\n"
    with pytest.raises(trouble):
        ask(dripping.url)


def test_a_private_answer_is_taken_with_its_status(
    dripping: Dripping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever comes after it is not waited for, and the message is not sent again for it."""
    monkeypatch.setattr(response_urls, "TIMEOUT_SECONDS", 60.0)
    dripping.drips = itertools.repeat(BODY[-1])
    assert respond(dripping.url)
