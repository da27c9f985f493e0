"""Webhooks: signed, sent in order to whoever listens, recorded, and sent again when somebody asks.

https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

import requests

from playground.feed import Feed
from playground.github.settings import Settings

Json = dict[str, Any]
HOOK_ID = 1


@dataclass(frozen=True)
class Attempt:
    """How the receiver took a delivery once."""

    ok: bool
    status: int | None
    error: str | None
    ms: int
    redelivery: bool


@dataclass
class Delivery:
    """One event, and every attempt to hand it over."""

    guid: str
    event: str
    payload: Json
    body: bytes
    attempts: list[Attempt] = field(default_factory=list)

    def shown(self) -> Json:
        """Return the delivery for people and tests to look at."""
        attempts = [asdict(attempt) for attempt in self.attempts]
        action = self.payload.get("action")
        return {"guid": self.guid, "event": self.event, "action": action, "attempts": attempts}


class Deliveries:
    """Sends one event after the other, so that they arrive in order unless somebody asks otherwise."""

    def __init__(self, settings: Settings, feed: Feed) -> None:
        self.url = settings.webhook_url
        self.secret = settings.webhook_secret.get_secret_value()
        # Paused deliveries wait, and are handed over in the order that resume() is told.
        self.paused = False
        self._settings = settings
        self._feed = feed
        self._known: dict[str, Delivery] = {}
        self._waiting: list[Delivery] = []
        self._wake = asyncio.Event()
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="github-delivery")
        self._sender = asyncio.create_task(self._send_all())

    def send(self, event: str, payload: Json) -> Delivery:
        """Record an event and hand it over soon; without a receiver it is only recorded."""
        delivery = Delivery(str(uuid.uuid4()), event, payload, json.dumps(payload).encode())
        self._known[delivery.guid] = delivery
        self._feed.publish("event", event=event, action=payload.get("action"), delivery=delivery.guid)
        if self.url is not None:
            self._waiting.append(delivery)
            self._wake.set()
        return delivery

    async def repeat(self, guid: str, times: int) -> list[Attempt]:
        """Send an earlier delivery again, with its own id and the same bytes; KeyError when there is none."""
        delivery = self._known[guid]
        return list(await asyncio.gather(*(self._attempt(delivery, True) for _ in range(times))))

    def pause(self) -> None:
        """Hold events back from now on."""
        self.paused = True

    def resume(self, order: str) -> None:
        """Let events go again: those held back “in_order”, “reversed”, or “dropped”."""
        if order == "reversed":
            self._waiting.reverse()
        elif order == "dropped":
            self._waiting.clear()
        self.paused = False
        self._wake.set()

    def payload(self, guid: str) -> Json:
        """Return what was sent; KeyError when there is no such delivery."""
        return self._known[guid].payload

    def shown(self) -> list[Json]:
        """Return all deliveries, oldest first."""
        return [delivery.shown() for delivery in self._known.values()]

    async def close(self) -> None:
        """Give up what still waits."""
        self._sender.cancel()
        await asyncio.gather(self._sender, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _send_all(self) -> None:
        while True:
            await self._wake.wait()
            if self.paused or not self._waiting:
                self._wake.clear()
                continue
            await self._attempt(self._waiting.pop(0), False)

    async def _attempt(self, delivery: Delivery, redelivery: bool) -> Attempt:
        started = time.monotonic()
        status, error = None, None
        try:
            loop = asyncio.get_running_loop()
            status = await loop.run_in_executor(self._threads, self._post, delivery)
        except requests.Timeout:
            error = "timed out"
        except requests.RequestException:
            error = "failed to connect to host"
        ok = status is not None and status < 300
        attempt = Attempt(ok, status, error, round((time.monotonic() - started) * 1000), redelivery)
        delivery.attempts.append(attempt)
        self._feed.publish("delivery", delivery=delivery.guid, event=delivery.event, **asdict(attempt))
        return attempt

    def _post(self, delivery: Delivery) -> int:
        """Post the bytes: https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers"""
        headers = {
            "accept": "*/*",
            "content-type": "application/json",
            "user-agent": "GitHub-Hookshot/loopback",
            "x-github-delivery": delivery.guid,
            "x-github-event": delivery.event,
            "x-github-hook-id": str(HOOK_ID),
            "x-github-hook-installation-target-type": "repository",
            "x-hub-signature-256": sign(self.secret, delivery.body),
            # A fresh connection each time: a kept one may belong to an app that has since been killed.
            "connection": "close",
        }
        with requests.Session() as session:
            session.trust_env = False  # a proxy of this machine has no business with the receiver
            reply = session.post(
                str(self.url),
                data=delivery.body,
                headers=headers,
                timeout=self._settings.ack_seconds,
                allow_redirects=False,
            )
            return reply.status_code


def sign(secret: str, body: bytes) -> str:
    """Return the signature of a body.

    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    """
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
