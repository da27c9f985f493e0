"""Files are read from Slack alone, within their limit, and what Slack hands out instead of one is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bot import slack_files
from bot.errors import Refused, SlackUnreachable
from bot.slack_addresses import is_slacks
from bot.slack_files import HOSTS, read_file

TOKEN = "xoxb-" + "test"


class Shelf:
    """A server that hands out one answer and notes which tokens it was shown."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 200, {"content-type": "text/csv"}, b"flight\nUA1\n"
        self.tokens: list[str | None] = []
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever)
        self.thread.start()

    def read(self, **facts: Any) -> bytes:
        """Read the file that the server has, described by *facts*."""
        return read_file(
            {"url_private": f"{self.url}/files-pri/T1-F1/rows.csv", **facts}, TOKEN, f"{self.url}/api/"
        )

    def stop(self) -> None:
        """Stop serving."""
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        shelf = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shelf.tokens.append(self.headers.get("authorization"))
                self.send_response(shelf.status)
                for name, value in shelf.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(shelf.body)

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        return Handler


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """A server with a file."""
    made = Shelf()
    yield made
    made.stop()


def code_of(act: Any, *given: Any, **named: Any) -> str:
    """Return the reason code with which *act* refuses."""
    with pytest.raises(Refused) as caught:
        act(*given, **named)
    return caught.value.problem.reason_code


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("https://files.slack.com/files-pri/T1-F1/a.csv", True),
        ("https://files.slack-gov.com/files-pri/T1-F1/a.csv", True),
        ("http://files.slack.com/files-pri/T1-F1/a.csv", False),
        ("https://files.slack.com.example.com/a.csv", False),
        ("https://files.slack.com@example.com/a.csv", False),
        ("https://files.slack.com:444/a.csv", False),
        ("https://docs.example.com/a.csv", False),
        ("http://127.0.0.1:4000/files-pri/a.csv", True),
        ("http://127.0.0.1:4001/files-pri/a.csv", True),
        ("https://files.slack.com:443/files-pri/a.csv", True),
        ("http://10.0.0.1:4000/files-pri/a.csv", False),
        ("https://[x", False),
        ("", False),
    ],
)
def test_only_slacks_own_addresses_are_asked(url: str, own: bool) -> None:
    """The token goes to Slack's file hosts by https, or to the server of the Web API, and nowhere else."""
    assert is_slacks(url, "http://127.0.0.1:4000/api/", HOSTS) == own


def test_a_file_is_read_with_the_token(shelf: Shelf) -> None:
    """The address for downloads goes before the other one."""
    assert shelf.read() == b"flight\nUA1\n"
    assert shelf.read(url_private_download=f"{shelf.url}/download", url_private="https://x.example") != b""
    assert shelf.tokens == [f"Bearer {TOKEN}"] * 2


def test_a_file_elsewhere_is_never_asked_for(shelf: Shelf) -> None:
    """A file that another service keeps is refused, and that service hears nothing."""
    assert (
        code_of(read_file, {"url_private": f"{shelf.url}/a.csv"}, TOKEN, "https://slack.com/api/")
        == "file_elsewhere"
    )
    assert code_of(read_file, {}, TOKEN, "https://slack.com/api/") == "file_elsewhere"
    assert shelf.tokens == []


def test_a_sign_in_page_is_no_file(shelf: Shelf) -> None:
    """What Slack gives to those who may not see a file, as a redirect or as a page, is told as such."""
    shelf.status, shelf.headers = 302, {"location": f"{shelf.url}/signin"}
    assert code_of(shelf.read) == "file_not_given"
    shelf.status, shelf.headers = 200, {"content-type": "text/html; charset=utf-8"}
    assert code_of(shelf.read) == "file_not_given"
    shelf.status, shelf.headers = 404, {}
    assert code_of(shelf.read) == "file_not_given"
    assert len(shelf.tokens) == 3  # no redirect was followed


def test_a_file_that_is_too_large_is_refused(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the size that Slack tells it is not even asked for; by its bytes no more than the limit is read."""
    assert code_of(shelf.read, size=slack_files.MOST_BYTES + 1) == "file_too_large"
    assert shelf.tokens == []
    monkeypatch.setattr(slack_files, "MOST_BYTES", 8)
    assert code_of(shelf.read, size=1) == "file_too_large"
    monkeypatch.setattr(slack_files, "MOST_BYTES", len(shelf.body))
    assert shelf.read() == shelf.body


@pytest.mark.parametrize("status", [429, 500, 503])
def test_trouble_of_slacks_may_be_tried_again(shelf: Shelf, status: int) -> None:
    """A rate limit and a server error are Slack's, not the person's."""
    shelf.status = status
    with pytest.raises(SlackUnreachable, match=str(status)):
        shelf.read()


def test_a_server_that_is_gone_may_be_tried_again(shelf: Shelf) -> None:
    """No connection: the message names the kind of trouble, never the token."""
    gone = shelf.url.replace(str(shelf.http.server_port), "1")
    with pytest.raises(SlackUnreachable) as caught:
        read_file({"url_private": f"{gone}/a.csv"}, TOKEN, f"{gone}/api/")
    assert TOKEN not in str(caught.value)
