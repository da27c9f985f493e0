"""GitHub's webhooks, read into records that say what happened; whatever else is in them is left aside.

Pure: name and body in, a record out. The records are flat and plain JSON, so that flows can keep them. Only
what makes an event the event that it is must be there: unknown fields, missing ones and those of another
type than today's change nothing. Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AliasPath,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

T = TypeVar("T")

MOST_WORDS = 2000


class Misread(ValueError):
    """The body is not that of such an event; the text names the field and what is wrong with it."""


def _or_none(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValidationError:
        return None


Maybe = Annotated[T | None, WrapValidator(_or_none)]
"""What may be missing, null or of another type: then it is None.

Times come as ISO 8601, and in a push's repository as seconds since 1970; pydantic takes both.
"""
Moment = Maybe[datetime]
Words = Maybe[Annotated[str, AfterValidator(lambda text: text[:MOST_WORDS])]]
"""What a person wrote; of a long text the beginning is kept."""


def _at(first: str, *path: str | int, default: Any = None) -> Any:
    """Return a field that is read at *path* of GitHub's body."""
    return Field(default, validation_alias=AliasPath(first, *path))


def _needed(first: str, *path: str | int) -> Any:
    return Field(validation_alias=AliasPath(first, *path))


class _Event(BaseModel):
    """What all events have; `repository` is its full name now, `sender` the login of who did it."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)
    IDENTITY: ClassVar[tuple[str, ...]]

    repository: str = _needed("repository", "full_name")
    repository_id: Maybe[int] = _at("repository", "id")
    action: Maybe[str] = None
    sender: Maybe[str] = _at("sender", "login")

    @property
    def identity(self) -> str:
        """A digest that is the same when the same thing is told again, by whatever delivery or webhook."""
        parts = [getattr(self, name) for name in ("kind", *self.IDENTITY)]
        where = self.repository_id or self.repository  # the id outlives a new name
        return hashlib.sha256("\x00".join(map(str, (where, *parts))).encode()).hexdigest()


class WorkflowRunEvent(_Event):
    """A run was requested, is in progress, or has completed (with its `conclusion`)."""

    IDENTITY = ("run_id", "attempt", "action", "status", "conclusion", "updated_at")

    kind: Literal["workflow_run"] = "workflow_run"
    run_id: int = _needed("workflow_run", "id")
    attempt: Maybe[int] = _at("workflow_run", "run_attempt")
    status: Maybe[str] = _at("workflow_run", "status")
    conclusion: Maybe[str] = _at("workflow_run", "conclusion")
    path: Maybe[str] = _at("workflow_run", "path")
    branch: Maybe[str] = _at("workflow_run", "head_branch")
    updated_at: Moment = _at("workflow_run", "updated_at")


class WorkflowJobEvent(_Event):
    """A job of a run waits, is queued, in progress, or has completed."""

    IDENTITY = ("job_id", "attempt", "action", "status", "conclusion", "started_at", "completed_at")

    kind: Literal["workflow_job"] = "workflow_job"
    run_id: int = _needed("workflow_job", "run_id")
    job_id: int = _needed("workflow_job", "id")
    attempt: Maybe[int] = _at("workflow_job", "run_attempt")
    name: Maybe[str] = _at("workflow_job", "name")
    status: Maybe[str] = _at("workflow_job", "status")
    conclusion: Maybe[str] = _at("workflow_job", "conclusion")
    started_at: Moment = _at("workflow_job", "started_at")
    completed_at: Moment = _at("workflow_job", "completed_at")


class PushEvent(_Event):
    """A branch or tag has moved from `before` to `after`; `ref` is whole, for instance `refs/heads/main`."""

    IDENTITY = ("ref", "before", "after", "pushed_at")

    kind: Literal["push"] = "push"
    ref: str
    before: str
    after: str
    created: Maybe[bool] = None
    deleted: Maybe[bool] = None
    forced: Maybe[bool] = None
    pusher: Maybe[str] = _at("pusher", "name")
    message: Words = _at("head_commit", "message")
    author: Maybe[str] = _at("head_commit", "author", "name")
    compare: Maybe[str] = None
    default_branch: Maybe[str] = _at("repository", "default_branch")
    pushed_at: Moment = _at("repository", "pushed_at")

    @property
    def branch(self) -> str | None:
        """The branch that moved; None for a tag and for a branch that was deleted."""
        return None if self.deleted or not self.ref.startswith("refs/heads/") else self.ref[11:]


class _OfDeployment(_Event):
    deployment_id: int = _needed("deployment", "id")
    environment: Maybe[str] = _at("deployment", "environment")
    ref: Maybe[str] = _at("deployment", "ref")
    sha: Maybe[str] = _at("deployment", "sha")
    task: Maybe[str] = _at("deployment", "task")
    creator: Maybe[str] = _at("deployment", "creator", "login")
    run_id: Maybe[int] = _at("workflow_run", "id")
    run_url: Maybe[str] = _at("workflow_run", "html_url")


class DeploymentEvent(_OfDeployment):
    """A deployment was created; `run_id` is the run that did it, if one did."""

    IDENTITY = ("deployment_id", "action")

    kind: Literal["deployment"] = "deployment"


class DeploymentStatusEvent(_OfDeployment):
    """A deployment has a new `state`: waiting, queued, in_progress, success, failure, error, inactive …"""

    IDENTITY = ("status_id", "action")

    kind: Literal["deployment_status"] = "deployment_status"
    status_id: int = _needed("deployment_status", "id")
    state: str = _needed("deployment_status", "state")
    description: Words = _at("deployment_status", "description")
    target_url: Maybe[str] = _at("deployment_status", "target_url")
    log_url: Maybe[str] = _at("deployment_status", "log_url")
    environment_url: Maybe[str] = _at("deployment_status", "environment_url")
    created_at: Moment = _at("deployment_status", "created_at")


class _Reviewer(BaseModel):
    """Who may approve: a person by login, or a team by slug."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: Maybe[str] = None
    login: Maybe[str] = _at("reviewer", "login")
    team: Maybe[str] = _at("reviewer", "slug")


class _WaitingJob(BaseModel):
    """A job that a protection rule holds up, or held up."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Maybe[int] = None
    name: Maybe[str] = None
    environment: Maybe[str] = None


class DeploymentReviewEvent(_Event):
    """A run's deployment waits for a review (`requested`), or was `approved` or `rejected` by `approver`."""

    IDENTITY = ("run_id", "attempt", "action", "environments", "since", "approver", "comment")

    kind: Literal["deployment_review"] = "deployment_review"
    run_id: int = _needed("workflow_run", "id")
    attempt: Maybe[int] = _at("workflow_run", "run_attempt")
    run_url: Maybe[str] = _at("workflow_run", "html_url")
    path: Maybe[str] = _at("workflow_run", "path")
    environment: Maybe[str] = None
    since: Moment = None
    requestor: Maybe[str] = _at("requestor", "login")
    approver: Maybe[str] = _at("approver", "login")
    comment: Words = None
    reviewers: Maybe[tuple[_Reviewer, ...]] = None
    job: Maybe[_WaitingJob] = _at("workflow_job_run")
    jobs: Maybe[tuple[_WaitingJob, ...]] = _at("workflow_job_runs")

    @property
    def environments(self) -> tuple[str, ...]:
        """The names of the environments that it is about, in order, each once."""
        named = [self.environment, *(one.environment for one in (self.job, *(self.jobs or ())) if one)]
        return tuple(dict.fromkeys(name for name in named if name))


class PingEvent(_Event):
    """GitHub tries whether somebody listens; the webhook may be an organization's."""

    IDENTITY = ("hook_id", "zen")

    kind: Literal["ping"] = "ping"
    repository: str = _at("repository", "full_name", default="")
    hook_id: Maybe[int] = None
    zen: Maybe[str] = None


Event = (
    WorkflowRunEvent
    | WorkflowJobEvent
    | PushEvent
    | DeploymentEvent
    | DeploymentStatusEvent
    | DeploymentReviewEvent
    | PingEvent
)

EVENTS: Mapping[str, type[Event]] = {
    "workflow_run": WorkflowRunEvent,
    "workflow_job": WorkflowJobEvent,
    "push": PushEvent,
    "deployment": DeploymentEvent,
    "deployment_status": DeploymentStatusEvent,
    "deployment_review": DeploymentReviewEvent,
    "ping": PingEvent,
}
"""The events that are read, by GitHub's own name for them (the header `X-GitHub-Event`)."""


class Ignored(BaseModel):
    """An event that the bot has no use for."""

    model_config = ConfigDict(frozen=True)

    kind: str


def read_event(event: str, body: Any) -> Event | Ignored:
    """Return what the decoded *body* of an *event* says; raise Misread where it cannot be such an event."""
    model = EVENTS.get(event)
    if model is None:
        return Ignored(kind=event)
    if not isinstance(body, dict):
        raise Misread("body: it is not a JSON object")
    try:
        return model.model_validate({**body, "kind": event})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Misread(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def restore_event(record: Mapping[str, Any]) -> Event:
    """Return the event that a flow was given as plain JSON (`model_dump(mode="json")`)."""
    return EVENTS[str(record["kind"])].model_validate(record, by_alias=False, by_name=True)
