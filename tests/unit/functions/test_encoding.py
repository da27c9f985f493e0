"""What goes out: JSON, and 304 to whoever has it already."""

from __future__ import annotations

import azure.functions as func

from functions.encoding import conditional, reply
from ml.contract import Reason

VALUE = Reason(code="a", detail="b")


def asking(tag: str | None = None) -> func.HttpRequest:
    """Return a request that knows the answer of *tag*."""
    headers = {"If-None-Match": tag} if tag else {}
    return func.HttpRequest("GET", "http://127.0.0.1/api/x", headers=headers, body=b"")


def test_reply() -> None:
    """A contract model is sent as JSON with status and headers."""
    response = reply(VALUE, status=202, headers={"Location": "/api/runs/1"})
    assert (response.status_code, response.mimetype, response.headers["location"]) == (
        202,
        "application/json",
        "/api/runs/1",
    )
    assert Reason.model_validate_json(response.get_body()) == VALUE


def test_conditional() -> None:
    """The same state is answered 304 without a body, by tag or by content; another state in full."""
    for tag in (None, "run-7"):
        first = conditional(asking(), VALUE, tag)
        etag = first.headers["ETag"]
        again = conditional(asking(f'"other", W/{etag}'), VALUE, tag)
        assert (first.status_code, again.status_code, again.get_body()) == (200, 304, b"")
        assert again.headers["ETag"] == etag
    assert conditional(asking('"run-7"'), VALUE, "run-8").status_code == 200
    assert conditional(asking(etag), Reason(code="a", detail="c")).status_code == 200
