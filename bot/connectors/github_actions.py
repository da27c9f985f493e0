"""GitHub Actions: workflows listed and read, started once for each command, watched, stopped and run again.

A start answers with the run's id where the server gives it
(https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event). Where the answer was
lost, or an older Enterprise Server gives none, the run is looked for before anything is started again: by the
bot's id in its title where the workflow carries it, else by workflow, branch and time.
"""

from __future__ import annotations

import difflib
import math
import re
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from bot.connectors.connector import (
    FINAL,
    JobRequest,
    Report,
    Review,
    RunHandle,
    RunStatus,
    Sighting,
    Waiting,
)
from bot.connectors.github_client import GitHubClient, refusal
from bot.connectors.github_logs import first_error, tail
from bot.connectors.github_pace import Pace, jobs_at_once
from bot.connectors.github_reviews import GitHubReviews
from bot.connectors.github_runs import (
    NAME,
    Artifact,
    Listed,
    LoggedJob,
    Repository,
    Workflow,
    read_artifacts,
    read_content,
    read_jobs,
    read_names,
    read_notices,
    read_reason,
    read_repository,
    read_run,
    read_runs,
    read_workflows,
)
from bot.connectors.run_reports import REPORT_FILE, read_archive, read_report
from bot.errors import GitHubUnreachable, RateLimited, Refused
from bot.workflow_files import (
    CORRELATION_INPUT,
    MOST_INPUTS,
    WorkflowFile,
    WorkflowFileError,
    read_workflow,
    with_environments,
)
from ml.contract import Reason

PAGE = 100
MOST_PAGES = 15
MOST_REF_PAGES = 5
SINGLES = 5
"""Up to so many runs are asked for one by one rather than by another page of the list."""
JOBS_SECONDS = 10.0
"""GitHub notes a new step with the job only, not with its run; so often a running one is asked anyway."""
SURE_AFTER = timedelta(seconds=60)
"""A run shows up in lists some seconds after its start; only after this long its absence counts."""
MOST_ARTIFACT_BYTES = 8 * 1024 * 1024
REPORT_NAME = "toban-report"
REPORT_ARTIFACTS = frozenset({REPORT_NAME, REPORT_FILE})
NOTICED_JOBS = 10
"""Of a run without an artifact, so many jobs are asked for a notice with its report."""
# The runner cuts messages there: `_maxIssueMessageLength` in ExecutionContext.cs of actions/runner.
MOST_NOTICE = 4096

# What GitHub says of a start that it does not take, and our code for it.
_START_REFUSALS = (
    (re.compile("unexpected inputs", re.IGNORECASE), "unexpected_inputs"),
    (re.compile("required input|not in the list of allowed|input '.*' ", re.IGNORECASE), "invalid_inputs"),
    (re.compile("no ref found", re.IGNORECASE), "unknown_ref"),
    (re.compile("does not have .*workflow_dispatch", re.IGNORECASE), "workflow_not_startable"),
    (re.compile("disabled workflow", re.IGNORECASE), "workflow_disabled"),
    (re.compile("archived", re.IGNORECASE), "repository_archived"),
)


def split_target(target: str) -> tuple[str, str]:
    """Return repository and workflow file of `owner/name/file.yml`."""
    repository, _, file = target.rpartition("/")
    return repository, file


def build_dispatch(job: JobRequest, ref: str, key: str | None) -> tuple[str, dict[str, Any]]:
    """Return path and body of the start; *key* goes along in the workflow's own input for it.

    Raises Refused for more inputs than GitHub takes.
    """
    repository, file = split_target(job.target)
    inputs = {name: _as_text(value) for name, value in job.values.items()}
    inputs |= {CORRELATION_INPUT: key} if key else {}
    if len(inputs) > MOST_INPUTS:
        raise refusal("too_many_inputs", f"{len(inputs)} were given; GitHub takes at most {MOST_INPUTS}.")
    body = {"ref": ref, "inputs": inputs, "return_run_details": True}
    return f"/repos/{repository}/actions/workflows/{quote(file)}/dispatches", body


def read_dispatch(repository: str, status: int, body: Any) -> RunHandle | None:
    """Return the run that was started, or None from a server that does not say which."""
    if status == HTTPStatus.NO_CONTENT or not isinstance(body, dict) or "workflow_run_id" not in body:
        return None
    return RunHandle(
        connector=NAME, id=str(body["workflow_run_id"]), scope=repository, url=body.get("html_url")
    )


def read_start_refusal(said: Refused) -> Refused:
    """Return the refusal of a start with a code of ours; GitHub's own sentence stays."""
    detail = said.problem.detail
    code = next((code for pattern, code in _START_REFUSALS if pattern.search(detail)), None)
    return refusal(code, detail, said.problem.status) if code else said


class GitHubActionsConnector:
    """Workflows of GitHub. Keeps nothing but what saves requests. *reviewer* passes decisions on."""

    def __init__(
        self,
        client: GitHubClient,
        sure_after: timedelta = SURE_AFTER,
        reviewer: GitHubClient | None = None,
    ) -> None:
        self.client = client
        self.reviews = GitHubReviews(client, reviewer)
        self._sure_after = sure_after
        self._lock = threading.Lock()
        self._jobs: dict[str, tuple[str, float, tuple[LoggedJob, ...]]] = {}
        self._held: dict[str, tuple[str, tuple[Waiting, ...], tuple[Review, ...]]] = {}
        self._missing_since: dict[str, datetime] = {}
        self._pace = Pace(client)

    # --- what there is --------------------------------------------------------------------------------

    def repository(self, name: str) -> Repository:
        """Return a repository; one that was renamed answers with its new name."""
        return self.client.get(f"/repos/{name}", read_repository)

    def workflows(self, repository: str) -> tuple[Workflow, ...]:
        """Return the workflows of a repository."""
        return self.client.get(
            f"/repos/{repository}/actions/workflows", read_workflows, {"per_page": str(PAGE)}
        )

    def workflow_file(self, repository: str, file: str, ref: str) -> WorkflowFile:
        """Return what a workflow file says of itself at *ref*; raise Refused where it cannot be read."""
        path = f"/repos/{repository}/contents/.github/workflows/{quote(file)}"
        try:
            workflow = read_workflow(self.client.get(path, read_content, {"ref": ref}), file)
        except WorkflowFileError as error:
            raise refusal("workflow_broken", f"{file}: {error}.") from None
        if workflow.environments:
            path = f"/repos/{repository}/environments"
            with suppress(Refused):  # without the right to see them, any name goes and GitHub judges it
                names = self.client.get(path, partial(read_names, "environments"), {"per_page": str(PAGE)})
                workflow = with_environments(workflow, names)
        return workflow

    def branches(self, repository: str) -> tuple[str, ...]:
        """Return the names of up to a hundred branches."""
        return self.client.get(
            f"/repos/{repository}/branches", partial(read_names, ""), {"per_page": str(PAGE)}
        )

    def refs(self, repository: str) -> tuple[str, ...]:
        """Return the names of branches and then tags, up to some hundreds of each, to be picked from."""
        found: list[str] = []
        for kind in ("branches", "tags"):
            for page in range(1, MOST_REF_PAGES + 1):
                query = {"per_page": str(PAGE), "page": str(page)}
                names = self.client.get(f"/repos/{repository}/{kind}", partial(read_names, ""), query)
                found += names
                if len(names) < PAGE:
                    break
        return tuple(dict.fromkeys(found))

    # --- start ----------------------------------------------------------------------------------------

    def start(self, job: JobRequest, *, key: str) -> RunHandle:
        """Start a run, or return the one that an earlier attempt with *key* started.

        Raises GitHubUnreachable while that is not known yet: GitHub shows a new run only after a while.
        """
        repository, file = split_target(job.target)
        ref = job.ref or self.repository(repository).default_branch
        mark = key if self._carries_id(repository, file, ref) else None
        if job.began_at is not None:
            found = self._begun(job, ref, mark)
            if found is not None:
                return found
            if self.client.now() < job.began_at + self._sure_after:
                raise GitHubUnreachable("it does not say yet whether the run was started")
        path, body = build_dispatch(job, ref, mark)
        try:
            reply = self.client.post(path, body)
        except Refused as said:
            raise self._explained(said, repository, file, ref) from None
        handle = read_dispatch(repository, reply.status, reply.body)
        if handle is None:
            raise GitHubUnreachable("it took the start and does not say yet which run it is")
        return handle

    def _carries_id(self, repository: str, file: str, ref: str) -> bool:
        try:
            return self.workflow_file(repository, file, ref).carries_id
        except Refused:
            return False  # the start itself says better what is wrong

    def _begun(self, job: JobRequest, ref: str, mark: str | None) -> RunHandle | None:
        """Return the run that an earlier attempt began, or None; raise Refused where several may be it."""
        repository, file = split_target(job.target)
        assert job.began_at is not None
        since = job.began_at - timedelta(
            seconds=600 if mark else 5
        )  # clocks differ; a mark cannot be mistaken
        runs = self.client.get(
            f"/repos/{repository}/actions/workflows/{quote(file)}/runs",
            partial(read_runs, repository),
            {"event": "workflow_dispatch", "created": f">={since:%Y-%m-%dT%H:%M:%SZ}", "per_page": str(PAGE)},
        )
        fitting = [one for one in runs if (mark in one.title if mark else one.branch == ref)]
        if len(fitting) > 1:
            raise refusal(
                "start_uncertain",
                f"{len(fitting)} runs of {file} began then; see which is yours, or start again.",
            )
        return fitting[0].status.handle if fitting else None

    def _explained(self, said: Refused, repository: str, file: str, ref: str) -> Refused:
        """Return why a start was refused; what GitHub hides behind 404 is told apart by what it does show."""
        if said.problem.reason_code != "github_not_found":
            why = read_start_refusal(said)
            if why.problem.reason_code != "unknown_ref":
                return why
            near = self._refs_like(repository, ref)
            return refusal("unknown_ref", why.problem.detail, why.problem.status, near)
        try:
            files = {one.file for one in self.workflows(repository)}
        except Refused:
            return refusal(
                "unknown_repository", f"There is no {repository}, or the bot's token does not cover it.", 404
            )
        if file not in files:
            return refusal("unknown_workflow", f"{repository} has no workflow {file}.", 404)
        return refusal("github_forbidden", f"The bot may see {repository} but not start its workflows.", 403)

    def _refs_like(self, repository: str, ref: str) -> tuple[str, ...]:
        try:
            return tuple(difflib.get_close_matches(ref, self.branches(repository), n=3, cutoff=0.4))
        except (Refused, GitHubUnreachable):
            return ()

    # --- watch ----------------------------------------------------------------------------------------

    def status(self, handles: Sequence[RunHandle]) -> Mapping[str, RunStatus]:
        """Return how runs stand, by handle id, by one conditional request per repository if it can be."""
        scopes: dict[str, set[str]] = defaultdict(set)
        for handle in handles:
            scopes[handle.scope].add(handle.id)
        found: dict[str, RunStatus] = {}
        for scope, wanted in scopes.items():
            with self._pace.look(scope):
                found |= self._with_jobs(scope, self._found(scope, wanted)[0])
        return found

    def survey(
        self, scope: str, handles: Sequence[RunHandle], others: Sequence[str] = ()
    ) -> tuple[Mapping[str, RunStatus], Sequence[Sighting]]:
        """Return how *handles* stand and the newest runs, then those of *others* that are older than these.

        Both come by the same requests; the list is read also where none is watched.
        """
        watched = {handle.id for handle in handles}
        with self._pace.look(scope):
            found, newest = self._found(scope, watched | set(others), listing=True)
            shown = {one.status.handle.id for one in newest}
            older = [found[run_id] for run_id in others if run_id in found and run_id not in shown]
            sighted = tuple(one.sighting for one in (*newest, *older) if one.sighting)
            statuses = {run_id: one for run_id, one in found.items() if run_id in watched}
            return self._with_jobs(scope, statuses), sighted

    def rests(self, scope: str) -> bool:
        """Return whether it is too early for another look at *scope*: GitHub's limits are to last."""
        return self._pace.rests(scope)

    def _found(
        self, scope: str, wanted: set[str], *, listing: bool = False
    ) -> tuple[dict[str, Listed], tuple[Listed, ...]]:
        """Return the runs *wanted* and the first page of the list, where that was read."""
        found: dict[str, Listed] = {}
        newest: tuple[Listed, ...] = ()
        pages = range(1, MOST_PAGES + 1) if listing or len(wanted) > 1 else range(0)
        for page in pages:
            query = {"per_page": str(PAGE)} | ({"page": str(page)} if page > 1 else {})
            runs = self.client.get(f"/repos/{scope}/actions/runs", partial(read_runs, scope), query)
            newest = newest or runs
            found |= {one.status.handle.id: one for one in runs if one.status.handle.id in wanted}
            if len(wanted) - len(found) <= SINGLES or len(runs) < PAGE:
                break
        for run_id in sorted(wanted - found.keys())[:MOST_PAGES]:
            one = self._single(scope, run_id)
            if one is not None:
                found[run_id] = one
        return found, newest

    def _single(self, scope: str, run_id: str) -> Listed | None:
        try:
            one = self.client.get(f"/repos/{scope}/actions/runs/{run_id}", partial(read_run, scope))
        except Refused as said:
            if said.problem.reason_code != "github_not_found":
                raise
            return self._missing(scope, run_id)
        self._missing_since.pop(run_id, None)
        return one

    def _missing(self, scope: str, run_id: str) -> Listed | None:
        """Return a deleted run's end once it has been missing for long; a new one is not shown at once."""
        since = self._missing_since.setdefault(run_id, self.client.now())
        if self.client.now() < since + self._sure_after:
            return None
        self.repository(scope)  # a repository that is out of sight says nothing about its runs
        return deleted(RunHandle(connector=NAME, id=run_id, scope=scope))

    def _with_jobs(self, scope: str, runs: dict[str, Listed]) -> dict[str, RunStatus]:
        """Return the statuses with jobs; asked anew are those that moved, then the longest unseen."""
        now = self.client.now().timestamp()
        active = {run_id: one for run_id, one in runs.items() if one.status.state not in FINAL}
        due = [run_id for run_id, one in active.items() if self._jobs_are_due(run_id, one, now)]
        due.sort(key=lambda run_id: self._turn(run_id, active[run_id]))
        for run_id in due[: jobs_at_once(self.client.allowance)]:
            self._jobs[run_id] = (active[run_id].moved, now, self._read_jobs(scope, run_id))
            self._look_who_waits(active[run_id])
        for run_id in runs.keys() - active.keys():
            self._jobs.pop(run_id, None)
        return {run_id: self._whole(one.status) for run_id, one in runs.items()}

    def _turn(self, run_id: str, one: Listed) -> tuple[bool, float]:
        """Return where a run stands in the row of those whose jobs are to be read."""
        moved, at, _ = self._jobs.get(run_id, ("", 0.0, ()))
        return moved == one.moved, at

    def _whole(self, status: RunStatus) -> RunStatus:
        """Return a status with its jobs, and with what holds it up, as they were seen last."""
        known = self._jobs.get(status.handle.id)
        if known is None:
            return status
        _, waits, reviews = self._held.get(status.handle.id, ("", (), ()))
        jobs = tuple(one.job for one in known[2])
        said = None if waits else status.detail
        return status.model_copy(update={"jobs": jobs, "waits": waits, "reviews": reviews, "detail": said})

    def _look_who_waits(self, one: Listed) -> None:
        """Read which environments hold a run up, and what was decided, as long as there is anything to see.

        Without the right to see it the run goes on all the same.
        """
        handle = one.status.handle
        held = one.status.state == "waiting" or any(job.held for job in self._jobs[handle.id][2])
        known = self._held.get(handle.id)
        if not held and (known is None or known[0] == one.moved):
            return
        try:
            waits = self.reviews.waits(handle) if held else ()
            self._held[handle.id] = (one.moved, waits, self.reviews.reviews(handle))
        except RateLimited:
            raise
        except (Refused, GitHubUnreachable):
            self._held[handle.id] = (one.moved, (), ())

    def _jobs_are_due(self, run_id: str, one: Listed, now: float) -> bool:
        if run_id not in self._jobs:
            return one.status.state != "queued"
        moved, at, _ = self._jobs[run_id]
        return moved != one.moved or (one.status.state in ("running", "waiting") and now - at >= JOBS_SECONDS)

    def _read_jobs(self, scope: str, run_id: str) -> tuple[LoggedJob, ...]:
        path = f"/repos/{scope}/actions/runs/{run_id}/jobs"
        return self.client.get(path, read_jobs, {"per_page": str(PAGE)})

    def expect_news(self, handle: RunHandle) -> None:
        """Ask for the run's jobs at the next look: a new step is noted with its job only."""
        with self._lock:
            if handle.id in self._jobs:
                moved, _, jobs = self._jobs[handle.id]
                self._jobs[handle.id] = (moved, -math.inf, jobs)

    # --- the end --------------------------------------------------------------------------------------

    def result(self, handle: RunHandle) -> RunStatus:
        """Return how a run stands with its jobs, its first error line and its report."""
        try:
            path = f"/repos/{handle.scope}/actions/runs/{handle.id}"
            status = self.client.get(path, partial(read_run, handle.scope)).status
        except Refused as said:
            if said.problem.reason_code != "github_not_found":
                raise
            self.repository(handle.scope)
            return deleted(handle).status
        jobs = self._read_jobs(handle.scope, handle.id)
        status = status.model_copy(update={"jobs": tuple(one.job for one in jobs)})
        if status.state not in FINAL:
            return status
        report = self._report(handle, jobs)
        is_unexplained = status.state == "failed" and not any(one.failing for one in jobs)
        reviews = self._decided(handle) if self._held.pop(handle.id, None) or is_unexplained else ()
        status = status.model_copy(update={"report": report, "reviews": reviews})
        reason = self._why(handle, status, jobs) if status.state == "failed" else status.reason
        return status.model_copy(update={"reason": reason})

    def _decided(self, handle: RunHandle) -> tuple[Review, ...]:
        try:
            return self.reviews.reviews(handle)
        except RateLimited:
            raise
        except (Refused, GitHubUnreachable):
            return ()

    def commit_of(self, handle: RunHandle) -> str | None:
        """Return the commit that a run runs for; raise GitHubUnreachable while GitHub does not show it."""
        try:
            path = f"/repos/{handle.scope}/actions/runs/{handle.id}"
            return self.client.get(path, partial(read_run, handle.scope)).status.sha
        except Refused as said:
            if said.problem.reason_code != "github_not_found":
                raise
            raise GitHubUnreachable("it does not show the run yet") from None

    def _why(self, handle: RunHandle, status: RunStatus, jobs: Sequence[LoggedJob]) -> Reason | None:
        """Return the reason with the failing step and its first error line, where its log is to be had."""
        failed = next((one for one in jobs if one.failing), None)
        if failed is None or status.reason is None:
            return rejection(status.reviews) or status.reason
        where = f"{failed.job.name} › {failed.failing}"
        line = self._first_error(handle, failed)
        return Reason(code=status.reason.code, detail=f"{where}: {line}" if line else f"{where}.")

    def _first_error(self, handle: RunHandle, failed: LoggedJob) -> str | None:
        try:
            with self.client.file(f"/repos/{handle.scope}/actions/jobs/{failed.id}/logs") as pieces:
                return first_error(tail(pieces), failed.began, failed.ended)
        except RateLimited:
            raise
        except (Refused, GitHubUnreachable):
            return None  # logs expire, and may be out of the token's reach

    def why(self, scope: str, run: Sighting) -> str | None:
        """Return the step in which a run failed and its first error line, or None where it cannot be told."""
        handle = RunHandle(connector=NAME, id=run.id, scope=scope, url=run.url)
        path = f"/repos/{scope}/actions/runs/{run.id}/attempts/{run.attempt}/jobs"
        try:
            jobs = self.client.get(path, read_jobs, {"per_page": str(PAGE)})
        except Refused:
            return None
        status = RunStatus(handle=handle, name="", state="failed", reason=read_reason(run.phase))
        reason = self._why(handle, status, jobs)
        return reason.detail or None if reason else None

    def _report(self, handle: RunHandle, jobs: Sequence[LoggedJob]) -> Report | None:
        path = f"/repos/{handle.scope}/actions/runs/{handle.id}/artifacts"
        try:
            artifacts = self.client.get(path, read_artifacts, {"per_page": str(PAGE)})
            named = next((one for one in artifacts if one.name in REPORT_ARTIFACTS), None)
            return self._fetched(handle, named) if named else self._noticed(handle, jobs)
        except RateLimited:
            raise
        except (Refused, GitHubUnreachable) as error:
            return Report(problems=(f"The run's report could not be fetched: {error}.",))

    def _noticed(self, handle: RunHandle, jobs: Sequence[LoggedJob]) -> Report | None:
        """Return the report that a step gave by `::notice title=toban-report::{…}`, or None.

        The outputs of a run cannot be read over REST, its annotations can:
        https://docs.github.com/en/rest/checks/runs#list-check-run-annotations
        """
        for job in jobs[:NOTICED_JOBS]:
            path = f"/repos/{handle.scope}/check-runs/{job.check}/annotations"
            try:
                notices = self.client.get(path, read_notices, {"per_page": str(PAGE)}) if job.check else ()
            except Refused:
                return None  # the token may not see checks: then reports are artifacts
            given = next((one.message for one in notices if one.title == REPORT_NAME), None)
            if given is not None and len(given) >= MOST_NOTICE:
                said = f"A notice is cut after {MOST_NOTICE:,} characters; put the report into an artifact."
                return Report(problems=(said,))
            if given is not None:
                return read_report(given.encode())
        return None

    def _fetched(self, handle: RunHandle, artifact: Artifact) -> Report:
        if artifact.expired:
            return Report(problems=("The artifact with the report has expired.",))
        too_large = Report(problems=(f"The artifact is larger than {MOST_ARTIFACT_BYTES >> 20} MiB.",))
        if artifact.size > MOST_ARTIFACT_BYTES:
            return too_large
        content = bytearray()
        with self.client.file(f"/repos/{handle.scope}/actions/artifacts/{artifact.id}/zip") as pieces:
            for piece in pieces:
                content += piece
                if len(content) > MOST_ARTIFACT_BYTES:
                    return too_large
        return read_archive(bytes(content))

    # --- stop and run again ---------------------------------------------------------------------------

    def cancel(self, handle: RunHandle) -> None:
        """Ask for a run to be stopped; one that has ended answers 409, which is harmless."""
        try:
            self.client.post(f"/repos/{handle.scope}/actions/runs/{handle.id}/cancel")
        except Refused as said:
            if said.problem.status != HTTPStatus.CONFLICT:
                raise

    def rerun(self, handle: RunHandle, *, failed_only: bool, attempt: int) -> None:
        """Run again what ended as *attempt*; where it runs again already, nothing is done."""
        path = f"/repos/{handle.scope}/actions/runs/{handle.id}"
        status = self.client.get(path, partial(read_run, handle.scope)).status
        if status.attempt > attempt or status.state not in FINAL:
            return
        try:
            self.client.post(f"{path}/rerun-failed-jobs" if failed_only else f"{path}/rerun")
        except Refused as said:
            if said.problem.reason_code != "github_forbidden":
                raise
            raise refusal("cannot_rerun", said.problem.detail, said.problem.status) from None


def rejection(reviews: Sequence[Review]) -> Reason | None:
    """Return that a run failed because somebody rejected it, or None."""
    said = next((one for one in reversed(reviews) if one.state == "rejected"), None)
    if said is None:
        return None
    return Reason(code="review_rejected", detail=f"It was {said.login} who rejected {said.environment}.")


def deleted(handle: RunHandle) -> Listed:
    """Return the end of a run that GitHub does not know any more."""
    reason = Reason(code="run_deleted", detail="It was deleted on GitHub.")
    status = RunStatus(handle=handle, name="the run", state="failed", reason=reason)
    return Listed(status, "deleted", "", "")


def _as_text(value: Any) -> str:
    """Return an input as GitHub takes it: text, with true and false in small letters."""
    return str(value).lower() if isinstance(value, bool) else str(value)
