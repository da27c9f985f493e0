"""The Web API's door: decode a request, prove token and scope, count, make trouble if asked to, and call.

https://docs.slack.dev/apis/web-api
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from playground.serving import Cut
from playground.slack.faults import Fault
from playground.slack.loopback import Loopback

Json = dict[str, Any]
# These arguments are JSON even where the rest of a request is a form.
JSON_ARGUMENTS = frozenset({"attachments", "blocks", "files", "message", "metadata", "view", "unfurls"})


class ApiError(Exception):
    """A refusal by Slack's name; extra fields go into the answer."""

    def __init__(self, error: str, **fields: Any) -> None:
        super().__init__(error)
        self.error = error
        self.fields = fields


@dataclass(frozen=True)
class Call:
    """One call of a method, with the arguments decoded."""

    slack: Loopback
    arguments: Json

    def text(self, name: str, default: str = "") -> str:
        """Return an argument as text."""
        value = self.arguments.get(name)
        return default if value is None else str(value)

    def needed(self, name: str, error: str = "invalid_arguments") -> str:
        """Return an argument as text, or refuse the call when it is missing or empty."""
        if not (value := self.text(name)):
            message = f"[ERROR] missing required field: {name}"
            extra = {"response_metadata": {"messages": [message]}} if error == "invalid_arguments" else {}
            raise ApiError(error, **extra)
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """Return an argument as true or false; forms say “true”, “True” or “1”."""
        value = self.arguments.get(name)
        return default if value is None else str(value).lower() in ("1", "true")

    def whole(self, name: str, default: int) -> int:
        """Return an argument as a whole number; nonsense counts as not given."""
        text = self.text(name)
        return int(text) if text.isdigit() else default


Handler = Callable[[Call], Json]


@dataclass(frozen=True)
class Method:
    """One Web API method: who may call it and what it does."""

    handler: Handler
    scope: str | None
    token: str


METHODS: dict[str, Method] = {}


def method(name: str, *, scope: str | None = None, token: str = "bot") -> Callable[[Handler], Handler]:
    """Register the function below as a Web API method; *token* is “bot”, “app” or “none”."""

    def register(handler: Handler) -> Handler:
        METHODS[name] = Method(handler, scope, token)
        return handler

    return register


async def answer(slack: Loopback, name: str, request: Request) -> Response:
    """Return Slack's answer to one Web API request."""
    raw = await request.body()
    fault = slack.faults.take(name, lambda: unquote_plus(raw.decode("utf-8", "replace")))
    if fault is not None and not fault.after:
        spoilt = await make_trouble(slack, fault)
        if spoilt is not None:
            return spoilt
    headers: dict[str, str] = {}
    try:
        arguments, bearer = await _decode(request)
        body: Json = {"ok": True, **_run(slack, name, arguments, bearer)}
        status = 200
    except ApiError as refused:
        retry_after = refused.fields.pop("retry_after", None)
        body = {"ok": False, "error": refused.error, **refused.fields}
        status = 429 if refused.error == "ratelimited" else 200
        if retry_after is not None:
            headers["retry-after"] = str(retry_after)
    if fault is not None and fault.after and (spoilt := await make_trouble(slack, fault)) is not None:
        return spoilt
    if slack.settings.scopes is not None:
        headers["x-oauth-scopes"] = ",".join(slack.settings.scopes)
    return JSONResponse(body, status, headers)


async def make_trouble(slack: Loopback, fault: Fault) -> Response | None:
    """Wait as the fault says and return the spoilt answer; None when it only makes things late."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(slack.closing.wait(), fault.hang_seconds)
    if not fault.spoils():
        return None
    if fault.cut:
        return Cut()
    headers = {"retry-after": str(fault.retry_after)} if fault.retry_after is not None else {}
    return JSONResponse(fault.body(), fault.status or 200, headers)


def _run(slack: Loopback, name: str, arguments: Json, bearer: str | None) -> Json:
    """Slack's order: is there such a method, who calls, may they, how often, and only then the arguments."""
    if name not in METHODS:
        raise ApiError("unknown_method", req_method=name)
    called = METHODS[name]
    _prove_token(slack, called, bearer)
    _prove_scope(slack, called)
    channel = str(arguments.get("channel") or "") or None
    wait = slack.rates.count(name, channel, enforce=slack.settings.enforce_tiers)
    if wait is not None:
        raise ApiError("ratelimited", retry_after=wait)
    return called.handler(Call(slack, arguments))


def _prove_token(slack: Loopback, called: Method, bearer: str | None) -> None:
    if called.token == "none":
        return
    if not bearer:
        raise ApiError("not_authed")
    kinds = {
        slack.settings.bot_token.get_secret_value(): "bot",
        slack.settings.app_token.get_secret_value(): "app",
    }
    if bearer not in kinds:
        raise ApiError("invalid_auth")
    if kinds[bearer] != called.token:
        raise ApiError("not_allowed_token_type")


def _prove_scope(slack: Loopback, called: Method) -> None:
    granted = slack.settings.scopes
    if called.scope is not None and granted is not None and called.scope not in granted:
        raise ApiError("missing_scope", needed=called.scope, provided=",".join(granted))


async def _decode(request: Request) -> tuple[Json, str | None]:
    """Return arguments and token: https://docs.slack.dev/apis/web-api#basics"""
    arguments: Json = dict(request.query_params)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip()
    raw = await request.body()
    if content_type == "application/json":
        arguments |= _decode_json(raw)
        arguments.pop("token", None)  # with a JSON body the token counts in the header only
    elif content_type == "multipart/form-data":
        raise ApiError("invalid_form_data")
    else:
        arguments |= parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True)
    for name in JSON_ARGUMENTS & arguments.keys():
        arguments[name] = _decode_argument(name, arguments[name])
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    in_body = arguments.pop("token", None)
    return arguments, bearer if scheme.lower() == "bearer" else in_body


def _decode_json(raw: bytes) -> Json:
    try:
        decoded = json.loads(raw or b"{}")
    except ValueError as error:
        raise ApiError("invalid_json") from error
    if not isinstance(decoded, dict):
        raise ApiError("json_not_object")
    return decoded


def _decode_argument(name: str, value: Any) -> Any:
    if value == "":
        return None
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        if name == "message":
            return value
        wrong = {"blocks": "invalid_blocks_format", "metadata": "invalid_metadata_format"}.get(
            name, "invalid_arguments"
        )
        raise ApiError(wrong) from error
