"""Socket Mode: Slack's requests over websockets that the bot opens, so that it needs no address of its own.

One line (a websocket) is held at a time. When Slack says that it is about to close one, the next is opened
before the old one ends; when one breaks, the next is opened at once. The client that slack_sdk brings reads
the end of a connection as silence: it turned in circles until five of its pings had failed, and whatever
people typed meanwhile was lost to them.

Source: https://docs.slack.dev/apis/events-api/using-socket-mode
"""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from slack_bolt import App, BoltRequest, BoltResponse
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from bot.errors import SlackRefused

log = logging.getLogger(__name__)

Json = dict[str, Any]

WORKERS = 10
OPEN_SECONDS = 10.0
CLOSE_SECONDS = 1.0
SHORTEST_PAUSE_SECONDS = 1.0
"""Between the openings of two lines, so that lines that break at once do not use up Slack's patience."""
LONGEST_PAUSE_SECONDS = 30.0
SILENT_PINGS = 4
"""For so many intervals a ping may go unanswered before the line counts as dead."""


class SocketMode:
    """Holds a line to Slack and lets *app* take what comes over it, each request in a thread of its own.

    *open_address* asks Slack for the address of one new line. Every *ping_seconds* it is looked whether the
    line still answers; one that ends is noticed at once.
    """

    def __init__(self, app: App, open_address: Callable[[], str], ping_seconds: float) -> None:
        self._app = app
        self._open_address = open_address
        self._ping_seconds = ping_seconds
        self._lines: list[ClientConnection] = []
        self._opened_at = -math.inf
        self._greeted = threading.Event()
        self._stopped = threading.Event()
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="socket-request")
        # Below this level websockets writes every address and message.
        self._wire_log = logging.getLogger(f"{__name__}.wire")
        self._wire_log.setLevel(logging.INFO)

    def start(self) -> None:
        """Connect and stay connected; return once Slack has said hello, or does not say it in time.

        Raises SlackRefused where Slack gives out no address.
        """
        self._begin(self._open_address())
        self._greeted.wait(OPEN_SECONDS)

    def stop(self) -> None:
        """Close every line; what was taken is answered first."""
        self._stopped.set()
        self._workers.shutdown()
        for line in tuple(self._lines):
            line.close()

    def is_connected(self) -> bool:
        """Return whether Slack can reach the bot."""
        return bool(self._lines)

    def _begin(self, address: str | None = None) -> None:
        threading.Thread(target=self._hold, args=(address,), name="socket", daemon=True).start()

    def _hold(self, address: str | None) -> None:
        """Hold one line after the other, until another thread has taken over or the bot stops."""
        pause = SHORTEST_PAUSE_SECONDS
        while not self._stopped.wait(self._opened_at + pause - time.monotonic()):
            self._opened_at = time.monotonic()
            try:
                if self._follow(address or self._open_address()):
                    return
                pause = SHORTEST_PAUSE_SECONDS
            except Exception as error:  # noqa: BLE001 - whatever is in the way, without a line nobody is heard
                reason = error.code if isinstance(error, SlackRefused) else type(error).__name__
                log.warning("no connection to Slack; trying again", extra={"reason": reason})
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            address = None

    def _follow(self, address: str) -> bool:
        """Take what one line brings until it ends; return whether another line was begun meanwhile.

        Raises OSError or WebSocketException where it cannot be opened, or Slack does not say hello on it.
        """
        followed = False
        with self._line(address) as line:
            for message in _messages(line):
                if message.get("type") == "hello":
                    self._lines.append(line)
                    self._greeted.set()
                    log.info("connected to Slack")
                    if self._stopped.is_set():  # it was too late for `stop` to know of this line
                        return followed
                elif message.get("type") == "disconnect":
                    log.info(
                        "Slack is about to close the connection", extra={"reason": message.get("reason")}
                    )
                    if not followed:
                        followed = True
                        self._begin()
                elif "envelope_id" in message and not self._stopped.is_set():
                    self._workers.submit(self._take, line, message)
        return followed

    @contextmanager
    def _line(self, address: str) -> Iterator[ClientConnection]:
        """Open a line; it is forgotten when it ends."""
        with connect(
            address,
            open_timeout=OPEN_SECONDS,
            close_timeout=CLOSE_SECONDS,
            compression=None,
            ping_interval=self._ping_seconds,
            ping_timeout=SILENT_PINGS * self._ping_seconds,
            logger=self._wire_log,
        ) as line:
            try:
                yield line
            finally:
                if line in self._lines:
                    self._lines.remove(line)

    def _take(self, line: ClientConnection, envelope: Json) -> None:
        """Let the app take one request, and ack it; what is not acked, Slack sends again or calls failed."""
        try:
            request = BoltRequest(
                body=envelope["payload"], headers=_retry_headers(envelope), mode="socket_mode"
            )
            answer = self._app.dispatch(request)
            if answer.status == HTTPStatus.OK:
                self._send(line, json.dumps({"envelope_id": envelope["envelope_id"], **_payload(answer)}))
        except ConnectionClosed:
            log.warning("the connection broke before an ack was sent")
        except Exception as error:  # noqa: BLE001 - whatever one request brings, the next is taken
            log.error("request could not be taken", extra={"reason": type(error).__name__})

    def _send(self, line: ClientConnection, text: str) -> None:
        """Send over *line*, or over the one that took its place; raises ConnectionClosed without any."""
        try:
            line.send(text)
        except ConnectionClosed:
            if not self._lines:
                raise
            self._lines[-1].send(text)


def _messages(line: ClientConnection) -> Iterator[Json]:
    """Yield what comes over *line* until it ends, in whatever way; what is no JSON object is left out.

    Raises TimeoutError when nothing comes at first, as Slack begins with its hello.
    """
    patience: float | None = OPEN_SECONDS
    while True:
        try:
            message = json.loads(line.recv(patience))
        except ConnectionClosed:
            return
        except ValueError:
            message = None
        patience = None
        if isinstance(message, dict):
            yield message
        else:
            log.warning("something came over the connection that is no message of Slack's")


def _retry_headers(envelope: Mapping[str, Any]) -> dict[str, str | Sequence[str]]:
    """Return what says, over HTTP, that an event comes again."""
    told = {"num": envelope.get("retry_attempt"), "reason": envelope.get("retry_reason")}
    return {f"x-slack-retry-{name}": str(value) for name, value in told.items() if value is not None}


def _payload(answer: BoltResponse) -> Json:
    """Return what an ack says beyond that it is one: a message, errors of a form, options of a menu."""
    if not answer.body:
        return {}
    content_type = answer.headers.get("content-type", [""])[0]
    is_json = content_type.startswith("application/json")
    return {"payload": json.loads(answer.body) if is_json else {"text": answer.body}}
