"""What comes in: bodies, query values and headers, checked before anything is done with them.

Every refusal names what was sent and what is allowed; `problems` gives it its status.
"""

from __future__ import annotations

import codecs
import re
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import azure.functions as func
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json

from ml.contract import ALIAS_PATTERN
from ml.errors import Refused
from ml.problems import read_validation_error, refuse_field

Body = TypeVar("Body", bound=BaseModel)

MAX_BODY_BYTES = 1024 * 1024
"""Enough for every request but predict, which brings rows."""
MAX_ROWS_BYTES = 32 * 1024 * 1024
MAX_PAGE = 100
USAGE_SPAN = timedelta(days=1)
LONGEST_USAGE = timedelta(days=92)
"""Usage is counted hour by hour; a request must not ask for years of hours."""

_JSON_TYPE = re.compile(r"application/(?:[\w.-]+\+)?json", re.IGNORECASE)
_NUMBER = re.compile("[0-9]{1,9}")
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_MOMENT = TypeAdapter(datetime)


def read_bytes(req: func.HttpRequest, limit: int = MAX_BODY_BYTES) -> bytes:
    """Return the body of a request that says it is JSON, or says nothing; without a byte order mark.

    Raises:
        Refused: another media type, a body that is packed, or more than *limit* bytes.
    """
    kind = (req.headers.get("content-type") or "").partition(";")[0].strip()
    if kind and not _JSON_TYPE.fullmatch(kind):
        raise refuse_field("Content-Type", kind, "application/json", reason_code="unsupported_media_type")
    coding = (req.headers.get("content-encoding") or "identity").strip()
    if coding.casefold() != "identity":
        allowed = "no other than identity: the body as it is"
        raise refuse_field("Content-Encoding", coding, allowed, reason_code="unsupported_media_type")
    body = req.get_body()
    if len(body) > limit:
        raise Refused("body_too_large", f"The body has {len(body):,} bytes; at most {limit:,} are taken.")
    return body.removeprefix(codecs.BOM_UTF8)  # https://www.rfc-editor.org/rfc/rfc8259#section-8.1


def read_body(req: func.HttpRequest, model: type[Body], *, optional: bool = False) -> Body:
    """Return the request's JSON body as *model*; an *optional* body may be left out.

    Raises:
        Refused: no JSON (NaN and Infinity are none), or fields that cannot be used.
    """
    body = read_bytes(req)
    try:
        value = from_json(b"{}" if optional and not body else body, allow_inf_nan=False)
    except ValueError as error:
        raise Refused("malformed_json", f"The body is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise refuse_field("body", value, "a JSON object")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise read_validation_error(error, model) from error


def idempotency_key(req: func.HttpRequest) -> str | None:
    """Return the caller's Idempotency-Key, or None where there is none.

    Raises:
        Refused: it is longer than 200 characters or holds something else than visible ASCII.

    Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
    """
    key: str | None = req.headers.get("idempotency-key")
    if key is None or _KEY.fullmatch(key):
        return key
    allowed = "1 to 200 visible ASCII characters"
    raise refuse_field("Idempotency-Key", key, allowed, reason_code="bad_idempotency_key")


def read_limit(req: func.HttpRequest, default: int = 20) -> int:
    """Return the page size asked for in `limit`, 1 to 100.

    Raises:
        Refused: it is not a number in that range.
    """
    text = req.params.get("limit", str(default))
    if _NUMBER.fullmatch(text) and 1 <= int(text) <= MAX_PAGE:
        return int(text)
    raise refuse_field("limit", text, f"a whole number from 1 to {MAX_PAGE}")


def read_since(req: func.HttpRequest) -> datetime:
    """Return the moment in `since`, an ISO date or time (UTC where it names no zone); a day ago without one.

    Raises:
        Refused: it is not a moment, or too long ago.
    """
    text = req.params.get("since")
    if text is None:
        return datetime.now(UTC) - USAGE_SPAN
    try:
        # A plus sign that was not escaped arrives as a space.
        moment = _MOMENT.validate_strings(text.strip().replace(" ", "+"))
    except ValidationError as error:
        allowed = "a date or time such as 2013-07-04 or 2013-07-04T12:00:00Z"
        raise refuse_field("since", text, allowed) from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    now = datetime.now(UTC)
    if moment < now - LONGEST_USAGE:
        raise refuse_field("since", text, f"at most {LONGEST_USAGE.days} days ago")
    return min(moment, now)  # the last hours of the year 9999 have no name in UTC


def read_alias(req: func.HttpRequest) -> str:
    """Return the alias in the route.

    Raises:
        Refused: it cannot be an alias.
    """
    alias: str = req.route_params["alias"]
    if re.fullmatch(ALIAS_PATTERN, alias):
        return alias
    raise refuse_field("alias", alias, "lower-case letters, digits and hyphens, such as champion")


def read_version(req: func.HttpRequest) -> int:
    """Return the version number in the route.

    Raises:
        Refused: it is not a version number.
    """
    text = req.route_params["version"]
    if _NUMBER.fullmatch(text) and 1 <= int(text) <= 999_999:
        return int(text)
    raise refuse_field("version", text, "a whole number from 1 to 999999")
