"""slack_sdk's client as the bot uses it: each call waits for its turn; one that is refused lines up again.

And every answer ends, and is of a size that can be kept.
"""

from __future__ import annotations

import io
import json
import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message as Headers
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.http_retry import HttpRequest, HttpResponse, RetryHandler, RetryState
from slack_sdk.web import SlackResponse
from slack_sdk.web.file_upload_v2_result import FileUploadV2Result

from bot.bounded_http import bounded_opener
from bot.settings import SlackSettings
from bot.slack_turns import Turns

TIMEOUT_SECONDS = 15
RETRY_LATER = frozenset(
    {
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
    }
)
"""What Slack says where the trouble is its own and will be over:
https://docs.slack.dev/reference/methods/chat.postMessage#errors
"""
MOST_REFUSALS = 5
"""So often a call is refused for its rate before its caller hears of it."""
MOST_ANSWER_BYTES = 32 << 20
"""No answer of the Web API is as large; more is not kept in memory."""


@dataclass(frozen=True)
class _Reply:
    """An answer that was read to its end."""

    status: int
    headers: Headers
    text: str

    def makes_sense(self) -> bool:
        """Return whether it is what each method of the Web API answers: a JSON object."""
        try:
            return isinstance(json.loads(self.text), dict)
        except (ValueError, RecursionError):
            return False


class NoAnswer(SlackRequestError):
    """What came is no answer of Slack's: too large, broken off, or nothing that Slack ever says."""


class BoundedWebClient(WebClient):
    """slack_sdk's client, but an answer takes no longer than it may, and is no larger.

    slack_sdk itself reads to the end of an answer, however long that takes, and has no other place to change
    how it sends. An answer that makes no sense, a proxy's page for instance, is none.
    """

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        reply = _read(req, self.timeout, self.proxy, self.ssl)
        if reply.status >= HTTPStatus.MULTIPLE_CHOICES:
            # slack_sdk reads it from an error, as urllib would raise it.
            body = reply.text if reply.makes_sense() else "{}"
            del reply.headers["content-type"]  # its charset is for bytes that are not these
            raise HTTPError(url, reply.status, "", reply.headers, io.BytesIO(body.encode()))
        if not reply.makes_sense():
            raise NoAnswer("no JSON object")
        return {"status": reply.status, "headers": reply.headers, "body": reply.text}

    def _upload_file(
        self,
        *,
        url: str,
        data: bytes,
        logger: logging.Logger,
        timeout: int,
        proxy: str | None,
        ssl: ssl.SSLContext | None,
    ) -> FileUploadV2Result:
        request = Request(url, data, method="POST")  # noqa: S310 - it is opened where http and https are known
        reply = _read(request, timeout, proxy, ssl)
        return FileUploadV2Result(reply.status, reply.text)


def _read(request: Request, timeout: float, proxy: str | None, context: ssl.SSLContext | None) -> _Reply:
    """Return the answer to *request*.

    Raises OSError where none came in time, NoAnswer where it is too large or broken off.
    """
    try:
        answer = bounded_opener(proxy, context).open(request, timeout=timeout)
    except HTTPError as error:
        answer = error
    except HTTPException as error:
        raise _no_answer(error) from None
    with answer:
        try:
            body = answer.read(MOST_ANSWER_BYTES + 1)
        except HTTPException as error:
            raise _no_answer(error) from None
    if len(body) > MOST_ANSWER_BYTES:
        raise NoAnswer(f"too large, more than {MOST_ANSWER_BYTES >> 20} MiB")
    # JSON is UTF-8 (https://www.rfc-editor.org/rfc/rfc8259#section-8.1), whatever a header says.
    return _Reply(answer.status, answer.headers, body.decode("utf-8", "replace"))


def _no_answer(error: HTTPException) -> Exception:
    """Return *error* in slack_sdk's words, but for a cut connection: it knows when that is tried again."""
    return error if isinstance(error, OSError) else NoAnswer(type(error).__name__)


class TroubleRetryHandler(RetryHandler):
    """Tries again where Slack tells of trouble of its own under status 200, as others do under status 500."""

    def _can_retry(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        return response is not None and (response.body or {}).get("error") in RETRY_LATER


class SlackClient(BoundedWebClient):
    """Calls methods within the turns that it shares with others. Thread-safe."""

    def __init__(self, settings: SlackSettings, turns: Turns, handlers: Sequence[RetryHandler]) -> None:
        super().__init__(
            token=settings.bot_token.get_secret_value(),
            base_url=settings.api_url,
            timeout=TIMEOUT_SECONDS,
            retry_handlers=list(handlers),
        )
        self._turns = turns

    def api_call(self, api_method: str, **request: Any) -> SlackResponse:
        """Call a method when it is its turn.

        Raises SlackBusy where that would be later than the caller waits (`bot.slack_turns.waiting_at_most`).
        """
        channel = (request.get("json") or {}).get("channel")
        refusals = 0
        while True:
            self._turns.wait(api_method, channel)
            try:
                return super().api_call(api_method, **request)
            except SlackApiError as error:
                if not is_refused_for_its_rate(error.response):
                    raise
                self._turns.hold(api_method, channel, retry_after(error.response))
                refusals += 1
                if refusals > MOST_REFUSALS:
                    raise


def is_refused_for_its_rate(response: Any) -> bool:
    """Return whether Slack takes no more of these calls for now, and did not take this one."""
    data = response.data if isinstance(response.data, dict) else {}
    return response.status_code == HTTPStatus.TOO_MANY_REQUESTS or data.get("error") == "ratelimited"


def retry_after(response: Any) -> float:
    """Return for how many seconds Slack wants to be left alone.

    Source: https://docs.slack.dev/apis/web-api/rate-limits
    """
    told = {name.lower(): value for name, value in response.headers.items()}.get("retry-after", "")
    return float(told) if str(told).isdigit() else 1.0
