"""The works under way: each a run of a connector that a person asked for, with its card and its flow.

One row for a job, kept when its run has ended, so that it can be run again on the same card.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.engine import Connection, Engine

from bot.connectors.connector import Review, RunHandle
from bot.databases import claim, read_to_write
from bot.tables import utc_now, works

AROUND = timedelta(minutes=10)
"""Runs of jobs that began so shortly before another may be mistaken for that one's."""


class Work(BaseModel):
    """One row: the job, what was ordered, where its card stands, and its run once there is one.

    `state` is waiting, running or closed; `attempt` is the one that is under way, or ended last.
    """

    model_config = ConfigDict(frozen=True)

    flow_id: str
    work_flow_id: str
    job: dict[str, Any]
    order: dict[str, Any]
    place: dict[str, str]
    state: str
    attempt: int
    handle: RunHandle | None


class Works:
    """The table behind verbs; each call is one transaction, safe from threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def open(self, flow_id: str, work_flow_id: str, job: Any, order: Any, place: Mapping[str, str]) -> None:
        """Remember a job and its card; a second call for the same job changes nothing."""
        claim(
            self._engine,
            works,
            flow_id=flow_id,
            work_flow_id=work_flow_id,
            job=json.dumps(job),
            order=json.dumps(order),
            channel=place["channel"],
            ts=place["ts"],
            state="waiting",
            attempt=1,
            created_at=utc_now(),
        )

    def begin(self, flow_id: str) -> datetime | None:
        """Note that the run is being started; return when an earlier attempt to do so began, or None."""
        with self._engine.begin() as connection:
            earlier: datetime | None = connection.execute(
                sa.select(works.c.began_at).where(works.c.flow_id == flow_id)
            ).scalar()
            if earlier is not None:
                return earlier.replace(tzinfo=UTC)
            connection.execute(sa.update(works).where(works.c.flow_id == flow_id).values(began_at=utc_now()))
        return None

    def not_begun(self, flow_id: str) -> None:
        """Take back that the run is being started: the other side has said that it was not."""
        self._set(flow_id, began_at=None)

    def watch(self, flow_id: str, handle: RunHandle) -> None:
        """Note the run that was started, or started again, so that the watcher follows it."""
        self._set(flow_id, state="running", handle=handle.model_dump_json(), run_id=handle.id)

    def reopen(self, flow_id: str, work_flow_id: str, ended: int) -> bool:
        """Claim the attempt after the one that *ended*; True if it is *work_flow_id*'s, also asked again.

        It is not watched before `watch` is called again: the card says first that it starts.
        """
        free = sa.and_(works.c.flow_id == flow_id, works.c.state == "closed", works.c.attempt == ended)
        values = {"state": "waiting", "attempt": ended + 1, "work_flow_id": work_flow_id}
        with self._engine.begin() as connection:
            if connection.execute(sa.update(works).where(free).values(values)).rowcount:
                return True
            row = connection.execute(
                sa.select(works.c.work_flow_id, works.c.attempt).where(works.c.flow_id == flow_id)
            ).first()
        return row is not None and tuple(row) == (work_flow_id, ended + 1)

    def give_back(self, flow_id: str, ended: int) -> None:
        """Undo a claim on an attempt that could not be begun."""
        self._set(flow_id, state="closed", attempt=ended)

    def move(self, flow_id: str, place: Mapping[str, str]) -> None:
        """Remember that a card stands elsewhere now."""
        self._set(flow_id, channel=place["channel"], ts=place["ts"])

    def note(self, flow_id: str, **facts: Any) -> None:
        """Write facts into a job's order, for the watcher and for those who read it later."""
        with self._engine.begin() as connection:
            order = _locked_order(connection, flow_id) | facts
            connection.execute(
                sa.update(works).where(works.c.flow_id == flow_id).values(order=json.dumps(order))
            )

    def add_review(self, flow_id: str, review: Review) -> None:
        """Remember a decision that was made in Slack about what held a job's run up, once."""
        with self._engine.begin() as connection:
            order = _locked_order(connection, flow_id)
            record, known = review.model_dump(mode="json"), order.get("reviews", [])
            if record not in known:
                changed = json.dumps(order | {"reviews": [*known, record]})
                connection.execute(sa.update(works).where(works.c.flow_id == flow_id).values(order=changed))

    def drop_review(self, flow_id: str, review: Review) -> None:
        """Forget a decision that did not come to be."""
        record = review.model_dump(mode="json")
        with self._engine.begin() as connection:
            order = _locked_order(connection, flow_id)
            left = [one for one in order.get("reviews", []) if one != record]
            changed = json.dumps(order | {"reviews": left})
            connection.execute(sa.update(works).where(works.c.flow_id == flow_id).values(order=changed))

    def reviews(self, flow_id: str) -> tuple[Review, ...]:
        """Return the decisions that were made in Slack about a job's run."""
        found = self.find(flow_id)
        return tuple(map(Review.model_validate, found.order.get("reviews", ()))) if found else ()

    def close(self, flow_id: str) -> None:
        """Mark a run as ended: the watcher follows it no more."""
        self._set(flow_id, state="closed")

    def is_open(self, flow_id: str) -> bool:
        """Return whether progress may be drawn on a job's card."""
        found = self.find(flow_id)
        return found is not None and found.state == "running"

    def running(self) -> list[Work]:
        """Return all that the watcher follows, oldest first."""
        statement = sa.select(works).where(works.c.state == "running").order_by(works.c.created_at)
        with self._engine.connect() as connection:
            return [_work(row) for row in connection.execute(statement).mappings()]

    def find(self, name: str) -> Work | None:
        """Return a work by its job's flow id or its run's id, or None; of several the newest."""
        wanted = sa.or_(works.c.flow_id == name, works.c.run_id == name)
        statement = sa.select(works).where(wanted).order_by(works.c.created_at.desc())
        with self._engine.connect() as connection:
            row = connection.execute(statement).mappings().first()
        return _work(row) if row else None

    def own(self, flow_id: str, handle: RunHandle) -> bool:
        """Note the run that a job has begun; False, and nothing changed, where another job has that one.

        Jobs that begin are asked one after another: two that look for a start whose answer was lost may have
        found the same run.
        """
        beginning = sa.select(works.c.flow_id).where(works.c.state == "waiting").order_by(works.c.flow_id)
        known = sa.select(works.c.flow_id, works.c.handle).where(works.c.run_id == handle.id)
        with self._engine.begin() as connection:
            read_to_write(connection)
            connection.execute(beginning.with_for_update())
            if any(
                row.flow_id != flow_id and _is_same(_handle(row.handle), handle)
                for row in connection.execute(known)
            ):
                return False
            values = {"handle": handle.model_dump_json(), "run_id": handle.id}
            connection.execute(sa.update(works).where(works.c.flow_id == flow_id).values(values))
        return True

    def taken(self, flow_id: str, began_at: datetime) -> tuple[str, ...]:
        """Return the ids of the runs that other jobs have which began around then, or later."""
        since = began_at.astimezone(UTC).replace(tzinfo=None) - AROUND
        others = sa.and_(works.c.flow_id != flow_id, works.c.run_id.is_not(None), works.c.began_at >= since)
        with self._engine.connect() as connection:
            return tuple(connection.execute(sa.select(works.c.run_id).where(others)).scalars())

    def _set(self, flow_id: str, **values: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(sa.update(works).where(works.c.flow_id == flow_id).values(**values))


def _locked_order(connection: Connection, flow_id: str) -> dict[str, Any]:
    """Return a job's order, which nobody else changes before this transaction ends."""
    statement = sa.select(works.c.order).where(works.c.flow_id == flow_id).with_for_update()
    read_to_write(connection)
    found: dict[str, Any] = json.loads(connection.execute(statement).scalar() or "{}")
    return found


def _work(row: Mapping[Any, Any]) -> Work:
    return Work(
        flow_id=row["flow_id"],
        work_flow_id=row["work_flow_id"],
        job=json.loads(row["job"]),
        order=json.loads(row["order"]),
        place={"channel": row["channel"], "ts": row["ts"]},
        state=row["state"],
        attempt=row["attempt"],
        handle=_handle(row["handle"]),
    )


def _is_same(one: RunHandle | None, other: RunHandle) -> bool:
    """Return whether both are one run, whatever its address; equal numbers in two systems are two."""
    return one is not None and (one.connector, one.scope, one.id) == (other.connector, other.scope, other.id)


def _handle(text: str | None) -> RunHandle | None:
    return RunHandle.model_validate_json(text) if text else None
