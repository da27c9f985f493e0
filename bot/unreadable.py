"""What comes to Slack's doors and cannot be read: refused in a sentence, and not asked for again."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from slack_bolt import BoltResponse

from bot.health import Wsgi
from bot.wsgi import refusal, send

log = logging.getLogger(__name__)

SIGNATURE, TIMESTAMP = "HTTP_X_SLACK_SIGNATURE", "HTTP_X_SLACK_REQUEST_TIMESTAMP"
LACKING = (KeyError, IndexError, AttributeError, TypeError, ValueError)
"""What a door raises that looks for something where Slack's documentation has it, and where it is not."""
_TIME = re.compile(r"[0-9]{1,12}")


def readable_only(door: Wsgi) -> Wsgi:
    """Return *door* so that what Bolt cannot read is refused.

    Bolt reads the body before the signature, compares signatures of ASCII only, and takes every time for a
    whole number.
    """

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not str(environ.get(SIGNATURE, "")).isascii():
            return send(refusal(401, "bad_signature", "The signature is none of Slack's."), start_response)
        if not _TIME.fullmatch(str(environ.get(TIMESTAMP, "0"))):
            return send(refusal(401, "bad_signature", "The time is none of Slack's."), start_response)
        try:
            return door(environ, start_response)
        except Exception as error:  # noqa: BLE001 - bytes of anybody; what a listener raises, Bolt has answered
            log.warning("request could not be read", extra={"reason": type(error).__name__})
            return send(refusal(400, "malformed_request", "The body cannot be read."), start_response)

    return serve


def answer_error(error: Exception) -> BoltResponse | None:
    """Return the answer to a signed request on which a door failed; None leaves it to Bolt, which says 500.

    Slack sends again what was answered by 500, which is right where the database was away. What lacks a part
    will lack it then too: https://docs.slack.dev/apis/events-api/#turn-off-retries
    """
    if not isinstance(error, LACKING):
        log.error("request failed", exc_info=error)
        return None
    at = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(at.filename).name}:{at.lineno}"
    log.warning("request could not be read", extra={"reason": repr(error)[:200], "at": where})
    problem = refusal(400, "malformed_request", "The request lacks what Slack says it has.")
    return BoltResponse(status=problem.status, body=problem.body, headers={"x-slack-no-retry": "1"})
