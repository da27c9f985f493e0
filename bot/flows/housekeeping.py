"""Once a day, finished flows older than a month and what was noted of them are deleted, to keep it small."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from dbos import DBOS

from bot.desk import Desk

KEEP = timedelta(days=30)
BATCH = 500
FINISHED = ["SUCCESS", "ERROR", "CANCELLED"]


def flow(desk: Desk) -> Callable[[datetime, Any], None]:
    """Return the scheduled flow."""

    def housekeeping(due: datetime, context: Any) -> None:
        desk.step("delete old flows", _delete, due - KEEP)
        desk.step("delete old calls", desk.calls.delete_before, due - KEEP)
        desk.step("delete old deliveries", desk.deliveries.delete_before, due - KEEP)
        desk.step("delete old forms", desk.forms.delete_before, due - KEEP)
        desk.step("delete old incidents", desk.subscriptions.delete_before, due - KEEP)

    return housekeeping


def _delete(before: datetime) -> int:
    """Delete one batch after another of flows that ended before *before*; return how many there were."""
    deleted = 0
    while True:
        old = DBOS.list_workflows(
            status=FINISHED,
            completed_before=before.isoformat(),
            limit=BATCH,
            load_input=False,
            load_output=False,
        )
        if not old:
            return deleted
        DBOS.delete_workflows([status.workflow_id for status in old])
        deleted += len(old)
