"""Who the bot is to GitHub: a token as given, or a GitHub App whose tokens are fetched and renewed in time.

Sources: https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Protocol

import jwt
from pydantic import BaseModel, SecretStr, ValidationError

from bot.connectors.wire import HttpCall, HttpReply, Sender
from bot.errors import GitHubUnreachable, Refused
from bot.settings import GitHubAppSettings, GitHubSettings
from ml.contract import Problem

CLOCK_SKEW = timedelta(seconds=60)
JWT_LIFE = timedelta(minutes=9)
"""GitHub takes at most ten minutes, and advises a minute for clocks that differ."""
RENEW_BEFORE = timedelta(minutes=5)


class Auth(Protocol):
    """Gives the token for the next request."""

    def token(self) -> str:
        """Return a token that is good for minutes. Raises Refused where GitHub does not know the app."""

    def renew(self) -> bool:
        """Forget the present token, which GitHub refused; False where there can be no other."""


class TokenAuth:
    """A token from the environment."""

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    def token(self) -> str:
        """Return the token."""
        return self._token.get_secret_value()

    def renew(self) -> bool:
        """Say that there is no other."""
        return False


class InstallationToken(BaseModel):
    """What GitHub gives an app for an installation; lives an hour."""

    token: SecretStr
    expires_at: datetime


class AppAuth:
    """A GitHub App's installation token, fetched on first use and again shortly before it expires."""

    def __init__(self, app: GitHubAppSettings, sender: Sender, now: Callable[[], datetime]) -> None:
        self._app = app
        self._sender = sender
        self._now = now
        self._lock = threading.Lock()
        self._held: InstallationToken | None = None

    def token(self) -> str:
        """Return the installation's token; one thread fetches it, the others wait for that."""
        with self._lock:
            if self._held is None or self._held.expires_at - RENEW_BEFORE <= self._now():
                self._held = read_token(self._sender.send(build_token(self._app, self._now())))
            return self._held.token.get_secret_value()

    def renew(self) -> bool:
        """Forget the token, so that the next request fetches one."""
        with self._lock:
            self._held = None
        return True


def build_token(app: GitHubAppSettings, now: datetime) -> HttpCall:
    """Return the call that fetches an installation token, signed with the app's private key.

    Raises Refused where the key is none.
    """
    claims = {
        "iat": int((now - CLOCK_SKEW).timestamp()),
        "exp": int((now + JWT_LIFE).timestamp()),
        "iss": app.app_id,
    }
    try:
        signed = jwt.encode(claims, app.private_key.get_secret_value(), algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        raise _rejected("GITHUB_APP_PRIVATE_KEY is not an RSA key in PEM form.") from None
    path = f"/app/installations/{app.installation_id}/access_tokens"
    return HttpCall("POST", path, headers={"authorization": f"Bearer {signed}"}, repeatable=True)


def read_token(reply: HttpReply) -> InstallationToken:
    """Return the token; raise Refused where GitHub knows no such app, key or installation."""
    if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
        raise _rejected(
            "GITHUB_APP_ID, GITHUB_APP_PRIVATE_KEY and GITHUB_APP_INSTALLATION_ID do not belong together."
        )
    if reply.status != HTTPStatus.CREATED:
        raise GitHubUnreachable(f"status {reply.status} instead of a token")
    try:
        return InstallationToken.model_validate(reply.body)
    except ValidationError:
        raise GitHubUnreachable("an answer that is not a token") from None


def make_auth(settings: GitHubSettings, sender: Sender, now: Callable[[], datetime] | None = None) -> Auth:
    """Return how to sign in by *settings*."""
    if settings.app is not None:
        return AppAuth(settings.app, sender, now or _now)
    return TokenAuth(settings.token or SecretStr(""))


def _now() -> datetime:
    return datetime.now(UTC)


def _rejected(detail: str) -> Refused:
    return Refused(
        Problem(
            title="GitHub does not accept the bot",
            status=HTTPStatus.UNAUTHORIZED,
            detail=detail,
            reason_code="github_rejected_token",
        )
    )
