"""The watcher of connectors' runs: one look for each repository or system, outside of any checkpoint.

It draws jobs and steps on the cards, and sends each waiting flow the one message that matters: its run has
ended. What GitHub asks it to wait for, it waits for, and the cards say until when. A webhook makes it look at
once, or as soon as its scope may be looked at again; as it looks in any case, one that is lost costs no more
than a moment.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from datetime import UTC, datetime

from dbos import DBOSClient

from bot.connectors.connector import FINAL, Connector, Expectant, Lister, Paced, Review, RunStatus
from bot.connectors.github_runs import NAME as GITHUB_ACTIONS
from bot.deployments import Deployment, told_apart
from bot.edits import Edits
from bot.errors import BotError, RateLimited, Refused
from bot.jobs import Job
from bot.messages import work as messages
from bot.messages.deployments import under
from bot.messages.message import Message
from bot.nudges import Nudge, Nudges
from bot.patrols import Patrol
from bot.records import Records
from bot.subscription_watch import SubscriptionWatch
from bot.timing import Timing
from bot.watchers import CONTROL
from bot.works import Work, Works

log = logging.getLogger(__name__)

LEASE = "work-watcher"
MOST_HEARD_OF = 1000
"""Of so many runs it is remembered that there was news of them: they may be news of a start under way."""


class WorkWatcher(Patrol):
    """Follows the runs of all works under way."""

    def __init__(
        self,
        records: Records,
        works: Works,
        connectors: Mapping[str, Connector],
        client: DBOSClient,
        edits: Edits,
        holder: str,
        timing: Timing,
        listed: SubscriptionWatch | None = None,
        nudges: Nudges | None = None,
    ) -> None:
        super().__init__(LEASE, records, holder, timing, timing.work_seconds, nudges)
        self._works = works
        self._connectors = connectors
        self._client = client
        self._edits = edits
        self._listed = listed
        self._shown: dict[str, object] = {}
        self._called: dict[str, object] = {}
        self._answered_at: dict[str, float] = {}
        self._looked_at: dict[tuple[str, str], float] = {}
        self._hurried: set[str] = set()
        self._heard_of: deque[str] = deque(maxlen=MOST_HEARD_OF)
        self._hearing = threading.Lock()

    def hurry(self, run_id: str, repository: str = "") -> bool:
        """Look now, if somebody waits for this run, rather than when its turn comes; return whether one does.

        Also for a *repository* that somebody wants to know of. A bot that does not hold the lease leaves word
        for the one that does.
        """
        with self._hearing:  # before it is looked who waits: `begun` looks here after it has said who does
            self._heard_of.append(run_id)
        work = self._works.find(run_id)
        waited_for = work is not None and work.handle is not None
        if work is not None and work.handle is not None:
            connector = self._connectors.get(work.handle.connector)
            if connector is not None and isinstance(connector, Expectant):
                connector.expect_news(work.handle)
            self._hurried.add(work.handle.scope.casefold())
        wanted = {one.casefold() for one in self._repositories()}
        if repository.casefold() in wanted:
            self._hurried.add(repository.casefold())
        if waited_for or repository.casefold() in wanted:
            self.look_soon(Nudge(run_id, repository))
        return waited_for

    def begun(self, run_id: str) -> None:
        """Look now at a run that is watched from now on, if there was news of it already.

        A webhook may be quicker than the answer to the start, and would be for nobody.
        """
        with self._hearing:
            is_known = run_id in self._heard_of
        if is_known:
            self.hurry(run_id)

    def hear(self, news: Nudge) -> None:
        """Take news of a run, or of a repository, that another bot was told of."""
        self.hurry(news.run_id, news.repository)

    def look(self) -> None:
        """Look once at every run under way; what has not been looked at for longest comes first.

        A scope that rests is left out. If there is news of it, the next look comes soon.
        """
        works = self._works.running()
        self._shown = {work.flow_id: self._shown.get(work.flow_id) for work in works}
        self._called = {work.flow_id: self._called.get(work.flow_id) for work in works}
        groups = _by_scope(works)
        for repository in self._repositories():
            if self._listed is not None and not self._listed.rests(repository):
                groups.setdefault((GITHUB_ACTIONS, repository), [])
        self._looked_at = {key: self._looked_at.get(key, -math.inf) for key in groups}
        for connector, scope in sorted(groups, key=self._looked_at.__getitem__):
            known = self._connectors.get(connector)
            if known is None:  # its settings are gone: its cards wait until they are back
                continue
            if isinstance(known, Paced) and known.rests(scope):
                if scope.casefold() in self._hurried:
                    self._news.set()
                continue
            self._hurried.discard(scope.casefold())
            self._looked_at[connector, scope] = time.monotonic()
            self._look_at(f"{connector}:{scope}", known, groups[connector, scope])

    def _repositories(self) -> set[str]:
        return self._listed.repositories() if self._listed is not None else set()

    def _ask(self, scope: str, connector: Connector, group: list[Work]) -> Mapping[str, RunStatus]:
        """Return how the runs of *group* stand; where all runs are of interest, by the same list."""
        handles = [work.handle for work in group if work.handle is not None]
        name, _, repository = scope.partition(":")
        if self._listed is None or name != GITHUB_ACTIONS or repository not in self._listed.repositories():
            return connector.status(handles)
        assert isinstance(connector, Lister)
        statuses, runs = connector.survey(repository, handles, self._listed.others(repository))
        self._listed.take(repository, runs)
        return statuses

    def _look_at(self, scope: str, connector: Connector, group: list[Work]) -> None:
        try:
            statuses = self._ask(scope, connector, group)
        except RateLimited as limit:
            self._answered_at[scope] = time.monotonic()
            for work in group:
                self._draw(work, limit.until, messages.held_up(_job(work), _title(work), limit.until))
            return
        except BotError as error:
            if isinstance(error, Refused) and self._listed is not None:
                self._listed.refused(scope.partition(":")[2])
            self._show_silence(scope, group, error)
            return
        self._answered_at[scope] = time.monotonic()
        for work in group:
            status = statuses.get(work.handle.id) if work.handle is not None else None
            if status is not None and status.attempt >= work.attempt:
                self._show(work, status)

    def _show(self, work: Work, status: RunStatus) -> None:
        if status.state in FINAL:
            self._tell(work, status)
            return
        self._call(work, status)
        ours = map(Review.model_validate, work.order.get("reviews", ()))
        status = status.model_copy(update={"reviews": told_apart(status.reviews, ours)})
        shown = (status.state, status.attempt, status.jobs, status.detail, status.progress)
        seen = (*shown, status.waits, status.reviews)
        self._draw(work, seen, messages.running(_job(work), _title(work), status, datetime.now(UTC)))

    def _tell(self, work: Work, status: RunStatus) -> None:
        """Send the waiting flow that its run has ended; the engine delivers the same key once."""
        ended = ("ended", status.handle.id, status.attempt)
        if self._shown.get(work.flow_id) != ended:
            key = f"{work.work_flow_id}-{status.handle.id}-{status.attempt}-ended"
            self._client.send(work.work_flow_id, {"kind": "ended"}, CONTROL, idempotency_key=key)
            self._shown[work.flow_id] = ended

    def _call(self, work: Work, status: RunStatus) -> None:
        """Send the flow that its run waits for people, once for each time that it does."""
        asking = [one for one in status.waits if one.reviewers or one.teams]
        decided = [one.environment for one in status.reviews]
        marks = [f"{one.environment_id}.{decided.count(one.environment)}" for one in asking]
        call = (status.handle.id, status.attempt, *marks)
        if asking and self._called.get(work.flow_id) != call:
            key = "-".join((work.work_flow_id, status.handle.id, str(status.attempt), *marks, "waits"))
            record = [one.model_dump(mode="json") for one in asking]
            self._client.send(
                work.work_flow_id, {"kind": "waits", "waits": record}, CONTROL, idempotency_key=key
            )
            self._called[work.flow_id] = call

    def _show_silence(self, scope: str, group: list[Work], error: BotError) -> None:
        """Say on the cards that nobody answers, once that has lasted for a while."""
        log.info("nobody says how runs stand", extra={"scope": scope, "reason": str(error)})
        since = self._answered_at.setdefault(scope, time.monotonic())
        if time.monotonic() - since >= self._timing.silence_seconds:
            problem = error.problem if isinstance(error, Refused) else None
            seen = ("silence", problem.reason_code if problem else None)
            for work in group:
                card = messages.out_of_sight(_job(work), _title(work), _who(work), problem)
                self._draw(work, seen, card)

    def _draw(self, work: Work, seen: object, message: Message) -> None:
        """Offer *message* for the card unless it shows what was *seen* already."""
        if self._shown.get(work.flow_id) != seen:
            self._shown[work.flow_id] = seen
            self._edits.offer(
                work.place, under(_deployment(work), message), {"flow_id": work.flow_id, "state": "open"}
            )


def _by_scope(works: list[Work]) -> dict[tuple[str, str], list[Work]]:
    groups: dict[tuple[str, str], list[Work]] = defaultdict(list)
    for work in works:
        if work.handle is not None:
            groups[work.handle.connector, work.handle.scope].append(work)
    return groups


def _job(work: Work) -> Job:
    return Job.model_validate(work.job)


def _who(work: Work) -> str:
    is_github = work.handle is not None and work.handle.connector.startswith("github_")
    return "GitHub" if is_github else "the endpoint"


def _deployment(work: Work) -> Deployment | None:
    record = work.order.get("deployment")
    return Deployment.model_validate(record) if record else None


def _title(work: Work) -> str:
    return str(work.order["title"])
