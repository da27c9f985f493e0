"""The connector: what it sends, how it reads each kind of answer, and when it asks again."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest
from pydantic import SecretStr

from bot.connectors.azure_functions import (
    AzureFunctionsConnector,
    build_cancel,
    build_move,
    build_start,
    read_reply,
)
from bot.connectors.wire import HttpReply
from bot.errors import FunctionsUnreachable, Refused
from bot.settings import FunctionsSettings
from ml.contract import AliasMove, Caller, CancelRequest, CompareRequest, HealthView, RetrainRequest, RunView

CALLER = Caller(who="U1", where="slack:T1/C1")
HEALTH = {"status": "ok", "versions": {}, "store": {"reachable": True}}
RUN = {
    "run_id": "20130801t060000-a1b2c3",
    "model": "m",
    "kind": "retrain",
    "state": "queued",
    "created_at": "2013-08-01T06:00:00Z",
    "event": 1,
}
PROBLEM = {"title": "no", "status": 422, "detail": "No rows.", "reason_code": "no_rows"}


def test_calls_carry_what_the_function_app_expects() -> None:
    """Every POST but predict carries its key; names are quoted; bodies are what the contract reads."""
    start = build_start("retrain", "a b", RetrainRequest(params={"rows": 5}, caller=CALLER), "c-1")
    assert (start.path, start.headers, start.repeatable) == (
        "/api/models/a%20b/retrain",
        {"Idempotency-Key": "c-1"},
        True,
    )
    assert RetrainRequest.model_validate(start.body).params == {"rows": 5}
    compare = build_start("compare", "m", CompareRequest(versions=(2, 1), rows="evaluation of 2"), "c-2")
    assert CompareRequest.model_validate(compare.body).versions == (2, 1)
    cancel = build_cancel("r-1", CALLER, "c-3")
    assert (cancel.path, cancel.headers) == ("/api/runs/r-1/cancel", {"Idempotency-Key": "c-3"})
    assert CancelRequest.model_validate(cancel.body).caller == CALLER
    move = AliasMove(version=2, expected_event=0, evidence="sha256:" + "a" * 64, by="U1", why="better")
    built = build_move("m", "champion", move, "d-1")
    assert built.path == "/api/models/m/aliases/champion"
    assert AliasMove.model_validate(built.body) == move


def test_a_slash_in_a_name_is_no_part_of_an_address() -> None:
    """A host would take it apart, and say that it has no such address instead of no such model or run."""
    start = build_start("retrain", "acme/flights", RetrainRequest(params={}, caller=CALLER), "c-1")
    assert unquote(start.path) == "/api/models/acme\u2215flights/retrain"
    assert unquote(build_cancel("http://x", CALLER, "c-3").path) == "/api/runs/http:\u2215\u2215x/cancel"


def reply(status: int, body: Any = None) -> HttpReply:
    """Return an answer."""
    return HttpReply(status, {}, body)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (422, PROBLEM, "no_rows"),
        (409, PROBLEM | {"status": 409, "reason_code": "alias_moved"}, "alias_moved"),
        (401, None, "function_app_rejected_key"),
        (403, {"anything": 1}, "function_app_rejected_key"),
    ],
)
def test_refusals_carry_their_reason(status: int, body: Any, reason: str) -> None:
    """A refusal is told with the function app's own reason; a refused key with ours."""
    with pytest.raises(Refused) as caught:
        read_reply(reply(status, body), RunView)
    assert caught.value.problem.reason_code == reason


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, {"x": 1}), (200, None), (404, None), (302, None), (429, PROBLEM), (500, PROBLEM)],
)
def test_everything_else_may_be_tried_again(status: int, body: Any) -> None:
    """An answer that is none, or not to the contract, is as good as no answer."""
    with pytest.raises(FunctionsUnreachable):
        read_reply(reply(status, body), RunView)


def test_newer_function_app_is_understood() -> None:
    """Fields that this bot does not know are ignored."""
    assert read_reply(reply(202, RUN | {"new": 1}), RunView).run_id == RUN["run_id"]


class Server:
    """Answers from a list, one after another, and keeps the last one; notes what was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes] | None] = []
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.hang = threading.Event()
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.thread = threading.Thread(target=self.http.serve_forever)
        self.thread.start()

    def connector(self, read_seconds: float = 60.0) -> AzureFunctionsConnector:
        """Return a connector to it."""
        url = f"http://127.0.0.1:{self.http.server_port}"
        settings = FunctionsSettings(url=url, key=SecretStr("test-key"), read_seconds=read_seconds)
        return AzureFunctionsConnector(settings)

    def stop(self) -> None:
        """Stop serving."""
        self.hang.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def serve(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                server.asked.append((self.command, self.path, dict(self.headers)))
                answer = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
                if answer is None:
                    self.close_connection = True
                    return
                status, body = answer
                if status == 0:
                    server.hang.wait(100)
                    return
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = serve
            do_POST = serve

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    """A server whose answers the test writes."""
    made = Server()
    yield made
    made.stop()


OK = (200, json.dumps(HEALTH).encode())
BUSY = (503, b"{}")


@pytest.mark.parametrize("trouble", [BUSY, None], ids=["503", "cut"])
def test_reading_is_tried_again(server: Server, trouble: tuple[int, bytes] | None) -> None:
    """A GET that met a hiccup is asked again, with the key each time."""
    server.answers = [trouble, trouble, OK]
    assert isinstance(server.connector().health(), HealthView)
    assert [headers.get("x-functions-key") for _, _, headers in server.asked] == ["test-key"] * 3


@pytest.mark.parametrize("trouble", [BUSY, None], ids=["503", "cut"])
def test_start_is_tried_again_with_one_key(server: Server, trouble: tuple[int, bytes] | None) -> None:
    """A POST that carries a key may be sent again: the key is the same."""
    server.answers = [trouble, (202, json.dumps(RUN).encode())]
    server.connector().retrain("m", {}, CALLER, key="c-1")
    assert [headers.get("Idempotency-Key") for _, _, headers in server.asked] == ["c-1", "c-1"]


@pytest.mark.parametrize("trouble", [BUSY, None], ids=["503", "cut"])
def test_prediction_is_asked_for_once(server: Server, trouble: tuple[int, bytes] | None) -> None:
    """A POST without a key is never sent twice: it would be logged twice."""
    server.answers = [trouble, OK]
    with pytest.raises(FunctionsUnreachable):
        server.connector().predict("m", [{}], CALLER)
    assert len(server.asked) == 1


def test_silence_has_an_end(server: Server) -> None:
    """A call that is not answered ends by its time-out."""
    server.answers = [(0, b"")]
    with pytest.raises(FunctionsUnreachable, match="no answer in time"):
        server.connector(read_seconds=0.05).predict("m", [{}], CALLER)


def test_nobody_listening_is_said() -> None:
    """A refused connection is told as that, without the address."""
    with socket.socket() as unheard:  # it has a port, which nobody else can take, and does not listen
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        connector = AzureFunctionsConnector(FunctionsSettings(url=url, key=SecretStr("test-key")))
        with pytest.raises(FunctionsUnreachable, match="refused or cut") as caught:
            connector.predict("m", [{}], CALLER)
    assert "127.0.0.1" not in str(caught.value)


def test_hundreds_of_runs_are_asked_for_by_pages(server: Server) -> None:
    """Five hundred runs are five lists, or six where others lie between; not five hundred questions."""
    runs = [RUN | {"run_id": f"20130801t06{number:04d}-a1b2c3"} for number in range(560)]
    pages = [runs[first : first + 100] for first in range(0, 560, 100)]
    server.answers = [
        (200, json.dumps({"runs": page, "after": page[-1]["run_id"] if len(page) == 100 else None}).encode())
        for page in pages
    ]
    wanted = [str(one["run_id"]) for one in runs[:250] + runs[310:]]
    assert sorted(server.connector().status(wanted)) == sorted(wanted)
    assert len(server.asked) == 6


def test_many_runs_are_asked_for_in_one_list(server: Server) -> None:
    """From five runs on, one list is read; a run that is not in it is asked for by itself."""
    runs = [RUN | {"run_id": f"20130801t06000{number}-a1b2c3"} for number in range(6)]
    missing = (404, json.dumps(PROBLEM | {"status": 404, "reason_code": "unknown_run"}).encode())
    listed = (200, json.dumps({"runs": runs[:5], "after": None}).encode())
    server.answers = [listed, missing]
    found = server.connector().status([str(one["run_id"]) for one in runs])
    assert sorted(found) == [one["run_id"] for one in runs[:5]]
    assert [path.partition("?")[0] for _, path, _ in server.asked] == [
        "/api/runs",
        f"/api/runs/{runs[5]['run_id']}",
    ]
