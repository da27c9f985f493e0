"""The ledgers of webhooks: which request came in once, and what became of each event that was sent out.

GitHub's events have a ledger of their own: GitHub signs neither the time nor the delivery's id, so what was
told once is known by what it says, too, and what has begun something is remembered for good.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from bot.databases import claim
from bot.tables import deliveries, events, hooks, utc_now

Ending = Literal["delivered", "refused", "given_up"]


class Deliveries:
    """Both ledgers; each method is one transaction, safe from threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(self, signature: str, command: str, flow_id: str) -> bool:
        """Claim a signed request; False for one that was taken before."""
        return claim(self._engine, hooks, signature=signature, command=command, flow_id=flow_id, at=utc_now())

    def taken(self, delivery: str, identity: str) -> str | None:
        """Return the delivery by which an event of GitHub's came before, or None for one that is new."""
        same = sa.or_(events.c.delivery == delivery, events.c.identity == identity)
        with self._engine.connect() as connection:
            return connection.execute(sa.select(events.c.delivery).where(same)).scalar()

    def take(self, delivery: str, identity: str, event: str, repository: str, *, begins: bool) -> None:
        """Write that an event of GitHub's was taken; *begins* says that it may begin something."""
        row = {"delivery": delivery, "identity": identity, "event": event, "repository": repository}
        claim(self._engine, events, **row, begins=begins, at=utc_now())

    def open(self, delivery_id: str, webhook: str, event: str, body: str) -> None:
        """Write that an event is to be delivered; a second call changes nothing."""
        row = {"id": delivery_id, "webhook": webhook, "event": event, "body": body}
        claim(self._engine, deliveries, **row, state="waiting", attempts=0, detail="", created_at=utc_now())

    def tried(self, delivery_id: str, detail: str) -> None:
        """Count an attempt, with what came of it."""
        self._update(delivery_id, attempts=deliveries.c.attempts + 1, detail=detail)

    def close(self, delivery_id: str, ending: Ending, detail: str) -> None:
        """Write how a delivery ended; the first ending stays."""
        self._update(delivery_id, state=ending, detail=detail, ended_at=utc_now())

    def of(self, webhook: str) -> list[dict[str, Any]]:
        """Return the deliveries to a webhook, oldest first."""
        chosen = sa.select(deliveries).where(deliveries.c.webhook == webhook)
        with self._engine.connect() as connection:
            rows = connection.execute(chosen.order_by(deliveries.c.created_at, deliveries.c.id)).mappings()
            return [dict(row) for row in rows]

    def delete_before(self, moment: datetime) -> None:
        """Delete what came in or ended before *moment*, but for GitHub's events that may begin something.

        These have no date that GitHub signs: forgotten, they could be sent again by whoever recorded them.
        """
        before = moment.astimezone(UTC).replace(tzinfo=None)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(hooks).where(hooks.c.at < before))
            connection.execute(sa.delete(deliveries).where(deliveries.c.ended_at < before))
            connection.execute(sa.delete(events).where(events.c.at < before, events.c.begins.is_(False)))

    def _update(self, delivery_id: str, **values: Any) -> None:
        waiting = sa.and_(deliveries.c.id == delivery_id, deliveries.c.ended_at.is_(None))
        with self._engine.begin() as connection:
            connection.execute(sa.update(deliveries).where(waiting).values(**values))
