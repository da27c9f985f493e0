"""The checks of a commit as something that is watched: it runs while they run, and ends as they do.

Nothing is started: a commit's checks began when it was pushed. A handle names target, commit and the moment
before which the list may lack checks that are yet to begin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from bot.connectors.connector import JobRequest, RunHandle, RunJob, RunState, RunStatus
from bot.connectors.github_client import GitHubClient, refusal
from bot.connectors.github_commits import GitHubCommits
from bot.deployment_tables import DeploymentTable
from ml.contract import Reason

NAME = "github_checks"
BAD = frozenset({"failed", "cancelled"})
MOST_NAMED = 8


def checks_handle(target: str, repository: str, sha: str, settled_at: datetime, url: str | None) -> RunHandle:
    """Return the handle of a commit's checks; before *settled_at* none of them counts as the last."""
    return RunHandle(
        connector=NAME, id=f"{target}:{sha}:{int(settled_at.timestamp())}", scope=repository, url=url
    )


class GitHubChecks:
    """Looks at the checks of commits. *targets* say which of them count."""

    def __init__(self, client: GitHubClient, targets: Mapping[str, DeploymentTable]) -> None:
        self._now = client.now
        self._commits = GitHubCommits(client)
        self._targets = targets

    def start(self, job: JobRequest, *, key: str) -> RunHandle:
        """Refuse: checks are not started from here."""
        raise refusal("cannot_rerun", "Checks begin with the commit.")

    def status(self, handles: Sequence[RunHandle]) -> Mapping[str, RunStatus]:
        """Return how the checks of commits stand, by handle id."""
        return {handle.id: self.result(handle) for handle in handles}

    def cancel(self, handle: RunHandle) -> None:
        """Do nothing: who waits for checks stops waiting."""

    def result(self, handle: RunHandle) -> RunStatus:
        """Return how the checks of a commit stand."""
        name, sha, settled = handle.id.split(":")
        table = self._targets.get(name)
        if table is None:
            raise refusal("unknown_target", f"{name} was taken out of toban.toml.", 404)
        wanted = () if isinstance(table.checks, str) else table.checks
        found = self._commits.checks(handle.scope, sha, self._deploying(table.repository))
        counted = tuple(one for one in found if not wanted or one.name in wanted)
        missing = tuple(one for one in wanted if one not in {check.name for check in counted})
        is_early = self._now() < datetime.fromtimestamp(int(settled), UTC)
        state = judge(counted, missing, is_early=is_early and not wanted)
        return RunStatus(
            handle=handle,
            name=f"checks of {sha[:7]}",
            state=state,
            jobs=counted,
            detail=_detail(counted, missing, state),
            reason=Reason(code="checks_failed", detail=summary(counted)) if state == "failed" else None,
            offers=("cancel",) if state == "running" else (),
            sha=sha,
            is_run=False,
        )

    def _deploying(self, repository: str) -> tuple[str, ...]:
        """Return the workflows that deploy from a repository: how they ended says nothing of a commit."""
        files = {one.workflow for one in self._targets.values() if one.repository == repository}
        return tuple(sorted(file for file in files if file))


def judge(counted: Sequence[RunJob], missing: Sequence[str], *, is_early: bool) -> RunState:
    """Return how it stands with a commit: one bad check is enough to fail, all must be there to succeed."""
    states = {one.state for one in counted}
    if states & BAD:
        return "failed"
    if missing or is_early or states - {"succeeded", "skipped"}:
        return "running"
    return "succeeded"


def summary(counted: Sequence[RunJob]) -> str:
    """Return what came of the checks in a few words, with those that failed."""
    bad = [one.name for one in counted if one.state in BAD]
    if bad:
        more = f" and {len(bad) - MOST_NAMED} more" if len(bad) > MOST_NAMED else ""
        return f"{', '.join(bad[:MOST_NAMED])}{more} of {len(counted)}."
    passed = sum(one.state == "succeeded" for one in counted)
    return f"{passed} of {len(counted)} checks passed" if counted else "the commit has no checks"


def _detail(counted: Sequence[RunJob], missing: Sequence[str], state: RunState) -> str | None:
    if state != "running":
        return None
    if missing:
        return f"It waits for the checks {', '.join(missing[:MOST_NAMED])}."
    left = sum(one.state in ("waiting", "running") for one in counted)
    return f"It waits for {left} of {len(counted)} checks." if left else "It waits for checks to begin."
