"""The loopback Slack as a server on 127.0.0.1, in a thread of its own."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

import playground.slack.methods  # noqa: F401  (registers the Web API methods)
from playground.slack import web_api
from playground.slack.control import Control
from playground.slack.doors import Doors
from playground.slack.loopback import Loopback
from playground.slack.settings import Settings

HOST = "127.0.0.1"
STOP_SECONDS = 2
# slack_sdk closes a socket only between two frames, so frequent pings let an app stop at once.
PING_SECONDS = 0.5


def build_app(slack: Loopback) -> ASGIApp:
    """Return the ASGI application of one workspace."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        slack.close()

    app = Starlette(
        routes=[
            *Doors(slack).routes(),
            *Control(slack).routes(),
        ],
        # A web page from elsewhere must not reach the workspace by a name that resolves to 127.0.0.1.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])],
        lifespan=lifespan,
    )
    return _with_transport(app)


def _with_transport(app: ASGIApp) -> ASGIApp:
    """Let an answer cut its connection; ASGI has no word for that, but uvicorn's cycle has the transport."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        cycle = getattr(send, "__self__", None)
        scope[web_api.TRANSPORT] = getattr(cycle, "transport", None)
        await app(scope, receive, send)

    return wrapped


class RunningSlack:
    """A loopback Slack that listens; ``url`` is its address, ``stop()`` ends it."""

    def __init__(self, settings: Settings) -> None:
        self._socket = _listen(settings.port)
        self.url = f"http://{HOST}:{self._socket.getsockname()[1]}"
        self.api_url = f"{self.url}/api/"
        self.settings = settings
        self._slack: Loopback | None = None
        self._server: uvicorn.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="loopback-slack", daemon=True)
        self._thread.start()
        self._ready.wait()

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
        self._slack = Loopback(self.settings, self.url)
        config = uvicorn.Config(
            build_app(self._slack),
            log_level="error",
            access_log=False,
            lifespan="on",
            http="httptools",
            ws="websockets-sansio",
            ws_ping_interval=PING_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        self._server = uvicorn.Server(config)
        self._ready.set()
        await self._server.serve(sockets=[self._socket])

    def _begin_stop(self) -> None:
        if self._slack is not None:
            self._slack.close()
        if self._server is not None:
            self._server.should_exit = True


def start(settings: Settings | None = None) -> RunningSlack:
    """Start a loopback Slack and return when it takes connections.

    Raises OSError when the port asked for is taken.
    """
    return RunningSlack(settings or Settings())


def _listen(port: int) -> socket.socket:
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
