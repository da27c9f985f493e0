"""What a loopback Slack is started with."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from playground.slack.workspace import Workspace, default_workspace

Clock = Callable[[], float]


class Shortcut(BaseModel):
    """One registered shortcut: https://docs.slack.dev/reference/app-manifest#features"""

    model_config = ConfigDict(frozen=True)

    callback_id: str
    name: str
    type: Literal["global", "message"]
    description: str = ""


class Settings(BaseModel):
    """Everything that can be chosen about a loopback Slack; the defaults suit a demo on one machine."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    port: int = Field(default=0, ge=0, le=65535, description="0 takes a free port")
    app_url: str | None = Field(
        default=None, description="where the app listens; without it deliveries use Socket Mode"
    )
    state: Path | None = Field(
        default=None, description="folder that keeps channels and messages over a restart"
    )
    signing_secret: SecretStr = SecretStr("loopback-signing-secret")
    bot_token: SecretStr = SecretStr("xoxb-" + "loopback")
    app_token: SecretStr = SecretStr("xapp-" + "loopback")
    scopes: tuple[str, ...] | None = Field(
        default=None, description="scopes of the bot token; None grants all"
    )
    commands: tuple[str, ...] | None = Field(
        default=None, description="registered slash commands; None takes any"
    )
    escape_commands: bool = Field(
        default=False, description="Slack's “Escape channels, users, and links” setting"
    )
    events: tuple[str, ...] = Field(
        default=("app_mention", "app_home_opened"),
        description="subscribed events: app_mention, app_home_opened, file_shared, message, message.im …",
    )
    shortcuts: tuple[Shortcut, ...] | None = Field(
        default=None, description="registered shortcuts; None takes any"
    )
    home_tab: bool = Field(default=True, description="whether the app's Home tab is switched on")
    enforce_tiers: bool = Field(default=False, description="answer 429 when a method's tier is exceeded")
    # https://docs.slack.dev/interactivity/handling-user-interaction: acknowledge within 3 seconds
    ack_seconds: float = Field(default=3.0, gt=0)
    # https://docs.slack.dev/interactivity/handling-user-interaction: a trigger_id expires after 3 seconds
    trigger_seconds: float = Field(default=3.0, gt=0)
    # https://docs.slack.dev/interactivity/handling-user-interaction: 5 uses within 30 minutes
    response_url_seconds: float = Field(default=1800.0, gt=0)
    response_url_uses: int = Field(default=5, ge=1)
    # https://docs.slack.dev/apis/events-api: up to three retries: at once, after a minute, after five minutes
    retry_seconds: tuple[float, ...] = (0.0, 60.0, 300.0)
    clock: Clock = Field(default=time.time, description="seconds since 1970; tests put their own here")
    workspace: Workspace = Field(default_factory=default_workspace)
