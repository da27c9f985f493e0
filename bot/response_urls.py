"""Answering at the address that came with a command or a button: Slack's own only, and no redirect.

The address comes in a request that Slack has signed, and is kept until it is used; whoever could put another
one there would make the bot post into any network that it can reach.
Source: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from __future__ import annotations

import ipaddress
import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests

from bot.errors import SlackUnreachable

log = logging.getLogger(__name__)

HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
TIMEOUT_SECONDS = 15


def is_slacks(url: str, api_url: str) -> bool:
    """Return whether *url* is one at which Slack takes answers.

    That is its own host by https. Where the settings name another server for the Web API, that one is good as
    well, on any port: of a workspace on this machine, any address of this machine.
    """
    try:
        asked, api = urlsplit(url), urlsplit(api_url)
        host, port, api_host = asked.hostname or "", asked.port, api.hostname or ""
        plain = "@" not in asked.netloc
        if asked.scheme == "https" and host in HOSTS:
            return plain and port in (None, 443)
        if asked.scheme != api.scheme:
            return False
    except ValueError:  # a port that is no number, an address in brackets that is none
        return False
    return plain and (host == api_host or (_is_loopback(host) and _is_loopback(api_host)))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def respond(url: str, body: dict[str, Any], api_url: str) -> bool:
    """Send *body* to *url*; return False where it is not Slack's, or Slack does not take it any more.

    Raises SlackUnreachable where it may be taken later.
    """
    if not is_slacks(url, api_url):
        log.warning("response URL is not Slack's", extra={"host": _host(url)})
        return False
    try:
        reply = requests.post(url, json=body, timeout=TIMEOUT_SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        raise SlackUnreachable(f"response_url: {type(error).__name__}") from None
    if reply.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR or reply.status_code == 429:
        raise SlackUnreachable(f"response_url: status {reply.status_code}")
    return reply.status_code < HTTPStatus.MULTIPLE_CHOICES


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
