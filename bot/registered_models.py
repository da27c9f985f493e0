"""Models of a registry that is not ours, as flows and messages speak of them: versions, aliases, metrics."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

RECORD_NAME = "mlflow:"
"""Under this name the bot records its decisions about MLflow's models; no model of ours can have it."""


class _Fact(BaseModel):
    """A record that flows checkpoint as plain JSON; keys of a newer version are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class RegisteredVersion(_Fact):
    """A version as MLflow has it, with the latest finite value of each metric of the run that made it.

    `status` is MLflow's own word; only READY versions can be served.
    """

    version: int
    created_at: datetime
    status: str
    run_id: str | None = None
    metrics: dict[str, float] = Field(default_factory=dict)


class RegisteredModel(_Fact):
    """A registered model: where each alias points, and its newest versions, newest first."""

    name: str
    aliases: dict[str, int] = Field(default_factory=dict)
    versions: tuple[RegisteredVersion, ...] = ()


class AliasChange(_Fact):
    """What people are asked about: an alias that is to point from the present version to the candidate."""

    model: str
    alias: str
    present: RegisteredVersion | None
    candidate: RegisteredVersion

    @property
    def digest(self) -> str:
        """A digest of everything that the card shows; an approval counts for it alone."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"
