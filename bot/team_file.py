"""What a team decides, in `toban.toml`: one class for each table, and the sentences for what is wrong in it.

Unknown keys are refused, and all problems are reported together. Nothing here talks to the network.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from croniter import croniter
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from bot.command_tables import COMMAND_PATTERN, CommandTable, HooksTable, WebhookTable
from bot.commands import COMMANDS
from bot.connectors.endpoints import CallSettings
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

DEFAULT_CONFIG = "toban.toml"
MOST_SHOWN = 120
"""So many characters of a value at fault are shown."""


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
            if item != WEBHOOK and not re.fullmatch(r"\*|[UWS][A-Z0-9]+|@[a-z0-9._-]+", item):
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
        Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]+$")],
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


def load_team(path: Path) -> TobanFile:
    """Read and check *path*; raise ConfigurationError with every problem in it at once."""
    try:
        return TobanFile.model_validate(_read_toml(path))
    except ValidationError as error:
        raise ConfigurationError(_problems(error, str(path))) from None


def sound_part(path: Path) -> TobanFile | None:
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
    given = item.get("input")
    value = repr(given)
    may_be_secret = re.search(r"://[^/\s]*@", value) or _OF_SECRETS & set(map(str, item["loc"]))
    if item["type"] == "missing" or may_be_secret or isinstance(given, dict | list | tuple):
        return ""
    return f" (is {value if len(value) <= MOST_SHOWN else value[: MOST_SHOWN - 1] + '…'})"


_OF_SECRETS = frozenset({"headers", "headers_from", "secret_from", "url"})
"""What stands under these names may hold a secret: an address often has a key in its path or query."""
