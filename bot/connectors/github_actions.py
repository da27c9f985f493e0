"""GitHub Actions as a connector: runs of workflows started, watched, stopped and run again."""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus

from bot.connectors.connector import (
    FINAL,
    JobRequest,
    Review,
    RunHandle,
    RunStatus,
    Sighting,
    Waiting,
)
from bot.connectors.github_catalogue import GitHubCatalogue
from bot.connectors.github_client import PAGE, GitHubClient, refusal
from bot.connectors.github_ends import GitHubEnds
from bot.connectors.github_pace import Pace, jobs_at_once
from bot.connectors.github_reviews import GitHubReviews
from bot.connectors.github_runs import NAME, Listed, LoggedJob, read_jobs, read_run, read_runs
from bot.connectors.github_starts import GitHubStarts
from bot.errors import GitHubUnreachable, RateLimited, Refused
from ml.contract import Reason

MOST_PAGES = 15
SINGLES = 5
"""Up to so many runs are asked for one by one rather than by another page of the list."""
JOBS_SECONDS = 10.0
"""GitHub notes a new step with the job only, not with its run; so often a running one is asked anyway."""
SURE_AFTER = timedelta(seconds=60)
"""A run shows up in lists some seconds after its start; only after this long its absence counts."""


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
        self.catalogue = GitHubCatalogue(client)
        self._starts = GitHubStarts(client, self.catalogue, sure_after)
        self._ends = GitHubEnds(client)
        self._sure_after = sure_after
        self._lock = threading.Lock()
        self._jobs: dict[str, tuple[str, float, tuple[LoggedJob, ...]]] = {}
        self._held: dict[str, tuple[str, tuple[Waiting, ...], tuple[Review, ...]]] = {}
        self._missing_since: dict[str, datetime] = {}
        self._pace = Pace(client)

    def start(self, job: JobRequest, *, key: str) -> RunHandle:
        """Start a run, or return the one that an earlier attempt with *key* started.

        Raises GitHubUnreachable while that is not known yet: GitHub shows a new run only after a while.
        """
        return self._starts.start(job, key=key)

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
        self.catalogue.repository(scope)  # a repository that is out of sight says nothing about its runs
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
        return self.client.get_all(path, read_jobs)

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
            self.catalogue.repository(handle.scope)
            return deleted(handle).status
        jobs = self._read_jobs(handle.scope, handle.id)
        status = status.model_copy(update={"jobs": tuple(one.job for one in jobs)})
        if status.state not in FINAL:
            return status
        report = self._ends.report(handle, jobs)
        is_unexplained = status.state == "failed" and not any(one.failing for one in jobs)
        reviews = self._decided(handle) if self._held.pop(handle.id, None) or is_unexplained else ()
        status = status.model_copy(update={"report": report, "reviews": reviews})
        reason = self._ends.reason(handle, status, jobs) if status.state == "failed" else status.reason
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

    def why(self, scope: str, run: Sighting) -> str | None:
        """Return the step in which a run failed and its first error line, or None where it cannot be told."""
        return self._ends.why(scope, run)

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


def deleted(handle: RunHandle) -> Listed:
    """Return the end of a run that GitHub does not know any more."""
    reason = Reason(code="run_deleted", detail="It was deleted on GitHub.")
    status = RunStatus(handle=handle, name="the run", state="failed", reason=reason)
    return Listed(status, "deleted", "", "")
