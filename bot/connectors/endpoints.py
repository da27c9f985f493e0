"""HTTP endpoints as a team configures them: where they are, what they are sent, where their answers say what.

What is configured is all that is called: an address comes from the settings. Secrets come from environment
variables named in the settings and travel in headers only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal
from urllib.parse import urlsplit

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from bot.connectors.connector import RunState

MOST_PAUSE_SECONDS = 300.0
VARIABLE = r"^[A-Z][A-Z0-9_]{1,79}$"
PLACEHOLDER = re.compile(r"\{([A-Za-z]\w*)\}")


def _compiles(expression: str) -> str:
    try:
        jmespath.compile(expression)
    except JMESPathError as error:
        raise ValueError(f"{expression!r} is not JMESPath: {str(error).splitlines()[0]}") from None
    return expression


Expression = Annotated[str, AfterValidator(_compiles)]
"""A JMESPath expression (https://jmespath.org), compiled once to see that it can be."""


class CallSettings(BaseModel):
    """How an endpoint is called and how its answers are read; the same for every kind of endpoint."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    send: Literal["json", "form", "query"] = "json"
    headers: dict[str, str] = Field(default_factory=dict)
    headers_from: dict[str, Annotated[str, Field(pattern=VARIABLE)]] = Field(default_factory=dict)
    idempotency_header: str | None = "Idempotency-Key"
    repeatable: bool = False
    connect_seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    read_seconds: Annotated[float, Field(gt=0, le=300)] = 30.0
    status_url: Expression | None = None
    poll_seconds: Annotated[float, Field(ge=0.5, le=MOST_PAUSE_SECONDS)] = 5.0
    state: Expression | None = None
    states: dict[str, RunState] = Field(default_factory=dict)
    progress: Expression | None = None
    detail: Expression | None = None
    cancel_url: Expression | None = None
    cancel_method: Literal["POST", "PUT", "DELETE"] = "POST"
    callback: str | None = None
    callback_hours: Annotated[float, Field(gt=0, le=720)] = 24.0

    @field_validator("headers")
    @classmethod
    def _no_secrets(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if re.search(r"authorization|cookie|token|secret|key|password", name, re.IGNORECASE):
                raise ValueError(
                    f"{name} looks like a secret: name an environment variable in headers_from instead"
                )
        return value


class HttpSettings(CallSettings):
    """`[commands.NAME.http]`: an endpoint by its address; `{input}` in its path is replaced by the value."""

    url: str

    @field_validator("url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("it is no address beginning with https:// or http://")
        if "@" in parts.netloc or parts.fragment:
            raise ValueError("it holds a user, a password or a fragment; secrets belong into headers_from")
        if "{" in parts.netloc or "{" in parts.query:
            raise ValueError("values may stand in its path only")
        return value


@dataclass(frozen=True)
class Endpoint:
    """One endpoint, ready to be called; the secrets in its headers are kept out of its repr."""

    url: str
    settings: CallSettings
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def origin(self) -> str:
        """Scheme, host and port: all that may be called."""
        return origin(self.url)


def origin(url: str) -> str:
    """Return scheme, host and port of *url* in one spelling."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{port}"
