"""What people do to running steps: hold them, let them go, decide how they end. Nothing else is faked.

A held step is in progress and waits; a decided step does not run, its log says so.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from playground.github.runs import Job, Run, Step

Conclusion = Literal["success", "failure"]


class Which(BaseModel):
    """The steps that are meant; what is not named may be anything."""

    model_config = ConfigDict(extra="forbid")

    run_id: int | None = None
    workflow: str | None = Field(default=None, description="the file's name, such as deploy.yml")
    job: str | None = Field(default=None, description="the job's name in the file")
    step: str | None = Field(default=None, description="the step's name or id")

    def fits(self, run: Run, job: Job, step: Step) -> bool:
        """Tell whether a step is meant."""
        identity = step.file.id if step.file else None
        return (
            self.run_id in (None, run.id)
            and self.workflow in (None, run.path.rpartition("/")[2])
            and self.job in (None, job.key)
            and (self.step is None or self.step in (step.name, identity))
        )


class Outcome(Which):
    """How the next such steps end, without being run."""

    conclusion: Conclusion
    log: str = ""
    times: int = Field(default=1, ge=1)


class Release(Which):
    """Let held steps go; with a conclusion, end held and running ones so."""

    conclusion: Conclusion | None = None
    log: str = ""


@dataclass
class Verdict:
    """How one step was decided; no conclusion means that it runs."""

    conclusion: str | None
    log: str = ""


@dataclass
class Steering:
    """The wheel of one step that is in progress."""

    run: Run
    job: Job
    step: Step
    held: bool
    verdict: asyncio.Future[Verdict] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Interference:
    """Holds and outcomes that are set, and the steps that are in progress."""

    def __init__(self) -> None:
        self.holds: list[Which] = []
        self.outcomes: list[Outcome] = []
        self._steering: list[Steering] = []

    def begin(self, run: Run, job: Job, step: Step) -> Steering:
        """Return the wheel of a step that begins; it may be decided or held already."""
        held = any(which.fits(run, job, step) for which in self.holds)
        steering = Steering(run, job, step, held)
        for outcome in self.outcomes:
            if outcome.fits(run, job, step):
                outcome.times -= 1
                if outcome.times == 0:
                    self.outcomes.remove(outcome)
                steering.verdict.set_result(Verdict(outcome.conclusion, outcome.log))
                break
        self._steering.append(steering)
        return steering

    def end(self, steering: Steering) -> None:
        """Forget a step that is over."""
        self._steering.remove(steering)
        steering.verdict.cancel()

    def release(self, release: Release) -> int:
        """Let go, or decide; return how many steps it concerned."""
        met = 0
        for steering in self._steering:
            if not release.fits(steering.run, steering.job, steering.step) or steering.verdict.done():
                continue
            if steering.held or release.conclusion is not None:
                steering.held = False
                steering.verdict.set_result(Verdict(release.conclusion, release.log))
                met += 1
        return met
