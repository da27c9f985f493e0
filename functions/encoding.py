"""What goes out: contract models as JSON, and 304 where the asker has the answer already."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import azure.functions as func
from pydantic import BaseModel
from pydantic_core import to_json

JSON_TYPE = "application/json"


def reply(
    value: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> func.HttpResponse:
    """Return *value* as a JSON response."""
    return json_response(to_json(value), status=status, headers=headers)


def json_response(
    body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> func.HttpResponse:
    """Return *body*, which is JSON already, as a response."""
    return func.HttpResponse(body, status_code=status, headers=headers, mimetype=JSON_TYPE)


def conditional(req: func.HttpRequest, value: BaseModel, tag: str | None = None) -> func.HttpResponse:
    """Return *value*, or 304 where the request's If-None-Match names it.

    *tag* says in what state *value* is; without one its content is hashed.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2
    """
    body = None if tag else to_json(value)
    etag = f'"{tag or hashlib.sha256(body or b"").hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    known = (part.strip().removeprefix("W/") for part in req.headers.get("if-none-match", "").split(","))
    if etag in known:
        return json_response(b"", status=304, headers=headers)
    return json_response(body or to_json(value), headers=headers)
