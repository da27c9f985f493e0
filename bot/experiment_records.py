"""The experiments that were recorded from here: each with its issue, its card and its written result."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.engine import Engine

from bot.databases import claim
from bot.tables import experiments, utc_now


class Recorded(BaseModel):
    """One row: the flow that recorded it, its issue, its card, and the result that the bot wrote last."""

    model_config = ConfigDict(frozen=True)

    flow_id: str
    repository: str
    number: int
    place: dict[str, str]
    result: str | None


class ExperimentRecords:
    """The table behind verbs; each call is one transaction, safe from threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, flow_id: str, repository: str) -> datetime | None:
        """Note that the issue is being written; return when an earlier attempt to do so began, or None."""
        row = {"flow_id": flow_id, "repository": repository, "began_at": utc_now()}
        if claim(self._engine, experiments, **row):
            return None
        with self._engine.connect() as connection:
            mine = sa.select(experiments.c.began_at).where(experiments.c.flow_id == flow_id)
            earlier: datetime = connection.execute(mine).scalar_one()
        return earlier.replace(tzinfo=UTC)

    def written(self, flow_id: str, number: int, place: Mapping[str, str]) -> None:
        """Note which issue it became, and where its card stands."""
        self._set(flow_id, number=number, channel=place["channel"], ts=place["ts"])

    def result(self, flow_id: str, text: str) -> None:
        """Note what was written as its result."""
        self._set(flow_id, result=text)

    def find(self, flow_id: str) -> Recorded | None:
        """Return an experiment whose issue was written, or None."""
        mine = sa.and_(experiments.c.flow_id == flow_id, experiments.c.number.is_not(None))
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(experiments).where(mine)).mappings().first()
        if row is None:
            return None
        place = {"channel": row["channel"], "ts": row["ts"]}
        return Recorded(
            flow_id=flow_id,
            repository=row["repository"],
            number=row["number"],
            place=place,
            result=row["result"],
        )

    def _set(self, flow_id: str, **values: Any) -> None:
        with self._engine.begin() as connection:
            mine = experiments.c.flow_id == flow_id
            connection.execute(sa.update(experiments).where(mine).values(**values))
