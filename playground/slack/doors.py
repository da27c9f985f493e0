"""What an app reaches over HTTP and websocket: methods, response URLs, uploads, downloads, sockets."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from playground.slack.answers import take_response
from playground.slack.loopback import Loopback
from playground.slack.web_api import answer, make_trouble


class Doors:
    """Handlers over one workspace, each a few lines: decode, call, show."""

    def __init__(self, slack: Loopback) -> None:
        self._slack = slack

    def routes(self) -> list[BaseRoute]:
        """Return the routes that Slack itself has."""
        return [
            Route("/api/{method}", self._api, methods=["GET", "POST"]),
            Route("/commands/{team}/{serial}/{secret}", self._respond, methods=["POST"]),
            Route("/actions/{team}/{serial}/{secret}", self._respond, methods=["POST"]),
            Route("/app/{team}/{serial}/{secret}", self._respond, methods=["POST"]),
            Route("/upload/v1/{ticket}", self._upload, methods=["POST"]),
            Route("/files-pri/{file}/{name}", self._download, methods=["GET"]),
            Route("/signin", self._sign_in, methods=["GET"]),
            WebSocketRoute("/link/", self._link),
        ]

    async def _api(self, request: Request) -> Response:
        return await answer(self._slack, request.path_params["method"], request)

    async def _respond(self, request: Request) -> Response:
        if (spoilt := await self._spoilt("response_url")) is not None:
            return spoilt
        content_type = request.headers.get("content-type", "")
        status, body = take_response(self._slack, request.url.path, content_type, await request.body())
        return PlainTextResponse(
            body, status, media_type="application/json" if body[0] == "{" else "text/plain"
        )

    async def _upload(self, request: Request) -> Response:
        if (spoilt := await self._spoilt("upload")) is not None:
            return spoilt
        file = self._slack.files.receive(request.url.path, await request.body())
        return PlainTextResponse(f"OK - {file.length}") if file else PlainTextResponse("invalid upload", 400)

    async def _download(self, request: Request) -> Response:
        settings = self._slack.settings
        expected = f"Bearer {settings.bot_token.get_secret_value()}"
        allowed = settings.scopes is None or "files:read" in settings.scopes
        if request.headers.get("authorization") != expected or not allowed:
            # Slack sends whoever comes without a token, or without files:read, to its sign-in page.
            return Response(status_code=302, headers={"location": f"{self._slack.base_url}/signin"})
        file = self._slack.files.find(request.path_params["file"].partition("-")[2])
        if file is None or not self._slack.bot_sees(file):
            return Response(status_code=404)
        return Response(self._slack.files.content(file.id), media_type=file.mimetype())

    async def _sign_in(self, request: Request) -> Response:
        """Slack's page is a 200 too: who does not look at the content type takes it for the file."""
        return HTMLResponse(
            "<!DOCTYPE html><html><head><title>Slack</title></head><body>Sign in</body></html>"
        )

    async def _link(self, websocket: WebSocket) -> None:
        await self._slack.sockets.serve(websocket)

    async def _spoilt(self, door: str) -> Response | None:
        fault = self._slack.faults.take(door)
        return None if fault is None else await make_trouble(self._slack, fault)
