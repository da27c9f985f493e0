"""A deployment as data: which commit goes where, what it changes, what it waited for, who agreed.

It travels in an order's record, so that card, watcher and flow all speak of the same one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bot.connectors.connector import Review

SHORT_SHA = 7


class _Fact(BaseModel):
    """A record that flows checkpoint as plain JSON; keys of a newer version are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Commit(_Fact):
    """A commit: the first line of its message, and its author as GitHub names them."""

    sha: str
    subject: str
    author: str
    at: datetime | None = None
    url: str | None = None

    @property
    def short(self) -> str:
        """The first characters of its hash, as people write it."""
        return self.sha[:SHORT_SHA]


class Deployed(_Fact):
    """What an environment has now: a commit, under which name, since when, and by whom."""

    sha: str
    ref: str
    by: str
    at: datetime
    url: str | None = None

    @property
    def short(self) -> str:
        """The first characters of its hash, as people write it."""
        return self.sha[:SHORT_SHA]


class Change(_Fact):
    """What lies between two commits; `commits` are the newest of those that are new, newest first."""

    status: str
    ahead: int
    behind: int
    commits: tuple[Commit, ...] = ()
    url: str | None = None


class Deployment(_Fact):
    """One commit on its way into one environment.

    `ref` is what was asked for; `start_ref` the branch or tag that the workflow starts at, None over the API.
    `follows_ref` says that what starts is whatever that ref points to, so it must still be the commit.
    `before_unknown` says why it could not be seen what is deployed now. `checked` is what came of the checks.
    """

    target: str
    repository: str
    environment: str
    ref: str
    commit: Commit
    start_ref: str | None = None
    follows_ref: bool = False
    before: Deployed | None = None
    before_unknown: str | None = None
    change: Change | None = None
    pushed_by: str | None = None
    checks: Literal["all", "none"] | tuple[str, ...] = "all"
    check_minutes: float = 60.0
    checked: str | None = None

    @property
    def title(self) -> str:
        """What the card calls it."""
        return f"{self.target} {self.commit.short} → {self.environment}"


def told_apart(said: Iterable[Review], ours: Iterable[Review]) -> tuple[Review, ...]:
    """Return what was decided; those decisions of *said* that came from Slack as *ours*, with the person.

    GitHub only knows that the bot's own user decided; the comment tells whose decision that was.
    """
    known = {(one.environment, one.comment): one for one in ours}
    found = [known.pop((one.environment, one.comment), one) for one in said]
    return (*found, *known.values())
