"""Answering at the address that came with a command or a button: Slack's own only, and no redirect.

The address comes in a request that Slack has signed, and is kept until it is used; whoever could put another
one there would make the bot post into any network that it can reach.
Source: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests

from bot.bounded_http import bounded_request
from bot.errors import SlackUnreachable
from bot.slack_addresses import is_slacks

log = logging.getLogger(__name__)

HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
TIMEOUT_SECONDS = 15


def respond(url: str, body: dict[str, Any], api_url: str) -> bool:
    """Send *body* to *url*; return False where it is not Slack's, or Slack does not take it any more.

    Raises SlackUnreachable where it may be taken later.
    """
    if not is_slacks(url, api_url, HOSTS):
        log.warning("response URL is not Slack's", extra={"host": _host(url)})
        return False
    try:
        # What else it answers is not read: with its status the message is taken, however the rest comes.
        with bounded_request("POST", url, json=body, timeout=TIMEOUT_SECONDS, stream=True) as reply:
            status = reply.status_code
    except requests.RequestException as error:
        raise SlackUnreachable(f"response_url: {type(error).__name__}") from None
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == 429:
        raise SlackUnreachable(f"response_url: status {status}")
    return status < HTTPStatus.MULTIPLE_CHOICES


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
