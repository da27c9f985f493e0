"""Ports of this machine that are named before anybody listens on them, or where nobody ever does."""

from __future__ import annotations

import random
import socket

HOST = "127.0.0.1"
NAMED = range(10_000, 30_000)
"""Below those that a system gives to whoever asks for any: no other test can be given one of them meanwhile
(https://www.rfc-editor.org/rfc/rfc6335#section-6)."""


def free_port() -> int:
    """Return a port on which nobody listens, for a program that is told where to listen."""
    for port in random.sample(NAMED, len(NAMED)):
        with socket.socket() as tried:
            try:
                tried.bind((HOST, port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


class DeadPort:
    """A port that belongs to the test, so that nobody listens there until it is given back."""

    def __init__(self) -> None:
        self._taken = socket.socket()
        self._taken.bind((HOST, 0))
        self.number = int(self._taken.getsockname()[1])

    def close(self) -> None:
        """Give it back."""
        self._taken.close()
