"""What a loopback GitHub is started with."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

Clock = Callable[[], float]
Level = Literal["read", "write"]

DEFAULT_TOKEN = SecretStr("ghp_" + "loopback")
APP_PERMISSIONS: dict[str, Level] = {
    "actions": "write",
    "checks": "read",
    "contents": "read",
    "deployments": "write",
    "issues": "write",
    "metadata": "read",
}


class _Chosen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Environment(_Chosen):
    """A deployment environment and what protects it.

    https://docs.github.com/en/actions/reference/deployments-and-environments
    """

    reviewers: tuple[str, ...] = Field(default=(), description="logins of whom one has to approve")
    prevent_self_review: bool = False
    wait_minutes: int = Field(default=0, ge=0, le=43_200)
    secrets: dict[str, SecretStr] = Field(default_factory=dict)
    variables: dict[str, str] = Field(default_factory=dict)


class Repository(_Chosen):
    """One repository: a folder with a git repository in it."""

    path: Path
    private: bool = True
    description: str | None = None
    secrets: dict[str, SecretStr] = Field(default_factory=dict)
    variables: dict[str, str] = Field(default_factory=dict)
    environments: dict[str, Environment] = Field(default_factory=dict)


class Token(_Chosen):
    """A person's token and what it may do; None means everything."""

    login: str
    token: SecretStr
    repositories: tuple[str, ...] | None = None
    permissions: dict[str, Level] | None = None


class App(_Chosen):
    """A GitHub App that is installed on every repository.

    https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
    """

    id: int = 1
    client_id: str = "Iv23loopback"
    slug: str = "toban"
    installation_id: int = 101
    public_key: str = Field(description="PEM of the RSA key whose private half the app signs with")
    permissions: dict[str, Level] = Field(default_factory=lambda: dict(APP_PERMISSIONS))


class Settings(_Chosen):
    """Everything that can be chosen about a loopback GitHub; the defaults suit a demo on one machine."""

    port: int = Field(default=0, ge=0, le=65_535, description="0 takes a free port")
    repositories: dict[str, Repository] = Field(default_factory=dict, description="by owner/name")
    ids_from: int = Field(
        default=0, ge=0, description="added to every first number, so that none comes again after a restart"
    )
    tokens: tuple[Token, ...] = (Token(login="toban", token=DEFAULT_TOKEN),)
    app: App | None = None
    webhook_url: str | None = None
    webhook_secret: SecretStr = SecretStr("loopback-webhook-secret")
    # https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    requests_per_hour: int = Field(default=5_000, ge=1)
    searches_per_minute: int = Field(default=30, ge=1)
    points_per_minute: int = Field(default=900, ge=1, description="of the secondary limit")
    enforce_secondary: bool = Field(default=False, description="answer 403 beyond the secondary limit")
    # https://docs.github.com/en/apps/creating-github-apps: an installation token lives for an hour
    installation_token_seconds: float = Field(default=3_600.0, gt=0)
    # https://docs.github.com/en/webhooks: a receiver has 10 seconds
    ack_seconds: float = Field(default=10.0, gt=0)
    runners: int = Field(default=4, ge=1, description="jobs that run at once")
    minute_seconds: float = Field(
        default=60.0, gt=0, description="length of a minute in time-outs and timers"
    )
    # https://docs.github.com/en/actions/reference/workflow-cancellation-reference
    # SIGINT, after 7.5 s SIGTERM, after 2.5 s SIGKILL
    interrupt_seconds: float = Field(default=7.5, gt=0)
    terminate_seconds: float = Field(default=2.5, gt=0)
    environ: dict[str, str] = Field(
        default_factory=dict, description="variables of this machine that steps see besides PATH, LANG and TZ"
    )
    links: dict[str, Path] = Field(
        default_factory=dict, description="names in the workspace that lead elsewhere on this machine"
    )
    clock: Clock = Field(default=time.time, description="seconds since 1970; tests put their own here")
