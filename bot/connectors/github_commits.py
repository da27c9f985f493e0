"""Commits of a repository: which one a branch, tag or hash means, what lies between two, and their checks.

Sources: https://docs.github.com/en/rest/commits/commits, …/rest/checks/runs, …/rest/commits/statuses
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from bot.connectors.connector import RunJob
from bot.connectors.github_client import MOST_PAGES, PAGE, GitHubClient, refusal
from bot.connectors.github_runs import read_time, step_state, took
from bot.deployments import Change, Commit
from bot.errors import Refused

MOST_COMMITS = 10
"""So many commits of a comparison are kept, the newest."""
SHA = re.compile(r"[0-9a-f]{7,40}", re.IGNORECASE)
NO_COMMIT = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.CONFLICT})
"""What GitHub answers where a ref means no commit: 422 in most cases, 404, or 409 for an empty repository."""

_STATUS_STATES: Mapping[str, Any] = {"success": "succeeded", "pending": "running"}


@dataclass(frozen=True)
class Check:
    """One check of a commit; `suite` tells which run made it, where one did."""

    job: RunJob
    suite: int | None = None
    order: tuple[str, int] = ("", 0)


def read_commit(body: Any) -> Commit:
    """Return a commit; its author is a login where GitHub knows one."""
    inner = body["commit"]
    signed = inner.get("author") or {}
    return Commit(
        sha=str(body["sha"]),
        subject=(str(inner.get("message") or "").splitlines() or [""])[0][:200],
        author=str((body.get("author") or {}).get("login") or signed.get("name") or "somebody"),
        at=read_time((inner.get("committer") or signed).get("date")),
        url=body.get("html_url"),
    )


def read_change(body: Any) -> Change:
    """Return what lies between two commits; GitHub lists the oldest first."""
    commits = tuple(read_commit(one) for one in reversed(body["commits"][-MOST_COMMITS:]))
    return Change(
        status=str(body["status"]),
        ahead=int(body["ahead_by"]),
        behind=int(body["behind_by"]),
        commits=commits,
        url=body.get("html_url"),
    )


def read_heads(body: Any) -> dict[str, str]:
    """Return the commit of each branch or tag in a list, by name."""
    return {str(one["name"]): str((one.get("commit") or {}).get("sha") or "") for one in body}


def read_check_runs(body: Any) -> tuple[int, tuple[Check, ...]]:
    """Return how many check runs there are in all, and those of this page."""
    return int(body["total_count"]), tuple(_check_run(one) for one in body["check_runs"])


def read_statuses(body: Any) -> tuple[Check, ...]:
    """Return a commit's statuses: one for each context, the latest."""
    return tuple(
        Check(RunJob(name=str(one["context"]), state=_STATUS_STATES.get(str(one["state"]), "failed")))
        for one in body["statuses"]
    )


def read_suites(body: Any) -> frozenset[int]:
    """Return the check suites of a list of runs."""
    known = (one.get("check_suite_id") for one in body["workflow_runs"])
    return frozenset(int(one) for one in known if one is not None)


def _check_run(body: Any) -> Check:
    suite = (body.get("check_suite") or {}).get("id")
    return Check(
        RunJob(name=str(body["name"]), state=step_state(body), seconds=took(body)),
        int(suite) if suite is not None else None,
        (str(body.get("started_at") or ""), int(body.get("id") or 0)),
    )


def latest(checks: Sequence[Check]) -> tuple[RunJob, ...]:
    """Return each check once, by name: a check that ran again counts as it did last."""
    newest: dict[str, Check] = {}
    for check in sorted(checks, key=lambda one: one.order):
        newest[check.job.name] = check
    return tuple(newest[name].job for name in sorted(newest))


class GitHubCommits:
    """Reads commits by one client; keeps nothing of its own."""

    def __init__(self, client: GitHubClient) -> None:
        self._client = client

    def commit(self, repository: str, ref: str) -> Commit:
        """Return the commit that *ref* means; raise Refused with what was perhaps meant."""
        try:
            return self._client.get(f"/repos/{repository}/commits/{quote(ref)}", read_commit)
        except Refused as said:
            if said.problem.status not in NO_COMMIT:
                raise
        raise self._unknown(repository, ref)

    def _unknown(self, repository: str, ref: str) -> Refused:
        """Return why a ref means no commit: no repository, no right to see it, or no such name."""
        try:
            self._client.get(f"/repos/{repository}", lambda body: None)
        except Refused:
            detail = f"There is no {repository}, or the bot's token does not cover it."
            return refusal("unknown_repository", detail, 404)
        try:
            names = list(self.heads(repository))
        except Refused:
            return refusal("github_forbidden", f"The bot may see {repository} but not its contents.", 403)
        near = difflib.get_close_matches(ref, names, n=3, cutoff=0.4) or names[:3]
        return refusal("unknown_commit", f"{repository} has no {ref}.", 422, tuple(near))

    def heads(self, repository: str) -> dict[str, str]:
        """Return the commits of up to a hundred tags and a hundred branches, by name."""
        query = {"per_page": str(PAGE)}
        tags = self._client.get(f"/repos/{repository}/tags", read_heads, query)
        return tags | self._client.get(f"/repos/{repository}/branches", read_heads, query)

    def head(self, repository: str, branch: str) -> str:
        """Return the commit that *branch* points to; unchanged, asking costs nothing of the limit."""
        path = f"/repos/{repository}/git/ref/heads/{quote(branch)}"
        return self._client.get(path, lambda body: str(body["object"]["sha"]))

    def change(self, repository: str, base: str, head: str) -> Change:
        """Return what lies between two commits."""
        return self._client.get(f"/repos/{repository}/compare/{base}...{head}", read_change)

    def checks(self, repository: str, sha: str, without: Sequence[str] = ()) -> tuple[RunJob, ...]:
        """Return the checks and statuses of a commit, each once; not those of runs of the files *without*."""
        own = frozenset[int]().union(*(self._suites(repository, sha, file) for file in without))
        path = f"/repos/{repository}/commits/{sha}/check-runs"
        found: list[Check] = []
        for page in range(1, MOST_PAGES + 1):
            query = {"per_page": str(PAGE)} | ({"page": str(page)} if page > 1 else {})
            total, some = self._client.get(path, read_check_runs, query)
            found += some
            if len(found) >= total or not some:
                break
        query = {"per_page": str(PAGE)}
        statuses = self._client.get(f"/repos/{repository}/commits/{sha}/status", read_statuses, query)
        return latest([*(one for one in found if one.suite not in own), *statuses])

    def _suites(self, repository: str, sha: str, file: str) -> frozenset[int]:
        path = f"/repos/{repository}/actions/workflows/{quote(file)}/runs"
        try:
            return self._client.get(path, read_suites, {"head_sha": sha, "per_page": str(PAGE)})
        except Refused:
            return frozenset()  # without the right to see runs, every check counts


def is_sha(ref: str, commit: Commit) -> bool:
    """Return whether *ref* is the commit's hash, or the beginning of it, and not a name."""
    return SHA.fullmatch(ref) is not None and commit.sha.startswith(ref.lower())


def starting_points(heads: Mapping[str, str], sha: str, preferred: str | None) -> list[str]:
    """Return the branches and tags that point to *sha*, the preferred one first."""
    found = [name for name, at in heads.items() if at == sha]
    return sorted(found, key=lambda name: name != preferred)
