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
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

import playground.slack.methods  # noqa: F401  (registers the Web API methods)
from playground.slack import web_api
from playground.slack.answers import take_response
from playground.slack.control import Control
from playground.slack.loopback import Loopback
from playground.slack.settings import Settings

HOST = "127.0.0.1"
STOP_SECONDS = 2


def build_app(slack: Loopback) -> ASGIApp:
    """Return the ASGI application of one workspace."""

    async def api(request: Request) -> Response:
        return await web_api.answer(slack, request.path_params["method"], request)

    async def respond(request: Request) -> Response:
        if (fault := slack.faults.take("response_url")) is not None:
            if (spoilt := await web_api.make_trouble(fault)) is not None:
                return spoilt
        content_type = request.headers.get("content-type", "")
        status, body = take_response(slack, request.url.path, content_type, await request.body())
        return PlainTextResponse(
            body, status, media_type="application/json" if body != "ok" else "text/plain"
        )

    async def upload(request: Request) -> Response:
        if (fault := slack.faults.take("upload")) is not None:
            if (spoilt := await web_api.make_trouble(fault)) is not None:
                return spoilt
        file = slack.files.receive(request.url.path, await request.body())
        return PlainTextResponse(f"OK - {file.length}") if file else PlainTextResponse("invalid upload", 400)

    async def download(request: Request) -> Response:
        expected = f"Bearer {slack.settings.bot_token.get_secret_value()}"
        if request.headers.get("authorization") != expected:
            # Slack sends whoever comes without a token to its sign-in page.
            return Response(
                status_code=302, headers={"location": f"{slack.base_url}/?redir={request.url.path}"}
            )
        file = slack.files.find(request.path_params["file"].partition("-")[2])
        content = slack.files.content(file.id) if file else None
        return (
            Response(content, media_type=file.mimetype()) if file and content else Response(status_code=404)
        )

    async def link(websocket: WebSocket) -> None:
        await slack.sockets.serve(websocket)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        slack.close()

    app = Starlette(
        routes=[
            Route("/api/{method}", api, methods=["GET", "POST"]),
            Route("/{kind:str}/{team}/{serial}/{secret}", respond, methods=["POST"]),
            Route("/upload/v1/{ticket}", upload, methods=["POST"]),
            Route("/files-pri/{file}/{name}", download, methods=["GET"]),
            WebSocketRoute("/link/", link),
            *Control(slack).routes(),
        ],
        # A web page from elsewhere must not reach the workspace by a name that resolves to 127.0.0.1.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])],
        lifespan=lifespan,
    )
    return _with_transport(app)


def _with_transport(app: ASGIApp) -> ASGIApp:
    """Let an answer cut its connection: ASGI has no word for that, uvicorn's request cycle holds the transport."""

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
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError:
        listening.close()
        raise
    listening.listen(512)
    return listening
