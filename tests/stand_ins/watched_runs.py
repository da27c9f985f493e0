"""Many runs under way on a loopback GitHub, and the bot's own watcher, which looks when it is told to.

Watcher, connector, client and tables are the bot's; nobody is told of anything. The clock is moved by hand,
and both sides have the same one, so that hours take no time.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.connectors.connector import RunHandle
from bot.connectors.github_actions import GitHubActionsConnector
from bot.connectors.github_client import GitHubClient
from bot.connectors.github_runs import NAME
from bot.databases import make_engine
from bot.incidents import Subscription
from bot.jobs import Job
from bot.line import Line
from bot.messages.message import Message
from bot.records import Records
from bot.settings import GitHubSettings
from bot.subscription_watch import SubscriptionWatch
from bot.subscriptions import Subscriptions
from bot.timing import Timing
from bot.work_watcher import WorkWatcher
from bot.works import Works
from playground.github.git import make_repository
from playground.github.server import start
from playground.github.settings import Repository, Settings
from playground.github.under_test import GitHubUnderTest

FILE = "long.yml"
STEPS = 60
WORKFLOW = f"""
name: Long
on: workflow_dispatch
permissions: {{}}
jobs:
  work:
    runs-on: ubuntu-latest
    steps: [{", ".join(f'{{name: Part {number}, run: "true"}}' for number in range(1, STEPS + 1))}]
"""
TICK_SECONDS = Timing.work_seconds
MOST_RUNS = 2_000
AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that is moved by hand, and goes by itself *speed* times as fast as time does."""

    def __init__(self, speed: float = 0.0) -> None:
        self._speed = speed
        self._begun = time.monotonic()
        self._skipped = 0.0

    def skip(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self._skipped += seconds

    def seconds(self) -> float:
        """Return the seconds since 1970."""
        return AT.timestamp() + self._skipped + self._speed * (time.monotonic() - self._begun)

    def now(self) -> datetime:
        """Return the moment, aware UTC."""
        return datetime.fromtimestamp(self.seconds(), UTC)


@dataclass
class Asked:
    """Requests as GitHub counted them: `unchanged` ones are not taken from the hourly limit."""

    sent: int = 0
    counted: int = 0
    unchanged: int = 0
    lists: int = 0


class Nobody:
    """Stands where flows are told and cards are drawn; keeps what came."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.drawn: list[str] = []

    def send(self, *message: Any, **options: Any) -> None:
        """Be told that a run has ended."""
        self.told.append(message)

    def enqueue(self, options: Mapping[str, Any], *arguments: Any) -> None:
        """Be given news of a run."""
        self.told.append((options["workflow_id"], *arguments))

    def offer(self, place: Mapping[str, str], message: Message, about: Mapping[str, Any]) -> None:
        """Be given a card to draw."""
        self.drawn.append(about["flow_id"])


class WatchedRuns:
    """Runs of some repositories, all on their way, each with a card."""

    def __init__(
        self, folder: Path, github: GitHubUnderTest, clock: Clock, edits: Any, repositories: Iterable[str]
    ) -> None:
        self.github = github
        self.clock = clock
        self.nobody = Nobody()
        self.repositories = tuple(repositories)
        self._handles: dict[int, RunHandle] = {}
        self._engine = make_engine(f"sqlite:///{folder}/watched.sqlite3")
        records = Records(self._engine)
        records.migrate()
        self.works = Works(self._engine)
        self.subscriptions = Subscriptions(self._engine)
        settings = GitHubSettings(api_url=github.url, token=SecretStr(github.token_text), read_seconds=60)
        self.connector = GitHubActionsConnector(GitHubClient(settings, clock.now))
        client: Any = self.nobody
        timing = Timing()
        self.watcher = WorkWatcher(
            records,
            self.works,
            {NAME: self.connector},
            client,
            edits or client,
            "watched",
            timing,
            SubscriptionWatch(self.subscriptions, client, timing, Line(numbered=True)),
        )

    @property
    def runs(self) -> list[int]:
        """The numbers of all runs, oldest first."""
        return list(self._handles)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def begin(self, count: int, places: Iterable[Mapping[str, str]] = ()) -> None:
        """Let *count* more runs begin, shared among the repositories, each held in its first step."""
        self.github.hold(workflow=FILE)
        where = iter(places)
        for at, repository in enumerate(self.repositories):
            share = len(range(at, count, len(self.repositories)))
            for run in self.github.dispatch_many(repository, FILE, share) if share else ():
                place = next(where, {"channel": "C1", "ts": str(run)})
                self._watch(repository, run, place)
            if share:
                self.github.wait_for_step(self.runs[-1], "Part 1", seconds=120)

    def _watch(self, repository: str, run: int, place: Mapping[str, str]) -> None:
        flow = f"c-{run}"
        job = Job(
            flow_id=flow,
            verb="run",
            words=("long",),
            typed="/ml run long",
            user="U01OPERATOR",
            channel=place["channel"],
            asked_at=AT,
        )
        self.works.open(flow, f"{flow}-work", job.model_dump(mode="json"), {"title": "Long"}, place)
        handle = RunHandle(connector=NAME, id=str(run), scope=repository)
        self.works.watch(flow, handle)
        self._handles[run] = handle

    def handle(self, run: int) -> RunHandle:
        """Return how the bot knows a run."""
        return self._handles[run]

    def subscribe(self, repository: str, count: int) -> None:
        """Let *count* channels subscribe to a repository, each to a workflow of its own."""
        for number in range(count):
            wanted = Subscription(channel=f"C{number:09}", repository=repository, workflow=f"{number}.yml")
            self.subscriptions.save(wanted)

    def move(self, *runs: int) -> None:
        """Let the step end in which each of these runs is."""
        for run in runs:
            self.github.release(conclusion="success", run_id=run)

    def look(self, times: int = 1, seconds: float = TICK_SECONDS) -> None:
        """Look so many times, so many seconds apart."""
        for _ in range(times):
            self.clock.skip(seconds)
            self.watcher.look()

    def settle(self) -> None:
        """Read every run's jobs once, as the watcher would by and by."""
        for work in self.works.running():
            self.clock.skip(1.0)
            self.connector.status([work.handle] if work.handle else [])
        self.look(2)

    @contextmanager
    def counted(self) -> Iterator[Asked]:
        """Yield what GitHub is asked within the context; it is filled in at its end."""
        self.github.reset_counts()
        asked = Asked()
        yield asked
        endpoints = self.github.counts()["endpoints"]
        asked.sent = sum(one["requests"] for one in endpoints.values())
        asked.counted = sum(one["counted"] for one in endpoints.values())
        asked.unchanged = sum(one["not_modified"] for one in endpoints.values())
        lists = endpoints.get("GET /repos/{owner}/{repo}/actions/runs")
        asked.lists = lists["requests"] if lists else 0


@contextmanager
def watched_runs(
    folder: Path, repositories: int = 1, clock: Clock | None = None, edits: Any = None, **settings: Any
) -> Iterator[WatchedRuns]:
    """Open a loopback GitHub with so many repositories, and a watcher beside it; *settings* are GitHub's."""
    clock = clock or Clock()
    names = [f"acme/part-{number}" for number in range(1, repositories + 1)]
    files = {f".github/workflows/{FILE}": WORKFLOW}
    known = {name: Repository(path=make_repository(folder / name.replace("/", "-"), files)) for name in names}
    chosen: dict[str, Any] = {"runners": MOST_RUNS, "requests_per_hour": 1_000_000, **settings}
    with ExitStack() as stack:
        running = start(Settings(repositories=known, clock=clock.seconds, **chosen))
        stack.callback(running.stop)
        github = stack.enter_context(GitHubUnderTest(running))
        watched = WatchedRuns(folder, github, clock, edits, names)
        stack.callback(watched.close)
        yield watched
