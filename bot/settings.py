"""The bot's settings: `toban.toml` for what a team decides, the environment for secrets and addresses.

Read once at the entry and passed on. Unknown keys are refused, all problems are reported together, and each
says where the value was looked for. Nothing here talks to the network.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from croniter import croniter
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from bot.command_tables import COMMAND_PATTERN, CommandTable, HooksTable, WebhookTable
from bot.commands import COMMANDS
from bot.connectors.http import CallSettings
from bot.deployment_tables import (
    LOGIN_PATTERN,
    TARGET_PATTERN,
    WORKFLOW_FILE_PATTERN,
    DeploymentTable,
    RepositoryName,
)
from bot.errors import ConfigurationError
from bot.jobs import WEBHOOK, Role
from ml.contract import MODEL_NAME_PATTERN, ModelSettings

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

DEFAULT_CONFIG = "toban.toml"
DEFAULT_DATABASE_URL = "sqlite:///.toban/bot.sqlite3"
DEFAULT_SLACK_API_URL = "https://slack.com/api/"
SHORTEST_SECRET = 16
"""A secret of fewer characters could be found by trying."""
MOST_SHOWN = 120
"""So many characters of a value at fault are shown."""
DEFAULT_GITHUB_API_URL = "https://api.github.com"


class _Table(BaseModel):
    """A table of `toban.toml`: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BotTable(_Table):
    """`[bot]`: how the bot is called and how long it waits for people.

    `command` is the slash command registered with Slack; Slack allows lower-case letters, digits, hyphens and
    underscores (https://docs.slack.dev/interactivity/implementing-slash-commands).
    """

    command: Annotated[str, StringConstraints(pattern=r"^/[a-z0-9_-]{1,31}$")] = "/ml"
    name: Annotated[str, StringConstraints(min_length=1, max_length=35)] = "Toban"
    decision_days: Annotated[float, Field(gt=0, le=365)] = 7.0


class RolesTable(_Table):
    """`[roles]`: who holds which role, as Slack user ids (`U…`), user group ids (`S…`) or `@handle`s, or `*`.

    `webhook` stands for whatever signs its requests with the secret of webhooks; `*` does not include it.

    A higher role includes the lower ones: an owner may what an operator may, an operator what a viewer may.
    """

    viewer: tuple[str, ...] = ("*",)
    operator: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()

    @field_validator("viewer", "operator", "owner")
    @classmethod
    def _known_forms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for item in value:
            if item != WEBHOOK and not re.fullmatch(r"\*|[UWS][A-Z0-9]{2,}|@[a-z0-9._-]+", item):
                raise ValueError(
                    f"{item!r} is none of: a user id (U…), a user group id (S…), a user group @handle, "
                    f"{WEBHOOK}, or *"
                )
        return value

    def members(self, role: Role) -> tuple[str, ...]:
        """Return the entries that hold exactly *role*."""
        return {"viewer": self.viewer, "operator": self.operator, "owner": self.owner}[role]


class DigestTable(_Table):
    """One `[[digests]]` table: when (cron of five fields in a time zone) and where a digest is posted."""

    name: Annotated[str, StringConstraints(pattern=MODEL_NAME_PATTERN)] = "daily"
    cron: str
    time_zone: str = "UTC"
    channel: str
    models: tuple[str, ...] = ()

    @field_validator("cron")
    @classmethod
    def _valid_cron(cls, value: str) -> str:
        if len(value.split()) != 5 or not croniter.is_valid(value):
            raise ValueError(f"{value!r} is not a cron expression of five fields, for instance '0 9 * * 1-5'")
        return value

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return _zone(value)

    @property
    def zone(self) -> ZoneInfo:
        """The digest's time zone."""
        return ZoneInfo(self.time_zone)


class WorkflowTable(_Table):
    """One `[[github.workflows]]` table: what is special about starting a workflow file.

    `repository` limits it to one repository; None means all. A role that is named includes the higher ones.
    """

    file: Annotated[str, StringConstraints(pattern=WORKFLOW_FILE_PATTERN)]
    repository: RepositoryName | None = None
    roles: tuple[Literal["operator", "owner"], ...] = ("operator",)
    confirm: bool = False

    @field_validator("roles")
    @classmethod
    def _somebody(cls, value: tuple[Role, ...]) -> tuple[Role, ...]:
        if not value:
            raise ValueError("name at least one role: operator or owner")
        return value


class GitHubTable(_Table):
    """`[github]`: the repositories whose workflows people may start, what is special about some, what is
    deployed from them, and which login of GitHub each Slack user has.

    `experiments` is the repository whose issues hold the experiments, each with the label `experiment_label`.
    """

    repositories: tuple[RepositoryName, ...] = ()
    experiments: RepositoryName | None = None
    experiment_label: Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=r"^[^,]+$")] = (
        "experiment"
    )
    workflows: tuple[WorkflowTable, ...] = ()
    people: dict[
        Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]{2,}$")],
        Annotated[str, StringConstraints(pattern=LOGIN_PATTERN)],
    ] = Field(default_factory=dict)
    deployments: dict[Annotated[str, StringConstraints(pattern=TARGET_PATTERN)], DeploymentTable] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _repositories_of_deployments(self) -> GitHubTable:
        for name, table in self.deployments.items():
            if table.repository not in self.repositories:
                raise ValueError(f"deployments.{name} needs {table.repository} in repositories")
        return self

    @field_validator("people")
    @classmethod
    def _one_login_each(cls, value: dict[str, str]) -> dict[str, str]:
        logins = [login.casefold() for login in value.values()]
        doubled = sorted({login for login in logins if logins.count(login) > 1})
        if doubled:
            raise ValueError(f"two people cannot be one login: {', '.join(doubled)}")
        return value

    def login(self, user: str) -> str | None:
        """Return the login of a Slack user, or None."""
        return self.people.get(user)

    def user(self, login: str) -> str | None:
        """Return the Slack user who has *login*, or None."""
        return next((one for one, known in self.people.items() if known.casefold() == login.casefold()), None)

    def workflow(self, repository: str, file: str) -> WorkflowTable:
        """Return what is set for a workflow file: its repository's own table goes before one for all."""
        named = [table for table in self.workflows if table.file == file]
        own = [table for table in named if table.repository == repository]
        for_all = [table for table in named if table.repository is None]
        return next(iter([*own, *for_all]), WorkflowTable(file=file))


class MlflowTable(_Table):
    """`[mlflow]`: where an MLflow model registry is, and which roles may decide where its aliases point."""

    address: Annotated[str, StringConstraints(pattern=r"^https?://[^/\s]\S*$")] | None = None
    approvers: Annotated[tuple[Role, ...], Field(min_length=1)] = ("owner",)


class TobanFile(_Table):
    """The whole of `toban.toml`."""

    bot: BotTable = BotTable()
    roles: RolesTable = RolesTable()
    models: dict[Annotated[str, StringConstraints(pattern=MODEL_NAME_PATTERN)], ModelSettings] = Field(
        default_factory=dict
    )
    digests: tuple[DigestTable, ...] = ()
    github: GitHubTable = GitHubTable()
    mlflow: MlflowTable = MlflowTable()
    commands: dict[Annotated[str, StringConstraints(pattern=COMMAND_PATTERN)], CommandTable] = Field(
        default_factory=dict
    )
    hooks: HooksTable | None = None
    webhooks: tuple[WebhookTable, ...] = ()

    @field_validator("digests", "webhooks")
    @classmethod
    def _distinct_names(cls, value: tuple[Any, ...]) -> tuple[Any, ...]:
        names = [table.name for table in value]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"their names must differ; used twice: {', '.join(doubled)}")
        return value

    @field_validator("commands")
    @classmethod
    def _free_names(cls, value: dict[str, CommandTable]) -> dict[str, CommandTable]:
        taken = sorted(value.keys() & COMMANDS.keys())
        if taken:
            raise ValueError(f"there is a built-in command {', '.join(taken)}; take another name")
        return value

    @model_validator(mode="after")
    def _known_repositories(self) -> TobanFile:
        for name, table in self.commands.items():
            workflow = table.github_actions
            if workflow is not None and workflow.repository not in self.github.repositories:
                raise ValueError(f"commands.{name} needs {workflow.repository} in [github] repositories")
        for name, model in self.models.items():
            if model.retrain is not None and model.retrain.repository not in self.github.repositories:
                needed = model.retrain.repository
                raise ValueError(f"models.{name}.retrain needs {needed} in [github] repositories")
        return self

    def endpoints(self) -> Iterator[CallSettings]:
        """Yield the settings of every endpoint that a command calls."""
        for table in self.commands.values():
            endpoint = table.http or table.azure_functions
            if endpoint is not None:
                yield endpoint

    def channels(self) -> dict[str, list[str]]:
        """Return every channel that the file names, with the tables that name it."""
        named = [(table.channel, f"models.{name}") for name, table in self.models.items()]
        named += [(table.channel, f"digests ({table.name})") for table in self.digests]
        named += [(self.hooks.channel, "hooks")] if self.hooks else []
        found: dict[str, list[str]] = {}
        for channel, where in named:
            if channel:
                found.setdefault(channel, []).append(where)
        return found

    def variables(self) -> dict[str, str]:
        """Return the environment variables that the file names for secrets, with what each is for."""
        of_commands = {
            name: f"a header of the command {verb}"
            for verb, table in self.commands.items()
            for name in table.variables()
        }
        return of_commands | {
            one.secret_from: f"the secret of the webhook {one.name}" for one in self.webhooks
        }


class SlackSettings(_Table):
    """How to reach Slack, and with which secrets."""

    bot_token: SecretStr
    app_token: SecretStr | None = None
    signing_secret: SecretStr | None = None
    api_url: str = DEFAULT_SLACK_API_URL


class FunctionsSettings(_Table):
    """How to reach the function app. Time-outs are seconds for connecting and for the whole answer."""

    url: str
    key: SecretStr | None = None
    connect_seconds: float = 3.0
    read_seconds: float = 25.0


class GitHubAppSettings(_Table):
    """A GitHub App that the bot signs in as, and where it is installed."""

    app_id: str
    private_key: SecretStr
    installation_id: str


class GitHubSettings(_Table):
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


class MlflowSettings(_Table):
    """How to reach MLflow. Time-outs are seconds for connecting and for the whole answer."""

    address: str
    token: SecretStr | None = None
    connect_seconds: float = 3.0
    read_seconds: float = 20.0


class Settings(_Table):
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


def load_team(path: Path) -> TobanFile:
    """Read and check *path*; raise ConfigurationError with every problem in it at once."""
    try:
        return TobanFile.model_validate(_read_toml(path))
    except ValidationError as error:
        raise ConfigurationError(_problems(error, str(path))) from None


def _sound_part(path: Path) -> TobanFile | None:
    """Return what *path* says without the tables that are at fault; None where nothing of it can be used."""
    try:
        data = _read_toml(path)
        TobanFile.model_validate(data)
    except ConfigurationError:
        return None
    except ValidationError as error:
        wrong = {str(one["loc"][0]) if one["loc"] else "" for one in error.errors()}
        data = {name: table for name, table in data.items() if name not in wrong}
    try:
        return TobanFile.model_validate(data)
    except ValidationError:
        return None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(
            [f"settings file {path} does not exist; set TOBAN_CONFIG or start where {DEFAULT_CONFIG} lies"]
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError([f"settings file {path} cannot be read: {error}"]) from None


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
        found = _sound_part(path)
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


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(f"{value!r} is not a time zone of the IANA data base, for instance 'Asia/Tokyo'")
    return value


def _problems(error: ValidationError, where: str) -> list[str]:
    return [_sentence(dict(item), where) for item in error.errors(include_url=False)]


def _sentence(item: dict[str, Any], where: str) -> str:
    place = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{place} in {where} is not a known setting"
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"{place} in {where}: {message}{_seen(item)}"


def _seen(item: dict[str, Any]) -> str:
    """Return the value at fault, shortened; nothing where it may be a secret in a wrong place."""
    value = repr(item.get("input"))
    may_be_secret = re.search(r"://[^/\s]*@", value) or _OF_SECRETS & set(map(str, item["loc"]))
    if item["type"] == "missing" or may_be_secret:
        return ""
    return f" (is {value if len(value) <= MOST_SHOWN else value[: MOST_SHOWN - 1] + '…'})"


_OF_SECRETS = frozenset({"headers", "headers_from", "secret_from"})
