"""Health: what counts as well, the page that says so, and who asks it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from bot.health import ask_health, health_page, judge


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None: ...


@contextmanager
def served(app: Any) -> Iterator[int]:
    """Serve *app* on a free port."""
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("age", "connected", "words"),
    [
        (1.0, True, []),
        (60.0, True, []),
        (60.1, True, ["heartbeat"]),
        (1.0, False, ["Socket Mode"]),
        (99.0, False, ["heartbeat", "Socket Mode"]),
    ],
)
def test_what_is_well(age: float, connected: bool, words: Sequence[str]) -> None:
    """A heartbeat older than what counts as dead, and a cut connection, are each a sentence."""
    said = judge(age, 60.0, connected)
    assert len(said) == len(words)
    assert all(word in sentence for word, sentence in zip(words, said, strict=True))


@pytest.mark.parametrize("problems", [[], ["not connected"]])
def test_a_bot_that_answers_is_believed(problems: list[str]) -> None:
    """200 and 503 come as well and not well, with what the bot says of itself."""
    with served(health_page(lambda: problems)) as port:
        assert ask_health("127.0.0.1", port) == (not problems, "; ".join(problems) or "ok")
        assert ask_health("0.0.0.0", port)[0] == (not problems)
    assert ask_health("127.0.0.1", port)[0] is False


def test_something_else_is_not_taken_for_a_bot() -> None:
    """An answer that is no health page is not well."""

    def other(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return [b"<html>"]

    with served(other) as port:
        well, text = ask_health("127.0.0.1", port)
    assert (well, "no bot answers" in text) == (False, True)


def test_only_looking_is_served() -> None:
    """A POST is refused with what is allowed."""
    seen: list[Any] = []
    page = health_page(list)
    list(page({"REQUEST_METHOD": "POST"}, lambda status, headers: seen.append((status, dict(headers)))))
    assert seen[0][0].startswith("405")
    assert seen[0][1]["Allow"] == "GET, HEAD"
