"""Who calls, and what they may do: people's tokens, an app's JWT, installation tokens, tokens of jobs."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from playground.github.errors import ApiError, not_found
from playground.github.settings import Clock, Settings

# https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
JWT_SECONDS_MOST = 600
# How far an app's clock may be off before it is told so.
CLOCK_SECONDS = 60


@dataclass(frozen=True)
class Identity:
    """Who a request comes from; None for repositories or permissions means all of them."""

    login: str
    kind: str
    key: str
    repositories: frozenset[str] | None = None
    permissions: Mapping[str, str] | None = None
    expires_at: float | None = None

    def sees(self, repository: str, private: bool) -> bool:
        """Tell whether the repository exists for them."""
        if self.kind == "anonymous":
            return not private
        return self.repositories is None or repository.lower() in self.repositories

    def may(self, permission: str, level: str) -> bool:
        """Tell whether they may read or write one kind of thing."""
        if self.kind == "anonymous":
            return level == "read"
        if self.permissions is None or permission == "metadata":
            return True
        granted = self.permissions.get(permission)
        return granted == "write" or (granted == "read" and level == "read")


ANONYMOUS = Identity("", "anonymous", "anonymous")


class Access:
    """The tokens that are good now."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._tokens: dict[str, Identity] = {}
        self.expired: set[str] = set()
        for token in settings.tokens:
            self.add(token.token.get_secret_value(), token.login, token.repositories, token.permissions)

    def add(
        self,
        token: str,
        login: str,
        repositories: tuple[str, ...] | None = None,
        permissions: Mapping[str, str] | None = None,
        seconds: float | None = None,
        kind: str = "user",
    ) -> Identity:
        """Make *token* good for *login*."""
        names = None if repositories is None else frozenset(name.lower() for name in repositories)
        expires_at = None if seconds is None else self._clock() + seconds
        self._tokens[token] = Identity(login, kind, f"{kind}:{login}", names, permissions, expires_at)
        return self._tokens[token]

    def issue(self, prefix: str, **fields: Any) -> tuple[str, Identity]:
        """Return a fresh token and whose it is."""
        token = prefix + secrets.token_hex(20)
        return token, self.add(token, **fields)

    def forget(self, token: str) -> None:
        """Make a token bad."""
        self._tokens.pop(token, None)

    def forget_login(self, login: str) -> int:
        """Make every token of one login bad; return how many there were."""
        gone = [token for token, identity in self._tokens.items() if identity.login == login]
        for token in gone:
            del self._tokens[token]
        return len(gone)

    def identify(self, authorization: str | None) -> Identity:
        """Return who an Authorization header names.

        Raises ApiError 401 for a token that is wrong or has expired, even where none is needed.
        """
        if not authorization:
            return ANONYMOUS
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() not in ("bearer", "token"):
            raise ApiError(401, "Bad credentials")
        if token.count(".") == 2:
            return self._identify_app(token)
        identity = self._tokens.get(token)
        if identity is None or (identity.expires_at is not None and identity.expires_at <= self._clock()):
            raise ApiError(401, "Bad credentials")
        return identity

    def _identify_app(self, token: str) -> Identity:
        app = self._settings.app
        if app is None:
            raise ApiError(401, "A JSON web token could not be decoded")
        try:
            # Times are judged below, by the settings' clock.
            claims = jwt.decode(
                token,
                app.public_key,
                algorithms=["RS256"],
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
        except jwt.InvalidTokenError as error:
            raise ApiError(401, "A JSON web token could not be decoded") from error
        if str(claims.get("iss")) not in (str(app.id), app.client_id):
            raise ApiError(404, "Integration not found")
        self._prove_times(claims)
        return Identity(f"{app.slug}[bot]", "app", f"app:{app.slug}")

    def _prove_times(self, claims: Mapping[str, Any]) -> None:
        now, issued, expires = self._clock(), claims.get("iat"), claims.get("exp")
        if not isinstance(expires, int) or expires <= now:
            raise ApiError(
                401,
                "'Expiration time' claim ('exp') must be a numeric value representing the future time "
                "at which the assertion expires",
            )
        if expires > now + JWT_SECONDS_MOST + CLOCK_SECONDS:
            raise ApiError(401, "'Expiration time' claim ('exp') is too far in the future")
        if not isinstance(issued, int) or issued > now + CLOCK_SECONDS:
            raise ApiError(
                401,
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion "
                "was issued",
            )


def prove_permission(identity: Identity, permission: str, level: str, repository: str, private: bool) -> None:
    """Raise 404 when the repository is not theirs to see, 403 when they may not do this to it."""
    if not identity.sees(repository, private):
        raise not_found()
    if identity.may(permission, level):
        return
    if identity.kind == "anonymous":
        raise ApiError(401, "Requires authentication")
    whom = "personal access token" if identity.kind == "user" else "integration"
    accepted = {"x-accepted-github-permissions": f"{permission}={level}"}
    raise ApiError(403, f"Resource not accessible by {whom}", headers=accepted)
