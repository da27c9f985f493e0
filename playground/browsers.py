"""What a browser may reach: the loopback's own page may use everything, pages from elsewhere nothing.

A browser runs pages of the whole internet, and 127.0.0.1 is within their reach. Three locks: the Host header
must be a loopback name (a foreign name that resolves to 127.0.0.1 is refused), the Origin and
Sec-Fetch-Site headers must not tell of another page, and no other site may use an answer. Programs send
none of these headers.
"""

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from playground.serving import HOST

LOOPBACK_NAMES = (HOST, "localhost")
# https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site: none is an address typed in
OWN_SITES = ("same-origin", "none")
GUARDED = "/playground/"


def guards() -> list[Middleware]:
    """Return the middleware that keeps pages from elsewhere away from a loopback server."""
    return [
        Middleware(TrustedHostMiddleware, allowed_hosts=[*LOOPBACK_NAMES]),
        Middleware(OwnPageOnly),
    ]


class OwnPageOnly:
    """Refuses what a page from elsewhere asks of the control API; lets no other site use an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 or go on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"].startswith(GUARDED) and (why := refusal(Headers(scope=scope))) is not None:
            await JSONResponse({"error": why}, 403)(scope, receive, send)
            return

        async def send_guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("x-content-type-options", "nosniff")
                headers.setdefault("cross-origin-resource-policy", "same-origin")
            await send(message)

        await self._app(scope, receive, send_guarded)


def refusal(headers: Headers) -> str | None:
    """Return why a request is not answered, or None when it is the page's own or no browser's."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site not in OWN_SITES:
        return "only the playground's own page may ask"
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        return f"the page {origin} may not ask"
    return None
