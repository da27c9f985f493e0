"""Serves the page: files of this folder, under a policy that lets a browser go nowhere else."""

import functools
import json
from pathlib import Path

import emoji
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).resolve().parent
# https://developer.mozilla.org/docs/Web/HTTP/Guides/CSP: nothing from elsewhere, no inline script or style,
# no string that becomes markup (Trusted Types).
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    # The page belongs to the running version; a reload after an upgrade must not mix two of them.
    "cache-control": "no-cache",
}
SERVED = (".css", ".js", ".svg")


def routes() -> list[BaseRoute]:
    """Return the routes of the page: its address, its parts, and the pictures behind :shortcodes:."""
    return [
        Route("/", _index, methods=["GET"]),
        Route("/page/emoji.json", _emoji, methods=["GET"]),
        Mount("/page", _Parts(directory=FOLDER)),
    ]


class _Parts(StaticFiles):
    """Scripts, styles and pictures; the Python beside them is not served."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if not path.endswith(SERVED):
            return Response(status_code=404)
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response


async def _index(request: Request) -> Response:
    return FileResponse(FOLDER / "index.html", headers=HEADERS)


async def _emoji(request: Request) -> Response:
    kept = {**HEADERS, "cache-control": "max-age=86400"}
    return Response(shortcodes(), media_type="application/json", headers=kept)


@functools.cache
def shortcodes() -> str:
    """Return a JSON object of emoji by Slack's names, the same table that the transcript uses."""
    named: dict[str, str] = {}
    for character, entry in emoji.EMOJI_DATA.items():
        for name in (entry["en"], *entry.get("alias", ())):
            named.setdefault(name.strip(":"), character)
    return json.dumps(named, ensure_ascii=False, separators=(",", ":"))
