"""`[commands.NAME]` of `toban.toml`: a command without code, as data that is checked when the bot starts.

A mistake in it is found then, with its place and what is allowed, and not when somebody uses the command.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator
from pydantic.alias_generators import to_camel

from bot.coercion import as_text, coerce
from bot.connectors.endpoints import PLACEHOLDER, VARIABLE, Expression, HttpSettings
from bot.connectors.function_routes import FunctionRouteSettings
from bot.jobs import ROLES, Role

COMMAND_PATTERN = r"^[a-z][a-z0-9-]{0,30}$"
INPUT_PATTERN = r"^[a-z][a-z0-9_]{0,39}$"
Kind = Literal["azure_functions", "github_actions", "http"]
EventType = Literal["run.finished", "version.promoted", "digest.posted"]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class InputTable(_Table):
    """`[commands.NAME.inputs.INPUT]`: what one input may be, in the words of JSON Schema.

    Source: https://json-schema.org/draft/2020-12/json-schema-validation
    """

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)

    type: Literal["string", "integer", "number", "boolean", "array"] = "string"
    description: str | None = None
    enum: Annotated[tuple[str | int | float, ...], Field(min_length=1)] | None = None
    default: Any = None
    format: Literal["date", "date-time"] | None = None
    pattern: str | None = None
    examples: tuple[str, ...] | None = None
    min_length: Annotated[int, Field(ge=0)] | None = None
    max_length: Annotated[int, Field(ge=1)] | None = None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: float | None = None
    exclusive_maximum: float | None = None
    items: InputTable | None = None

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"{value!r} is no regular expression: {error}") from None
        return value

    @model_validator(mode="after")
    def _default_fits(self) -> InputTable:
        if self.default is None:
            return self
        schema = {"type": "object", "properties": {"default": self.schema_()}}
        _, problems = coerce({"default": as_text(self.default)}, schema)
        if problems:
            raise ValueError(f"its default {self.default!r} is not {problems[0].allowed}")
        return self

    def schema_(self) -> dict[str, Any]:
        """Return the input as JSON Schema."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class GitHubActionsSettings(_Table):
    """`[commands.NAME.github_actions]`: a workflow of a repository that `[github]` names."""

    repository: Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+$")]
    workflow: Annotated[str, StringConstraints(pattern=r"^[^/\s]+\.ya?ml$")]
    ref: str | None = None


class ReportPart(_Table):
    """One `[[commands.NAME.report]]` table: which part of what a run reports is shown, and how."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    show: Literal["text", "table", "chart", "file"] = "text"
    value: Expression
    unit: Annotated[str, StringConstraints(max_length=20)] = ""


class CommandTable(_Table):
    """`[commands.NAME]`: what it is for, what it takes, who may use it, what it calls and what it shows."""

    summary: Annotated[str, StringConstraints(min_length=1, max_length=150)]
    connector: Kind
    inputs: dict[Annotated[str, StringConstraints(pattern=INPUT_PATTERN)], InputTable] = Field(
        default_factory=dict
    )
    required: tuple[str, ...] = ()
    example: str | None = None
    roles: Annotated[tuple[Role, ...], Field(min_length=1)] = ("operator", "owner")
    confirm: Annotated[str, StringConstraints(max_length=200)] | None = None
    private: bool = False
    touches_production: bool = False
    values: dict[str, Expression] | None = None
    report: tuple[ReportPart, ...] = ()
    azure_functions: FunctionRouteSettings | None = None
    github_actions: GitHubActionsSettings | None = None
    http: HttpSettings | None = None

    @field_validator("roles")
    @classmethod
    def _with_higher_ones(cls, value: tuple[Role, ...]) -> tuple[Role, ...]:
        lowest = min(map(ROLES.index, value))
        return ROLES[lowest:]

    @model_validator(mode="after")
    def _belongs_together(self) -> CommandTable:
        given = [kind for kind in ("azure_functions", "github_actions", "http") if getattr(self, kind)]
        if given != [self.connector]:
            raise ValueError(
                f"it needs the table {self.connector} with the connector's settings, and no other"
            )
        unknown = [name for name in self._named() if name not in self.inputs]
        if unknown:
            raise ValueError(f"there is no such input: {', '.join(sorted(set(unknown)))}")
        return self

    def _named(self) -> Iterator[str]:
        """Yield every input that is named elsewhere in the table."""
        yield from self.required
        yield from PLACEHOLDER.findall(self.confirm or "")
        url = self.http.url if self.http else self.azure_functions.route if self.azure_functions else ""
        if self.values is None:
            yield from PLACEHOLDER.findall(url)

    @property
    def schema_(self) -> dict[str, Any]:
        """The inputs as JSON Schema."""
        properties = {name: one.schema_() for name, one in self.inputs.items()}
        return {"type": "object", "properties": properties, "required": list(self.required)}

    def variables(self) -> Iterator[str]:
        """Yield the environment variables that the command's headers come from."""
        for settings in (self.http, self.azure_functions):
            if settings is not None:
                yield from settings.headers_from.values()


class WebhookTable(_Table):
    """One `[[webhooks]]` table: who is told of which events, signed with which secret."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")]
    url: str
    events: Annotated[tuple[EventType, ...], Field(min_length=1)]
    secret_from: Annotated[str, StringConstraints(pattern=VARIABLE)]

    @field_validator("url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        if "{" in value:
            raise ValueError("no values can stand in it")
        return HttpSettings(url=value).url


class HooksTable(_Table):
    """`[hooks]`: where what webhooks ask for is answered. Which role they hold is said in `[roles]`."""

    channel: str
