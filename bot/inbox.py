"""The inbox: requests that are stored, and so acked, and whose flows have yet to be begun.

A row here costs a small part of what a flow costs in the engine's tables. Beginning a flow and taking its row
away is one transaction, so that a crash leaves the one or the other; and a flow begins once for its id, so
that a request that comes again after that begins nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from dbos import DBOSClient, EnqueueOptions
from dbos import error as engine_errors
from sqlalchemy.engine import Connection, Engine

from bot.databases import begin_writing
from bot.engine import FLOW_VERSION
from bot.outages import is_away
from bot.tables import inbox

log = logging.getLogger(__name__)

# As text, because both databases read it; SQLAlchemy compiles such a statement of a dialect anew each time.
_PUT = sa.text(
    "INSERT INTO toban_inbox (flow_id, flow, queue, args) VALUES (:flow_id, :flow, :queue, :args)"
    " ON CONFLICT DO NOTHING"
)


class Inbox:
    """The rows of all processes on one database; each of them may begin the flows of any."""

    def __init__(self, engine: Engine, client: DBOSClient) -> None:
        self._engine = engine
        self._client = client

    def put(self, connection: Connection, rows: Sequence[Mapping[str, str]]) -> None:
        """Write *rows* in a transaction of the caller's; one that waits already is left as it is.

        Each has the `flow_id`, the name of the `flow`, its `queue`, and its `args` as the engine keeps them.
        """
        connection.execute(_PUT, rows)

    def begin_flows(self, most: int) -> int:
        """Put the flows of the oldest requests on their queues, *most* at once; return how many there were.

        On PostgreSQL those that another process has in hand are passed over.
        """
        return self._begin_those(sa.select(inbox).order_by(inbox.c.number).limit(most))

    def begin_each(self, most: int) -> None:
        """Do that one by one, past those that cannot be begun: one of them must not hold up all others."""
        oldest = sa.select(inbox.c.number).order_by(inbox.c.number).limit(most)
        with self._engine.connect() as connection:
            numbers = connection.execute(oldest).scalars().all()
        for number in numbers:
            try:
                self._begin_those(sa.select(inbox).where(inbox.c.number == number))
            except Exception as error:
                log.exception("a flow could not be begun", extra={"number": number})
                if is_away(error):
                    return

    def _begin_those(self, wanted: sa.Select[Any]) -> int:
        with self._engine.connect() as connection:
            begin_writing(connection)
            rows = connection.execute(wanted.with_for_update(skip_locked=True)).all()
            if not rows:
                return 0
            for row in rows:
                self._begin(connection, row)
            connection.execute(sa.delete(inbox).where(inbox.c.number.in_([row.number for row in rows])))
            connection.commit()
        return len(rows)

    def _begin(self, connection: Connection, row: sa.Row[Any]) -> None:
        options: EnqueueOptions = {
            "workflow_name": row.flow,
            "queue_name": row.queue,
            "workflow_id": row.flow_id,
            "app_version": FLOW_VERSION,
        }
        try:
            self._client.enqueue_in_transaction(connection, options, *json.loads(row.args))
        except engine_errors.DBOSConflictingWorkflowError:
            # It came before, and was another flow then: an upgrade lies between.
            log.warning("request was taken before", extra={"flow_id": row.flow_id, "flow": row.flow})
