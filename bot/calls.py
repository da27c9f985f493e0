"""The ledger of calls to endpoints: which key was sent, how its run stands, and what was answered.

A connector holds no state of its own. An endpoint that answers at once, calls back, or knows no idempotency
key leaves the remembering to us, and it must outlive the process: the key is written before the call is sent.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.engine import Engine, RowMapping

from bot.connectors.connector import FINAL, RunState
from bot.databases import claim
from bot.tables import calls, utc_now

SENDING = "sending"


class Standing(BaseModel):
    """How a run stands, as its endpoint last said. Paths lie at the endpoint's own origin."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: RunState
    status_path: str | None = None
    cancel_path: str | None = None
    pause_seconds: float = 0.0
    progress: float | None = None
    detail: str | None = None
    answer: Any = None


class Call(BaseModel):
    """One call that was made under a key; `standing` is None while nothing is known of how it went."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    endpoint: str
    standing: Standing | None
    look_after: datetime
    created_at: datetime
    ended_at: datetime | None

    @property
    def ended(self) -> bool:
        """Whether its run has come to its end."""
        return self.ended_at is not None


class Calls:
    """The ledger; each method is one transaction, safe from threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, key: str, endpoint: str) -> Call | None:
        """Claim *key* for a call that is to be sent; None if it is new, else what is known of the first."""
        now = utc_now()
        row = {"key": key, "endpoint": endpoint, "state": SENDING, "facts": "{}"}
        if claim(self._engine, calls, **row, look_after=now, created_at=now):
            return None
        return self.find([key]).get(key)

    def forget(self, key: str) -> None:
        """Give the claim of *key* back: certainly nothing was sent, or it was refused."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(calls).where(calls.c.key == key, calls.c.state == SENDING))

    def note(self, key: str, standing: Standing) -> bool:
        """Write how the run of *key* stands now; False where it had ended before, which stays as it was."""
        now = utc_now()
        values = {
            "state": standing.state,
            "facts": standing.model_dump_json(),
            "look_after": now + timedelta(seconds=standing.pause_seconds),
            "ended_at": now if standing.state in FINAL else None,
        }
        open_still = sa.and_(calls.c.key == key, calls.c.ended_at.is_(None))
        with self._engine.begin() as connection:
            return connection.execute(sa.update(calls).where(open_still).values(**values)).rowcount == 1

    def find(self, keys: Sequence[str]) -> dict[str, Call]:
        """Return the calls of *keys* that there are, by key."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(calls).where(calls.c.key.in_(keys))).mappings().all()
        return {row["key"]: _call(row) for row in rows}

    def delete_before(self, moment: datetime) -> None:
        """Delete the calls that ended before *moment*."""
        before = moment.astimezone(UTC).replace(tzinfo=None)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(calls).where(calls.c.ended_at < before))


def _call(row: RowMapping) -> Call:
    known = row["state"] != SENDING
    ended = row["ended_at"]
    return Call(
        key=row["key"],
        endpoint=row["endpoint"],
        standing=Standing.model_validate(json.loads(row["facts"])) if known else None,
        look_after=row["look_after"].replace(tzinfo=UTC),
        created_at=row["created_at"].replace(tzinfo=UTC),
        ended_at=ended.replace(tzinfo=UTC) if ended else None,
    )
