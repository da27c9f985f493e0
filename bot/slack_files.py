"""Files that people shared in Slack, read with the bot's token; the token goes nowhere else.

Source: https://docs.slack.dev/reference/objects/file-object
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import requests

from bot.bounded_http import bounded_request
from bot.errors import Refused, SlackUnreachable
from bot.slack_addresses import is_slacks
from ml.contract import Problem

HOSTS = frozenset({"files.slack.com", "files.slack-gov.com"})
"""Where Slack keeps files: https://docs.slack.dev/messaging/working-with-files#navigating"""
MOST_BYTES = 8 * 1024 * 1024
TIMEOUT_SECONDS = 15
PIECE = 64 * 1024


def read_file(file: dict[str, Any], token: str, api_url: str) -> bytes:
    """Return the bytes of a file as Slack describes it; at most 8 MiB.

    Raises Refused where it is too large, is elsewhere, or Slack does not hand it out; SlackUnreachable where
    Slack does not answer.
    """
    url = str(file.get("url_private_download") or file.get("url_private") or "")
    if not is_slacks(url, api_url, HOSTS):
        raise _refused("file_elsewhere", "Its address is not one of Slack's.")
    if int(file.get("size") or 0) > MOST_BYTES:
        raise _too_large()
    try:
        headers = {"authorization": f"Bearer {token}"}
        # A redirect, which is not followed, leads to the sign-in page, or to another host.
        with bounded_request("GET", url, headers=headers, timeout=TIMEOUT_SECONDS, stream=True) as reply:
            _prove(reply)
            content = bytearray()
            for piece in reply.iter_content(PIECE):
                content += piece
                if len(content) > MOST_BYTES:
                    raise _too_large()
            return bytes(content)
    except requests.RequestException as error:
        raise SlackUnreachable(f"file: {type(error).__name__}") from None


def _prove(reply: requests.Response) -> None:
    if reply.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or reply.status_code == 429:
        raise SlackUnreachable(f"file: status {reply.status_code}")
    page = reply.headers.get("content-type", "").startswith("text/html")
    if reply.status_code != HTTPStatus.OK or page:
        raise _refused(
            "file_not_given", "Invite me to the channel of the file; the app needs the scope files:read."
        )


def _too_large() -> Refused:
    return _refused("file_too_large", f"At most {MOST_BYTES // 1024 // 1024} MiB are read.")


def _refused(reason_code: str, detail: str) -> Refused:
    title = reason_code.replace("_", " ")
    return Refused(Problem(title=title, status=422, detail=detail, reason_code=reason_code))
