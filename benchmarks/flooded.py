"""What floods need: a team of many models in a Slack that keeps to its limits, and a look into a process.

The loopback Slack runs in the benchmark's own process, so that its limits can be switched on when a flood
begins, and so that commands carry response URLs that it knows.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from benchmarks.offices import BOT_TOKEN, CHANNEL, SIGNING_SECRET, Office
from benchmarks.workbench import CannotMeasure, Workbench
from bot.databases import make_engine
from bot.engine import FLOW_VERSION, RUNS, open_client
from bot.jobs import Job
from bot.records import Records
from playground.slack.loopback import Loopback
from playground.slack.server import RunningSlack, start
from playground.slack.settings import Settings
from playground.slack.under_test import SlackUnderTest
from playground.slack.workspace import Channel, default_workspace
from tests.stand_ins.function_app import FunctionApp, Model

MEGABYTE = 1024 * 1024


class FloodedOffice(Office):
    """An office whose Slack runs in this process; `models` each have a channel of their own."""

    running: RunningSlack
    models: tuple[str, ...]

    @property
    def loopback(self) -> Loopback:
        """The workspace as it runs."""
        slack = self.running._served
        assert isinstance(slack, Loopback)
        return slack

    def enforce(self, enforce: bool) -> None:
        """Let Slack answer 429 beyond its limits from now on, or not, and count anew."""
        slack = self.loopback
        slack.settings = slack.settings.model_copy(update={"enforce_tiers": enforce})
        slack.rates._methods.clear()
        slack.rates._channels.clear()

    def taken(self, method: str) -> int:
        """Return how many calls of *method* Slack took."""
        count = self.slack.counts()["methods"].get(method, {})
        return int(count.get("calls", 0)) - int(count.get("refused", 0))

    def refused(self) -> int:
        """Return how many calls of any method Slack refused for their rate."""
        return sum(int(count["refused"]) for count in self.slack.counts()["methods"].values())

    def response_url(self) -> str:
        """Return a new response URL, as a command carries one."""
        urls = self.loopback.response_urls
        return self.slack_url + urls.issue("commands", self.team, self.channel, self.people[0]).path

    def answered(self) -> int:
        """Return how many answers people saw, those by response URLs among them."""
        return super().answered() + self.responded()

    def responded(self) -> int:
        """Return how many answers came by response URLs."""
        return sum(issued.uses for issued in self.loopback.response_urls._issued.values())

    def url(self, database: str) -> str:
        """Return the address of a database in this office."""
        return f"sqlite:///{self.home / database}"

    def queue_runs(self, database: str, count: int) -> None:
        """Put *count* retrains on their models' queues, with a card for each, while no bot runs."""
        cards = self._post_cards(count)
        sql, client = make_engine(self.url(database)), open_client(self.url(database))
        Records(sql).migrate()
        with sql.begin() as connection:
            for number, (channel, ts) in enumerate(cards):
                model = self.models[number % len(self.models)]
                job = _job(number, model, channel, self.people[0], self.team)
                record, place = job.model_dump(mode="json"), {"channel": channel, "ts": ts}
                options: Any = {
                    "workflow_name": "run",
                    "queue_name": RUNS,
                    "workflow_id": f"{job.flow_id}-run",
                    "app_version": FLOW_VERSION,
                    "queue_partition_key": model,
                }
                task = {"kind": "retrain", "params": {}}
                client.enqueue_in_transaction(connection, options, record, place, model, task)
        for number, (channel, ts) in enumerate(cards):
            model = self.models[number % len(self.models)]
            job = _job(number, model, channel, self.people[0], self.team)
            record, place = job.model_dump(mode="json"), {"channel": channel, "ts": ts}
            Records(sql).open_card(job.flow_id, f"{job.flow_id}-run", model, record, place)
        client.destroy()
        sql.dispose()

    def _post_cards(self, count: int) -> list[tuple[str, str]]:
        """Put messages of the bot into the models' channels; return where they stand."""
        slack, channels = self.loopback, [channel_of(number) for number in range(len(self.models))]

        async def post() -> list[tuple[str, str]]:
            found = []
            for number in range(count):
                channel = channels[number % len(channels)]
                found.append(
                    (channel, slack.messages.post(channel, slack.bot_message({"text": "queued"}))["ts"])
                )
            return found

        loop = self.running._loop
        assert loop is not None
        return asyncio.run_coroutine_threadsafe(post(), loop).result(timeout=120)


def channel_of(number: int) -> str:
    """Return the id of a model's channel."""
    return f"C02MODEL{number:04d}"


@contextlib.contextmanager
def open_flooded(bench: Workbench, models: int) -> Iterator[FloodedOffice]:
    """Open an office with *models* models and close it at the end."""
    home, functions = bench.folder("flooded"), FunctionApp()
    names = tuple(f"model-{number:03d}" for number in range(models))
    for name in names:
        functions.models[name] = Model()
    (home / "toban.toml").write_text(_toml(names), encoding="utf-8")
    workspace = default_workspace()
    everybody = [person.id for person in workspace.people]
    for number, name in enumerate(names):
        members = [*everybody, workspace.bot.user_id]
        workspace.channels.append(Channel(id=channel_of(number), name=name, members=members))
    running = start(
        Settings(
            workspace=workspace,
            signing_secret=SecretStr(SIGNING_SECRET),
            bot_token=SecretStr(BOT_TOKEN),
        )
    )
    try:
        with SlackUnderTest(running) as people:
            channel = next(one.id for one in workspace.channels if one.name == CHANNEL)
            office = FloodedOffice(
                bench, home, people, functions, workspace.team_id, channel, tuple(everybody)
            )
            office.running, office.models = running, names
            yield office
    finally:
        functions.stop()
        running.stop()


def _toml(names: Sequence[str]) -> str:
    tables = [f'[models.{name}]\nrecipe = "recipes.arrival_delay:ArrivalDelay"\n' for name in names]
    return "\n".join([*tables, '[roles]\nowner = ["*"]\n'])


def _job(number: int, model: str, channel: str, user: str, team: str) -> Job:
    return Job(
        flow_id=f"c-flood-{number:06d}",
        verb="retrain",
        model=model,
        typed=f"/ml retrain {model}",
        user=user,
        channel=channel,
        team=team,
        asked_at=datetime.now(UTC),
    )


def rss(pid: int) -> float:
    """Return the megabytes of memory that a process holds; raises CannotMeasure where that is not told."""
    if not sys.platform.startswith("linux"):
        raise CannotMeasure("memory of a process is read from /proc, which only Linux has")
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def processor_seconds(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def count_flows(database: Path, ids: str) -> dict[str, int]:
    """Return how many flows there are in each state, of those whose id is like *ids*."""
    query = "SELECT status, count(*) FROM workflow_status WHERE workflow_uuid LIKE ? GROUP BY status"
    with contextlib.closing(sqlite3.connect(database, timeout=30)) as connection:
        return dict(connection.execute(query, (ids,)).fetchall())


def count_cards(database: Path, state: str) -> int:
    """Return how many cards are in a state."""
    query = "SELECT count(*) FROM toban_cards WHERE state = ?"
    with contextlib.closing(sqlite3.connect(database, timeout=30)) as connection:
        return int(connection.execute(query, (state,)).fetchone()[0])
