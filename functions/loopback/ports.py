"""Where the local host listens: a bound port, on this machine only unless told otherwise."""

from __future__ import annotations

import ipaddress
import logging
import socket

PORTS_TRIED = 50

_log = logging.getLogger("toban.host")


class CannotBind(RuntimeError):
    """The host cannot listen as asked; the message says what to change."""


def listen(address: str, port: int, *, search: bool) -> socket.socket:
    """Return a socket bound to *port*, or with *search* to the next free one.

    Raises:
        CannotBind: no port could be had.
    """
    last = port + PORTS_TRIED if search and port else port
    for candidate in range(port, min(last, 65535) + 1):
        try:
            bound = _bind(address, candidate)
        except OSError:
            continue
        if candidate != port:
            _log.warning("port %d is busy, using %d", port, candidate)
        return bound
    raise CannotBind(f"cannot bind {address}:{port}; is it in use? (--port 0 or --port-search find another)")


def _bind(address: str, port: int) -> socket.socket:
    """Return a listening socket that says it speaks TCP.

    asyncio switches Nagle's algorithm off only for sockets that say so; with it an answer in two parts takes
    40 ms. `socket.create_server` leaves the protocol open.
    """
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, port))
        bound.listen(2048)
    except OSError:
        bound.close()
        raise
    return bound


def is_loopback(address: str) -> bool:
    """Return whether only this machine can reach *address*."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
