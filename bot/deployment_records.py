"""Who deploys what at present, and which commit of a branch was seen last: the claims behind `/ml deploy`.

A target and its environment are held by the job whose work on them is not closed, so nothing has to be given
back after a crash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.engine import Connection, Engine

from bot.databases import claim
from bot.tables import deployment_heads, deployment_locks, utc_now, works

MOST_WHAT = 200
"""Characters of what is deployed, as many as the column holds; a branch may have a name as long as that."""

UNTIL_IT_HAS_A_CARD = timedelta(minutes=10)
"""So long a claim counts whose job has no card yet."""


def locks_of(target: str, repository: str, environment: str) -> tuple[str, str]:
    """Return what a deployment claims: the target, and the environment, which other targets may name too.

    The target, because a job that began when there was no other lock has that one only. An environment's lock
    is longer than any target's name; GitHub tells repositories and environments apart without regard to case.
    """
    place = f"{repository}\x00{environment}".casefold()
    return target, hashlib.sha256(place.encode()).hexdigest()


class Held(BaseModel):
    """Who holds a lock, since when, and for what."""

    model_config = ConfigDict(frozen=True)

    flow_id: str
    by: str
    what: str
    at: datetime


class DeploymentRecords:
    """The tables behind verbs; each call is one transaction, safe from threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- one deployment of a target, and into an environment, at a time -----------------------------------

    def take(self, locks: Sequence[str], flow_id: str, by: str, what: str) -> Held | None:
        """Claim all *locks* for a job; None if it has them now, also when asked again, else who has one.

        Who finds one taken has none of them afterwards.
        """
        for lock in locks:
            held = self._take(lock, flow_id, by, what)
            if held is not None:
                self.give_back(locks, flow_id)
                return held
        return None

    def _take(self, lock: str, flow_id: str, by: str, what: str) -> Held | None:
        values = {"flow_id": flow_id, "by": by, "what": what[:MOST_WHAT], "at": utc_now()}
        while True:
            if claim(self._engine, deployment_locks, target=lock, **values):
                return None
            with self._engine.begin() as connection:
                held = _held(connection, lock)
                if held is None:
                    continue  # given back in this very moment
                if held.flow_id != flow_id and not _is_over(connection, held):
                    return held
                same = sa.and_(deployment_locks.c.target == lock, deployment_locks.c.flow_id == held.flow_id)
                if connection.execute(sa.update(deployment_locks).where(same).values(**values)).rowcount:
                    return None

    def give_back(self, locks: Sequence[str], flow_id: str) -> None:
        """Give those of *locks* back that the job *flow_id* has."""
        own = sa.and_(deployment_locks.c.target.in_(locks), deployment_locks.c.flow_id == flow_id)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(deployment_locks).where(own))

    def holder(self, locks: Sequence[str]) -> Held | None:
        """Return who has one of *locks* at present, or None."""
        with self._engine.connect() as connection:
            found = [_held(connection, lock) for lock in locks]
            return next((one for one in found if one is not None and not _is_over(connection, one)), None)

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


def _held(connection: Connection, lock: str) -> Held | None:
    statement = sa.select(deployment_locks).where(deployment_locks.c.target == lock)
    row: Any = connection.execute(statement).mappings().first()
    if row is None:
        return None
    at = row["at"].replace(tzinfo=UTC)
    return Held(flow_id=row["flow_id"], by=row["by"], what=row["what"], at=at)


def _is_over(connection: Connection, held: Held) -> bool:
    """Return whether the job that holds a lock has ended, or never came to its card."""
    statement = sa.select(works.c.state).where(works.c.flow_id == held.flow_id)
    state = connection.execute(statement).scalar()
    if state is None:
        return held.at < datetime.now(UTC) - UNTIL_IT_HAS_A_CARD
    return bool(state == "closed")
