"""The local host on small apps of its own: HTTP, queues, timers, keys, failures and its end."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
import requests

from functions.loopback.bindings import UnsupportedBinding
from functions.loopback.host import HostSettings, LocalHost, Plan
from functions.loopback.ports import listen
from functions.loopback.queues import Queues

QUICK = HostSettings.model_validate(
    {"extensions": {"queues": {"batchSize": 1, "newBatchThreshold": 0, "maxDequeueCount": 3}}}
)
WAIT = 60


@contextmanager
def serving(app: func.FunctionApp, folder: Path, **plan: Any) -> Iterator[tuple[str, LocalHost, Queues]]:
    """Serve *app* with its queues in *folder*; the end of the block must be an orderly one."""
    queues = Queues(folder)
    plan = {"settings": {}, "host_json": QUICK, **plan}
    host = LocalHost(Plan(app, **plan), listen("127.0.0.1", 0, search=False), queues)
    host.start()
    try:
        yield host.url, host, queues
    finally:
        assert host.stop(WAIT)


@pytest.fixture
def serve(tmp_path: Path) -> Callable[..., Any]:
    """Return what serves an app, with a folder of the test's own."""
    return lambda app, **plan: serving(app, tmp_path / "queues", **plan)


def test_a_request_arrives_as_azure_would_hand_it_over(serve: Callable[..., Any]) -> None:
    """Route values, query, headers and body bytes reach the function; empty query values are dropped."""
    app = func.FunctionApp()

    @app.route("things/{name}", methods=["POST"])
    def show(req: func.HttpRequest) -> func.HttpResponse:
        seen = {
            "method": req.method,
            "url": req.url,
            "name": req.route_params["name"],
            "query": dict(req.params),
            "kind": req.headers["Content-Type"],
            "body": req.get_body().hex(),
        }
        headers = {"X-Seen": "yes"}
        return func.HttpResponse(
            json.dumps(seen), status_code=201, headers=headers, mimetype="application/json"
        )

    with serve(app) as (url, _, _):
        answer = requests.post(
            f"{url}/api/things/caf%C3%A9?a=1&empty=",
            data=b"\x00\xff",
            headers={"Content-Type": "x/y"},
            timeout=WAIT,
        )
    assert (answer.status_code, answer.headers["x-seen"], answer.headers["content-type"]) == (
        201,
        "yes",
        "application/json",
    )
    assert answer.json() == {
        "method": "POST",
        "url": f"{url}/api/things/café?a=1&empty=",
        "name": "café",
        "query": {"a": "1"},
        "kind": "x/y",
        "body": "00ff",
    }


def test_async_functions_run_together_on_one_loop(serve: Callable[..., Any]) -> None:
    """Two requests to an async function are inside it at once, on the same thread."""
    app = func.FunctionApp()
    inside: list[threading.Thread] = []
    both = asyncio.Event()

    @app.route("meet", methods=["GET"])
    async def meet(req: func.HttpRequest) -> str:
        inside.append(threading.current_thread())
        if len(inside) == 2:
            both.set()
        await both.wait()
        return "met"

    with serve(app) as (url, _, _):
        answers: list[str] = []
        callers = [
            threading.Thread(
                target=lambda: answers.append(requests.get(f"{url}/api/meet", timeout=WAIT).text)
            )
            for _ in range(2)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(WAIT)
    assert answers == ["met", "met"]
    assert inside[0] is inside[1]


def test_a_key_is_asked_for_except_where_the_function_is_anonymous(serve: Callable[..., Any]) -> None:
    """The key is taken from the header or from ?code=; without it the answer is 401."""
    app = func.FunctionApp()

    @app.route("locked", methods=["GET"])
    def locked(req: func.HttpRequest) -> str:
        return "in"

    @app.route("open", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    def open_(req: func.HttpRequest) -> str:
        return "in"

    with serve(app, key="the-key") as (url, _, _):

        def status(path: str, **headers: str) -> int:
            return requests.get(f"{url}{path}", headers=headers, timeout=WAIT).status_code

        assert status("/api/locked") == 401
        assert status("/api/locked", **{"x-functions-key": "another"}) == 401
        assert status("/api/locked", **{"x-functions-key": "the-key"}) == 200
        assert status("/api/locked?code=the-key") == 200
        assert status("/api/open") == 200
        assert status("/admin/host/status") == 401
        assert status("/admin/host/status", **{"x-functions-key": "the-key"}) == 200


def test_a_function_that_raises_answers_500_without_a_trace(
    serve: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """A fault inside a function is problem details to the caller and a traceback in the log only."""
    app = func.FunctionApp()

    @app.route("broken", methods=["GET"])
    def broken(req: func.HttpRequest) -> str:
        raise ValueError("a secret detail")

    with serve(app) as (url, _, _):
        answer = requests.get(f"{url}/api/broken", timeout=WAIT)
        nothing = requests.get(f"{url}/api/nothing", timeout=WAIT)
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in answer.text
    assert "a secret detail" in caplog.text
    assert (nothing.status_code, nothing.json()["reason_code"]) == (404, "unknown_route")


def test_a_queue_output_reaches_the_queue_function(serve: Callable[..., Any]) -> None:
    """What an HTTP function sets is delivered to the queue function, with %setting% names resolved."""
    app = func.FunctionApp()
    delivered: list[tuple[bytes, int]] = []
    both = threading.Event()

    @app.route("send", methods=["POST"])
    @app.queue_output(arg_name="out", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
    def send(req: func.HttpRequest, out: func.Out[list[str]]) -> str:
        out.set([req.get_body().decode(), "second"])
        return "sent"

    @app.queue_trigger(arg_name="msg", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
    def receive(msg: func.QueueMessage) -> None:
        delivered.append((msg.get_body(), msg.dequeue_count or 0))
        if len(delivered) == 2:
            both.set()

    with serve(app, settings={"QUEUE": "things"}) as (url, _, queues):
        assert requests.post(f"{url}/api/send", data="first", timeout=WAIT).text == "sent"
        assert both.wait(WAIT)
        assert queues.wait_until_empty("things", timeout_seconds=WAIT)
    assert delivered == [(b"first", 1), (b"second", 1)]


def test_a_function_that_fails_sends_nothing(serve: Callable[..., Any]) -> None:
    """Outputs of a function that raised are dropped."""
    app = func.FunctionApp()

    @app.route("send", methods=["POST"])
    @app.queue_output(arg_name="out", queue_name="things", connection="AzureWebJobsStorage")
    def send(req: func.HttpRequest, out: func.Out[str]) -> str:
        out.set("never")
        raise ValueError

    with serve(app) as (url, _, queues):
        assert requests.post(f"{url}/api/send", timeout=WAIT).status_code == 500
        assert queues.size("things") == 0


def test_a_message_that_always_fails_goes_to_the_poison_queue(serve: Callable[..., Any]) -> None:
    """After the last delivery the message is on NAME-poison, and the function there gets it."""
    app = func.FunctionApp()
    counts: list[int | None] = []
    poisoned: list[bytes] = []
    done = threading.Event()

    @app.queue_trigger(arg_name="msg", queue_name="things", connection="AzureWebJobsStorage")
    def fail(msg: func.QueueMessage) -> None:
        counts.append(msg.dequeue_count)
        raise ValueError("again")

    @app.queue_trigger(arg_name="msg", queue_name="things-poison", connection="AzureWebJobsStorage")
    def bury(msg: func.QueueMessage) -> None:
        poisoned.append(msg.get_body())
        done.set()

    with serve(app) as (_, _, queues):
        queues.put("things", b"1")
        assert done.wait(WAIT)
        assert queues.wait_until_empty("things", "things-poison", timeout_seconds=WAIT)
    assert (counts, poisoned) == ([1, 2, 3], [b"1"])


def test_one_message_at_a_time(serve: Callable[..., Any]) -> None:
    """With batchSize 1 and newBatchThreshold 0 a second message waits until the first is done."""
    app = func.FunctionApp()
    running, most, done = 0, 0, threading.Event()
    lock = threading.Lock()

    @app.queue_trigger(arg_name="msg", queue_name="things", connection="AzureWebJobsStorage")
    def work(msg: func.QueueMessage) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.01)
        with lock:
            running -= 1
        if msg.get_body() == b"9":
            done.set()

    with serve(app) as (_, _, queues):
        queues.put("things", *(str(n).encode() for n in range(10)))
        assert done.wait(WAIT)
    assert most == 1


def test_timer_and_queue_functions_run_by_hand(serve: Callable[..., Any]) -> None:
    """POST /admin/functions/NAME runs a timer, or a queue function with the given input, to its end."""
    app = func.FunctionApp()
    ran: list[object] = []

    @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
    def yearly(timer: func.TimerRequest) -> None:
        ran.append(timer.past_due)

    @app.queue_trigger(arg_name="msg", queue_name="things", connection="AzureWebJobsStorage")
    def receive(msg: func.QueueMessage) -> None:
        ran.append(msg.get_body())

    with serve(app) as (url, _, _):

        def run(name: str, body: object) -> int:
            return requests.post(f"{url}/admin/functions/{name}", json=body, timeout=WAIT).status_code

        assert run("yearly", {}) == 202
        assert run("receive", {"input": "by hand"}) == 202
        assert run("nobody", {}) == 404
    assert ran == [False, b"by hand"]


def test_a_timer_runs_when_it_is_due(serve: Callable[..., Any]) -> None:
    """A timer due every second runs more than once, also after it has failed."""
    app = func.FunctionApp()
    times = 0
    twice = threading.Event()

    @app.timer_trigger(arg_name="timer", schedule="* * * * * *")
    def tick(timer: func.TimerRequest) -> None:
        nonlocal times
        times += 1
        if times == 1:
            raise ValueError("once")
        twice.set()

    with serve(app):
        assert twice.wait(WAIT)


def test_a_stop_gives_interrupted_work_back_uncounted(tmp_path: Path) -> None:
    """A function that ends because the host stops keeps its message, with the delivery not counted."""
    app = func.FunctionApp()
    stopping, started = threading.Event(), threading.Event()

    @app.queue_trigger(arg_name="msg", queue_name="things", connection="AzureWebJobsStorage")
    def work(msg: func.QueueMessage) -> None:
        started.set()
        stopping.wait(WAIT)
        raise InterruptedError

    with serving(app, tmp_path, on_stop=stopping.set) as (_, _, queues):
        queues.put("things", b"1")
        assert started.wait(WAIT)
    again = Queues(tmp_path)
    message = again.take("things")
    again.close()
    assert message is not None
    assert message.dequeue_count == 1


def test_a_stop_ends_in_bounded_time_though_work_does_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Work that ignores the stop is left behind; its message is there at the next start."""
    caplog.set_level(logging.CRITICAL)
    app = func.FunctionApp()
    started, let_go = threading.Event(), threading.Event()

    @app.queue_trigger(arg_name="msg", queue_name="things", connection="AzureWebJobsStorage")
    def work(msg: func.QueueMessage) -> None:
        started.set()
        let_go.wait(WAIT)

    queues = Queues(tmp_path)
    host = LocalHost(Plan(app, {}, QUICK), listen("127.0.0.1", 0, search=False), queues)
    host.start()
    queues.put("things", b"1")
    assert started.wait(WAIT)
    assert not host.stop(timeout_seconds=0.2)
    let_go.set()
    assert host.stop(WAIT)


def test_a_body_that_is_too_large_is_refused_unread(
    serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that declares or sends more than the host takes is answered 413."""
    monkeypatch.setattr("functions.loopback.http.MAX_BODY_BYTES", 10)
    app = func.FunctionApp()

    @app.route("take", methods=["POST"])
    def take(req: func.HttpRequest) -> str:
        return "taken"

    with serve(app) as (url, _, _):
        assert requests.post(f"{url}/api/take", data=b"x" * 10, timeout=WAIT).status_code == 200
        assert requests.post(f"{url}/api/take", data=b"x" * 11, timeout=WAIT).status_code == 413
        assert requests.post(f"{url}/api/take", data=iter([b"x" * 6] * 2), timeout=WAIT).status_code == 413


def test_bindings_that_the_host_does_not_have_are_refused_at_start(tmp_path: Path) -> None:
    """An app with another trigger does not start half served."""
    app = func.FunctionApp()

    @app.blob_trigger(arg_name="blob", path="a/{name}", connection="AzureWebJobsStorage")
    def on_blob(blob: func.InputStream) -> None: ...

    queues = Queues(tmp_path)
    listener = listen("127.0.0.1", 0, search=False)
    with pytest.raises(UnsupportedBinding, match="on_blob"):
        LocalHost(Plan(app, {}, QUICK), listener, queues)
    queues.close()
    listener.close()


def test_answers_are_not_held_back() -> None:
    """The listener says that it speaks TCP, for which asyncio then switches Nagle's algorithm off."""
    listener = listen("127.0.0.1", 0, search=False)
    assert listener.proto == socket.IPPROTO_TCP
    listener.close()
