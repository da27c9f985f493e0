"""What goes out to the app: signed, timed, recorded, and sent again byte for byte when somebody asks."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

import requests
from slack_sdk.signature import SignatureVerifier

from playground.feed import Feed
from playground.slack.ids import new_id
from playground.slack.payloads import body_of
from playground.slack.settings import Settings
from playground.slack.sockets import NotConnected, Sockets

Json = dict[str, Any]
WORKERS = 64
USER_AGENT = "Slackbot 1.0 (+https://api.slack.com/robots)"


@dataclass(frozen=True)
class Ack:
    """How the app took one delivery."""

    ok: bool
    ack_ms: int
    status: int | None = None
    error: str | None = None
    detail: str | None = None  # what Slack keeps to itself: where the delivery went, and what was wrong there
    no_retry: bool = False
    body: Any = field(default=None, repr=False)


@dataclass
class Delivery:
    """One thing sent, and every attempt at it."""

    id: str
    envelope: str
    payload: Json
    content_type: str
    body: bytes
    attempts: list[Ack] = field(default_factory=list)

    def shown(self) -> Json:
        """Return the delivery for people and tests to look at."""
        attempts = [
            {name: value for name, value in asdict(ack).items() if name != "body"} for ack in self.attempts
        ]
        return {"id": self.id, "type": self.envelope, "payload": self.payload, "attempts": attempts}


class Deliveries:
    """Sends to the app's address, or over its socket when no address is known."""

    def __init__(self, settings: Settings, feed: Feed, sockets: Sockets) -> None:
        self.app_url = settings.app_url
        self._settings = settings
        self._feed = feed
        self._sockets = sockets
        self._sent: dict[str, Delivery] = {}
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="slack-delivery")
        self._retries: set[asyncio.Task[None]] = set()

    async def send(self, envelope: str, payload: Json) -> tuple[Delivery, Ack]:
        """Deliver something new and wait for its ack; an event that fails is tried again later."""
        delivery = Delivery(new_id("Dv"), envelope, payload, *body_of(envelope, payload))
        self._sent[delivery.id] = delivery
        ack = await self._attempt(delivery, {}, None)
        if envelope == "events_api" and not ack.ok and not ack.no_retry:
            task = asyncio.create_task(self._retry(delivery, ack))
            self._retries.add(task)
            task.add_done_callback(self._retries.discard)
        return delivery, ack

    async def repeat(self, delivery_id: str, times: int, headers: dict[str, str]) -> list[Ack]:
        """Send an earlier delivery again, all copies at once, with the same body and a fresh signature.

        Raises KeyError when nothing has that id.
        """
        delivery = self._sent[delivery_id]
        return list(await asyncio.gather(*(self._attempt(delivery, headers, None) for _ in range(times))))

    def shown(self) -> list[Json]:
        """Return all deliveries, oldest first."""
        return [delivery.shown() for delivery in self._sent.values()]

    def close(self) -> None:
        """Give up what is still to be tried again."""
        for task in self._retries:
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _retry(self, delivery: Delivery, ack: Ack) -> None:
        """Try an event again as Slack does: https://docs.slack.dev/apis/events-api#retries"""
        for number, pause in enumerate(self._settings.retry_seconds, start=1):
            await asyncio.sleep(pause)
            reason = "http_timeout" if ack.error == "operation_timeout" else "http_error"
            headers = {"x-slack-retry-num": str(number), "x-slack-retry-reason": reason}
            ack = await self._attempt(delivery, headers, (number, reason))
            if ack.ok or ack.no_retry:
                return

    async def _attempt(
        self, delivery: Delivery, headers: dict[str, str], retry: tuple[int, str] | None
    ) -> Ack:
        send = self._by_http if self.app_url else self._by_socket
        started = time.monotonic()
        ack = await send(delivery, headers, retry, lambda: round((time.monotonic() - started) * 1000))
        delivery.attempts.append(ack)
        self._feed.publish(
            "delivery",
            delivery=delivery.id,
            type=delivery.envelope,
            ok=ack.ok,
            status=ack.status,
            error=ack.error,
            ack_ms=ack.ack_ms,
        )
        return ack

    async def _by_socket(
        self,
        delivery: Delivery,
        headers: dict[str, str],
        retry: tuple[int, str] | None,
        elapsed: Callable[[], int],
    ) -> Ack:
        if retry is None and "x-slack-retry-num" in headers:
            retry = (int(headers["x-slack-retry-num"]), headers.get("x-slack-retry-reason", ""))
        try:
            body = await self._sockets.send(
                delivery.envelope, delivery.payload, self._settings.ack_seconds, retry
            )
        except NotConnected:
            why = "no app is connected by Socket Mode"
            return Ack(False, elapsed(), error="dispatch_failed", detail=why)
        except TimeoutError:
            return self._late(elapsed())
        return Ack(True, elapsed(), body=body or None)

    async def _by_http(
        self,
        delivery: Delivery,
        headers: dict[str, str],
        retry: tuple[int, str] | None,
        elapsed: Callable[[], int],
    ) -> Ack:
        post = asyncio.get_running_loop().run_in_executor(self._threads, self._post, delivery, headers)
        try:
            reply = await asyncio.wait_for(post, self._settings.ack_seconds)
        except (TimeoutError, requests.Timeout):
            return self._late(elapsed())
        except requests.RequestException:
            why = f"nothing answers at {self.app_url}"
            return Ack(False, elapsed(), error="dispatch_failed", detail=why)
        no_retry = reply.headers.get("x-slack-no-retry") == "1"
        ok = reply.status_code == 200 if delivery.envelope != "events_api" else reply.ok
        error, detail = (None, None) if ok else ("dispatch_failed", self._wrong(reply.status_code))
        return Ack(ok, elapsed(), reply.status_code, error, detail, no_retry, _ack_body(reply))

    def _late(self, ack_ms: int) -> Ack:
        why = f"no acknowledgement within {self._settings.ack_seconds:g} s"
        return Ack(False, ack_ms, error="operation_timeout", detail=why)

    def _wrong(self, status: int) -> str:
        """Return what an app's status means, with what is often the cause."""
        causes = {
            401: "; does the app have the signing secret of this playground?",
            404: "; is that where the app listens, and has it a listener for this?",
        }
        return f"{self.app_url} answered {status}{causes.get(status, '')}"

    def _post(self, delivery: Delivery, headers: dict[str, str]) -> requests.Response:
        """Post the bytes with a signature of this moment: https://docs.slack.dev/authentication/verifying-requests-from-slack"""
        timestamp = str(int(self._settings.clock()))
        verifier = SignatureVerifier(self._settings.signing_secret.get_secret_value())
        signature = verifier.generate_signature(timestamp=timestamp, body=delivery.body) or ""
        sent = {
            "content-type": delivery.content_type,
            "user-agent": USER_AGENT,
            "x-slack-request-timestamp": timestamp,
            "x-slack-signature": signature,
            # A fresh connection each time: a kept one may belong to an app that has since been killed.
            "connection": "close",
            **headers,
        }
        with requests.Session() as session:
            session.trust_env = False  # a proxy of this machine has no business with the app
            return session.post(
                str(self.app_url),
                data=delivery.body,
                headers=sent,
                timeout=self._settings.ack_seconds,
                allow_redirects=False,
            )


def _ack_body(reply: requests.Response) -> Any:
    """Return the ack's JSON object, its text, or None when it is empty."""
    if not reply.content:
        return None
    try:
        return reply.json()
    except ValueError:
        return reply.text
