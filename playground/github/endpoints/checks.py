"""Checks of a commit: one check run for each job.

https://docs.github.com/en/rest/checks/runs
"""

from typing import Any

from playground.github.endpoints.git_data import find_commit
from playground.github.errors import not_found
from playground.github.rest import Call, endpoint
from playground.github.runs import Job, Run

Json = dict[str, Any]


@endpoint("GET", "/repos/{owner}/{repo}/commits/{ref:path}/check-runs", "checks")
def list_checks(call: Call) -> Json:
    """List the check runs of a commit."""
    sha, query = find_commit(call, call.params["ref"]).sha, call.query
    found = [
        (run, job)
        for run in call.github.runs_of(call.repository)
        if run.sha == sha
        for job in run.latest.listed()
        if query.get("check_name") in (None, job.name) and query.get("status") in (None, job.status)
    ]
    shown = [call.github.bodies.check_run(call.repository, run, job) for run, job in call.page(found)]
    return {"total_count": len(found), "check_runs": shown}


@endpoint("GET", "/repos/{owner}/{repo}/check-runs/{check_run_id}", "checks")
def get_check(call: Call) -> Json:
    """Return one check run."""
    return call.github.bodies.check_run(call.repository, *_find(call))


@endpoint("GET", "/repos/{owner}/{repo}/check-runs/{check_run_id}/annotations", "checks")
def list_annotations(call: Call) -> list[Json]:
    """List the errors, warnings and notices of a check run."""
    return list(call.page(_find(call)[1].annotations))


@endpoint("GET", "/repos/{owner}/{repo}/commits/{ref:path}/status", "statuses")
def combined_status(call: Call) -> Json:
    """Return the combined status, of which nobody here sets any: Actions uses checks."""
    sha = find_commit(call, call.params["ref"]).sha
    bodies = call.github.bodies
    return {
        "state": "pending",
        "statuses": [],
        "sha": sha,
        "total_count": 0,
        "repository": bodies.minimal_repository(call.repository),
        "commit_url": bodies.api(call.repository, f"/commits/{sha}"),
        "url": bodies.api(call.repository, f"/commits/{sha}/status"),
    }


def _find(call: Call) -> tuple[Run, Job]:
    wanted = call.number("check_run_id")
    for run in call.github.runs_of(call.repository):
        found = run.job(wanted)
        if found is not None:
            return run, found[1]
    raise not_found()
