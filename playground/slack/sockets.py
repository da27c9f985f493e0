"""Socket Mode: the same deliveries over a websocket that the app opened.

https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import itertools
import json
import uuid
from collections import deque
from typing import Any, Literal

from starlette.websockets import WebSocket, WebSocketDisconnect

from playground.feed import Feed
from playground.serving import TRANSPORT
from playground.slack.ids import new_secret

Json = dict[str, Any]
# https://docs.slack.dev/apis/events-api/using-socket-mode: at most ten connections of an app
CONNECTIONS_MOST = 10
REFRESH_SECONDS = 3_600

Moment = Literal["now", "envelope", "ack", "answered"]
"""When a connection is cut off: at once, within the next envelope, before its ack, or right after it."""


class NotConnected(Exception):
    """The app holds no socket."""


class Sockets:
    """The app's open connections; each envelope goes to one of them."""

    def __init__(self, app_id: str, feed: Feed) -> None:
        self._app_id = app_id
        self._feed = feed
        self._tickets: set[str] = set()
        self._open: list[WebSocket] = []
        self._turn = itertools.count()
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self._cuts: deque[Moment] = deque()

    def ticket(self) -> str:
        """Return the secret part of a new socket address; it opens one connection."""
        ticket = new_secret()
        self._tickets.add(ticket)
        return ticket

    def connected(self) -> int:
        """Return how many connections are open."""
        return len(self._open)

    async def serve(self, socket: WebSocket) -> None:
        """Hold one connection until either side closes it."""
        ticket = socket.query_params.get("ticket", "")
        if ticket not in self._tickets or len(self._open) >= CONNECTIONS_MOST:
            await socket.close(1008)
            return
        self._tickets.discard(ticket)
        await socket.accept()
        self._open.append(socket)
        try:
            await socket.send_json(self._hello())
            self._feed.publish("socket_connected", sockets=len(self._open))
            while True:
                self._take_ack(await socket.receive_json())
        except WebSocketDisconnect:
            pass
        finally:
            self._drop(socket)

    async def send(
        self, envelope: str, payload: Json, seconds: float, retry: tuple[int, str] | None = None
    ) -> Json:
        """Send an envelope to one connection and return the ack's payload ({} when it has none).

        Raises NotConnected without a connection and TimeoutError when no ack came in time.
        """
        if not self._open:
            raise NotConnected
        socket = self._open[next(self._turn) % len(self._open)]
        envelope_id = str(uuid.uuid4())
        self._waiting[envelope_id] = asyncio.get_running_loop().create_future()
        message = {
            "envelope_id": envelope_id,
            "payload": payload,
            "type": envelope,
            "accepts_response_payload": envelope != "events_api",
        }
        if envelope == "events_api":
            attempt, reason = retry or (0, "")
            message |= {"retry_attempt": attempt, "retry_reason": reason}
        cut = self._cuts.popleft() if self._cuts else None
        try:
            if cut == "envelope":
                _send_half(socket, json.dumps(message).encode())
                self._cut_off(socket)
                raise NotConnected
            await socket.send_json(message)
            ack = await asyncio.wait_for(self._waiting[envelope_id], seconds)
            if cut is not None:
                self._cut_off(socket)
            if cut == "ack":
                raise NotConnected
            return ack
        except (WebSocketDisconnect, RuntimeError) as error:
            raise NotConnected from error
        finally:
            del self._waiting[envelope_id]

    async def disconnect(self, reason: str | None) -> int:
        """Close every connection; with a reason (such as “refresh_requested”) ask it to come again first."""
        closing = list(self._open)
        for socket in closing:
            self._drop(socket)
            if reason is not None:
                message = {"type": "disconnect", "reason": reason, "debug_info": {"host": "loopback"}}
                await socket.send_json(message)
            await socket.close()
        return len(closing)

    def cut(self, moment: Moment, times: int = 1) -> None:
        """Cut connections off without a word, as a broken line does: now, or at each next envelope.

        What was planned before is forgotten.
        """
        if moment == "now":
            for socket in list(self._open):
                self._cut_off(socket)
        else:
            self._cuts = deque([moment] * times)

    def _cut_off(self, socket: WebSocket) -> None:
        self._drop(socket)
        socket.scope[TRANSPORT].abort()

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._open),
            "debug_info": {
                "host": "loopback",
                "build_number": 1,
                "approximate_connection_time": REFRESH_SECONDS,
            },
            "connection_info": {"app_id": self._app_id},
        }

    def _take_ack(self, message: Json) -> None:
        waiting = self._waiting.get(message.get("envelope_id", ""))
        if waiting is not None and not waiting.done():
            waiting.set_result(message.get("payload") or {})

    def _drop(self, socket: WebSocket) -> None:
        if socket in self._open:
            self._open.remove(socket)
            self._feed.publish("socket_closed", sockets=len(self._open))


def _send_half(socket: WebSocket, text: bytes) -> None:
    """Send the first half of a text frame with a length of eight bytes, and no more.

    Source: https://www.rfc-editor.org/rfc/rfc6455#section-5.2
    """
    frame = b"\x81\x7f" + len(text).to_bytes(8, "big") + text
    socket.scope[TRANSPORT].write(frame[: len(frame) // 2])
