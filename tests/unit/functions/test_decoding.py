"""What comes in: bodies, query values, headers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import pytest

from functions.decoding import (
    MAX_BODY_BYTES,
    idempotency_key,
    read_alias,
    read_body,
    read_bytes,
    read_limit,
    read_since,
    read_version,
)
from ml.contract import AliasMove, CancelRequest, CompareRequest, RetrainRequest
from ml.errors import Refused


def request(body: bytes = b"", *, params: Any = None, route: Any = None, **headers: str) -> func.HttpRequest:
    """Return a request; header names are given with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return func.HttpRequest(
        "POST", "http://127.0.0.1/api/x", headers=named, params=params, route_params=route, body=body
    )


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "application/vnd.x+json"]
)
def test_json_media_types_are_taken(kind: str) -> None:
    """JSON by any of its names is taken, and a body without a name is tried."""
    assert read_bytes(request(b"{}", content_type=kind)) == b"{}"
    assert read_bytes(request(b"{}")) == b"{}"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "json"]
)
def test_other_media_types_are_refused(kind: str) -> None:
    """Anything else is named in the refusal, with what is taken."""
    with pytest.raises(Refused) as caught:
        read_bytes(request(b"{}", content_type=kind))
    assert caught.value.reason_code == "unsupported_media_type"
    assert (caught.value.errors[0].value, caught.value.errors[0].allowed) == (kind, "application/json")


@pytest.mark.parametrize("coding", ["gzip", "br", "GZIP", "identity, gzip"])
def test_packed_bodies_are_refused(coding: str) -> None:
    """A body that is packed is refused by that name, and not as JSON with a fault in it."""
    with pytest.raises(Refused) as caught:
        read_bytes(request(b"{}", content_encoding=coding))
    assert caught.value.reason_code == "unsupported_media_type"
    assert (caught.value.errors[0].field, caught.value.errors[0].value) == ("Content-Encoding", coding)
    assert read_bytes(request(b"{}", content_encoding="Identity")) == b"{}"


def test_a_byte_order_mark_is_no_part_of_the_body() -> None:
    """Programs on Windows write one before their JSON."""
    assert read_bytes(request(b"\xef\xbb\xbf{}")) == b"{}"


def test_a_body_over_the_limit_is_refused() -> None:
    """The limit itself is taken, one byte more is not."""
    assert read_bytes(request(b"x" * MAX_BODY_BYTES))
    with pytest.raises(Refused, match="body_too_large"):
        read_bytes(request(b"x" * (MAX_BODY_BYTES + 1)))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"params": {"x": NaN}}',
        b'{"params": {"x": -Infinity}}',
        b"[" * 10_000,
        b"{}{}",
    ],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    """Broken text, NaN, infinity and endless nesting are malformed, not a fault."""
    with pytest.raises(Refused, match="malformed_json"):
        read_body(request(body), RetrainRequest)


@pytest.mark.parametrize(
    ("model", "body", "fields"),
    [
        (RetrainRequest, [], {"body"}),
        (RetrainRequest, {"parms": {}}, {"parms"}),
        (RetrainRequest, {"params": []}, {"params"}),
        (CompareRequest, {"versions": [1], "rows": "all"}, {"versions", "rows"}),
        (CompareRequest, {"versions": [0, 2], "rows": "evaluation of 2"}, {"versions"}),
        (AliasMove, {}, {"version", "expected_event", "evidence", "by", "why"}),
        (AliasMove, {"version": "2", "expected_event": -1, "evidence": "x", "by": "", "why": 1}, None),
    ],
)
def test_fields_at_fault_are_all_named(model: Any, body: Any, fields: set[str] | None) -> None:
    """Wrong types, unknown and missing fields are refused together, each with what is allowed."""
    with pytest.raises(Refused) as caught:
        read_body(request(json.dumps(body).encode()), model)
    assert fields is None or {error.field for error in caught.value.errors} == fields
    assert all(error.allowed and error.message for error in caught.value.errors)


def test_an_optional_body_may_be_left_out() -> None:
    """A cancellation needs no body."""
    assert read_body(request(), CancelRequest, optional=True) == CancelRequest()


def test_idempotency_keys() -> None:
    """A visible key is taken as it is; an empty, spaced or endless one is refused."""
    assert idempotency_key(request()) is None
    assert idempotency_key(request(idempotency_key='"8e03-x"')) == '"8e03-x"'
    for key in ("", "a b", "x" * 201, "schlüssel"):
        with pytest.raises(Refused, match="bad_idempotency_key"):
            idempotency_key(request(idempotency_key=key))


@pytest.mark.parametrize("text", ["0", "101", "-1", "ten", "1.5", "9" * 5000, "0" * 8 + "50000", "٣"])
def test_limits_that_are_no_page_size(text: str) -> None:
    """A page has 1 to 100 entries."""
    assert read_limit(request()) == 20
    assert read_limit(request(params={"limit": "100"})) == 100
    with pytest.raises(Refused) as caught:
        read_limit(request(params={"limit": text}))
    assert caught.value.errors[0].field == "limit"


def test_since() -> None:
    """A date, a time with or without zone and an unescaped plus sign are read; a day is the default."""
    now = datetime.now(UTC)
    day = (now - timedelta(days=3)).date()
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    for text in (f"{day}", f"{day}T00:00:00", f"{day}T00:00:00Z", f"{day}T09:00:00 09:00"):
        assert read_since(request(params={"since": text})) == midnight
    assert now - timedelta(days=1, minutes=1) < read_since(request()) < now
    far = read_since(request(params={"since": "9999-12-31T23:59:59-14:00"}))
    assert now <= far <= datetime.now(UTC)
    for text in ("yesterday", "1970-01-01", "-"):
        with pytest.raises(Refused):
            read_since(request(params={"since": text}))


def test_versions_and_aliases_in_the_route() -> None:
    """A version is a number, an alias a short name; both are refused otherwise, by field."""
    assert read_version(request(route={"version": "7"})) == 7
    assert read_alias(request(route={"alias": "champion"})) == "champion"
    for text in ("0", "x", "1000000", "1e3", "0000000071234567"):
        with pytest.raises(Refused):
            read_version(request(route={"version": text}))
    for text in ("Champion", "../x", "", "a" * 99):
        with pytest.raises(Refused):
            read_alias(request(route={"alias": text}))
