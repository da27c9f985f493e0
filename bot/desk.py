"""The desk: all that a flow can reach, and the few things that make it durable.

Flows get a desk instead of importing their surroundings. `step` runs an effect and keeps its result; after a
crash the flow runs again from the top, and steps that are done answer from their checkpoint.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from dbos import DBOS

from bot.access import Access
from bot.connectors.azure_functions import AzureFunctionsConnector
from bot.edits import Edits
from bot.engine import FLOW_VERSION
from bot.errors import FlowFailed, NotInChannel, Refused, SlackRefused, Unreachable
from bot.jobs import Job
from bot.messages.message import Message
from bot.records import Records
from bot.settings import Settings
from bot.slack import Identity, SlackDesk
from ml.contract import ModelView, Problem

T = TypeVar("T")

MODEL_MEMORY_SECONDS = 60.0


@dataclass(frozen=True)
class Patience:
    """How often a step is tried when the other side does not answer; waits double from `first_seconds`."""

    attempts: int = 1
    first_seconds: float = 0.5


ONCE = Patience()
SHORT = Patience(attempts=6)
"""About 15 seconds: somebody is waiting."""
LONG = Patience(attempts=14)
"""About an hour: a result must not be lost because Slack has a bad day."""


@dataclass
class Desk:
    """What flows use. One per process; every part is thread-safe."""

    settings: Settings
    identity: Identity
    slack: SlackDesk
    functions: AzureFunctionsConnector
    access: Access
    records: Records
    edits: Edits
    _models: dict[str, tuple[float, ModelView]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    # --- durable ------------------------------------------------------------------------------------------

    def step(self, name: str, action: Callable[..., T], *args: Any, patience: Patience = ONCE) -> T:
        """Do *action* once for this flow and keep its result, which must be plain JSON.

        Raises Refused when the action was refused, FlowFailed when it failed in any other way; both also when
        the flow runs again. An action cut off by a crash between its effect and its checkpoint is done again.
        """

        def run() -> dict[str, Any]:
            try:
                return {"done": action(*args)}
            except Refused as refusal:
                return {"refused": refusal.problem.model_dump(mode="json")}
            except NotInChannel as error:
                return {"refused": _not_in_channel(error).model_dump(mode="json")}

        options = {
            "name": name,
            "retries_allowed": patience.attempts > 1,
            "max_attempts": patience.attempts,
            "interval_seconds": patience.first_seconds,
            "backoff_rate": 2.0,
            "should_retry": _may_help,
        }
        try:
            outcome = DBOS.run_step(options, run)  # type: ignore[arg-type]
        except FlowFailed:
            raise
        except Exception as error:
            raise FlowFailed(type(error).__name__, str(error)) from error
        if "refused" in outcome:
            raise Refused(Problem.model_validate(outcome["refused"]))
        return outcome["done"]  # type: ignore[no-any-return]

    def wait(self, topic: str, seconds: float) -> Any:
        """Wait durably for a message to this flow on *topic*; None after *seconds*."""
        return DBOS.recv(topic, timeout_seconds=seconds)

    def send(self, flow_id: str, topic: str, message: dict[str, Any], key: str) -> None:
        """Send a message to another flow; the same *key* is delivered once."""
        DBOS.send(flow_id, message, topic, idempotency_key=key)

    def start(self, flow: str, queue: str, flow_id: str, *args: Any, partition: str | None = None) -> None:
        """Put another flow on a queue; the same *flow_id* runs once."""
        options: dict[str, Any] = {
            "workflow_name": flow,
            "queue_name": queue,
            "workflow_id": flow_id,
            "app_version": FLOW_VERSION,
        }
        if partition is not None:
            options["queue_partition_key"] = partition
        DBOS.enqueue_workflow_with_options(options, *args)  # type: ignore[arg-type]

    # --- answers ------------------------------------------------------------------------------------------

    def tell(self, job: Job, message: Message) -> None:
        """Answer the person who asked, privately; where the bot is no member, by the command's response URL."""
        self.step("answer privately", self.whisper, job, message, patience=SHORT)

    def whisper(self, job: Job, message: Message) -> None:
        """Answer the person who asked, privately and at once; the undurable part of `tell`."""
        try:
            self.slack.whisper(job.channel, job.user, message, thread_ts=job.thread_ts)
        except NotInChannel:
            if job.response_url is None:
                raise
            self.slack.respond(job.response_url, message)

    def show(self, name: str, job: Job, message: Message, *, state: str) -> dict[str, str]:
        """Post *message* into the job's channel as a step called *name*; return where it stands."""
        about = {"flow_id": job.flow_id, "state": state}
        return self.step(
            name,
            lambda: self.slack.post(job.channel, message, thread_ts=job.thread_ts, about=about),
            patience=LONG,
        )

    def redraw(self, name: str, job: Job, place: dict[str, str], message: Message, *, state: str) -> None:
        """Replace the job's card as a step called *name*. Progress that still waits to be drawn is dropped."""
        about = {"flow_id": job.flow_id, "state": state}

        def draw() -> None:
            self.edits.forget(place)
            self.slack.edit(place, message, about=about)

        self.step(name, draw, patience=LONG)

    def reply(self, name: str, place: dict[str, str], message: Message) -> None:
        """Reply in the thread of the card at *place* as a step called *name*."""
        self.step(
            name,
            lambda: (self.slack.post(place["channel"], message, thread_ts=place["ts"]), None)[1],
            patience=LONG,
        )

    # --- facts --------------------------------------------------------------------------------------------

    def model(self, name: str, *, fresh: bool = False) -> ModelView:
        """Return a model's description, at most a minute old unless *fresh*."""
        now = time.monotonic()
        with self._lock:
            known = self._models.get(name)
        if known is not None and not fresh and now - known[0] < MODEL_MEMORY_SECONDS:
            return known[1]
        view = self.functions.model(name)
        with self._lock:
            self._models[name] = (now, view)
        return view

    def now(self) -> datetime:
        """Return the present moment, aware UTC. Inside a flow, call it in a step."""
        return datetime.now(UTC)


def _may_help(error: BaseException) -> bool:
    return isinstance(error, Unreachable)


def _not_in_channel(error: SlackRefused) -> Problem:
    return Problem(
        title="The bot is not in this channel",
        status=403,
        detail=f"Slack answered {error.code}.",
        reason_code="not_in_channel",
    )
