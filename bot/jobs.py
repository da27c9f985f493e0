"""A job: what a person asked for, as one plain record that flows, records and messages share."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Role = Literal["viewer", "operator", "owner"]
ROLES: tuple[Role, ...] = ("viewer", "operator", "owner")

MOST_READ = 40_000
"""So many characters of a command are read, which is as many as a message of Slack's may have."""
MOST_TYPED = 3000
"""So many characters of what somebody typed are shown."""

WEBHOOK = "webhook"
"""Who asks by a signed webhook, in roles, jobs and the audit; Slack's own ids are in capital letters."""


PUSHER = "github:"
"""Before a login of GitHub: who asked by a push, where no Slack user is known for that login."""


def is_person(user: str) -> bool:
    """Return whether *user* is somebody in Slack, who can be told something privately."""
    return re.fullmatch(r"[UW][A-Z0-9]+", user) is not None


def storable(value: Any) -> Any:
    """Return *value* with its texts as every database takes them: no zeros, no halves of characters.

    PostgreSQL refuses U+0000 in texts (https://www.postgresql.org/docs/current/datatype-character.html), and
    nothing writes a surrogate as UTF-8; JSON, which is how Slack tells of messages, can bring both.
    """
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {storable(name): storable(one) for name, one in value.items()}
    return [storable(one) for one in value] if isinstance(value, list | tuple) else value


Text = Annotated[str, BeforeValidator(storable)]
"""What somebody typed."""


class Job(BaseModel):
    """One request of one person, as parsed: who, where, what was typed, and what it means.

    `flow_id` is made from Slack's own unique id, so the same delivery always makes the same job. `inputs`
    holds the parsed `key=value` pairs as text; they are typed against the schema inside the flow.
    `response_url` is only for the private answer where the bot is not in the channel. `trigger_id` opens a
    form within three seconds; None where nothing opens one (a webhook, a submitted form).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    flow_id: str
    verb: str
    model: Text | None = None
    words: tuple[Text, ...] = ()
    inputs: Annotated[dict[str, Any], BeforeValidator(storable)] = Field(default_factory=dict)
    typed: Text
    user: str
    channel: str
    team: str = ""
    thread_ts: str | None = None
    response_url: str | None = None
    trigger_id: str | None = None
    asked_at: datetime
