"""The desk: all that a flow can reach, and the few things that make it durable.

Flows get a desk instead of importing their surroundings. `step` runs an effect and keeps its result; after a
crash the flow runs again from the top, and steps that are done answer from their checkpoint.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from dbos import DBOS, EnqueueOptions, StepOptions
from dbos import error as engine_errors

from bot.access import Access
from bot.calls import Calls
from bot.checkpoints import last_cause
from bot.coercion import fold_case
from bot.commands import Command
from bot.connectors.azure_functions import AzureFunctionsConnector
from bot.connectors.connector import Connector
from bot.connectors.github import GitHub
from bot.connectors.mlflow import MlflowConnector
from bot.deliveries import Deliveries
from bot.deployment_records import DeploymentRecords
from bot.edits import Edits
from bot.engine import FLOW_VERSION, LATER, REQUESTS, Fence, go_on, is_on
from bot.errors import (
    BotError,
    FlowFailed,
    NotInChannel,
    Refused,
    SlackBusy,
    SlackRefused,
    SlackUnreachable,
    Unreachable,
)
from bot.experiment_records import ExperimentRecords
from bot.jobs import Job, is_person
from bot.line import Line
from bot.messages.message import Message
from bot.open_forms import OpenForms
from bot.outages import through_outages
from bot.posts import Posts, later_id, may_be_done
from bot.records import Records
from bot.settings import Settings
from bot.slack import Identity, SlackDesk
from bot.slack_turns import waiting_at_most
from bot.subscriptions import Subscriptions
from bot.timing import Timing
from bot.works import Works
from ml.contract import ModelView, Problem

log = logging.getLogger(__name__)
T = TypeVar("T")

MODEL_MEMORY_SECONDS = 60.0


@dataclass(frozen=True)
class Patience:
    """How often a step is tried when the other side does not answer, and how the waits between grow."""

    attempts: int = 1
    first_seconds: float = 0.5
    growth: float = 2.0


ONCE = Patience()
SHORT = Patience(attempts=6)
"""About 15 seconds: somebody is waiting."""
LONG = Patience(attempts=160, first_seconds=0.5, growth=1.06)
"""About a day, because a result must not be lost; a wait is never longer than a tenth of the time so far."""

WAIT_SECONDS = 2.0
"""So long a request waits for its turn at Slack; it goes on later where that comes later, and others have its
place among the requests."""
TRIES = 4
"""So often a request tries what is tried for a day before it goes on later."""


class GoesOnLater(BaseException):
    """A request gives its place to others and goes on from *step* later, as the flow *flow_id*.

    No story may stop it on its way out, so it is no Exception.
    """

    def __init__(self, step: int, flow_id: str) -> None:
        self.step = step
        self.flow_id = flow_id
        super().__init__(f"step {step}")


GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
"""What Slack says of a message that cannot be edited any more, for instance because a person deleted it."""


@dataclass
class Desk:
    """What flows use. One per process; every part is thread-safe."""

    settings: Settings
    identity: Identity
    slack: SlackDesk
    posts: Posts
    functions: AzureFunctionsConnector
    access: Access
    records: Records
    works: Works
    connectors: Mapping[str, Connector]
    edits: Edits
    fence: Fence
    line: Line
    commands: Mapping[str, Command]
    deliveries: Deliveries
    calls: Calls
    deployments: DeploymentRecords
    subscriptions: Subscriptions
    forms: OpenForms
    experiments: ExperimentRecords
    mlflow: MlflowConnector | None = None
    hub: GitHub | None = None
    settle_seconds: float = Timing.settle_seconds
    look_at_branches: Callable[[], None] = lambda: None
    run_begun: Callable[[str], None] = lambda run_id: None
    _models: dict[str, tuple[float, ModelView]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    # --- durable ------------------------------------------------------------------------------------------

    def step(self, name: str, action: Callable[..., T], *args: Any, patience: Patience = ONCE) -> T:
        """Do *action* once for this flow and keep its result, which must be plain JSON.

        Raises Refused when the action was refused, FlowFailed when it failed in any other way, GoesOnLater in
        a request that Slack keeps waiting; all also when the flow runs again. An action cut off by a crash
        between its effect and its checkpoint is done again, and so is one that met the bot's own database
        while that was away.
        """
        passes = ExitStack()

        def act() -> T:
            return self.outlast(lambda: action(*args))

        def run() -> dict[str, Any]:
            passes.enter_context(self.fence)
            try:
                return _unless_slack_keeps_it_waiting(act, patience)
            except Refused as refusal:
                return {"refused": refusal.problem.model_dump(mode="json")}
            except NotInChannel as error:
                return {"refused": _not_in_channel(error).model_dump(mode="json")}
            except BaseException:
                passes.close()  # what waits for its next attempt holds nobody up
                raise

        options: StepOptions = {
            "name": name,
            "retries_allowed": patience.attempts > 1,
            "max_attempts": patience.attempts,
            "interval_seconds": patience.first_seconds,
            "backoff_rate": patience.growth,
            "should_retry": _may_help,
        }
        try:
            with passes:  # until the result is kept, so that an orderly end repeats nothing
                outcome = DBOS.run_step(options, run)
        except Exception as error:
            raise FlowFailed.of(last_cause(error)) from error
        if "later" in outcome:
            raise GoesOnLater(*outcome["later"])
        if "refused" in outcome:
            raise Refused(Problem.model_validate(outcome["refused"]))
        done: T = outcome["done"]
        return done

    def go_on_later(self, later: GoesOnLater, line: str) -> None:
        """Let the flow that *later* came out of go on when it has its turn in *line*."""
        self.step("go on later", go_on, LATER, line, later.flow_id, later.step)

    def outlast(self, action: Callable[[], T]) -> T:
        """Return what *action* returns, done again for as long as the bot's own database is away.

        Every step does so. A step whose effect comes before its write puts the write in here, so that only
        the write is done again; a flow may read the database through it. Nothing is done again before it is
        sure that no other process has taken over.
        """
        return through_outages(action, before_again=self.fence.wait_until_fresh)

    def wait(self, topic: str, seconds: float) -> Any:
        """Wait durably for a message to this flow on *topic*; None after *seconds*."""
        return DBOS.recv(topic, timeout_seconds=seconds)

    def send(self, flow_id: str, topic: str, message: dict[str, Any], key: str) -> None:
        """Send a message to another flow; the same *key* is delivered once, and to no flow it is dropped."""
        try:
            DBOS.send(flow_id, message, topic, idempotency_key=key)
        except engine_errors.DBOSNonExistentWorkflowError:
            log.info("message to a flow that does not exist", extra={"flow_id": flow_id, "topic": topic})

    def start(self, flow: str, queue: str, flow_id: str, *args: Any, partition: str | None = None) -> None:
        """Put another flow on a queue; the same *flow_id* runs once. Those of a partition run in order."""
        options: EnqueueOptions = {
            "workflow_name": flow,
            "queue_name": queue,
            "workflow_id": flow_id,
            "app_version": FLOW_VERSION,
        }
        if partition is not None:
            options = self.line.add_to({**options, "queue_partition_key": partition})
        DBOS.enqueue_workflow_with_options(options, *args)

    # --- answers ------------------------------------------------------------------------------------------

    def tell(self, job: Job, message: Message) -> None:
        """Answer the person who asked, privately, also where the bot is no member."""
        self.step("answer privately", self.whisper, job, message, patience=SHORT)

    def whisper(self, job: Job, message: Message) -> None:
        """Answer the person who asked, privately and at once; the undurable part of `tell`.

        Where the bot is no member, the command's response URL answers; where that is spent, a direct message.
        It also answers where Slack has had enough private answers this minute: nobody waits behind a burst.
        What a webhook or a push asked is answered in its channel: there is nobody to whisper to; and what the
        Home tab asked by direct message, where nobody else listens.
        """
        if not is_person(job.user) or job.channel == job.user:
            self.slack.post(job.channel, message, thread_ts=job.thread_ts)
            return
        try:
            try:
                hasty = job.response_url is not None
                self.slack.whisper(job.channel, job.user, message, thread_ts=job.thread_ts, patient=not hasty)
            except SlackBusy:
                if not self._responded(job, message):
                    self.slack.whisper(job.channel, job.user, message, thread_ts=job.thread_ts)
        except NotInChannel:
            if not self._responded(job, message):
                self.slack.post(job.user, message)

    def _responded(self, job: Job, message: Message) -> bool:
        try:
            return job.response_url is not None and self.slack.respond(job.response_url, message)
        except BotError as error:
            log.warning("response URL did not take the answer", extra={"reason": str(error)})
            return False

    def show(self, name: str, job: Job, message: Message, *, state: str) -> dict[str, str]:
        """Post *message* into the job's channel as a step called *name*; return where it stands."""
        about = {"flow_id": job.flow_id, "state": state}

        def post() -> dict[str, str]:
            return self.posts.post(job.channel, message, thread_ts=job.thread_ts, about=about)

        place = self.step(name, post, patience=LONG)
        self.attach(f"{name}: files", place, message)
        return place

    def redraw(
        self, name: str, job: Job, place: dict[str, str], message: Message, *, state: str
    ) -> dict[str, str]:
        """Replace the job's card as a step called *name*; return where it stands now.

        Progress that still waits to be drawn is dropped. A card that somebody deleted is posted anew. A card
        that stays open is progress itself: where Slack has no room for it now, the flow does not wait.
        """
        about = {"flow_id": job.flow_id, "state": state}

        def draw() -> dict[str, str]:
            self.edits.forget(place)
            if state == "open" and not self.edits.has_room():
                self.edits.offer(place, message, about)
                return place
            try:
                self.slack.edit(place, message, about=about)
            except SlackRefused as refusal:
                if refusal.code not in GONE:
                    raise
                moved = self.posts.post(place["channel"], message, thread_ts=job.thread_ts, about=about)
                self.outlast(lambda: self.records.move_card(job.flow_id, moved))
                self.outlast(lambda: self.works.move(job.flow_id, moved))
                return moved
            return place

        return self.step(name, draw, patience=LONG)

    def reply(self, name: str, place: dict[str, str], message: Message) -> None:
        """Reply in the thread of the card at *place* as a step called *name*."""

        def post() -> None:
            self.posts.post(place["channel"], message, thread_ts=thread_of(place))

        self.step(name, post, patience=LONG)
        self.attach(f"{name}: files", place, message)

    def attach(self, name: str, place: dict[str, str], message: Message) -> None:
        """Put the message's files into the thread of *place*; without them the message still stands."""
        if not message.files:
            return
        try:
            self.step(
                name, self.posts.upload, place["channel"], thread_of(place), message.files, patience=SHORT
            )
        except (Refused, FlowFailed) as error:
            log.warning("files could not be shown", extra={"reason": str(error)})

    # --- facts --------------------------------------------------------------------------------------------

    def model(self, name: str, *, fresh: bool = False) -> ModelView:
        """Return a model's description, at most a minute old unless *fresh*; its name in any case."""
        now, name = time.monotonic(), fold_case(name)
        with self._lock:
            known = self._models.get(name)
        if known is not None and not fresh and now - known[0] < MODEL_MEMORY_SECONDS:
            return known[1]
        view = self.functions.model(name)
        with self._lock:
            self._models[name] = (now, view)
        return view

    def knows_model(self, name: str) -> bool:
        """Return whether `model` would answer from memory."""
        with self._lock:
            known = self._models.get(name)
        return known is not None and time.monotonic() - known[0] < MODEL_MEMORY_SECONDS

    def registry(self) -> MlflowConnector:
        """Return the MLflow registry; raise Refused where none is named in the settings."""
        if self.mlflow is None:
            raise Refused(_no_registry())
        return self.mlflow

    def github(self) -> GitHub:
        """Return what the bot does with GitHub; raise Refused where the settings name no repository."""
        if self.hub is None:
            raise Refused(_no_github())
        return self.hub

    def now(self) -> datetime:
        """Return the present moment, aware UTC. Inside a flow, call it in a step."""
        return datetime.now(UTC)


def thread_of(place: Mapping[str, str]) -> str:
    """Return the message whose thread a card stands in, or else the card itself.

    Slack wants replies to name the first message of a thread, never a reply of it:
    https://docs.slack.dev/messaging/sending-and-scheduling-messages#threading
    """
    return place.get("thread_ts") or place["ts"]


def _no_registry() -> Problem:
    return Problem(
        title="No MLflow registry",
        status=404,
        detail="Name its address in toban.toml, under [mlflow].",
        reason_code="mlflow_not_set",
    )


def _no_github() -> Problem:
    return Problem(
        title="No GitHub repository",
        status=404,
        detail="toban.toml names no repositories under [github].",
        reason_code="github_not_set_up",
    )


def _unless_slack_keeps_it_waiting(act: Callable[[], Any], patience: Patience) -> dict[str, Any]:
    """Return what *act* returns as `done`; as `later` from where a request goes on that has to wait.

    Elsewhere nobody needs the place of a flow that waits.
    """
    try:
        with waiting_at_most(WAIT_SECONDS):
            return {"done": act()}
    except SlackBusy:
        if is_on(REQUESTS):
            return {"later": [DBOS.step_id, later_id(sure=not may_be_done())]}
    except SlackUnreachable:
        step = DBOS.step_status
        tried = step.current_attempt or 0 if step is not None else 0
        if patience != LONG or tried + 1 < TRIES or not is_on(REQUESTS):
            raise
        return {"later": [DBOS.step_id, later_id(sure=False)]}
    return {"done": act()}


def _may_help(error: BaseException) -> bool:
    return isinstance(error, Unreachable)


def _not_in_channel(error: SlackRefused) -> Problem:
    return Problem(
        title="The bot is not in this channel",
        status=403,
        detail=f"Slack answered {error.code}.",
        reason_code="not_in_channel",
    )
