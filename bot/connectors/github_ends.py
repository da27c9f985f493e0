"""What a run leaves behind: the first line of its error, who rejected it, and the report it gave.

A report is an artifact, or a notice: the outputs of a run cannot be read over REST.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.connectors.connector import Report, Review, RunHandle, RunStatus, Sighting
from bot.connectors.github_client import PAGE, GitHubClient
from bot.connectors.github_logs import first_error, tail
from bot.connectors.github_runs import (
    NAME,
    Artifact,
    LoggedJob,
    read_artifacts,
    read_jobs,
    read_notices,
    read_reason,
)
from bot.connectors.run_reports import REPORT_FILE, read_archive, read_report
from bot.errors import GitHubUnreachable, RateLimited, Refused
from ml.contract import Reason

MOST_ARTIFACT_BYTES = 8 * 1024 * 1024
REPORT_NAME = "toban-report"
REPORT_ARTIFACTS = frozenset({REPORT_NAME, REPORT_FILE})
NOTICED_JOBS = 10
"""Of a run without an artifact, so many jobs are asked for a notice with its report."""
# The runner cuts messages there: `_maxIssueMessageLength` in ExecutionContext.cs of actions/runner.
MOST_NOTICE = 4096


class GitHubEnds:
    """Reads why runs failed and what they report."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    def reason(self, handle: RunHandle, status: RunStatus, jobs: Sequence[LoggedJob]) -> Reason | None:
        """Return the reason with the failing step and its first error line, where its log is to be had."""
        failed = next((one for one in jobs if one.failing), None)
        if failed is None or status.reason is None:
            return rejection(status.reviews) or status.reason
        where = f"{failed.job.name} › {failed.failing}"
        line = self._first_error(handle, failed)
        return Reason(code=status.reason.code, detail=f"{where}: {line}" if line else f"{where}.")

    def _first_error(self, handle: RunHandle, failed: LoggedJob) -> str | None:
        try:
            with self._client.file(f"/repos/{handle.scope}/actions/jobs/{failed.id}/logs") as pieces:
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
            jobs = self._client.get_all(path, read_jobs)
        except Refused:
            return None
        status = RunStatus(handle=handle, name="", state="failed", reason=read_reason(run.phase))
        reason = self.reason(handle, status, jobs)
        return reason.detail or None if reason else None

    def report(self, handle: RunHandle, jobs: Sequence[LoggedJob]) -> Report | None:
        """Return what a run reports, or None; where it cannot be had, the report says so."""
        path = f"/repos/{handle.scope}/actions/runs/{handle.id}/artifacts"
        try:
            artifacts = self._client.get_all(path, read_artifacts)
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
                notices = self._client.get(path, read_notices, {"per_page": str(PAGE)}) if job.check else ()
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
        with self._client.file(f"/repos/{handle.scope}/actions/artifacts/{artifact.id}/zip") as pieces:
            for piece in pieces:
                content += piece
                if len(content) > MOST_ARTIFACT_BYTES:
                    return too_large
        return read_archive(bytes(content))


def rejection(reviews: Sequence[Review]) -> Reason | None:
    """Return that a run failed because somebody rejected it, or None."""
    said = next((one for one in reversed(reviews) if one.state == "rejected"), None)
    if said is None:
        return None
    return Reason(code="review_rejected", detail=f"It was {said.login} who rejected {said.environment}.")
