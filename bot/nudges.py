"""Word for whichever bot holds a lease, from one that does not: there is something to look at now.

A webhook reaches any bot, and one of them watches. What is left here hurries that one; lost, it costs only
the moment until the watching bot looks by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from bot.databases import claim
from bot.tables import nudges, utc_now


@dataclass(frozen=True)
class Nudge:
    """Which run there is news of, and of which repository; "" where it is about none in particular."""

    run_id: str = ""
    repository: str = ""


NEWS = Nudge()


class Nudges:
    """The table behind verbs; each call is one transaction, safe from threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def leave(self, lease: str, news: Nudge) -> None:
        """Leave word for the holder of *lease*; the same word twice is there once."""
        about = {"run_id": news.run_id[:60], "repository": news.repository[:160]}
        claim(self._engine, nudges, lease=lease, **about, at=utc_now())

    def take(self, lease: str) -> list[Nudge]:
        """Return the word that was left for the holder of *lease*, and forget it."""
        mine = nudges.c.lease == lease
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(nudges).where(mine)).all()
        if rows:
            seen = sa.and_(mine, nudges.c.run_id.in_([row.run_id for row in rows]))
            with self._engine.begin() as connection:
                connection.execute(sa.delete(nudges).where(seen))
        return [Nudge(row.run_id, row.repository) for row in rows]
