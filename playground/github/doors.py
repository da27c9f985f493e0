"""What is reached over HTTP: REST endpoints, files behind tickets, and a plain page of each run."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

import playground.github.endpoints  # noqa: F401  (registers the endpoints)
from playground.github.errors import not_found
from playground.github.rest import ENDPOINTS, Endpoint, Server, answer
from playground.github.runs import Run

NAMED = "/repos/{owner}/{repo}"
NUMBERED = "/repositories/{repository_id}"


class Doors:
    """Handlers over one GitHub, each a few lines: decode, call, show."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def routes(self) -> list[BaseRoute]:
        """Return the routes that GitHub itself has."""
        # What may hold slashes comes after what is exact.
        ordered = sorted(ENDPOINTS, key=lambda one: (one.path.count(":path}"), -len(one.path)))
        routes: list[BaseRoute] = []
        for one in ordered:
            paths = [one.path]
            if one.path.startswith(NAMED):
                paths.append(NUMBERED + one.path.removeprefix(NAMED))
            routes += [Route(path, self._endpoint(one), methods=[one.verb]) for path in paths]
        return [
            *routes,
            Route("/_storage/{ticket}", self._download, methods=["GET"]),
            Route("/{owner}/{repo}/actions/runs/{run_id:int}", self._page, methods=["GET"]),
            Route("/{owner}/{repo}/actions/runs/{run_id:int}/job/{job_id:int}", self._page, methods=["GET"]),
            Route("/{rest:path}", self._nothing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]

    def _endpoint(self, one: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            return await answer(self._server, one, request)

        return handle

    async def _download(self, request: Request) -> Response:
        if "authorization" in request.headers:
            # GitHub's storage takes the address for a permission and refuses to hear of another one.
            return PlainTextResponse("InvalidAuthenticationInfo", 401)
        found = self._server.github.downloads.take(request.path_params["ticket"])
        if found is None:
            return PlainTextResponse(
                "AuthenticationFailed: Signature not valid in the specified time frame", 403
            )
        named = {"content-disposition": f'attachment; filename="{found.name}"'}
        return Response(found.content, media_type=found.media_type, headers=named)

    async def _page(self, request: Request) -> Response:
        run = self._server.github.runs.get(request.path_params["run_id"])
        return PlainTextResponse("Not Found", 404) if run is None else PlainTextResponse(_told(run))

    async def _nothing(self, request: Request) -> Response:
        refused = not_found()
        return JSONResponse(refused.body(), refused.status)


def _told(run: Run) -> str:
    """Return a run as a text for people."""
    latest = run.latest
    lines = [
        f"{run.repository}: {run.title} (#{run.number}, attempt {latest.number})",
        f"{run.event} on {run.ref} at {run.sha[:12]} by {run.actor}",
        f"{latest.status} {latest.conclusion or ''} {run.refusal or ''}".rstrip(),
    ]
    for job in latest.listed():
        lines += ["", f"{job.name}: {job.status} {job.conclusion or ''}".rstrip()]
        for step in job.steps:
            lines.append(f"  {step.number}. {step.name}: {step.status} {step.conclusion or ''}".rstrip())
            lines += [f"       {line}" for line in step.log]
    return "\n".join(lines) + "\n"
