"""The daily housekeeping: finished flows go, waiting ones stay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from dbos import DBOSClient

from bot.engine import FLOW_VERSION, REQUESTS, open_client
from bot.flows.housekeeping import KEEP
from tests.function_hosts import wait_until
from tests.stand_ins.team import Team


def keep_house(client: DBOSClient, due: datetime) -> None:
    """Run the housekeeping as the schedule would have it at *due*."""
    handle = client.enqueue(
        {"workflow_name": "housekeeping", "queue_name": REQUESTS, "app_version": FLOW_VERSION}, due, None
    )
    handle.get_result()


def waiting(client: DBOSClient) -> set[str]:
    """Return the names of the flows that have not ended."""
    return {flow.name for flow in client.list_workflows(status=["PENDING", "ENQUEUED"])}


@pytest.mark.slow
def test_finished_flows_are_deleted_after_a_month(new_team: Callable[..., Team]) -> None:
    """Flows that ended long ago are gone; what people still have to decide on is not."""
    team = new_team()
    team.start_bot()
    card = team.decision()
    team.told("viewer", "/ml whoami")
    client = open_client(team.database_url)
    wait_until(lambda: waiting(client) == {"decide"})  # what has been answered ends a moment later
    now = datetime.now(UTC)
    before = {flow.name for flow in client.list_workflows()}
    assert {"retrain", "run", "decide", "lookup"} <= before

    keep_house(client, now + KEEP - timedelta(hours=1))
    assert before <= {flow.name for flow in client.list_workflows()}
    keep_house(client, now + KEEP + timedelta(hours=1))
    left = {flow.name for flow in client.list_workflows()} - {"housekeeping"}
    assert left == {"decide"}
    client.destroy()

    then = team.slack.seq()
    team.slack.press("owner", card, "version.promote")
    assert "v2 was promoted" in team.state(then, "done")["plain"]
