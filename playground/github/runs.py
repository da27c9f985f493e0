"""What is known of runs: attempts, jobs, steps, logs, artifacts. Data and small changes, no waiting.

Status and conclusion are GitHub's words: https://docs.github.com/en/rest/actions/workflow-runs
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from playground.github.workflow_files import Job as JobFile
from playground.github.workflow_files import Step as StepFile
from playground.github.workflow_files import Workflow

# What counts as “not gone well” for rerun-failed-jobs and for jobs that need this one.
BAD = frozenset({"failure", "cancelled", "timed_out", "startup_failure"})


@dataclass
class Step:
    """One step as it runs; *file* is None for those that GitHub adds."""

    name: str
    number: int
    file: StepFile | None = None
    status: str = "queued"
    conclusion: str | None = None
    outcome: str | None = None
    started_at: float | None = None
    completed_at: float | None = None
    # It began when the job had been stopped already, because its condition asks for that.
    after_stop: bool = False
    log: list[str] = field(default_factory=list)


@dataclass
class Job:
    """One job of one attempt."""

    id: int
    key: str
    name: str
    file: JobFile
    attempt: int
    created_at: float
    steps: list[Step] = field(default_factory=list)
    status: str = "queued"
    conclusion: str | None = None
    started_at: float | None = None
    completed_at: float | None = None
    outputs: dict[str, str] = field(default_factory=dict)
    deployment: int | None = None
    environment_url: str = ""
    runner: int | None = None
    # Jobs that wait for others are not listed yet.
    listed: bool = False
    annotations: list[dict[str, Any]] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    stop: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    # The conclusion of a job that was stopped: cancelled, timed_out, or what somebody chose for it.
    stopped_as: str | None = None

    def end_as(self, conclusion: str) -> None:
        """Stop the job as soon as it can be stopped; what was said first counts."""
        if self.stopped_as is None:
            self.stopped_as = conclusion
        self.stop.set()

    def log(self) -> list[str]:
        """Return the lines of all steps."""
        return [line for step in self.steps for line in step.log]


@dataclass
class Attempt:
    """One attempt of a run."""

    number: int
    actor: str
    started_at: float
    jobs: list[Job]
    status: str = "queued"
    conclusion: str | None = None
    updated_at: float = 0.0
    cancelled: bool = False
    begun: bool = False
    # Set when somebody cancels, so that an attempt that waits for its turn goes home.
    stop: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    done: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def listed(self) -> list[Job]:
        """Return the jobs that GitHub would list by now."""
        return [job for job in self.jobs if job.listed]

    def job(self, key: str) -> Job:
        """Return a job by its name in the file."""
        return next(job for job in self.jobs if job.key == key)


@dataclass
class Artifact:
    """A zip that a step uploaded."""

    id: int
    name: str
    content: bytes
    digest: str
    run_id: int
    created_at: float
    expires_at: float


@dataclass
class Review:
    """What somebody said about a deployment that waited."""

    environment: str
    state: str
    login: str
    comment: str
    at: float


@dataclass
class DeploymentStatus:
    """One state of a deployment."""

    id: int
    state: str
    description: str
    creator: str
    created_at: float
    environment_url: str = ""
    log_url: str = ""


@dataclass
class Deployment:
    """A commit on its way to an environment."""

    id: int
    repository: str
    sha: str
    ref: str
    environment: str
    task: str
    creator: str
    created_at: float
    description: str | None = None
    payload: Any = field(default_factory=dict)
    run_id: int | None = None
    job_id: int | None = None
    statuses: list[DeploymentStatus] = field(default_factory=list)


@dataclass
class Run:
    """One workflow run with all its attempts."""

    id: int
    repository: str
    workflow_id: int
    file: Workflow | None
    path: str
    name: str
    title: str
    number: int
    event: str
    payload: Mapping[str, Any]
    ref: str
    sha: str
    actor: str
    created_at: float
    inputs: dict[str, Any] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    refusal: str | None = None

    @property
    def workflow_name(self) -> str:
        """Return what the workflow file calls itself."""
        return self.file.name if self.file else self.path

    @property
    def latest(self) -> Attempt:
        """Return the newest attempt."""
        return self.attempts[-1]

    @property
    def branch(self) -> str | None:
        """Return the short name of the branch or tag."""
        return self.ref.split("/", 2)[2] if self.ref.startswith("refs/") else None

    def job(self, job_id: int) -> tuple[Attempt, Job] | None:
        """Return a job of any attempt by its id."""
        for attempt in self.attempts:
            for job in attempt.jobs:
                if job.id == job_id:
                    return attempt, job
        return None
