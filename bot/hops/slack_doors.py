"""How Slack reaches the bot: Socket Mode by the app token, or HTTP by signing secret and public address.

What cannot be proven is said: Slack tells nobody the signing secret of an app, so only Slack's own first
request shows that ours is that app's.
"""

from __future__ import annotations

import json
import re
import secrets
import socket
import time
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlsplit
from urllib.request import getproxies

import requests
from slack_sdk.signature import SignatureVerifier

from bot.bounded_http import bounded_request
from bot.errors import SlackRefused, SlackUnreachable
from bot.hops.hop import CONNECT_SECONDS, READ_SECONDS, Said, fail, ok, warn
from bot.hops.slack import APP_PAGE, call, slack_client, way_out
from bot.settings import SlackSettings

SHAPE = re.compile(r"[0-9a-f]{32}")
"""What Slack's signing secrets look like; not promised, so another one is only pointed at."""
EVENTS_PATH = "/slack/events"
MOST_ANSWER = 1000
"""Bytes of an answer among which its challenge is looked for."""
APP_TOKEN_FIX = (
    f"Make an app-level token with the scope connections:write at {APP_PAGE}, Basic Information, and turn on "
    "Socket Mode; put it into SLACK_APP_TOKEN."
)
SECRET_FIX = f"Copy the Signing Secret from {APP_PAGE}, Basic Information, into SLACK_SIGNING_SECRET."


class DoorsHop:
    """Asks the door that the settings name; both where both are named."""

    def __init__(self, settings: SlackSettings, public_url: str | None) -> None:
        self._settings = settings
        self._public_url = public_url

    def ask(self) -> Iterator[Said]:
        """Yield how each door stands."""
        app_token, secret = self._settings.app_token, self._settings.signing_secret
        if app_token is None and secret is None:
            text = "neither SLACK_APP_TOKEN (Socket Mode) nor SLACK_SIGNING_SECRET (HTTP) is set"
            yield fail("way in", text, f"{APP_TOKEN_FIX} For HTTP instead: {SECRET_FIX}")
        if app_token is not None:
            yield self._app_token(app_token.get_secret_value())
        if secret is not None:
            yield from self._signing(secret.get_secret_value())

    def _app_token(self, token: str) -> Said:
        """Ask for a socket's address without taking it: a second socket would get some of the requests."""
        try:
            reply = call(slack_client(self._settings.api_url, token), "apps.connections.open")
        except SlackRefused as refusal:
            return fail("app token", f"Slack answered {refusal.code}", APP_TOKEN_FIX)
        except SlackUnreachable as error:
            text = f"Slack does not answer: {error}"
            return fail("app token", text, way_out(self._settings.api_url))
        return _socket(str(reply["url"]))

    def _signing(self, secret: str) -> Iterator[Said]:
        if not SHAPE.fullmatch(secret):
            text = "it does not look like Slack's, which are 32 digits and letters a to f"
            yield warn("signing secret", text, SECRET_FIX)
        elif self._public_url is None:
            text = "it looks right; that it is this app's shows only in Slack's first request"
            yield ok("signing secret", text)
        if self._public_url is not None:
            yield from _public(self._public_url, secret)


def _socket(url: str) -> Said:
    """Say whether the socket's host can be reached; by a proxy that is left to the bot's own start."""
    parts = urlsplit(url)
    if {"http", "https"} & getproxies().keys():
        return ok("app token", "Slack gives a socket (reached by the proxy)")
    port = parts.port or (443 if parts.scheme == "wss" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), CONNECT_SECONDS).close()
    except OSError as error:
        fix = f"Let this machine reach {parts.hostname} on port {port}, or use HTTP mode."
        return fail(
            "app token", f"Slack gives a socket, but its host cannot be reached ({error.strerror})", fix
        )
    return ok("app token", "Slack gives a socket, and its host can be reached")


def _public(public_url: str, secret: str) -> Iterator[Said]:
    """Send the bot a signed and a forged request by its public address, as Slack would."""
    address = public_url + EVENTS_PATH
    start = f"Start the bot with `toban up --http`, and let {public_url} lead to it."
    try:
        signed, answer = _send(address, secret)
        forged, _ = _send(address, secrets.token_hex(16))
    except requests.RequestException as error:
        yield warn("public address", f"nothing answers at {address} ({type(error).__name__})", start)
        return
    if forged == HTTPStatus.OK:
        fix = "Whatever answers there takes anybody's requests: let the address lead to `toban up --http`."
        yield fail("public address", f"{address} takes requests with a forged signature", fix)
    elif signed == HTTPStatus.OK and answer:
        text = f"the bot at {address} has this signing secret and refuses a forged one"
        yield ok("public address", f"{text}; that it is this app's shows only in Slack's first request")
    elif signed == HTTPStatus.UNAUTHORIZED:
        fix = f"{SECRET_FIX} Then start the bot again."
        yield fail("public address", f"the bot at {address} refuses a request signed with this secret", fix)
    else:
        yield fail("public address", f"{address} answers with status {signed}, not as the bot", start)


def _send(address: str, secret: str) -> tuple[int, bool]:
    """Send Slack's question whether an address is the app's; return the status and whether it was answered.

    Source: https://docs.slack.dev/reference/events/url_verification
    """
    challenge = secrets.token_hex(8)
    body = json.dumps({"type": "url_verification", "challenge": challenge})
    now = str(int(time.time()))
    headers = {
        "content-type": "application/json",
        "x-slack-request-timestamp": now,
        "x-slack-signature": SignatureVerifier(secret).generate_signature(timestamp=now, body=body) or "",
    }
    waits = (CONNECT_SECONDS, READ_SECONDS)
    with bounded_request("POST", address, data=body, headers=headers, timeout=waits, stream=True) as reply:
        return reply.status_code, challenge.encode() in next(reply.iter_content(MOST_ANSWER), b"")
