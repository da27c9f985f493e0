"""The local host: starts the HTTP server, queue listeners and timers of one FunctionApp, and ends them.

What it promises beyond Azure's host: a message whose host was killed is delivered again as soon as the next
host starts, and one whose function was interrupted by a stop is given back without counting as a delivery.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import uvicorn
from azure.functions.queue import QueueMessage
from azure.functions.timer import TimerRequest
from pydantic import BaseModel, ConfigDict, Field

from functions.loopback.bindings import QUEUE_TRIGGER, TIMER_TRIGGER, HostedFunction, read_functions
from functions.loopback.http import Site
from functions.loopback.queues import Message, Queues
from functions.loopback.schedules import Schedule

_log = logging.getLogger("toban.host")

MESSAGE_LIFE = timedelta(days=7)
"""How long a message lives in an Azure queue when nobody says otherwise; told to functions, not enforced."""
IDLE_SECONDS = 240
"""How long a connection at rest stays open, as at Azure's own doors: a request that is sent just as it closes
is lost. Source: https://learn.microsoft.com/azure/load-balancer/load-balancer-tcp-idle-timeout"""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class QueueSettings(_Part):
    """`extensions.queues` of host.json.

    Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue
    """

    batch_size: int = Field(16, alias="batchSize", ge=1, le=32)
    new_batch_threshold: int | None = Field(None, alias="newBatchThreshold", ge=0)
    max_dequeue_count: int = Field(5, alias="maxDequeueCount", ge=1)
    visibility_timeout: timedelta = Field(timedelta(0), alias="visibilityTimeout")

    @property
    def workers(self) -> int:
        """Return how many messages of one queue are worked on at a time."""
        threshold = self.batch_size // 2 if self.new_batch_threshold is None else self.new_batch_threshold
        return self.batch_size + threshold


class HttpSettings(_Part):
    """`extensions.http` of host.json."""

    route_prefix: str = Field("api", alias="routePrefix")


class Extensions(_Part):
    """`extensions` of host.json."""

    http: HttpSettings = HttpSettings.model_validate({})
    queues: QueueSettings = QueueSettings.model_validate({})


class HostSettings(_Part):
    """The part of host.json that a local host can follow."""

    extensions: Extensions = Extensions()


DEFAULT_SETTINGS = HostSettings()


class _Server(uvicorn.Server):
    """uvicorn's server, which also says when it is ready to answer."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@dataclass(frozen=True)
class Plan:
    """What a host is made of: the app, its settings, and how it is reached.

    `on_stop` is called first when the host ends, so that long work can be told to stop.
    """

    app: func.FunctionApp
    settings: Mapping[str, str]
    host_json: HostSettings = DEFAULT_SETTINGS
    key: str | None = None
    threads: int = 16
    on_stop: Callable[[], None] = lambda: None


class LocalHost:
    """Serves one FunctionApp; `start`, then `stop` once."""

    def __init__(self, plan: Plan, listener: socket.socket, queues: Queues) -> None:
        """Read the app's functions; *listener* is bound and *queues* are open, and both are its own now."""
        self._plan, self._listener, self._queues = plan, listener, queues
        self._functions = {f.name: f for f in read_functions(plan.app, plan.settings)}
        self._schedules = {f.name: Schedule(f.trigger["schedule"]) for f in self._of(TIMER_TRIGGER)}
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(plan.threads, thread_name_prefix="function")
        self._threads: list[threading.Thread] = []
        self._server = _Server(self._server_settings())

    def _of(self, kind: str) -> Iterable[HostedFunction]:
        return (function for function in self._functions.values() if function.kind == kind)

    def _server_settings(self) -> uvicorn.Config:
        site = Site(
            self._functions.values(),
            pool=self._pool,
            emit=self._emit,
            run_by_hand=self.run_by_hand,
            route_prefix=self._plan.host_json.extensions.http.route_prefix,
            key=self._plan.key,
        )
        return uvicorn.Config(
            site,
            interface="asgi3",
            lifespan="off",
            ws="none",
            proxy_headers=False,
            server_header=False,
            access_log=False,
            log_level="warning",
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=5,
        )

    @property
    def url(self) -> str:
        """Return the address that answers."""
        address, port = self._listener.getsockname()[:2]
        return f"http://{address}:{port}"

    @property
    def names(self) -> dict[str, str]:
        """Return every function's name with its trigger's type."""
        return {function.name: function.kind for function in self._functions.values()}

    def start(self) -> None:
        """Begin to serve; returns when the first request would be answered."""
        self._run(self._serve)
        for function in self._of(QUEUE_TRIGGER):
            for _ in range(self._plan.host_json.extensions.queues.workers):
                self._run(self._listen, function)
        for function in self._of(TIMER_TRIGGER):
            self._run(self._tick, function)
        self._server.ready.wait()

    def _run(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True, name=work.__name__)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        self._server.run(sockets=[self._listener])
        self._server.ready.set()

    def stop(self, timeout_seconds: float = 20.0) -> bool:
        """Take no more work, let what runs end, and return whether everything did within the time."""
        self._stopping.set()
        self._plan.on_stop()
        self._server.should_exit = True
        self._queues.wake()
        deadline = datetime.now(UTC) + timedelta(seconds=timeout_seconds)
        for thread in self._threads:
            thread.join(max(0.0, (deadline - datetime.now(UTC)).total_seconds()))
        ended = not any(thread.is_alive() for thread in self._threads)
        self._pool.shutdown(wait=ended, cancel_futures=True)
        if ended:
            self._queues.close()
        return ended

    def _emit(self, queue: str, bodies: list[bytes]) -> None:
        self._queues.put(queue, *bodies)

    def _listen(self, function: HostedFunction) -> None:
        queue = str(function.trigger["queueName"])
        while not self._stopping.is_set():
            if message := self._queues.take(queue):
                self._deliver(function, message)
            else:
                self._queues.wait(queue, self._stopping)

    def _deliver(self, function: HostedFunction, message: Message) -> None:
        try:
            function.invoke(_queue_message(message), self._emit)
        except Exception:  # noqa: BLE001 - whatever it was, the message is tried again or set aside
            self._settle_failure(function, message)
        else:
            self._queues.delete(message)

    def _settle_failure(self, function: HostedFunction, message: Message) -> None:
        settings = self._plan.host_json.extensions.queues
        if self._stopping.is_set():
            self._queues.give_back(message, count=False)
            return
        _log.exception("%s raised on delivery %d", function.name, message.dequeue_count)
        if message.dequeue_count >= settings.max_dequeue_count:
            self._queues.move(message, f"{message.queue}-poison")
        else:
            delay = settings.visibility_timeout.total_seconds()
            self._queues.give_back(message, delay_seconds=delay)

    def _tick(self, function: HostedFunction) -> None:
        due = self._schedules[function.name].next_after(datetime.now(UTC))
        if function.trigger.get("runOnStartup"):
            due = datetime.now(UTC)
        while not self._stopping.wait(max(0.0, (due - datetime.now(UTC)).total_seconds())):
            self._run_timer(function)
            due = self._schedules[function.name].next_after(max(due, datetime.now(UTC)))

    def _run_timer(self, function: HostedFunction) -> None:
        try:
            function.invoke(TimerRequest(past_due=False), self._emit)
        except Exception:  # noqa: BLE001 - a timer that failed is due again at its next time
            _log.exception("%s raised", function.name)

    def run_by_hand(self, name: str, text: str) -> None:
        """Run a queue function with *text* as its message, or a timer function now, to the end.

        Raises:
            KeyError: no queue or timer function has that name.
        """
        function = self._functions[name]
        if function.kind == TIMER_TRIGGER:
            function.invoke(TimerRequest(past_due=False), self._emit)
        elif function.kind == QUEUE_TRIGGER:
            now = datetime.now(UTC)
            message = Message("by-hand", str(function.trigger["queueName"]), text.encode(), now, 1)
            function.invoke(_queue_message(message), self._emit)
        else:
            raise KeyError(name)


def _queue_message(message: Message) -> QueueMessage:
    return QueueMessage(
        id=message.id,
        body=message.body,
        dequeue_count=message.dequeue_count,
        insertion_time=message.inserted_at,
        expiration_time=message.inserted_at + MESSAGE_LIFE,
        time_next_visible=datetime.now(UTC),
        pop_receipt=message.id,
    )
