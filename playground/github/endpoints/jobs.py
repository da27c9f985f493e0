"""Jobs of runs, with their steps and logs.

https://docs.github.com/en/rest/actions/workflow-jobs
"""

from typing import Any

from playground.github.answer import Answer
from playground.github.downloads import Download
from playground.github.endpoints.runs import ATTEMPT, ONE, find_attempt, find_run
from playground.github.errors import invalid, not_found
from playground.github.rest import Call, endpoint
from playground.github.runs import Job, Run

Json = dict[str, Any]
JOB = "/repos/{owner}/{repo}/actions/jobs/{job_id}"


@endpoint("GET", ONE + "/jobs", "actions")
def list_jobs(call: Call) -> Json:
    """List a run's jobs: the newest execution of each, or (filter=all) every one."""
    run, which = find_run(call), call.query.get("filter", "latest")
    if which not in ("latest", "all"):
        raise invalid("Invalid filter")
    attempts = run.attempts if which == "all" else [run.latest]
    jobs = {job.id: job for attempt in attempts for job in attempt.listed()}
    return _listed(call, run, list(jobs.values()))


@endpoint("GET", ATTEMPT + "/jobs", "actions")
def list_attempt_jobs(call: Call) -> Json:
    """List the jobs of one attempt."""
    run, attempt = find_attempt(call)
    return _listed(call, run, attempt.listed())


def _listed(call: Call, run: Run, jobs: list[Job]) -> Json:
    shown = [call.github.bodies.job(call.repository, run, job) for job in call.page(jobs)]
    return {"total_count": len(jobs), "jobs": shown}


@endpoint("GET", JOB, "actions")
def get_job(call: Call) -> Json:
    """Return one job."""
    run, job = find_job(call)
    return call.github.bodies.job(call.repository, run, job)


@endpoint("GET", JOB + "/logs", "actions")
def job_logs(call: Call) -> Answer:
    """Lead to a job's log; there is none before the job has ended."""
    _, job = find_job(call)
    if job.status != "completed" or not job.steps:
        raise not_found()
    text = "".join(f"{line}\n" for line in job.log())
    return call.github.downloads.redirect(
        Download(text.encode(), "text/plain; charset=utf-8", f"{job.id}.txt")
    )


def find_job(call: Call) -> tuple[Run, Job]:
    """Return the job that an address names."""
    wanted = call.number("job_id")
    for run in call.github.runs_of(call.repository):
        found = run.job(wanted)
        if found is not None and found[1].listed:
            return run, found[1]
    raise not_found()
