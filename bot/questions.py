"""What `toban init` asks, as declared data: one question for each setting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TOML, ENV = "toban.toml", ".env"


@dataclass(frozen=True)
class Question:
    """One question. `name` is what it fills, in `file`; `secret` keeps the answer off the screen.

    `mode` limits it to Socket Mode or HTTP; `needed` says that there is no doing without; `choices`, where
    there are any, are the only answers.
    """

    name: str
    option: str
    metavar: str
    text: str
    file: str = ENV
    default: str = ""
    secret: bool = False
    needed: bool = False
    mode: Literal["socket", "http"] | None = None
    choices: tuple[str, ...] = ()

    def takes(self, answer: str) -> bool:
        """Return whether *answer* may be one."""
        return not self.choices or answer in self.choices

    @property
    def is_variable(self) -> bool:
        """Whether the answer is a variable of the environment, where it may be set already."""
        return self.name.isupper()


QUESTIONS = (
    Question(
        "mode",
        "--mode",
        "MODE",
        "socket (only outgoing connections) or http",
        default="socket",
        choices=("socket", "http"),
    ),
    Question(
        "SLACK_BOT_TOKEN",
        "--bot-token",
        "TOKEN",
        "bot token, xoxb-… (your app at api.slack.com/apps, OAuth & Permissions)",
        secret=True,
        needed=True,
    ),
    Question(
        "SLACK_APP_TOKEN",
        "--app-token",
        "TOKEN",
        "app-level token, xapp-… (Basic Information, App-Level Tokens, scope connections:write)",
        secret=True,
        needed=True,
        mode="socket",
    ),
    Question(
        "SLACK_SIGNING_SECRET",
        "--signing-secret",
        "SECRET",
        "signing secret (Basic Information, App Credentials)",
        secret=True,
        needed=True,
        mode="http",
    ),
    Question(
        "TOBAN_PUBLIC_URL",
        "--public-url",
        "ADDRESS",
        "address at which Slack reaches the bot, https://HOST",
        needed=True,
        mode="http",
    ),
    Question(
        "TOBAN_FUNCTIONS_URL",
        "--functions-url",
        "ADDRESS",
        "address of the function app",
        default="http://127.0.0.1:7071",
    ),
    Question(
        "TOBAN_FUNCTIONS_KEY",
        "--functions-key",
        "KEY",
        "host key of the function app (nothing: make one, for an app on this machine)",
        secret=True,
    ),
    Question("command", "--slash", "/NAME", "slash command", file=TOML, default="/ml"),
    Question(
        "owner",
        "--owner",
        "WHO",
        "who decides what goes into production: ids (U…) or @groups, with commas",
        file=TOML,
        needed=True,
    ),
    Question(
        "operator",
        "--operator",
        "WHO",
        "who may retrain and compare, too: ids or @groups, with commas (nothing: only the above)",
        file=TOML,
    ),
    Question(
        "channel",
        "--channel",
        "CHANNEL",
        "channel for a digest on each working day, as an id C… (nothing: no digest)",
        file=TOML,
    ),
)
"""In the order in which they are asked."""
