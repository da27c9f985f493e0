"""The door for GitHub's webhooks: `POST /github/events`, only over HTTP.

GitHub signs the bytes and neither a time nor the delivery's id
(https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries). So a recording stays well
signed for ever, under any id. What protects against it is the ledger: an event is known by what it says as
well, and the flows that it begins have ids made from that. An event of runs begins nothing: it makes the
watcher look at once, and what GitHub then answers is what counts.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from bot.connectors.github_events import (
    EVENTS,
    Event,
    Ignored,
    Misread,
    PingEvent,
    WorkflowJobEvent,
    WorkflowRunEvent,
    read_event,
)
from bot.deliveries import Deliveries
from bot.engine import REQUESTS
from bot.intake import Entry, Intake
from bot.wsgi import Answer, Start, read_body, read_header, refusal, send

log = logging.getLogger(__name__)

GITHUB_EVENTS = "/github/events"
# https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap
MOST_EVENT_BYTES = 25 * 1024 * 1024
# https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
EVENT_HEADER, DELIVERY_HEADER, SIGNATURE_HEADER = "X-GitHub-Event", "X-GitHub-Delivery", "X-Hub-Signature-256"
FORM = "application/x-www-form-urlencoded"
_DELIVERY = re.compile(r"[A-Za-z0-9-]{1,80}")

RunEvent = WorkflowRunEvent | WorkflowJobEvent


def sign(secret: str, body: bytes) -> str:
    """Return the signature that GitHub sends with *body*."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass
class GitHubDoor:
    """Takes GitHub's events; a WSGI application. Thread-safe.

    `flows` names the flows that each kind of event begins, `hurry` makes the watcher look at a run now and
    says whether anybody waits for that run.
    """

    secret: str | None
    repositories: Collection[str]
    intake: Intake
    deliveries: Deliveries
    flows: Mapping[str, Collection[str]]
    hurry: Callable[[RunEvent], bool]

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        """Answer one request."""
        return send(self._answer(environ), start_response)

    def _answer(self, environ: Mapping[str, Any]) -> Answer:
        if environ.get("REQUEST_METHOD") != "POST":
            return refusal(405, "method_not_allowed", "Only POST is served here.")
        if self.secret is None:
            return refusal(503, "not_set_up", "GITHUB_WEBHOOK_SECRET is not set, so nothing is taken.")
        signature = read_header(environ, SIGNATURE_HEADER)
        if signature is None:
            return refusal(401, "bad_signature", f"The header {SIGNATURE_HEADER} is needed.")
        body = read_body(environ, MOST_EVENT_BYTES)
        if body is None:
            return refusal(413, "body_too_large", "The body is too large.")
        if not hmac.compare_digest(sign(self.secret, body).encode(), signature.encode("utf-8", "replace")):
            return refusal(
                401, "bad_signature", "The signature is not that of these bytes under this secret."
            )
        kind, delivery = (read_header(environ, name) or "" for name in (EVENT_HEADER, DELIVERY_HEADER))
        if not kind or not _DELIVERY.fullmatch(delivery):
            return refusal(400, "invalid_request", f"{EVENT_HEADER} and {DELIVERY_HEADER} are needed.")
        return self.take(kind, delivery, body, str(environ.get("CONTENT_TYPE", "")))

    def take(self, kind: str, delivery: str, body: bytes, content_type: str = "") -> Answer:
        """Take an event whose signature is good, once."""
        try:
            event = read_event(kind, _decoded(body, content_type))
        except Misread as error:
            return refusal(400, "invalid_request", f"{error}.")
        except (ValueError, RecursionError):
            return refusal(400, "malformed_json", "The body is not JSON.")
        if isinstance(event, Ignored):
            return _passed_over(kind, f"It is none of {', '.join(EVENTS)}.")
        if isinstance(event, PingEvent):
            return Answer(200, {"event": kind, "id": delivery})
        try:
            return self._keep(event, delivery)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, GitHub must know that it was not taken
            log.error("event was not stored", extra={"delivery": delivery, "reason": type(error).__name__})
            return refusal(503, "not_stored", "The bot's database did not take the event; send it again.")

    def _keep(self, event: Event, delivery: str) -> Answer:
        """Write the event down, with the flows that it begins; one that is known begins nothing."""
        is_waited_for = isinstance(event, RunEvent) and self.hurry(event)
        ours = {one.casefold() for one in self.repositories}
        if not is_waited_for and event.repository.casefold() not in ours:
            return _passed_over(
                event.kind, f"{event.repository} is not among the repositories in toban.toml."
            )
        known = self.deliveries.taken(delivery, event.identity)
        if known is not None:
            return Answer(200, {"event": event.kind, "id": delivery, "taken_before_as": known})
        flows = self.flows.get(event.kind, ())
        for flow in flows:
            flow_id = f"g-{event.identity[:20]}-{flow}"
            # Before the ledger: cut off here, the next delivery begins the same flows, which run once.
            self.intake.submit(Entry(flow, REQUESTS, flow_id, (flow_id, event.model_dump(mode="json"))))
        begins = bool(flows) or not isinstance(event, RunEvent)
        self.deliveries.take(delivery, event.identity, event.kind, event.repository[:160], begins=begins)
        return Answer(202, {"event": event.kind, "id": delivery})


def _decoded(body: bytes, content_type: str) -> Any:
    """Return the payload, which GitHub sends as JSON, or as a form with JSON in its field `payload`."""
    if content_type.partition(";")[0].strip().casefold() != FORM:
        return json.loads(body)
    return json.loads(parse_qs(body.decode("ascii")).get("payload", [""])[0])


def _passed_over(kind: str, why: str) -> Answer:
    return Answer(200, {"event": kind, "ignored": why})
