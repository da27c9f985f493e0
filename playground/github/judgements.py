"""What follows for a job, or an attempt, from what is known of the others. No waiting, no requests."""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from playground.github.expressions import BadExpression, fill_in, to_text
from playground.github.runner_commands import annotation
from playground.github.runs import BAD, Attempt, Job, Run, Step


def out_of_time(job: Job, minutes: float) -> None:
    """Cancel a job whose time is over: GitHub's conclusion is “cancelled” too, an annotation says why."""
    told = f"The job has exceeded the maximum execution time of {to_text(minutes)}m0s"
    job.annotations.append(annotation("failure", told))
    job.end_as("cancelled")


def _ancestors(attempt: Attempt, job: Job) -> list[Job]:
    """Return every job that this one waits for, directly or not."""
    found: dict[str, Job] = {}
    left = list(job.file.needs)
    while left:
        name = left.pop()
        if name not in found:
            found[name] = attempt.job(name)
            left.extend(found[name].file.needs)
    return list(found.values())


def status_functions(attempt: Attempt, job: Job) -> dict[str, Callable[[], bool]]:
    """Return success() and its kin; a skipped or failed ancestor, however far, is no success."""
    results = [_result(each) for each in _ancestors(attempt, job)]
    cancelled = attempt.cancelled or job.stopped_as is not None
    return {
        "success": lambda: not cancelled and all(result == "success" for result in results),
        "failure": lambda: not cancelled and any(result in BAD for result in results),
        "always": lambda: True,
        "cancelled": lambda: cancelled,
    }


def _result(job: Job) -> str:
    forgiven = job.conclusion == "failure" and job.file.continue_on_error is True
    return "success" if forgiven else str(job.conclusion)


def conclusion_of(attempt: Attempt) -> str:
    """Return how an attempt ended, from how its jobs did."""
    if not attempt.begun and attempt.stop.is_set():
        return next((str(job.stopped_as) for job in attempt.jobs if job.stopped_as), "cancelled")
    results = {_result(job) for job in attempt.jobs}
    if attempt.cancelled:
        return "cancelled"
    for result in ("failure", "timed_out", "cancelled", "success"):
        if result in results:
            return result
    return "skipped"


def steps_of(job: Job, contexts: Mapping[str, Any]) -> list[Step]:
    """Return the steps of a job that begins, with those that GitHub adds."""
    named = []
    for file in job.file.steps:
        name = file.name or f"Run {(file.uses or str(file.run)).strip().partition(chr(10))[0]}"
        with contextlib.suppress(BadExpression):  # a name may use what only its step will know
            name = fill_in(name, contexts)
        named.append((name, file))
    first, last = Step("Set up job", 1), Step("Complete job", len(named) + 2)
    return [first, *(Step(name, at, file) for at, (name, file) in enumerate(named, start=2)), last]


def job_permissions(run: Run, job: Job) -> dict[str, str]:
    """Return what a job's own token may do; without a word in the file, read."""
    given = job.file.permissions if job.file.permissions is not None else run.file and run.file.permissions
    everything = ("actions", "checks", "contents", "deployments", "issues")
    if isinstance(given, dict):
        return {str(name): str(level) for name, level in given.items()}
    level = "write" if given == "write-all" else "read"
    return dict.fromkeys(everything, level)
