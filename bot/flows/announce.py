"""Something happened that services outside want to know: each is told, signed, until it has listened.

A story that has come to its end announces its event as its last step. Who wants to know is looked up here, so
that no story's steps depend on the settings.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests

from bot.bounded_http import bounded_request
from bot.command_tables import EventType, WebhookTable
from bot.desk import LONG, Desk
from bot.engine import DELIVERIES
from bot.errors import EndpointUnreachable, FlowFailed, Refused
from bot.flows.refusals import refuse
from bot.signing import SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

CONNECT_SECONDS, READ_SECONDS = 5.0, 15.0
EVENT_HEADER, DELIVERY_HEADER = "X-Toban-Event", "X-Toban-Delivery"
FORMAT = 1


def announce(desk: Desk, kind: EventType, event_id: str, at: datetime, data: dict[str, Any]) -> None:
    """Say that something happened; the same *event_id* is told once."""
    event = {
        "id": event_id,
        "type": kind,
        "at": at.astimezone(UTC).isoformat(),
        "format": FORMAT,
        "data": data,
    }
    desk.start("announce", DELIVERIES, f"{event_id}-announce", event, partition="announce")


def announcing(desk: Desk) -> Callable[[dict[str, Any]], None]:
    """Return the flow that starts a delivery for each webhook that wants an event."""

    def flow(event: dict[str, Any]) -> None:
        for name in desk.step("see who wants to know", _wanting, desk, event["type"]):
            desk.start("deliver", DELIVERIES, f"{event['id']}-to-{name}", event, name, partition=name)

    return flow


def delivering(desk: Desk) -> Callable[[dict[str, Any], str], None]:
    """Return the flow that delivers one event to one webhook, for about a day if need be."""

    def flow(event: dict[str, Any], name: str) -> None:
        delivery_id = f"{event['id']}-to-{name}"
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        desk.step("note the delivery", desk.deliveries.open, delivery_id, name, event["type"], body)
        try:
            said = desk.step("deliver", _deliver, desk, delivery_id, name, event["type"], body, patience=LONG)
        except Refused as refusal:
            why = refusal.problem.detail
            desk.step("note that it was refused", desk.deliveries.close, delivery_id, "refused", why)
        except FlowFailed as failure:
            desk.step("note that it failed", desk.deliveries.close, delivery_id, "given_up", failure.detail)
        else:
            desk.step("note that it arrived", desk.deliveries.close, delivery_id, "delivered", said)

    return flow


def _wanting(desk: Desk, kind: str) -> list[str]:
    return [table.name for table in desk.settings.team.webhooks if kind in table.events]


def _deliver(desk: Desk, delivery_id: str, name: str, kind: str, body: str) -> str:
    """Send the event once and count the attempt; return what the receiver's status was."""
    table = next((one for one in desk.settings.team.webhooks if one.name == name), None)
    if table is None:
        raise refuse("not_set_up", f"The webhook {name} was taken out of toban.toml.")
    try:
        said = post_event(table, desk.settings.secret(table.secret_from), kind, delivery_id, body)
    except (EndpointUnreachable, Refused) as error:
        why = str(error)
        desk.outlast(lambda: desk.deliveries.tried(delivery_id, why))
        raise
    desk.outlast(lambda: desk.deliveries.tried(delivery_id, said))
    return said


def post_event(table: WebhookTable, secret: str, kind: str, delivery_id: str, body: str) -> str:
    """Post a signed event; raise EndpointUnreachable to try again, Refused where that is of no use."""
    raw = body.encode()
    now = int(time.time())
    headers = {
        "content-type": "application/json",
        "user-agent": "toban",
        EVENT_HEADER: kind,
        DELIVERY_HEADER: delivery_id,
        TIMESTAMP_HEADER: str(now),
        SIGNATURE_HEADER: sign(secret, now, raw),
    }
    try:
        waits = (CONNECT_SECONDS, READ_SECONDS)
        with bounded_request(
            "POST", table.url, data=raw, headers=headers, timeout=waits, stream=True
        ) as reply:
            status = reply.status_code
    except requests.RequestException as error:
        # Its own text may hold the address with its query, which may be a secret.
        raise EndpointUnreachable(f"{urlsplit(table.url).hostname}: {type(error).__name__}") from None
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return f"status {status}"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in (
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    ):
        raise EndpointUnreachable(f"status {status}")
    raise refuse("endpoint_refused", f"status {status}")
