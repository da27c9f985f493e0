"""Deployments of GitHub: what an environment has now, and deployments that are made over the API.

A deployment that the API makes is carried out by a workflow of the team's that listens on `deployment` and
says how it goes by states (https://docs.github.com/en/rest/deployments/deployments, …/deployments/statuses).
It carries the bot's key in its payload, so that asking twice makes one.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from bot.connectors.connector import FINAL, JobRequest, RunHandle, RunState, RunStatus
from bot.connectors.github_client import PAGE, GitHubClient, refusal
from bot.connectors.github_reviews import GitHubReviews, Protection
from bot.connectors.github_runs import read_names, read_time
from bot.deployments import Deployed
from bot.errors import GitHubUnreachable, Refused
from ml.contract import Reason

NAME = "github_deployments"
MOST_LOOKED_AT = 10
"""So many deployments are looked at, the newest first, for the one that an environment has now."""
KEY = "toban_id"
TASK = "deploy"

_STATES: Mapping[str, RunState] = {
    "pending": "queued",
    "queued": "queued",
    "waiting": "waiting",
    "in_progress": "running",
    "success": "succeeded",
    "failure": "failed",
    "error": "failed",
    "inactive": "cancelled",
}


@dataclass(frozen=True)
class Listed:
    """A deployment as a list shows it."""

    id: int
    sha: str
    ref: str
    by: str
    at: datetime
    key: str | None


@dataclass(frozen=True)
class State:
    """One state of a deployment."""

    state: str
    at: datetime | None
    description: str
    log_url: str | None
    environment_url: str | None


def read_deployments(body: Any) -> tuple[Listed, ...]:
    """Return the deployments of a list, newest first."""
    return tuple(_listed(one) for one in body)


def read_states(body: Any) -> tuple[State, ...]:
    """Return the states of a deployment, newest first."""
    return tuple(
        State(
            str(one["state"]),
            read_time(one.get("created_at")),
            str(one.get("description") or ""),
            web_address(one.get("log_url") or one.get("target_url")),
            web_address(one.get("environment_url")),
        )
        for one in body
    )


def web_address(text: Any) -> str | None:
    """Return an address that a button may open, or None."""
    parts = urlsplit(str(text or ""))
    return parts.geturl() if parts.scheme in ("http", "https") and parts.netloc else None


def _listed(body: Any) -> Listed:
    created = read_time(body["created_at"])
    assert created is not None
    return Listed(
        int(body["id"]),
        str(body["sha"]),
        str(body["ref"]),
        str((body.get("creator") or {}).get("login") or "somebody"),
        created,
        _key(body.get("payload")),
    )


def _key(payload: Any) -> str | None:
    """Return the bot's key from a payload, which GitHub gives back as it came or as text."""
    if isinstance(payload, str):
        try:
            payload = json.loads(payload)
        except (ValueError, RecursionError):
            return None
    key = payload.get(KEY) if isinstance(payload, dict) else None
    return str(key) if key else None


class GitHubDeployments:
    """A connector for deployments over the API, and what is known of an environment."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client
        self._reviews = GitHubReviews(client)

    # --- what there is --------------------------------------------------------------------------------------

    def protection(self, repository: str, environment: str) -> Protection:
        """Return what protects an environment; raise Refused where there is none, or none to be seen.

        GitHub makes a missing environment, without any protection, when a job names it: so it must be there.
        """
        try:
            return self._reviews.protection(repository, environment)
        except Refused as said:
            if said.problem.reason_code != "github_not_found":
                raise
        try:
            path = f"/repos/{repository}/environments"
            names = self._client.get_all(path, partial(read_names, "environments"))
        except Refused:
            detail = f"The bot may not see the environments of {repository}."
            raise refusal("github_forbidden", detail, 403) from None
        near = tuple(difflib.get_close_matches(environment, names, n=3, cutoff=0.4)) or names[:3]
        detail = f"{repository} has no environment {environment}."
        raise refusal("unknown_environment", detail, 404, near)

    def deployed(self, repository: str, environment: str) -> Deployed | None:
        """Return what *environment* has now: the newest deployment whose last state is a success."""
        for one in self._list(repository, environment)[:MOST_LOOKED_AT]:
            last = next(iter(self._states(repository, one.id)), None)
            if last is not None and last.state == "success":
                at = last.at or one.at
                return Deployed(sha=one.sha, ref=one.ref, by=one.by, at=at, url=last.environment_url)
        return None

    def environment_url(self, repository: str, environment: str, sha: str) -> str | None:
        """Return where *environment* can be seen, by its newest deployment of *sha* that says so."""
        for one in self._list(repository, environment, sha)[:MOST_LOOKED_AT]:
            for state in self._states(repository, one.id):
                if state.environment_url:
                    return state.environment_url
        return None

    def _list(self, repository: str, environment: str, sha: str | None = None) -> tuple[Listed, ...]:
        query = {"environment": environment, "per_page": str(PAGE)} | ({"sha": sha} if sha else {})
        return self._client.get(f"/repos/{repository}/deployments", read_deployments, query)

    def _states(self, repository: str, deployment: int | str) -> tuple[State, ...]:
        path = f"/repos/{repository}/deployments/{deployment}/statuses"
        return self._client.get(path, read_states, {"per_page": str(PAGE)})

    # --- the connector --------------------------------------------------------------------------------------

    def start(self, job: JobRequest, *, key: str) -> RunHandle:
        """Create a deployment of the commit `ref` in the environment that `values` names, once for *key*.

        The checks were judged before; GitHub is told not to judge them by rules of its own, nor to merge.
        """
        environment, sha = str(job.values["environment"]), str(job.ref)
        if job.began_at is not None:
            made = next((one for one in self._list(job.target, environment, sha) if one.key == key), None)
            if made is not None:
                return _handle(job.target, made.id)
        body = {
            "ref": sha,
            "task": TASK,
            "auto_merge": False,
            "required_contexts": [],
            "payload": {KEY: key},
            "environment": environment,
            "description": f"asked for by {job.who} in {job.where}"[:140],
        }
        reply = self._client.post(f"/repos/{job.target}/deployments", body)
        if not isinstance(reply.body, dict) or "id" not in reply.body:
            raise GitHubUnreachable("it took the deployment and does not say which it is")
        return _handle(job.target, reply.body["id"])

    def status(self, handles: Sequence[RunHandle]) -> Mapping[str, RunStatus]:
        """Return how deployments stand, by handle id."""
        return {handle.id: self.result(handle) for handle in handles}

    def result(self, handle: RunHandle) -> RunStatus:
        """Return how a deployment stands, by its last state."""
        states = self._states(handle.scope, handle.id)
        last = states[0] if states else State("pending", None, "", None, None)
        state = _STATES.get(last.state, "running")
        began = next((one.at for one in reversed(states) if one.state == "in_progress"), None)
        superseded = "Another deployment took its place." if last.state == "inactive" else None
        address = next((one.log_url for one in states if one.log_url), None)
        return RunStatus(
            handle=handle.model_copy(update={"url": address or handle.url}),
            name="deployment",
            state=state,
            detail=superseded or last.description or None,
            started_at=began or (states[-1].at if states else None),
            finished_at=last.at if state in FINAL else None,
            reason=Reason(code="deployment_failed", detail=last.description) if state == "failed" else None,
        )

    def cancel(self, handle: RunHandle) -> None:
        """Refuse: what carries a deployment out is not known here."""
        raise refusal("cannot_cancel", "Stop the workflow that carries it out, on GitHub.")


def _handle(repository: str, deployment: Any) -> RunHandle:
    return RunHandle(connector=NAME, id=str(deployment), scope=repository)
