"""Whether a running bot is well: `GET /healthz` on the bot's side, `toban health` on the asker's.

Well means that its heartbeat reaches the database and, in Socket Mode, that it is connected to Slack. Whether
the function app answers is no matter of the bot's own health: `/ml status` and `toban check` tell that.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any

HEALTH = "/healthz"
ASK_SECONDS = 3.0

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def judge(heartbeat_seconds: float, stale_seconds: float, connected: bool) -> list[str]:
    """Return what is not well, as sentences; nothing where all is."""
    problems = []
    if heartbeat_seconds > stale_seconds:
        problems.append(
            f"the heartbeat was last written {heartbeat_seconds:.0f} s ago: is the database there?"
        )
    if not connected:
        problems.append("not connected to Slack's Socket Mode; it tries again by itself")
    return problems


def health_page(look: Callable[[], Sequence[str]]) -> Wsgi:
    """Return what answers a request for health: 200 while *look* finds no problem, else 503 with it."""

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
            start_response("405 Method Not Allowed", [("Allow", "GET, HEAD"), ("Content-Length", "0")])
            return [b""]
        problems = look()
        status = HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK
        body = json.dumps({"status": "unwell" if problems else "ok", "problems": list(problems)}).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(f"{status.value} {status.phrase}", [*headers, ("Cache-Control", "no-store")])
        return [body]

    return serve


def ask_health(host: str, port: int) -> tuple[bool, str]:
    """Return whether the bot at an address is well, and a line that says so."""
    near = "127.0.0.1" if host in ("0.0.0.0", "*") else host.strip("[]")  # noqa: S104 - a bot on all addresses is here, too
    connection = http.client.HTTPConnection(near, port, timeout=ASK_SECONDS)
    try:
        connection.request("GET", HEALTH)
        reply = connection.getresponse()
        told = json.loads(reply.read(10_000))
        problems = [str(one) for one in told["problems"]]
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException) as error:
        return False, f"no bot answers at {host}:{port} ({type(error).__name__})"
    finally:
        connection.close()
    return reply.status == HTTPStatus.OK, "; ".join(problems) or "ok"
