"""What every connector is: a translation between a job that a person asked for and a system that does it.

A connector starts a run under a key (twice with one key is one run), tells how runs stand, and stops them. It
holds no state of its own and decides nothing; flows, watchers and messages speak only of the types here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from ml.contract import Direction, Reason

Offer = Literal["cancel", "rerun", "rerun_failed"]
"""What may be asked of a run beside looking at it; a card shows a button for each."""

RunState = Literal["queued", "waiting", "running", "succeeded", "failed", "cancelled"]
"""`waiting` is a run that people hold up: an environment whose protection rule waits for an approval."""

FINAL: frozenset[str] = frozenset({"succeeded", "failed", "cancelled"})


class _Fact(BaseModel):
    """A record that flows checkpoint as plain JSON; keys of a newer version are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class JobRequest(_Fact):
    """What to start: the call's values after mapping, typed and checked.

    `target` is the connector's own address of the work (a workflow file, a path); `values` are its inputs.
    `began_at` is when an earlier attempt to start it began, which may have reached the other side; None for
    the first attempt. `taken` are the ids of runs that other commands have, of about that time.
    """

    target: str
    values: dict[str, Any] = Field(default_factory=dict)
    ref: str | None = None
    who: str
    where: str
    began_at: datetime | None = None
    taken: tuple[str, ...] = ()


class RunHandle(_Fact):
    """How a connector finds a run again. `scope` groups what one request can ask for (a repository)."""

    connector: str
    id: str
    scope: str = ""
    url: str | None = None


class Step(_Fact):
    """One step of a job of a run; `seconds` so far, or in all once it has ended."""

    name: str
    state: Literal["waiting", "running", "succeeded", "failed", "skipped", "cancelled"]
    seconds: float | None = None


class RunJob(Step):
    """One job of a run, with its steps."""

    steps: tuple[Step, ...] = ()


class ReportMetric(_Fact):
    """A number that a run reports, with what it takes to read it."""

    name: str
    value: float
    unit: str = ""
    direction: Direction | None = None
    business: bool = False


class Report(_Fact):
    """What a run says of itself: metrics, the version it made, its data, its cost, other fields."""

    metrics: tuple[ReportMetric, ...] = ()
    version: str | None = None
    data: str | None = None
    cost: str | None = None
    fields: dict[str, Any] = Field(default_factory=dict)
    problems: tuple[str, ...] = ()


class Waiting(_Fact):
    """An environment that holds a run up: who may let it go on, and the minutes of its timer."""

    environment: str
    environment_id: int
    reviewers: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    wait_minutes: int = 0


class Review(_Fact):
    """What somebody decided about an environment that held a run up, by their login.

    `user` is who decided it in Slack; None says that it was decided on GitHub's own pages.
    """

    environment: str
    state: str
    login: str
    comment: str = ""
    user: str | None = None


class RunStatus(_Fact):
    """How a run stands. `attempt` rises with a rerun, which keeps the handle.

    `waits` are the environments that hold it up now, `reviews` what was decided about such; `sha` is the
    commit that it runs for. `is_run` is False where there is nothing that people would call a run.
    """

    handle: RunHandle
    name: str
    state: RunState
    attempt: int = 1
    jobs: tuple[RunJob, ...] = ()
    progress: float | None = None
    detail: str | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    reason: Reason | None = None
    report: Report | None = None
    offers: tuple[Offer, ...] = ()
    waits: tuple[Waiting, ...] = ()
    reviews: tuple[Review, ...] = ()
    sha: str | None = None
    is_run: bool = True


class Sighting(_Fact):
    """A run as a list of all runs shows it, whoever started it.

    `phase` is queued, started, or the other side's own word for how it ended; `at` is when that began.
    """

    id: str
    workflow: str
    branch: str = ""
    number: int = 1
    attempt: int = 1
    phase: str
    at: datetime | None = None
    actor: str = ""
    title: str = ""
    url: str | None = None


class Connector(Protocol):
    """A kind of system that does the work. Each call has a time-out.

    Raises `Refused` where the system understood and said no, `Unreachable` where it did not answer.
    """

    def start(self, job: JobRequest, *, key: str) -> RunHandle:
        """Start a run, or return the one that *key* started before."""

    def status(self, handles: Sequence[RunHandle]) -> Mapping[str, RunStatus]:
        """Return how runs stand, by handle id, in as few requests as can be; unknown ones are left out."""

    def cancel(self, handle: RunHandle) -> None:
        """Ask for a run to be stopped; asking again, or for an ended run, is harmless."""

    def result(self, handle: RunHandle) -> RunStatus:
        """Return how a run stands with all there is to know: its jobs, why it failed, what it reports."""


@runtime_checkable
class Rerunner(Protocol):
    """A connector whose ended runs can be run again under the same handle."""

    def rerun(self, handle: RunHandle, *, failed_only: bool, attempt: int) -> None:
        """Run again what ended as *attempt*, all or its failed jobs; a later attempt is left alone."""


@runtime_checkable
class Lister(Protocol):
    """A connector that can show all runs of a scope, and not only those that it has started."""

    def survey(
        self, scope: str, handles: Sequence[RunHandle], others: Sequence[str] = ()
    ) -> tuple[Mapping[str, RunStatus], Sequence[Sighting]]:
        """Return how *handles* stand and the newest runs, then those of *others* that are older than these.

        Both come by the same requests, no more than `status` alone would need beside the list itself.
        """

    def why(self, scope: str, run: Sighting) -> str | None:
        """Return the step in which a run failed and its first error line, or None where it cannot be told."""


@runtime_checkable
class Expectant(Protocol):
    """A connector that guesses which runs stand still, to save requests, and can be told better."""

    def expect_news(self, handle: RunHandle) -> None:
        """Ask for all of this run at the next look, whatever was seen of it a moment ago."""


@runtime_checkable
class Paced(Protocol):
    """A connector whose other side limits how much it may be asked."""

    def rests(self, scope: str) -> bool:
        """Return whether it is too early to ask again how the runs of *scope* stand."""
