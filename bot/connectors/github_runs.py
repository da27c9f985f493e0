"""GitHub's bodies about runs, jobs and workflows, read into the types that all connectors share.

Pure: body in, records out. Source: https://docs.github.com/en/rest/actions (version 2022-11-28).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from bot.connectors.connector import FINAL, Offer, RunHandle, RunJob, RunState, RunStatus, Sighting, Step
from ml.contract import Reason

NAME = "github_actions"
MOST_TITLE = 200

StepState = Literal["waiting", "running", "succeeded", "failed", "skipped", "cancelled"]

_WAITING: dict[str, RunState] = {
    "requested": "queued",
    "queued": "queued",
    "pending": "queued",
    "waiting": "waiting",
    "in_progress": "running",
}
_ENDED: dict[str, RunState] = {
    "success": "succeeded",
    "neutral": "succeeded",
    "skipped": "succeeded",
    "cancelled": "cancelled",
}
_STEP_ENDED: dict[str, StepState] = {
    "success": "succeeded",
    "neutral": "succeeded",
    "skipped": "skipped",
    "cancelled": "cancelled",
}
_WHY: dict[str, tuple[str, str]] = {
    "failure": ("step_failed", ""),
    "timed_out": ("run_timed_out", ""),
    "startup_failure": ("workflow_broken", "GitHub could not make jobs of the workflow file."),
    "action_required": ("approval_needed", "GitHub waits for an approval on its own pages."),
    "stale": ("run_stale", ""),
}


@dataclass(frozen=True)
class Repository:
    """A repository as GitHub names it now."""

    full_name: str
    default_branch: str


@dataclass(frozen=True)
class Workflow:
    """A workflow of a repository; `file` is the name of its file, `active` says that it may be started."""

    file: str
    path: str
    name: str
    active: bool


@dataclass(frozen=True)
class Listed:
    """A run as a list shows it; `moved` changes whenever GitHub notes anything new of it."""

    status: RunStatus
    moved: str
    title: str
    branch: str
    sighting: Sighting | None = None


@dataclass(frozen=True)
class LoggedJob:
    """A job of a run with what it takes to find its failing step in its log, and its check run, if known.

    `held` says that an environment's protection holds it up.
    """

    job: RunJob
    id: int
    check: str | None = None
    failing: str | None = None
    began: datetime | None = None
    ended: datetime | None = None
    held: bool = False


@dataclass(frozen=True)
class Notice:
    """What a step said by `::notice title=…::…`."""

    title: str
    message: str


@dataclass(frozen=True)
class Artifact:
    """An artifact of a run, before it is fetched."""

    id: int
    name: str
    size: int
    expired: bool


def read_repository(body: Any) -> Repository:
    """Return a repository."""
    return Repository(str(body["full_name"]), str(body["default_branch"]))


def read_workflows(body: Any) -> tuple[Workflow, ...]:
    """Return workflows that stand in files; those that GitHub makes by itself are left out."""
    files = [one for one in body["workflows"] if str(one["path"]).startswith(".github/workflows/")]
    return tuple(
        Workflow(
            file=str(one["path"]).rsplit("/", 1)[-1],
            path=str(one["path"]),
            name=str(one["name"]),
            active=one["state"] == "active",
        )
        for one in files
        if one["state"] != "deleted"
    )


def read_content(body: Any) -> str:
    """Return the text of a file; raise ValueError where it is none."""
    if body.get("encoding") != "base64":
        raise ValueError("not a file")
    return base64.b64decode(body["content"]).decode("utf-8")


def read_names(key: str, body: Any) -> tuple[str, ...]:
    """Return the names in a list, for instance of environments; *key* "" says that body is the list."""
    return tuple(str(one["name"]) for one in (body[key] if key else body))


def read_runs(scope: str, body: Any) -> tuple[Listed, ...]:
    """Return the runs of a list, newest first."""
    return tuple(read_run(scope, one) for one in body["workflow_runs"])


def read_run(scope: str, body: Any) -> Listed:
    """Return a run of the repository *scope*."""
    state = _run_state(body["status"], body.get("conclusion"))
    updated = str(body.get("updated_at") or "")
    attempt = int(body.get("run_attempt") or 1)
    status = RunStatus(
        handle=RunHandle(connector=NAME, id=str(body["id"]), scope=scope, url=body.get("html_url")),
        # The file and not `name`, which is the run's own title, with our id in it, where `run-name` is set.
        name=f"{_file_of(body) or 'workflow'} #{body.get('run_number') or 1}",
        state=state,
        attempt=attempt,
        detail="It waits for an approval of its environment." if state == "waiting" else None,
        created_at=read_time(body.get("created_at")),
        started_at=read_time(body.get("run_started_at") or body.get("created_at")),
        finished_at=read_time(updated) if state in FINAL else None,
        reason=read_reason(str(body.get("conclusion"))) if state == "failed" else None,
        offers=_offers(state),
        sha=body.get("head_sha"),
    )
    moved = f"{updated}|{body['status']}|{attempt}"
    title, branch = str(body.get("display_title") or ""), str(body.get("head_branch") or "")
    return Listed(status, moved, title, branch, _sighting(body, status, title, branch))


def _sighting(body: Mapping[str, Any], status: RunStatus, title: str, branch: str) -> Sighting:
    ended = body["status"] == "completed"
    phase = str(body.get("conclusion") or "neutral") if ended else "started"
    who = body.get("triggering_actor") or body.get("actor") or {}
    return Sighting(
        id=status.handle.id,
        workflow=_file_of(body) or str(body.get("name") or "workflow"),
        branch=branch,
        number=int(body.get("run_number") or 1),
        attempt=status.attempt,
        phase=phase if ended or status.state == "running" else "queued",
        at=read_time(body.get("updated_at")) if ended else status.started_at,
        actor=str(who.get("login") or ""),
        title=title[:MOST_TITLE],
        url=status.handle.url,
    )


def read_reason(conclusion: str, detail: str = "") -> Reason:
    """Return why a run failed, from GitHub's own word for it."""
    code, words = _WHY.get(conclusion, ("step_failed", ""))
    return Reason(code=code, detail=detail or words)


def read_jobs(body: Any) -> tuple[LoggedJob, ...]:
    """Return the jobs of a run's latest attempt."""
    return tuple(map(_job, body["jobs"]))


def read_notices(body: Any) -> tuple[Notice, ...]:
    """Return the notices among the annotations of a check run."""
    return tuple(
        Notice(str(one.get("title") or ""), str(one.get("message") or ""))
        for one in body
        if one.get("annotation_level") == "notice"
    )


def read_artifacts(body: Any) -> tuple[Artifact, ...]:
    """Return the artifacts of a run."""
    return tuple(
        Artifact(int(one["id"]), str(one["name"]), int(one["size_in_bytes"]), bool(one.get("expired")))
        for one in body["artifacts"]
    )


def _file_of(run: Mapping[str, Any]) -> str:
    """Return the workflow's file; for some events GitHub adds `@` and the ref to its path."""
    return str(run.get("path") or "").partition("@")[0].rsplit("/", 1)[-1]


def _job(body: Mapping[str, Any]) -> LoggedJob:
    steps = body.get("steps") or ()
    failing = next((one for one in steps if step_state(one) == "failed"), None)
    job = RunJob(
        name=str(body["name"]),
        state=step_state(body),
        seconds=took(body),
        steps=tuple(Step(name=str(one["name"]), state=step_state(one), seconds=took(one)) for one in steps),
    )
    check = str(body.get("check_run_url") or "").rpartition("/")[2] or None
    if failing is None:
        return LoggedJob(job, int(body["id"]), check, held=body.get("status") == "waiting")
    began, ended = read_time(failing.get("started_at")), read_time(failing.get("completed_at"))
    return LoggedJob(job, int(body["id"]), check, str(failing["name"]), began, ended)


def _run_state(status: str, conclusion: str | None) -> RunState:
    if status != "completed":
        return _WAITING.get(status, "running")
    return _ENDED.get(str(conclusion), "failed")


def step_state(body: Mapping[str, Any]) -> StepState:
    """Return how a step, a job or a check stands."""
    if body.get("status") == "completed":
        return _STEP_ENDED.get(str(body.get("conclusion")), "failed")
    return "running" if body.get("status") == "in_progress" else "waiting"


def _offers(state: RunState) -> tuple[Offer, ...]:
    if state not in FINAL:
        return ("cancel",)
    return ("rerun",) if state == "succeeded" else ("rerun", "rerun_failed")


def took(body: Mapping[str, Any]) -> float | None:
    """Return how long a step, a job or a check took, or None while it has not ended."""
    began, ended = read_time(body.get("started_at")), read_time(body.get("completed_at"))
    return max((ended - began).total_seconds(), 0.0) if began and ended else None


def read_time(text: Any) -> datetime | None:
    """Return one of GitHub's moments, or None."""
    return datetime.fromisoformat(re.sub(r"Z$", "+00:00", str(text))) if text else None
