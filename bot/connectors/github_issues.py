"""GitHub's issues, as the record of experiments: written once, found again, changed, commented.

Source: https://docs.github.com/en/rest/issues/issues and …/issues/comments. GitHub knows no conditional
change: between reading a body and writing it somebody may save theirs, for as long as one request takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.connectors.github_client import MOST_PAGES, PAGE, GitHubClient
from bot.errors import GitHubUnreachable
from bot.experiments import Issue

MOST_BODY = 65_000
"""GitHub takes 65,536 characters."""
CLOCKS_DIFFER = timedelta(minutes=5)


def read_issue(body: Any) -> Issue:
    """Return an issue."""
    return Issue(
        number=int(body["number"]),
        title=str(body["title"]),
        url=str(body["html_url"]),
        body=str(body.get("body") or ""),
        state=str(body["state"]),
        author=str((body.get("user") or {}).get("login") or ""),
        created_at=body["created_at"],
    )


def read_issues(body: Any) -> tuple[tuple[Issue, ...], int]:
    """Return the issues of a page without the pull requests that GitHub lists too, and the page's length."""
    return tuple(read_issue(one) for one in body if "pull_request" not in one), len(body)


def read_bodies(body: Any) -> tuple[str, ...]:
    """Return the texts of a page of comments."""
    return tuple(str(one.get("body") or "") for one in body)


class GitHubIssues:
    """Issues of a repository, by the same client as its workflows."""

    def __init__(self, client: GitHubClient, repository: str) -> None:
        self._client = client
        self._path = f"/repos/{repository}/issues"

    def create(self, title: str, body: str, label: str) -> Issue:
        """Write an issue; a label that the repository does not have is made, or left out, by GitHub."""
        asked = {"title": title, "body": body[:MOST_BODY], "labels": [label]}
        return _made(self._client.post(self._path, asked).body)

    def written(self, marked: str, since: datetime) -> Issue | None:
        """Return the issue with *marked* in its body that was written *since*, or None."""
        begin = (since - CLOCKS_DIFFER).astimezone(UTC)
        query = {"state": "all", "since": f"{begin:%Y-%m-%dT%H:%M:%SZ}", "per_page": str(PAGE)}
        for page in range(1, MOST_PAGES + 1):
            issues, length = self._client.get(self._path, read_issues, {**query, "page": str(page)})
            found = next((one for one in issues if marked in one.body), None)
            if found is not None or length < PAGE:
                return found
        return None

    def latest(self, label: str) -> Sequence[Issue]:
        """Return the newest hundred issues with *label*, open and closed."""
        query = {"state": "all", "labels": label, "per_page": str(PAGE)}
        return self._client.get(self._path, read_issues, query)[0]

    def get(self, number: int) -> Issue:
        """Return one issue as it is now."""
        return self._client.get(f"{self._path}/{number}", read_issue)

    def rewrite(self, number: int, body: str) -> None:
        """Replace an issue's body."""
        self._client.patch(f"{self._path}/{number}", {"body": body})

    def comment(self, number: int, text: str, marked: str) -> None:
        """Add a comment, unless one with *marked* in it is there already."""
        path = f"{self._path}/{number}/comments"
        for page in range(1, MOST_PAGES + 1):
            texts = self._client.get(path, read_bodies, {"per_page": str(PAGE), "page": str(page)})
            if any(marked in one for one in texts):
                return
            if len(texts) < PAGE:
                break
        self._client.post(path, {"body": f"{text}\n\n{marked}"[:MOST_BODY]})


def _made(body: Any) -> Issue:
    try:
        return read_issue(body)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise GitHubUnreachable(f"an answer of another form ({type(error).__name__})") from None
