"""Who deploys what at present, and which commit of a branch was seen last: the claims behind `/ml deploy`.

A target is held by the job whose work on it is not closed, so nothing has to be given back after a crash.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.engine import Connection, Engine

from bot.databases import claim
from bot.tables import deployment_heads, deployment_locks, utc_now, works

UNTIL_IT_HAS_A_CARD = timedelta(minutes=10)
"""So long a claim counts whose job has no card yet."""


class Held(BaseModel):
    """Who holds a target, since when, and for what."""

    model_config = ConfigDict(frozen=True)

    flow_id: str
    by: str
    what: str
    at: datetime


class DeploymentRecords:
    """The tables behind verbs; each call is one transaction, safe from threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- one deployment of a target at a time -------------------------------------------------------------

    def take(self, target: str, flow_id: str, by: str, what: str) -> Held | None:
        """Claim *target* for a job; None if it has it now, also when asked again, else who has it."""
        values = {"flow_id": flow_id, "by": by, "what": what, "at": utc_now()}
        while True:
            if claim(self._engine, deployment_locks, target=target, **values):
                return None
            with self._engine.begin() as connection:
                held = _held(connection, target)
                if held is None:
                    continue  # given back in this very moment
                if held.flow_id != flow_id and not _is_over(connection, held):
                    return held
                same = sa.and_(
                    deployment_locks.c.target == target, deployment_locks.c.flow_id == held.flow_id
                )
                if connection.execute(sa.update(deployment_locks).where(same).values(**values)).rowcount:
                    return None

    def give_back(self, target: str, flow_id: str) -> None:
        """Give a target back that the job *flow_id* has."""
        own = sa.and_(deployment_locks.c.target == target, deployment_locks.c.flow_id == flow_id)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(deployment_locks).where(own))

    def holder(self, target: str) -> Held | None:
        """Return who deploys *target* at present, or None."""
        with self._engine.connect() as connection:
            held = _held(connection, target)
            return None if held is None or _is_over(connection, held) else held

    # --- the head of a branch, as it was seen last ----------------------------------------------------------

    def head(self, target: str) -> tuple[str, int] | None:
        """Return the commit that was seen last and its number, or None where the branch is new to us."""
        statement = sa.select(deployment_heads.c.sha, deployment_heads.c.number).where(
            deployment_heads.c.target == target
        )
        with self._engine.connect() as connection:
            row = connection.execute(statement).first()
        return (row.sha, row.number) if row else None

    def set_head(self, target: str, sha: str, number: int) -> None:
        """Note that *sha* was seen as number *number*; a number that was noted before changes nothing."""
        values = {"sha": sha, "number": number, "at": utc_now()}
        older = sa.and_(deployment_heads.c.target == target, deployment_heads.c.number < number)
        with self._engine.begin() as connection:
            if connection.execute(sa.update(deployment_heads).where(older).values(**values)).rowcount:
                return
        claim(self._engine, deployment_heads, target=target, **values)

    def look_again(self, target: str, sha: str) -> None:
        """Forget that *sha* was seen, so that the branch's head is news again."""
        this = sa.and_(deployment_heads.c.target == target, deployment_heads.c.sha == sha)
        with self._engine.begin() as connection:
            connection.execute(sa.update(deployment_heads).where(this).values(sha=""))


def _held(connection: Connection, target: str) -> Held | None:
    statement = sa.select(deployment_locks).where(deployment_locks.c.target == target)
    row: Any = connection.execute(statement).mappings().first()
    if row is None:
        return None
    at = row["at"].replace(tzinfo=UTC)
    return Held(flow_id=row["flow_id"], by=row["by"], what=row["what"], at=at)


def _is_over(connection: Connection, held: Held) -> bool:
    """Return whether the job that holds a target has ended, or never came to its card."""
    statement = sa.select(works.c.state).where(works.c.flow_id == held.flow_id)
    state = connection.execute(statement).scalar()
    if state is None:
        return held.at < datetime.now(UTC) - UNTIL_IT_HAS_A_CARD
    return bool(state == "closed")
