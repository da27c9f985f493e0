"""What the doors for services share: reading a request's bytes and headers, and answering in JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from ml.contract import Problem

Start = Callable[[str, list[tuple[str, str]]], Any]


@dataclass(frozen=True)
class Answer:
    """What a door answers: a status and a JSON body."""

    status: int
    body: dict[str, Any]


def refusal(status: int, code: str, detail: str, suggestions: Sequence[str] = ()) -> Answer:
    """Return a refusal as problem details."""
    problem = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        reason_code=code,
        suggestions=tuple(suggestions),
    )
    return Answer(status, problem.model_dump(mode="json"))


def send(answer: Answer, start_response: Start) -> Iterable[bytes]:
    """Send *answer* as JSON, a refusal as problem details (RFC 9457)."""
    content = json.dumps(answer.body).encode()
    kind = "application/json" if answer.status < 400 else "application/problem+json"
    headers = [("Content-Type", kind), ("Content-Length", str(len(content)))]
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
    return [content]


def without_bodies(app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Return *app* so that HEAD is answered by headers alone; waitress sends what it is given.

    A body there would be taken for the next answer: https://www.rfc-editor.org/rfc/rfc9110#section-9.3.2
    """

    def serve(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        body = app(environ, start_response)
        return () if environ.get("REQUEST_METHOD") == "HEAD" else body

    return serve


def read_body(environ: Mapping[str, Any], most: int) -> bytes | None:
    """Return the whole body, or None for one that is longer than *most*; waitress has read it by now."""
    content: bytes = environ["wsgi.input"].read(most + 1)
    return content if len(content) <= most else None


def read_header(environ: Mapping[str, Any], name: str) -> str | None:
    """Return a header's value, or None where there is none."""
    value = environ.get(f"HTTP_{name.upper().replace('-', '_')}")
    return None if value is None else str(value)
