"""A wire between two programs of this machine that breaks, at whatever byte it happens to carry."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress

HOST = "127.0.0.1"
RESET = struct.pack("ii", 1, 0)
"""https://man7.org/linux/man-pages/man7/socket.7.html: with SO_LINGER so, closing sends a reset."""


class Wire:
    """Leads to *port*; each connection breaks after as many bytes, of both ways together, as *lengths* says.

    One of an odd length ends by a reset, one of an even length as if the other side had closed it.
    """

    def __init__(self, port: int, lengths: Iterator[int]) -> None:
        self._target = (HOST, port)
        self._lengths = lengths
        self._listening = socket.create_server((HOST, 0))
        self.port = int(self._listening.getsockname()[1])
        self.breaks = 0
        self.mended = False
        self._carried: list[_Connection] = []
        threading.Thread(target=self._accept, name="wire", daemon=True).start()

    def mend(self) -> None:
        """Let nothing break any more."""
        self.mended = True

    def silence(self) -> None:
        """Lose all that the connections of this moment would carry from now on, and tell neither side."""
        for one in self._carried:
            one.silent = True

    def close(self) -> None:
        """Take no more connections."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                carried = _Connection(self, near, socket.create_connection(self._target), next(self._lengths))
                self._carried.append(carried)
                threading.Thread(target=carried.carry, daemon=True).start()


class _Connection:
    def __init__(self, wire: Wire, near: socket.socket, far: socket.socket, length: int) -> None:
        self._wire = wire
        self._ends = (near, far)
        self._left = length
        self._abrupt = length % 2 == 1
        self._broken = False
        self.silent = False
        self._lock = threading.Lock()

    def carry(self) -> None:
        """Carry bytes both ways until the connection ends or breaks."""
        near, far = self._ends
        back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
        back.start()
        self._pump(near, far)
        back.join()
        for end in self._ends:
            end.close()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                if self.silent:
                    continue
                carried = data[: self._allowed(len(data))]
                sink.sendall(carried)
                if len(carried) < len(data):
                    self._wire.breaks += 1
                    self._broken = True
                    break
        self._end()

    def _allowed(self, size: int) -> int:
        with self._lock:
            if self._wire.mended:
                return size
            allowed = max(0, min(size, self._left))
            self._left -= size
            return allowed

    def _end(self) -> None:
        """Wake the other direction: an end on which somebody waits for bytes does not close."""
        reset = self._broken and self._abrupt
        for end in self._ends:
            with suppress(OSError):
                if reset:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                end.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)
