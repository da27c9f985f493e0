"""Deployments, their states, and environments.

https://docs.github.com/en/rest/deployments/deployments, …/deployments/environments
"""

from typing import Any, Literal

from pydantic import BaseModel

from playground.github.answer import Answer
from playground.github.errors import ApiError, invalid, not_found
from playground.github.rest import Call, endpoint
from playground.github.runs import Deployment

Json = dict[str, Any]
REPO = "/repos/{owner}/{repo}"
ONE = REPO + "/deployments/{deployment_id}"
# What webhooks call “waiting” is “pending” for those who ask.
SHOWN_STATES = {"waiting": "pending"}


class _NewDeployment(BaseModel):
    ref: str
    task: str = "deploy"
    auto_merge: bool = True
    required_contexts: list[str] | None = None
    payload: Any = None
    environment: str = "production"
    description: str | None = ""
    transient_environment: bool = False
    production_environment: bool | None = None


class _NewStatus(BaseModel):
    state: Literal["error", "failure", "inactive", "in_progress", "queued", "pending", "success"]
    target_url: str = ""
    log_url: str = ""
    description: str = ""
    environment: str | None = None
    environment_url: str = ""
    auto_inactive: bool = True


@endpoint("GET", REPO + "/deployments", "deployments")
def list_deployments(call: Call) -> list[Json]:
    """List deployments, newest first."""
    found = list(reversed(_of_repository(call)))
    for name in ("sha", "ref", "task", "environment"):
        if call.query.get(name, "none") != "none":
            found = [one for one in found if getattr(one, name) == call.query[name]]
    return [call.github.bodies.deployment(call.repository, one) for one in call.page(found)]


@endpoint("GET", ONE, "deployments")
def get_deployment(call: Call) -> Json:
    """Return one deployment."""
    return call.github.bodies.deployment(call.repository, _find(call))


@endpoint("POST", REPO + "/deployments", "deployments")
def create_deployment(call: Call) -> Answer:
    """Create a deployment of a ref; unless told otherwise, all its checks must have gone well."""
    asked, github = call.read(_NewDeployment), call.github
    found = call.repository.git.resolve(asked.ref)
    if found is None:
        raise invalid(f"No ref found for: {asked.ref}")
    if asked.required_contexts is None and (unwell := _unwell(call, found[1])):
        contexts = [{"context": name, "state": state} for name, state in unwell.items()]
        told = "Conflict: Commit status checks failed for " + asked.ref
        raise ApiError(
            409, told, errors=[{"contexts": contexts, "resource": "Deployment", "code": "invalid"}]
        )
    made = Deployment(
        github.new_id("deployment"),
        call.repository.full_name,
        found[1],
        asked.ref,
        asked.environment,
        asked.task,
        call.identity.login,
        github.now(),
        asked.description,
        asked.payload if asked.payload is not None else {},
    )
    github.deployments[made.id] = made
    call.server.events.deployment(made)
    return Answer(github.bodies.deployment(call.repository, made), 201)


def _unwell(call: Call, sha: str) -> dict[str, str]:
    jobs = [
        job for run in call.github.runs_of(call.repository) if run.sha == sha for job in run.latest.listed()
    ]
    return {
        job.name: job.conclusion or "pending" for job in jobs if job.conclusion not in ("success", "skipped")
    }


@endpoint("GET", ONE + "/statuses", "deployments")
def list_statuses(call: Call) -> list[Json]:
    """List a deployment's states, newest first."""
    deployment = _find(call)
    return [_status(call, deployment, at) for at in call.page(range(len(deployment.statuses) - 1, -1, -1))]


@endpoint("POST", ONE + "/statuses", "deployments")
def create_status(call: Call) -> Answer:
    """Give a deployment a state; a success makes earlier ones in the same environment inactive."""
    deployment, asked, runner = _find(call), call.read(_NewStatus), call.server.runner
    login = call.identity.login
    status = runner.set_status(deployment, asked.state, asked.description, login)
    status.log_url = asked.log_url or asked.target_url or status.log_url
    status.environment_url = asked.environment_url
    if asked.state == "success" and asked.auto_inactive:
        for other in _of_repository(call):
            same = other.environment == deployment.environment and other is not deployment
            if same and other.statuses and other.statuses[-1].state == "success":
                runner.set_status(other, "inactive", "", login)
    return Answer(_status(call, deployment, len(deployment.statuses) - 1), 201)


def _status(call: Call, deployment: Deployment, at: int) -> Json:
    shown = call.github.bodies.deployment_status(call.repository, deployment, deployment.statuses[at])
    return {**shown, "state": SHOWN_STATES.get(shown["state"], shown["state"])}


@endpoint("GET", REPO + "/environments", "actions")
def list_environments(call: Call) -> Json:
    """List environments with their protection rules."""
    names = list(call.repository.environments)
    shown = [call.github.bodies.environment(call.repository, name) for name in call.page(names)]
    return {"total_count": len(names), "environments": shown}


@endpoint("GET", REPO + "/environments/{environment_name}", "actions")
def get_environment(call: Call) -> Json:
    """Return one environment."""
    if call.params["environment_name"] not in call.repository.environments:
        raise not_found()
    return call.github.bodies.environment(call.repository, call.params["environment_name"])


def _of_repository(call: Call) -> list[Deployment]:
    names = {call.repository.full_name.lower(), *call.repository.former_names}
    return [one for one in call.github.deployments.values() if one.repository.lower() in names]


def _find(call: Call) -> Deployment:
    found = call.github.deployments.get(call.number("deployment_id"))
    if found is None or found not in _of_repository(call):
        raise not_found()
    return found
