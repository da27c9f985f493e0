"""What every loopback server needs: a port on 127.0.0.1, a thread, and a way to cut a connection."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Protocol

import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

HOST = "127.0.0.1"
STOP_SECONDS = 2
# slack_sdk closes a socket only between two frames, so frequent pings let an app stop at once.
PING_SECONDS = 0.5
# A connection at rest is closed by its client: a request on its way to one that closes just then is lost.
IDLE_SECONDS = 600
TRANSPORT = "playground.transport"


class Closing(Protocol):
    """What a server serves; it is told when the server ends."""

    def close(self) -> None:
        """Wake who waits and stop what is planned."""


class Cut(Response):
    """An answer that never comes: the connection is closed instead."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Drop the connection at once."""
        scope[TRANSPORT].abort()


def with_transport(app: ASGIApp) -> ASGIApp:
    """Let an answer cut its connection; ASGI has no word for that, but uvicorn's cycle has the transport."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        cycle = getattr(send, "__self__", None)
        scope[TRANSPORT] = getattr(cycle, "transport", None)
        await app(scope, receive, send)

    return wrapped


class RunningServer:
    """A loopback server that listens; ``url`` is its address, ``stop()`` ends it.

    Raises OSError when the port asked for is taken.
    """

    def __init__(self, name: str, port: int, begin: Callable[[str], tuple[Closing, ASGIApp]]) -> None:
        self._socket = listen(port)
        self.url = f"http://{HOST}:{self._socket.getsockname()[1]}"
        self._begin = begin
        self._served: Closing | None = None
        self._server: uvicorn.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._failed: list[Exception] = []
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        self._ready.wait()
        for failed in self._failed:
            self._thread.join()
            raise failed

    def stop(self) -> None:
        """Close every connection and wait until the thread has ended; a second call does nothing."""
        if self._loop is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._begin_stop)
        self._thread.join()

    def wait(self) -> None:
        """Return when the server has ended."""
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            self._served, app = self._begin(self.url)
        except Exception as error:  # noqa: BLE001  (it is raised where the server was asked for)
            self._failed.append(error)
            self._socket.close()
            self._ready.set()
            return
        config = uvicorn.Config(
            app,
            log_level="error",
            access_log=False,
            lifespan="on",
            http="httptools",
            ws="websockets-sansio",
            ws_ping_interval=PING_SECONDS,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        self._server = uvicorn.Server(config)
        self._ready.set()
        await self._server.serve(sockets=[self._socket])

    def _begin_stop(self) -> None:
        if self._served is not None:
            self._served.close()
        if self._server is not None:
            self._server.should_exit = True


def listen(port: int) -> socket.socket:
    """Return a socket that listens on 127.0.0.1; port 0 takes a free one."""
    # With the protocol named, asyncio sets TCP_NODELAY on connections; without, each answer waits 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError:
        listening.close()
        raise
    listening.listen(512)
    return listening
