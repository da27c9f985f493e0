"""HTTP whose answers end: a time-out holds for each piece of an answer, and a few of them for all of it.

By itself the time-out of requests is about each read: another machine that sends a byte now and then would
hold a thread for as long as it likes (https://requests.readthedocs.io/en/latest/user/advanced/#timeouts).
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from typing import Any
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

ANSWER_TIMES = 4
"""An answer may take so many times its read time-out, from the request's end to the answer's last byte."""


class _Bounded(io.RawIOBase):
    """What comes out of a socket until the time is over; then TimeoutError, which urllib3 knows."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._socket = sock
        self._pause = sock.gettimeout()
        self._until = time.monotonic() + (self._pause or 0.0) * ANSWER_TIMES

    def readable(self) -> bool:
        """Bytes come out of it."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what there is into *buffer*; raise TimeoutError after a pause, or when all took too long."""
        if self._pause is not None:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer took too long")
            self._socket.settimeout(min(self._pause, left))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Let the socket go."""
        self._raw.close()
        super().close()


class _Answer(HTTPResponse):
    """An answer, its status line and headers included, that is read from a bounded stream."""

    def __init__(self, sock: socket.socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self.fp = io.BufferedReader(_Bounded(self.fp.detach(), sock))


class _Connection(HTTPConnection):
    response_class = _Answer


class _SecureConnection(HTTPSConnection):
    response_class = _Answer


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class BoundedAdapter(HTTPAdapter):
    """Requests' own adapter, over connections whose answers are bounded; so are those through a proxy."""

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **more)
        _bound(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **more: Any) -> PoolManager:
        """Return the pools of connections through a proxy."""
        manager: PoolManager = super().proxy_manager_for(*args, **more)
        _bound(manager)
        return manager


def _bound(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


def bounded_session(adapter: BoundedAdapter | None = None) -> requests.Session:
    """Return a session whose answers are bounded; give every call a time-out."""
    session, adapter = requests.Session(), adapter or BoundedAdapter()
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return session


@contextmanager
def bounded_request(method: str, url: str, **request: Any) -> Iterator[requests.Response]:
    """Send one request as requests does, over a session of its own; yield the answer, which is bounded.

    No redirect is followed: it would lead what was sent to another address. Give it a time-out.
    """
    with (
        bounded_session() as session,
        session.request(method, url, allow_redirects=False, **request) as reply,
    ):
        yield reply


class _OpenedConnection(http.client.HTTPConnection):
    response_class = _Answer


class _OpenedSecureConnection(http.client.HTTPSConnection):
    response_class = _Answer


class _Opening(HTTPHandler):
    """urllib calls `http_open` by its name."""

    def http_open(self, req: Request) -> HTTPResponse:
        """Send a request without TLS."""
        return self.do_open(_OpenedConnection, req)


class _OpeningSecurely(HTTPSHandler):
    """urllib calls `https_open` by its name."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__(context=context)
        self._trusted = context

    def https_open(self, req: Request) -> HTTPResponse:
        """Send a request over TLS."""
        return self.do_open(_OpenedSecureConnection, req, context=self._trusted)


def bounded_opener(proxy: str | None = None, context: ssl.SSLContext | None = None) -> OpenerDirector:
    """Return urllib's opener, for libraries that are built on it, whose answers are bounded.

    It goes through *proxy*, or the one that the environment names. It knows http and https only, and follows
    no redirect, which would lead what was sent to another address. Give every call a time-out.
    """
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(None if proxy is None else {"http": proxy, "https": proxy}),
        _Opening(),
        _OpeningSecurely(context),
        UnknownHandler(),
        HTTPErrorProcessor(),
        HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    return opener
