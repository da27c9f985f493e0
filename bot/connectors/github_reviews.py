"""Environments that hold runs up: who may let them go on, what was decided, and passing a decision on.

Sources: https://docs.github.com/en/rest/actions/workflow-runs#get-pending-deployments-for-a-workflow-run
and https://docs.github.com/en/rest/deployments/environments
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from bot.connectors.connector import Review, RunHandle, Waiting
from bot.connectors.github_client import GitHubClient, refusal
from bot.errors import Refused

MOST_COMMENT = 1000


@dataclass(frozen=True)
class Protection:
    """What protects an environment. Without reviewers nobody is asked."""

    reviewers: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    prevent_self_review: bool = False
    wait_minutes: int = 0


def read_waits(body: Any) -> tuple[Waiting, ...]:
    """Return the environments that hold a run up."""
    return tuple(_waiting(one) for one in body)


def read_reviews(body: Any) -> tuple[Review, ...]:
    """Return what was decided about a run's environments, in GitHub's order."""
    return tuple(
        Review(
            environment=str(environment["name"]),
            state=str(one["state"]),
            login=str((one.get("user") or {}).get("login") or "somebody"),
            comment=str(one.get("comment") or ""),
        )
        for one in body
        if one["state"] in ("approved", "rejected")
        for environment in one["environments"]
    )


def read_protection(body: Any) -> Protection:
    """Return what protects an environment."""
    rules: list[dict[str, Any]] = body.get("protection_rules") or []
    nothing: dict[str, Any] = {}
    asks = next((one for one in rules if one.get("type") == "required_reviewers"), nothing)
    timer = next((one for one in rules if one.get("type") == "wait_timer"), nothing)
    people, teams = _named(asks.get("reviewers"))
    return Protection(people, teams, bool(asks.get("prevent_self_review")), int(timer.get("wait_timer") or 0))


def read_own_waits(body: Any) -> tuple[tuple[Waiting, bool], ...]:
    """Return the environments that hold a run up, each with whether whoever asks may decide."""
    return tuple((_waiting(one), one.get("current_user_can_approve") is not False) for one in body)


def _waiting(body: Any) -> Waiting:
    people, teams = _named(body.get("reviewers"))
    environment = body["environment"]
    return Waiting(
        environment=str(environment["name"]),
        environment_id=int(environment["id"]),
        reviewers=people,
        teams=teams,
        wait_minutes=int(body.get("wait_timer") or 0),
    )


def _named(reviewers: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return logins and slugs of teams from a list of reviewers, as far as it names them."""
    known = [(one.get("type"), one.get("reviewer") or {}) for one in reviewers or ()]
    people = tuple(str(one["login"]) for kind, one in known if kind == "User" and one.get("login"))
    return people, tuple(str(one["slug"]) for kind, one in known if kind == "Team" and one.get("slug"))


class GitHubReviews:
    """Reads and passes on decisions; *reviewer* is who GitHub lets decide (None: the client itself)."""

    def __init__(self, client: GitHubClient, reviewer: GitHubClient | None = None) -> None:
        self._client = client
        self._reviewer = reviewer or client

    def waits(self, handle: RunHandle) -> tuple[Waiting, ...]:
        """Return the environments that hold a run up now."""
        return self._client.get(_path(handle, "pending_deployments"), read_waits)

    def reviews(self, handle: RunHandle) -> tuple[Review, ...]:
        """Return what was decided about a run's environments."""
        return self._client.get(_path(handle, "approvals"), read_reviews)

    def own_waits(self, handle: RunHandle) -> tuple[tuple[Waiting, bool], ...]:
        """Return the environments that hold a run up, each with whether the bot's reviewer may decide."""
        return self._reviewer.get(_path(handle, "pending_deployments"), read_own_waits)

    def protection(self, repository: str, environment: str) -> Protection:
        """Return what protects an environment; raise Refused where it is not to be seen."""
        path = f"/repos/{repository}/environments/{quote(environment, safe='')}"
        return self._client.get(path, read_protection)

    def in_teams(self, repository: str, teams: tuple[str, ...], login: str) -> bool:
        """Return whether *login* is in one of the teams, as far as the bot may see that."""
        organization = repository.partition("/")[0]
        for team in teams:
            with suppress(Refused):
                path = f"/orgs/{organization}/teams/{quote(team)}/memberships/{quote(login)}"
                if self._client.get(path, lambda body: body["state"] == "active"):
                    return True
        return False

    def decide(
        self, handle: RunHandle, environment_id: int, state: Literal["approved", "rejected"], comment: str
    ) -> None:
        """Approve or reject one environment of one run; raise Refused where GitHub does not take it."""
        body = {"environment_ids": [environment_id], "state": state, "comment": comment[:MOST_COMMENT]}
        try:
            self._reviewer.post(_path(handle, "pending_deployments"), body)
        except Refused as said:
            if said.problem.reason_code in ("github_rejected_token", "github_forbidden"):
                raise
            raise refusal("review_refused", said.problem.detail, said.problem.status) from None


def _path(handle: RunHandle, what: str) -> str:
    return f"/repos/{handle.scope}/actions/runs/{handle.id}/{what}"
