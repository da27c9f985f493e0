"""HTTP in front of the app's functions: a bare ASGI application, because every request pays for it.

Async functions run on the event loop, sync ones in a bounded pool of threads. What Azure's own host refuses
is refused here too (no such route, no key, a body too large, a function that raised), as problem details.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import Executor
from typing import Any
from urllib.parse import parse_qsl

import azure.functions as func

from functions.loopback.bindings import HTTP_TRIGGER, Emit, HostedFunction
from functions.routes import RouteTable

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Reply = tuple[int, list[tuple[bytes, bytes]], bytes]

MAX_BODY_BYTES = 100 * 1024 * 1024
"""Azure's own limit: https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger"""

_log = logging.getLogger("toban.host")
_PROBLEM = [(b"content-type", b"application/problem+json")]


class BodyTooLarge(Exception):
    """The request's body is longer than the host takes."""


class ClientGone(Exception):
    """The client closed the connection before its request was read."""


class Site:
    """The ASGI application: the app's HTTP functions and the host's own /admin pages.

    With no *key*, every request is let in; that is for a loopback address only.
    """

    def __init__(
        self,
        functions: Iterable[HostedFunction],
        *,
        pool: Executor,
        emit: Emit,
        run_by_hand: Callable[[str, str], None],
        route_prefix: str = "api",
        key: str | None = None,
    ) -> None:
        """Compile the route table; *run_by_hand* runs a queue or timer function with an input."""
        prefix = f"{route_prefix}/" if route_prefix else ""
        self._routes: RouteTable[HostedFunction] = RouteTable(
            (prefix + function.trigger["route"].strip("/"), function.trigger.get("methods") or (), function)
            for function in functions
            if function.kind == HTTP_TRIGGER
        )
        self._pool, self._emit, self._run_by_hand = pool, emit, run_by_hand
        self._key = key.encode() if key else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        try:
            status, headers, body = await self._answer(scope, receive)
        except ClientGone:
            return
        except BodyTooLarge:
            status, headers, body = _problem(413, "body_too_large", "The request's body is too large.")
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:
        method, path = scope["method"], scope["path"]
        headers = _headers(scope["headers"])
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"))) if scope["query_string"] else {}
        if path.startswith("/admin/"):
            return await self._admin(method, path, headers, query, receive)
        if (found := self._routes.match(method, path)) is None:
            return _problem(404, "unknown_route", f"There is nothing at {method} {path}.")
        function, names = found
        level = str(function.trigger.get("authLevel", "FUNCTION")).upper()
        if level != "ANONYMOUS" and not self._admits(headers, query):
            return _unauthorized()
        request = func.HttpRequest(
            method,
            _url(scope, headers),
            headers=headers,
            params=query,
            route_params=names,
            body=await _read_body(headers, receive),
        )
        return await self._call(function, request)

    async def _call(self, function: HostedFunction, request: func.HttpRequest) -> Reply:
        try:
            if function.is_async:
                return _reply(await function.invoke_async(request))
            loop = asyncio.get_running_loop()
            return _reply(await loop.run_in_executor(self._pool, function.invoke, request, self._emit))
        except Exception:  # noqa: BLE001 - a fault inside a function is not the host's
            _log.exception("%s raised", function.name)
            return _problem(500, "fault", "The function failed; the host's log says why.")

    def _admits(self, headers: dict[str, str], query: dict[str, str]) -> bool:
        if self._key is None:
            return True
        given = headers.get("x-functions-key") or query.get("code") or ""
        return hmac.compare_digest(given.encode(), self._key)

    async def _admin(
        self, method: str, path: str, headers: dict[str, str], query: dict[str, str], receive: Receive
    ) -> Reply:
        """Answer the host's own pages: its status, and running a queue or timer function by hand.

        Source: https://learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http
        """
        if not self._admits(headers, query):
            return _unauthorized()
        if (method, path) == ("GET", "/admin/host/status"):
            return 200, [(b"content-type", b"application/json")], b'{"state": "Running"}'
        name = path.removeprefix("/admin/functions/")
        if method != "POST" or name == path:
            return _problem(404, "unknown_route", f"There is nothing at {method} {path}.")
        try:
            given = json.loads(await _read_body(headers, receive) or b"{}")
            text = given.get("input", "") if isinstance(given, dict) else ""
            await asyncio.get_running_loop().run_in_executor(self._pool, self._run_by_hand, name, str(text))
        except KeyError:
            return _problem(404, "unknown_function", f"There is no queue or timer function {name!r}.")
        except (ValueError, RecursionError):
            return _problem(400, "malformed_json", 'The body is not JSON of the form {"input": "…"}.')
        except Exception:  # noqa: BLE001 - as above
            _log.exception("%s raised", name)
            return _problem(500, "fault", "The function failed; the host's log says why.")
        return 202, [], b""


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by lower-case name; repeated ones are joined by commas, as Azure's host does."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers


def _url(scope: Scope, headers: dict[str, str]) -> str:
    query = scope["query_string"]
    end = f"?{query.decode('latin-1')}" if query else ""
    return f"{scope['scheme']}://{headers.get('host', 'localhost')}{scope['path']}{end}"


async def _read_body(headers: dict[str, str], receive: Receive) -> bytes:
    """Return the whole body.

    Raises:
        BodyTooLarge: it is longer than `MAX_BODY_BYTES`, by its own account or in fact.
        ClientGone: the connection ended first.
    """
    declared = headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
        raise BodyTooLarge
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise ClientGone
        part = event.get("body", b"")
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise BodyTooLarge
        parts.append(part)
        more = event.get("more_body", False)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _reply(answer: object) -> Reply:
    """Return status, headers and body of what an HTTP function returned: a response, or text."""
    if isinstance(answer, str):
        return 200, [(b"content-type", b"text/plain; charset=utf-8")], answer.encode()
    if not isinstance(answer, func.HttpResponse):
        raise TypeError(f"an HTTP function returns HttpResponse or str, not {type(answer).__name__}")
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    if all(name != b"content-type" for name, _ in headers):
        kind = answer.mimetype
        charset = f"; charset={answer.charset}" if kind.startswith("text/") else ""
        headers.append((b"content-type", f"{kind}{charset}".encode("latin-1")))
    return answer.status_code, headers, answer.get_body()


def _problem(status: int, reason_code: str, detail: str) -> Reply:
    body = {
        "type": "about:blank",
        "title": reason_code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "reason_code": reason_code,
    }
    return status, list(_PROBLEM), json.dumps(body).encode()


def _unauthorized() -> Reply:
    return _problem(401, "unauthorized", "The header x-functions-key is missing or its key is not known.")
