"""What the control APIs of all loopbacks share: their answers, their feed, and trouble made on demand."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from playground.faults import Fault, Faults
from playground.feed import Feed
from playground.refusals import NotPossible

Json = dict[str, Any]
Handler = Callable[[Request], Awaitable[Json]]
Door = tuple[str, str, Handler]
"""Verb, path under /playground, and who answers."""
POLL_SECONDS_MOST = 60.0
"""A long poll ends before the usual clients and proxies give up."""


class Asked(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


F = TypeVar("F", bound=Fault)


class Controls(Generic[F]):
    """The handlers that every loopback has."""

    def __init__(self, feed: Feed, faults: Faults[F], fault: type[F]) -> None:
        self._feed = feed
        self._faults = faults
        self._fault = fault

    def doors(self) -> list[Door]:
        """Return what is behind which path."""
        return [
            ("GET", "feed", self._events),
            ("POST", "faults", self._add_fault),
            ("GET", "faults", self._shown_faults),
            ("DELETE", "faults", self._clear_faults),
        ]

    async def _events(self, request: Request) -> Json:
        query = request.query_params
        seconds = min(float(query.get("timeout", "0")), POLL_SECONDS_MOST)
        events = await self._feed.after(int(query.get("after", "0")), seconds)
        return {"events": events, "seq": events[-1]["seq"] if events else self._feed.seq}

    async def _add_fault(self, request: Request) -> Json:
        self._faults.add(self._fault.model_validate_json(await request.body()))
        return await self._shown_faults(request)

    async def _shown_faults(self, request: Request) -> Json:
        return {"faults": self._faults.shown()}

    async def _clear_faults(self, request: Request) -> Json:
        self._faults.clear()
        return await self._shown_faults(request)


def routes(doors: Iterable[Door]) -> list[Route]:
    """Return the routes under /playground.

    They take changes as JSON only, so that no web page from elsewhere can reach them through somebody's
    browser; what cannot be done is a 400 that says why.
    """
    return [Route(f"/playground/{path}", _json(handler), methods=[verb]) for verb, path, handler in doors]


def _json(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        content_type = request.headers.get("content-type", "").partition(";")[0]
        if request.method == "POST" and content_type != "application/json":
            return JSONResponse({"error": "send application/json"}, 415)
        try:
            return JSONResponse(await handler(request))
        except (NotPossible, ValueError) as error:  # the last is also what pydantic raises
            return JSONResponse({"error": str(error)}, 400)

    return answer
