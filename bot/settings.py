"""The bot's settings: `toban.toml` for what a team decides, the environment for secrets and addresses.

Read once at the entry and passed on. All problems are reported together, and each says where the value was
looked for. Nothing here talks to the network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
)

from bot.errors import ConfigurationError
from bot.team_file import DEFAULT_CONFIG, TobanFile, load_team, sound_part

ENVIRONMENT: Mapping[str, str] = {
    "TOBAN_CONFIG": "path of the team's settings file",
    "TOBAN_DATABASE_URL": "database of the bot's flows and records",
    "TOBAN_STORE_URL": "object store of the function app (the bot itself does not open it)",
    "SLACK_BOT_TOKEN": "bot token of the Slack app (xoxb-…)",
    "SLACK_APP_TOKEN": "app-level token for Socket Mode (xapp-…)",
    "SLACK_SIGNING_SECRET": "signing secret of the Slack app, for HTTP mode",
    "SLACK_API_URL": "address of Slack's Web API, for a proxy or the playground",
    "TOBAN_FUNCTIONS_URL": "address of the function app",
    "TOBAN_FUNCTIONS_KEY": "host key of the function app",
    "TOBAN_HOOKS_SECRET": "secret with which webhooks to the bot are signed",
    "TOBAN_PUBLIC_URL": "address of the bot as services outside reach it, for callbacks",
    "GITHUB_TOKEN": "GitHub token that may read and start the workflows",
    "GITHUB_REVIEW_TOKEN": "token of the GitHub user who passes on what people decide about deployments",
    "GITHUB_APP_ID": "id of a GitHub App, instead of a token",
    "GITHUB_APP_PRIVATE_KEY": "private key of the GitHub App (PEM)",
    "GITHUB_APP_INSTALLATION_ID": "id of the GitHub App's installation",
    "GITHUB_API_URL": "address of GitHub's REST API, for Enterprise Server or the playground",
    "GITHUB_WEBHOOK_SECRET": "secret with which GitHub signs its webhooks to the bot",
    "MLFLOW_TRACKING_TOKEN": "token for the MLflow server named in toban.toml",
}
"""Every environment variable that the bot reads, with one line of meaning; `.env.example` explains them."""

SECRETS = (
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
    "TOBAN_FUNCTIONS_KEY",
    "TOBAN_DATABASE_URL",
    "TOBAN_HOOKS_SECRET",
    "GITHUB_TOKEN",
    "GITHUB_REVIEW_TOKEN",
    "GITHUB_APP_PRIVATE_KEY",
    "GITHUB_WEBHOOK_SECRET",
    "MLFLOW_TRACKING_TOKEN",
)
"""Those of them that nobody else may see."""

DEFAULT_DATABASE_URL = "sqlite:///.toban/bot.sqlite3"
DEFAULT_SLACK_API_URL = "https://slack.com/api/"
SHORTEST_SECRET = 16
"""A secret of fewer characters could be found by trying."""
DEFAULT_GITHUB_API_URL = "https://api.github.com"


class _Part(BaseModel):
    """A part of the settings, read once and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SlackSettings(_Part):
    """How to reach Slack, and with which secrets."""

    bot_token: SecretStr
    app_token: SecretStr | None = None
    signing_secret: SecretStr | None = None
    api_url: str = DEFAULT_SLACK_API_URL


class FunctionsSettings(_Part):
    """How to reach the function app. Time-outs are seconds for connecting and for the whole answer."""

    url: str
    key: SecretStr | None = None
    connect_seconds: float = 3.0
    read_seconds: float = 25.0


class GitHubAppSettings(_Part):
    """A GitHub App that the bot signs in as, and where it is installed."""

    app_id: str
    private_key: SecretStr
    installation_id: str


class GitHubSettings(_Part):
    """How to reach GitHub, as whom, and how its webhooks are signed; None: none is taken.

    `review_token` is of the user who approves deployments for people: an app cannot. Time-outs are seconds
    for connecting and for the whole answer.
    """

    api_url: str = DEFAULT_GITHUB_API_URL
    token: SecretStr | None = None
    app: GitHubAppSettings | None = None
    review_token: SecretStr | None = None
    webhook_secret: SecretStr | None = None
    connect_seconds: float = 3.0
    read_seconds: float = 20.0


class MlflowSettings(_Part):
    """How to reach MLflow. Time-outs are seconds for connecting and for the whole answer."""

    address: str
    token: SecretStr | None = None
    connect_seconds: float = 3.0
    read_seconds: float = 20.0


class Settings(_Part):
    """Everything the bot is told, read once.

    `github` is None where no repository is named, `mlflow` where no address is.
    """

    team: TobanFile
    slack: SlackSettings
    functions: FunctionsSettings
    github: GitHubSettings | None = None
    mlflow: MlflowSettings | None = None
    database_url: SecretStr
    secrets: dict[str, SecretStr] = Field(default_factory=dict)
    hooks_secret: SecretStr | None = None
    public_url: str | None = None

    def secret(self, name: str) -> str:
        """Return the secret that the settings file names by its environment variable."""
        return self.secrets[name].get_secret_value()


Mode = Literal["socket", "http"]


@dataclass(frozen=True)
class FoundSettings:
    """What was found of the settings, part by part, and everything that is wrong with them.

    A part is None where it is not set up, or is at fault; `problems` then says so. `team` lacks the tables
    that are at fault.
    """

    team: TobanFile | None
    slack: SlackSettings | None
    functions: FunctionsSettings | None
    github: GitHubSettings | None
    mlflow: MlflowSettings | None
    database_url: str | None
    secrets: Mapping[str, SecretStr]
    hooks: Mapping[str, Any]
    problems: tuple[str, ...]


def find_settings(env: Mapping[str, str], mode: Mode | None = None) -> FoundSettings:
    """Read `toban.toml` and the environment for *mode*, as far as they can be read; raises nothing.

    *mode* decides which Slack secrets are needed: Socket Mode wants the app token, HTTP the signing secret;
    None (command-line tools that only post) wants neither.
    """
    problems: list[str] = []
    path = Path(env.get("TOBAN_CONFIG") or DEFAULT_CONFIG)
    found: TobanFile | None
    try:
        found = load_team(path)
    except ConfigurationError as error:
        found = sound_part(path)
        problems += error.problems
    team = found or TobanFile()
    slack = _slack(env, mode, problems)
    functions = _functions(env, problems)
    github = _github(env, problems) if team.github.repositories or team.github.experiments else None
    database_url = env.get("TOBAN_DATABASE_URL") or DEFAULT_DATABASE_URL
    wrong_database = _database_problems(database_url)
    problems += wrong_database
    return FoundSettings(
        team=found,
        slack=slack,
        functions=functions,
        github=github,
        mlflow=_mlflow(env, team),
        database_url=None if wrong_database else database_url,
        secrets=_named_secrets(env, team, problems),
        hooks=_hooks(env, team, problems),
        problems=tuple(problems),
    )


def load_settings(env: Mapping[str, str], mode: Mode | None = None) -> Settings:
    """Read the settings for *mode*; raise ConfigurationError naming all problems at once."""
    found = find_settings(env, mode)
    team, slack, functions, database_url = found.team, found.slack, found.functions, found.database_url
    if found.problems or team is None or slack is None or functions is None or database_url is None:
        raise ConfigurationError(found.problems)
    return Settings(
        team=team,
        slack=slack,
        functions=functions,
        github=found.github,
        mlflow=found.mlflow,
        database_url=SecretStr(database_url),
        secrets=dict(found.secrets),
        **found.hooks,
    )


def _slack(env: Mapping[str, str], mode: Mode | None, problems: list[str]) -> SlackSettings | None:
    wanted: dict[str, tuple[str, ...]] = {"SLACK_BOT_TOKEN": ("xoxb-", "xoxp-", "xoxe.")}
    if mode == "socket":
        wanted["SLACK_APP_TOKEN"] = ("xapp-",)
    if mode == "http":
        wanted["SLACK_SIGNING_SECRET"] = ("",)
    for name, prefixes in wanted.items():
        value = env.get(name, "")
        if not value:
            problems.append(f"{name} is not set: {ENVIRONMENT[name]} (looked in the environment)")
        elif not value.startswith(prefixes):
            problems.append(
                f"{name} does not begin with {' or '.join(prefixes)}: is it another kind of token?"
            )
    api_url = env.get("SLACK_API_URL") or DEFAULT_SLACK_API_URL
    problems += _url_problems("SLACK_API_URL", api_url)
    if not env.get("SLACK_BOT_TOKEN"):
        return None
    return SlackSettings(
        bot_token=SecretStr(env["SLACK_BOT_TOKEN"]),
        app_token=_secret(env, "SLACK_APP_TOKEN"),
        signing_secret=_secret(env, "SLACK_SIGNING_SECRET"),
        api_url=api_url.rstrip("/") + "/",
    )


def _functions(env: Mapping[str, str], problems: list[str]) -> FunctionsSettings | None:
    url = env.get("TOBAN_FUNCTIONS_URL", "")
    if not url:
        problems.append(
            "TOBAN_FUNCTIONS_URL is not set: "
            f"{ENVIRONMENT['TOBAN_FUNCTIONS_URL']} (looked in the environment)"
        )
        return None
    problems += _url_problems("TOBAN_FUNCTIONS_URL", url)
    return FunctionsSettings(url=url.rstrip("/"), key=_secret(env, "TOBAN_FUNCTIONS_KEY"))


def _named_secrets(env: Mapping[str, str], team: TobanFile, problems: list[str]) -> dict[str, SecretStr]:
    """Return the secrets that the settings file names; none of the bot's own may be handed on."""
    found: dict[str, SecretStr] = {}
    for name, purpose in team.variables().items():
        if name in SECRETS:
            problems.append(f"{name} is the bot's own secret and cannot be {purpose}; name another variable")
        elif not env.get(name):
            problems.append(f"{name} is not set: {purpose} (looked in the environment)")
        else:
            found[name] = SecretStr(env[name])
    for table in team.webhooks:
        given = found.get(table.secret_from)
        if given is not None:
            problems += _short_secret(table.secret_from, given)
    return found


def _hooks(env: Mapping[str, str], team: TobanFile, problems: list[str]) -> dict[str, Any]:
    secret, url = _secret(env, "TOBAN_HOOKS_SECRET"), env.get("TOBAN_PUBLIC_URL") or None
    problems += _short_secret("TOBAN_HOOKS_SECRET", secret) if secret else []
    problems += _url_problems("TOBAN_PUBLIC_URL", url) if url else []
    if any(settings.callback for settings in team.endpoints()):
        names = {"TOBAN_HOOKS_SECRET": secret, "TOBAN_PUBLIC_URL": url}
        missing = [name for name, value in names.items() if not value]
        problems += [f"{name} is not set: {ENVIRONMENT[name]} (a command calls back)" for name in missing]
    return {"hooks_secret": secret, "public_url": url.rstrip("/") if url else None}


def _short_secret(name: str, secret: SecretStr) -> list[str]:
    if len(secret.get_secret_value()) >= SHORTEST_SECRET:
        return []
    return [f"{name} is too short: take at least {SHORTEST_SECRET} characters that nobody can guess"]


def _github(env: Mapping[str, str], problems: list[str]) -> GitHubSettings | None:
    """Return how GitHub is reached: a GitHub App goes before a token, because its tokens live an hour."""
    api_url = env.get("GITHUB_API_URL") or DEFAULT_GITHUB_API_URL
    problems += _url_problems("GITHUB_API_URL", api_url)
    signed = _secret(env, "GITHUB_WEBHOOK_SECRET")
    problems += _short_secret("GITHUB_WEBHOOK_SECRET", signed) if signed else []
    reviews = _secret(env, "GITHUB_REVIEW_TOKEN")
    reached = GitHubSettings(api_url=api_url.rstrip("/"), webhook_secret=signed, review_token=reviews)
    names = ("GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY", "GITHUB_APP_INSTALLATION_ID")
    missing = [name for name in names if not env.get(name)]
    if not missing:
        key = env["GITHUB_APP_PRIVATE_KEY"].replace("\\n", "\n")
        app = GitHubAppSettings(
            app_id=env[names[0]], private_key=SecretStr(key), installation_id=env[names[2]]
        )
        return reached.model_copy(update={"app": app})
    if len(missing) < len(names):
        problems += [
            f"{name} is not set: {ENVIRONMENT[name]} (looked in the environment)" for name in missing
        ]
    elif not env.get("GITHUB_TOKEN"):
        problems.append(
            "GITHUB_TOKEN is not set: [github] names repositories, so a token or a GitHub App is needed"
        )
    else:
        return reached.model_copy(update={"token": _secret(env, "GITHUB_TOKEN")})
    return None


def _mlflow(env: Mapping[str, str], team: TobanFile) -> MlflowSettings | None:
    if team.mlflow.address is None:
        return None
    return MlflowSettings(address=team.mlflow.address, token=_secret(env, "MLFLOW_TRACKING_TOKEN"))


def _secret(env: Mapping[str, str], name: str) -> SecretStr | None:
    value = env.get(name)
    return SecretStr(value) if value else None


def _url_problems(name: str, value: str) -> list[str]:
    if re.match(r"https?://[^/\s]+", value):
        return []
    return [f"{name} is {value!r}; allowed is an address beginning with http:// or https://"]


def _database_problems(value: str) -> list[str]:
    if re.match(r"(sqlite:///[^:?]|postgres(ql)?(\+psycopg)?://)", value):
        return []
    scheme, mark, _ = value.partition("://")
    seen = f"begins with {scheme!r}" if mark else "is no address"
    return [f"TOBAN_DATABASE_URL {seen}; allowed are sqlite:///path and postgresql://user@host/name"]
