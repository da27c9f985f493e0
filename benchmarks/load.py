"""Load: a few senders that each wait for their answer before they ask again, in a process of their own.

The process must stay cheaper than any server it drives, so it speaks HTTP/1.1 on bare sockets: requests are
bytes made beforehand, and of an answer only the status, the length and a mark in the body are looked at.
Only loopback addresses are spoken to.
"""

from __future__ import annotations

import multiprocessing
import re
import selectors
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from benchmarks.figures import quantile

HOST = "127.0.0.1"
ANSWER_SECONDS = 20.0
"""How long an answer may take before the load is given up."""

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")


class LoadFailed(RuntimeError):
    """A server answered something else than was expected, or not at all."""


@dataclass(frozen=True)
class Order:
    """What to send: whole requests, sent round and round by *senders* until *seconds* or *count* is reached.

    `mark` must be found in every answer, at its very end where `at_end`, so that a refusal never counts as an
    answer.
    """

    port: int
    requests: Sequence[bytes]
    senders: int
    seconds: float = 1.0
    count: int | None = None
    mark: bytes = b""
    at_end: bool = False

    def fits(self, answer: bytes) -> bool:
        """Return whether *answer* is what was expected."""
        found = answer.endswith(self.mark) if self.at_end else self.mark in answer
        return found and answer[9:12] == b"200"


@dataclass(frozen=True)
class Load:
    """What came of an order: answers, seconds in all, and the seconds that each answer took."""

    answers: int
    seconds: float
    latencies: tuple[float, ...] = field(repr=False)

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds

    def latency(self, share: float) -> float:
        """Return the seconds within which *share* of the answers came."""
        return quantile(self.latencies, share)


def post(url: str, body: bytes, headers: dict[str, str] | None = None) -> bytes:
    """Return a whole HTTP/1.1 request with *body*, JSON unless *headers* say otherwise."""
    parts = urlsplit(url)
    fields = {
        "host": parts.netloc,
        "content-type": "application/json",
        "content-length": str(len(body)),
        **(headers or {}),
    }
    lines = [f"POST {parts.path or '/'} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def port_of(url: str) -> int:
    """Return the port of a loopback address; raises ValueError for any other."""
    parts = urlsplit(url)
    if parts.hostname != HOST or parts.port is None:
        raise ValueError(f"load goes to {HOST} only, not to {url}")
    return parts.port


class Generator:
    """A process that sends loads; use it as a context."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))

    def send(self, order: Order) -> Load:
        """Send a load and return what came of it; raises LoadFailed."""
        return self._pool.submit(send, order).result(timeout=order.seconds + 3 * ANSWER_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)


class _Sender:
    """One connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=ANSWER_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.begun = 0.0
        self._parts: list[bytes] = []
        self._missing = -1

    def ask(self, request: bytes) -> None:
        self.begun = time.perf_counter()
        self.socket.sendall(request)

    def hear(self) -> bytes | None:
        """Read what there is; return the whole answer once it is complete."""
        part = self.socket.recv(262_144)
        if not part:
            raise LoadFailed("the server closed a connection")
        self._parts.append(part)
        if self._missing < 0:
            part = b"".join(self._parts)
            end = part.find(b"\r\n\r\n")
            if end < 0:
                return None
            length = _LENGTH.search(part, 0, end)
            self._missing = end + 4 + (int(length[1]) if length else 0) - len(part)
        else:
            self._missing -= len(part)
        if self._missing > 0:
            return None
        answer = b"".join(self._parts)
        self._parts.clear()
        self._missing = -1
        return answer


def send(order: Order) -> Load:
    """Send a load from this process; raises LoadFailed."""
    senders = [_Sender(order.port) for _ in range(order.senders)]
    try:
        return _drive(order, senders)
    finally:
        for sender in senders:
            sender.socket.close()


def _drive(order: Order, senders: list[_Sender]) -> Load:
    selector = selectors.DefaultSelector()
    for sender in senders:
        selector.register(sender.socket, selectors.EVENT_READ, sender)
    requests, most = order.requests, order.count
    latencies: list[float] = []
    begun = time.perf_counter()
    until = begun + order.seconds
    sent, under_way = 0, 0
    for sender in senders[:most]:
        sender.ask(requests[sent % len(requests)])
        sent, under_way = sent + 1, under_way + 1
    while under_way:
        ready = selector.select(ANSWER_SECONDS)
        if not ready:
            raise LoadFailed(f"no answer within {ANSWER_SECONDS:g} s")
        for key, _ in ready:
            answer = key.data.hear()
            if answer is None:
                continue
            now = time.perf_counter()
            latencies.append(now - key.data.begun)
            if not order.fits(answer):
                raise LoadFailed(answer[:600].decode("latin-1"))
            if now < until and (most is None or sent < most):
                key.data.ask(requests[sent % len(requests)])
                sent += 1
            else:
                under_way -= 1
    selector.close()
    return Load(len(latencies), time.perf_counter() - begun, tuple(latencies))
