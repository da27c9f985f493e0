"""An office: a loopback Slack, a scripted function app, and the settings of a bot that works between them."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.workbench import Workbench, wait_until
from playground.slack.client import Playground
from tests.stand_ins import function_app

SIGNING_SECRET = "signing-secret-of-the-benchmark"
BOT_TOKEN = "xoxb-" + "bench"
CHANNEL = "ml-arrivals"
DRAIN_SECONDS = 90.0
ANSWERS = ("chat.postEphemeral", "chat.postMessage")


@dataclass
class Office:
    """People's side of the loopback Slack, the scripted function app, and what a bot must be told."""

    bench: Workbench
    home: Path
    slack: Playground
    functions: function_app.FunctionApp
    team: str
    channel: str
    people: tuple[str, ...]

    @property
    def slack_url(self) -> str:
        """Where the loopback Slack listens."""
        return self.slack.url

    @property
    def env(self) -> dict[str, str]:
        """The bot's settings, but for its database."""
        return {
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "SLACK_API_URL": self.slack.api_url,
            "TOBAN_CONFIG": str(self.home / "toban.toml"),
            "TOBAN_FUNCTIONS_URL": self.functions.url,
            "TOBAN_FUNCTIONS_KEY": function_app.KEY,
            "NO_PROXY": "127.0.0.1",
        }

    def bot(self, module: str, database: str, *arguments: str) -> Any:
        """Return a context in which `python -m module` runs as this office's bot, on its own database."""
        env = {**self.env, "TOBAN_DATABASE_URL": f"sqlite:///{self.home / database}"}
        return self.bench.program("-m", module, *arguments, env=env)

    def answered(self) -> int:
        """Return how many messages of the bot's Slack has taken."""
        counts = self.slack.counts()["methods"]
        return sum(
            counts[method]["calls"] - counts[method]["refused"] for method in ANSWERS if method in counts
        )

    @contextlib.contextmanager
    def begun(self, database: str) -> Iterator[None]:
        """Return from the context only when no request waits for its flow to begin."""
        yield
        with contextlib.closing(sqlite3.connect(self.home / database)) as opened:
            waiting = "SELECT count(*) FROM toban_inbox"
            wait_until(lambda: opened.execute(waiting).fetchone() == (0,), DRAIN_SECONDS, "beginning flows")

    @contextlib.contextmanager
    def drained(self, commands: int) -> Iterator[None]:
        """Return from the context only when *commands* more answers have been posted."""
        wanted = self.answered() + commands
        yield
        wait_until(lambda: self.answered() >= wanted, DRAIN_SECONDS, f"answering {commands} commands")


@contextlib.contextmanager
def open_office(bench: Workbench) -> Iterator[Office]:
    """Open an office and close it at the end."""
    home = bench.folder("office")
    (home / "toban.toml").write_text(
        f'[models.{function_app.MODEL}]\nrecipe = "recipes.arrival_delay:ArrivalDelay"\n'
        f'channel = "{CHANNEL}"\n\n[roles]\nowner = ["*"]\n',
        encoding="utf-8",
    )
    functions = function_app.FunctionApp()
    slack = bench.program(
        "-m", "playground.slack", "--signing-secret", SIGNING_SECRET, "--bot-token", BOT_TOKEN
    )
    try:
        with slack as ready, Playground(ready["listening"]) as people:
            world = people.workspace()
            channel = next(one["id"] for one in world["channels"] if one["name"] == CHANNEL)
            ids = tuple(one["id"] for one in world["people"])
            yield Office(bench, home, people, functions, world["team_id"], channel, ids)
    finally:
        functions.stop()
