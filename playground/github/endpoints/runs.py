"""Runs: list, get, cancel, run again, logs, artifacts, approvals.

https://docs.github.com/en/rest/actions/workflow-runs
"""

import functools
import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from playground.github.answer import Answer
from playground.github.downloads import Download
from playground.github.endpoints.workflows import WORKFLOWS, find_entry
from playground.github.errors import ApiError, invalid, not_found
from playground.github.rest import Call, Server, endpoint
from playground.github.runs import BAD, Artifact, Attempt, Deployment, Job, Run
from playground.github.settings import Environment
from playground.refusals import NotPossible

Json = dict[str, Any]
RUNS = "/repos/{owner}/{repo}/actions/runs"
ONE = RUNS + "/{run_id}"
ATTEMPT = ONE + "/attempts/{attempt_number}"
ARTIFACTS = "/repos/{owner}/{repo}/actions/artifacts"
# With any of these a list ends after a thousand runs.
FILTERS = ("actor", "branch", "check_suite_id", "created", "event", "head_sha", "status")
SEARCHED_MOST = 1_000


class _Review(BaseModel):
    model_config = ConfigDict(extra="forbid")

    environment_ids: list[int]
    state: Literal["approved", "rejected"]
    comment: str


def find_run(call: Call) -> Run:
    """Return the run that an address names, if it is this repository's."""
    run = call.github.runs.get(call.number("run_id"))
    if run is None or call.github.repository_of(run) is not call.repository:
        raise not_found()
    return run


def find_attempt(call: Call) -> tuple[Run, Attempt]:
    """Return the attempt that an address names."""
    run, number = find_run(call), call.number("attempt_number")
    if not 1 <= number <= len(run.attempts):
        raise not_found()
    return run, run.attempts[number - 1]


@endpoint("GET", RUNS, "actions")
def list_runs(call: Call) -> Json:
    """List the repository's runs, newest first."""
    return _listed(call, call.github.runs_of(call.repository))


@endpoint("GET", WORKFLOWS + "/{workflow_id}/runs", "actions")
def list_workflow_runs(call: Call) -> Json:
    """List the runs of one workflow."""
    entry = find_entry(call)
    return _listed(call, [run for run in call.github.runs_of(call.repository) if run.workflow_id == entry.id])


def _listed(call: Call, runs: list[Run]) -> Json:
    query = call.query
    tests: dict[str, Callable[[Run, str], bool]] = {
        "actor": lambda run, wanted: run.actor == wanted,
        "branch": lambda run, wanted: run.branch == wanted,
        "check_suite_id": lambda run, wanted: str(run.id) == wanted,
        "created": lambda run, wanted: _created(run.created_at, wanted),
        "event": lambda run, wanted: run.event == wanted,
        "head_sha": lambda run, wanted: run.sha == wanted,
        "status": lambda run, wanted: wanted in (run.latest.status, run.latest.conclusion),
    }
    for name, test in tests.items():
        if query.get(name):
            runs = [run for run in runs if test(run, query[name])]
    reachable = runs[:SEARCHED_MOST] if any(query.get(name) for name in FILTERS) else runs
    shown = [call.github.bodies.run(call.repository, run) for run in call.page(reachable)]
    return {"total_count": len(runs), "workflow_runs": shown}


def _created(at: float, wanted: str) -> bool:
    """Judge a date as GitHub's search does: a day, a moment, >=, <=, >, <, or from..to.

    https://docs.github.com/en/search-github/getting-started-with-searching-on-github/understanding-the-search-syntax
    """
    if ".." in wanted:
        start, _, end = wanted.partition("..")
        return (start == "*" or at >= _span(start)[0]) and (end == "*" or at < _span(end)[1])
    for sign in (">=", "<=", ">", "<"):
        if wanted.startswith(sign):
            begin, end_at = _span(wanted.removeprefix(sign))
            judged = {">=": at >= begin, "<=": at < end_at, ">": at >= end_at, "<": at < begin}
            return judged[sign]
    begin, end_at = _span(wanted)
    return begin <= at < end_at


def _span(text: str) -> tuple[float, float]:
    """Return when a day, or a second, begins and ends."""
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise invalid(f"Invalid date format: {text}") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    length = timedelta(seconds=1) if "T" in text else timedelta(days=1)
    return moment.timestamp(), (moment + length).timestamp()


@endpoint("GET", ONE, "actions")
def get_run(call: Call) -> Json:
    """Return a run as its newest attempt has it."""
    return call.github.bodies.run(call.repository, find_run(call))


@endpoint("GET", ATTEMPT, "actions")
def get_attempt(call: Call) -> Json:
    """Return a run as one of its attempts has it."""
    return call.github.bodies.run(call.repository, *find_attempt(call))


@endpoint("DELETE", ONE, "actions")
def delete_run(call: Call) -> Answer:
    """Delete a run that is over."""
    run = find_run(call)
    if run.latest.status != "completed":
        raise ApiError(403, "Could not delete the workflow run")
    del call.github.runs[run.id]
    return Answer(status=204)


@endpoint("POST", ONE + "/cancel", "actions")
@endpoint("POST", ONE + "/force-cancel", "actions")
def cancel(call: Call) -> Answer:
    """Cancel a run."""
    run = find_run(call)
    if run.latest.status == "completed":
        raise ApiError(409, "Cannot cancel a workflow run that is completed.")
    call.server.runner.cancel(run)
    return Answer({}, 202)


@endpoint("POST", ONE + "/rerun", "actions")
def rerun(call: Call) -> Answer:
    """Run all jobs again, as the next attempt."""
    return _again(call, find_run(call), lambda job: True)


@endpoint("POST", ONE + "/rerun-failed-jobs", "actions")
def rerun_failed(call: Call) -> Answer:
    """Run the jobs that did not go well, and those that need them, again."""
    run = find_run(call)
    if run.latest.status == "completed" and not any(job.conclusion in BAD for job in run.latest.jobs):
        raise ApiError(403, "This workflow run cannot be retried")
    return _again(call, run, lambda job: job.conclusion in BAD)


@endpoint("POST", "/repos/{owner}/{repo}/actions/jobs/{job_id}/rerun", "actions")
def rerun_job(call: Call) -> Answer:
    """Run one job, and those that need it, again."""
    for run in call.github.runs_of(call.repository):
        found = run.job(call.number("job_id"))
        if found is not None:
            return _again(call, run, functools.partial(_same_job, found[1].key))
    raise not_found()


def _same_job(key: str, job: Job) -> bool:
    return job.key == key


def _again(call: Call, run: Run, only: Callable[[Job], bool]) -> Answer:
    if run.latest.status != "completed":
        raise ApiError(403, "This workflow is already running")
    if run.refusal is not None:
        raise ApiError(403, "This workflow run cannot be retried")
    call.server.runner.rerun(run, call.identity.login, only)
    return Answer({}, 201)


@endpoint("GET", ONE + "/logs", "actions")
def logs(call: Call) -> Answer:
    """Lead to a zip with the logs of the newest attempt."""
    run = find_run(call)
    return _logs(call, run, run.latest)


@endpoint("GET", ATTEMPT + "/logs", "actions")
def attempt_logs(call: Call) -> Answer:
    """Lead to a zip with the logs of one attempt."""
    return _logs(call, *find_attempt(call))


def _logs(call: Call, run: Run, attempt: Attempt) -> Answer:
    if attempt.status != "completed":
        raise not_found()
    name = f"logs_{run.id}.zip"
    return call.github.downloads.redirect(Download(_zipped(attempt.jobs), "application/zip", name))


def _zipped(jobs: list[Job]) -> bytes:
    """Return a zip with one text for each job, and one for each step in the job's folder."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, job in enumerate(jobs):
            archive.writestr(f"{number}_{_safe(job.name)}.txt", _text(job.log()))
            for step in job.steps:
                archive.writestr(f"{_safe(job.name)}/{step.number}_{_safe(step.name)}.txt", _text(step.log))
    return packed.getvalue()


def _safe(name: str) -> str:
    return "".join("" if letter in '/\\:*?"<>|' else letter for letter in name)[:90]


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


@endpoint("GET", ONE + "/artifacts", "actions")
def list_artifacts(call: Call) -> Json:
    """List a run's artifacts."""
    run = find_run(call)
    found = [one for one in run.artifacts if call.query.get("name") in (None, one.name)]
    shown = [_artifact(call, run, one) for one in call.page(found)]
    return {"total_count": len(found), "artifacts": shown}


@endpoint("GET", ARTIFACTS + "/{artifact_id}", "actions")
def get_artifact(call: Call) -> Json:
    """Return one artifact."""
    return _artifact(call, *_find_artifact(call))


@endpoint("GET", ARTIFACTS + "/{artifact_id}/{archive_format}", "actions")
def download_artifact(call: Call) -> Answer:
    """Lead to an artifact's zip."""
    _, artifact = _find_artifact(call)
    if call.params["archive_format"] != "zip":
        raise not_found()
    if artifact.expires_at <= call.github.now():
        raise ApiError(410, "Artifact has expired")
    return call.github.downloads.redirect(
        Download(artifact.content, "application/zip", f"{artifact.name}.zip")
    )


@endpoint("DELETE", ARTIFACTS + "/{artifact_id}", "actions")
def delete_artifact(call: Call) -> Answer:
    """Delete an artifact."""
    run, artifact = _find_artifact(call)
    run.artifacts.remove(artifact)
    return Answer(status=204)


def _artifact(call: Call, run: Run, artifact: Artifact) -> Json:
    return call.github.bodies.artifact(call.repository, run, artifact, call.github.now())


def _find_artifact(call: Call) -> tuple[Run, Artifact]:
    wanted = call.number("artifact_id")
    for run in call.github.runs_of(call.repository):
        for artifact in run.artifacts:
            if artifact.id == wanted:
                return run, artifact
    raise not_found()


@endpoint("GET", ONE + "/pending_deployments", "actions")
def pending(call: Call) -> list[Json]:
    """List the environments that a run waits for."""
    run, bodies = find_run(call), call.github.bodies
    shown = []
    for name in dict.fromkeys(_waiting(call, run)):
        chosen = call.repository.environments[name][1]
        shown.append(
            {
                "environment": bodies.environment_link(call.repository, name),
                "wait_timer": chosen.wait_minutes,
                "wait_timer_started_at": None,
                "current_user_can_approve": may_review(run, chosen, call.identity.login),
                "reviewers": bodies.reviewers(chosen.reviewers),
            }
        )
    return shown


@endpoint("POST", ONE + "/pending_deployments", "deployments")
def review(call: Call) -> Answer:
    """Approve or reject deployments that wait, as one of their reviewers."""
    run, asked = find_run(call), call.read(_Review)
    names = {number: name for name, (number, _) in call.repository.environments.items()}
    chosen = [names.get(number, "") for number in asked.environment_ids]
    if not chosen or any(name not in _waiting(call, run) for name in chosen):
        raise invalid("One or more environments do not have pending deployment requests")
    try:
        concerned = review_as(call.server, run, chosen, asked.state, call.identity.login, asked.comment)
    except NotPossible as error:
        raise ApiError(403, str(error)) from error
    return Answer([call.github.bodies.deployment(call.repository, one) for one in concerned])


def review_as(
    server: Server, run: Run, environments: list[str], state: str, login: str, comment: str
) -> list[Deployment]:
    """Take somebody's decision on deployments that wait; NotPossible when it is not theirs to take."""
    repository = server.github.repository_of(run)
    waiting = [
        server.github.deployments[job.deployment or 0].environment for job in server.runner.waiting(run)
    ]
    for name in environments:
        rules = repository.environments[name][1] if name in waiting else None
        if rules is None:
            raise NotPossible(f"no deployment waits for {name}")
        if not may_review(run, rules, login):
            raise NotPossible("The authenticated user is not a required reviewer of this deployment")
    return server.runner.review(run, environments, state, login, comment)


def may_review(run: Run, rules: Environment, login: str) -> bool:
    """Tell whether *login* is a reviewer, and not whoever began the run where they may not review it.

    https://docs.github.com/en/actions/reference/workflows-and-actions/deployments-and-environments
    """
    return login in rules.reviewers and not (rules.prevent_self_review and run.latest.actor == login)


@endpoint("GET", ONE + "/approvals", "actions")
def approvals(call: Call) -> list[Json]:
    """List what was said about a run's deployments."""
    run, bodies = find_run(call), call.github.bodies
    shown = []
    for said in run.reviews:
        link = bodies.environment_link(call.repository, said.environment)
        moment = bodies.environment(call.repository, said.environment)["created_at"]
        environment = {**link, "created_at": moment, "updated_at": moment}
        user = bodies.user(said.login)
        shown.append(
            {"state": said.state, "comment": said.comment, "user": user, "environments": [environment]}
        )
    return shown


def _waiting(call: Call, run: Run) -> list[str]:
    jobs = call.server.runner.waiting(run)
    return [call.github.deployments[job.deployment].environment for job in jobs if job.deployment is not None]
