"""A team whose bot dies at each moment of each flow, and what can be counted once the story has been told."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from dbos import WorkflowStatus

from bot.engine import open_client
from bot.posts import MARK
from playground.slack.client import PlaygroundError
from tests.stand_ins.bot_process import BotProcess
from tests.stand_ins.function_app import MODEL
from tests.stand_ins.reaper import DEATHS, deaths_in
from tests.stand_ins.team import ARRIVALS, Team, job_state

PHASE_SECONDS = 600.0
LOOK_SECONDS = 0.02
DYING_BOT = "tests.stand_ins.dying_bot"


@dataclass(frozen=True)
class Counts:
    """What there is once, and what Slack shows of it.

    `lost` are the jobs that no card shows as done; `doubled` holds the texts of those messages that stand
    there for the second time: cards of one job, and replies with the mark of one step (`bot.posts`).
    """

    kills: dict[str, int]
    runs: int
    versions: int
    moves: int
    cards: int
    open_cards: int
    lost: int
    doubled: tuple[str, ...]


@dataclass
class MortalTeam:
    """Tells the story of a prediction, a retrain and a promotion to a bot that keeps dying."""

    team: Team
    bot: BotProcess | None = None
    arguments: tuple[str, ...] = ()
    lost_at_start: int = 0
    _pause: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._deaths = self.team.folder / "deaths.tsv"
        self.team.more_env[DEATHS] = str(self._deaths)
        self._client = open_client(self.team.database_url)

    def close(self) -> None:
        """Let go of the database."""
        self._client.destroy()

    # --- the story

    def predict(self) -> None:
        """Ask for a prediction until it is there."""
        self._tell(
            "predict", lambda: self.team.slack.say("viewer", ARRIVALS, f"/ml predict {MODEL} flight=UA1")
        )
        self._until(lambda: self._ended("predict"))

    def predict_file(self, name: str, content: bytes) -> dict[str, Any]:
        """Share a file and have it predicted to the end; return the message that shared it."""
        shared = self.team.slack.share("operator", ARRIVALS, name, content)["ts"]
        message = next(one for one in self.team.slack.messages(ARRIVALS, "viewer") if one["ts"] == shared)
        self._tell("file", lambda: self.team.slack.shortcut("viewer", "file.predict", message))
        self._until(lambda: self._ended("file"))
        return message

    def retrain(self) -> dict[str, Any]:
        """Retrain to the decision; return its card."""
        known = len(self.team.functions.runs_of())
        self._tell(
            "retrain", lambda: self.team.slack.say("operator", ARRIVALS, f"/ml retrain {MODEL} until=2013-06")
        )
        self._until(
            lambda: len(self.team.functions.runs_of()) > known and self._stored("run", "watch the run")
        )
        self.team.functions.finish(self.team.functions.runs_of()[known]["run_id"])
        self._until(lambda: self._stored("decide", "call the approvers"))
        return self.team.cards()[-1]

    def promote(self, card: dict[str, Any]) -> None:
        """Press Promote until the decision is taken."""
        self._tell("press", lambda: self.team.slack.press("owner", card, "version.promote"))
        self._until(lambda: self._ended("decide"))

    def hear(self, happens: Callable[[], Any]) -> None:
        """Let something happen on GitHub that a channel subscribed to, until the channel was told."""
        known = self._told()
        self._alive()
        happens()
        self._until(lambda: self._told() > known)

    # --- what came of it

    def counts(self) -> Counts:
        """Count what the function app did and what the channel shows."""
        functions, cards = self.team.functions, self.team.cards()
        shown = {one["ts"]: one for one in self.team.slack.messages(ARRIVALS, "owner")}
        for card in cards:
            shown |= {one["ts"]: one for one in self.team.slack.messages(ARRIVALS, "owner", card["ts"])}
        return Counts(
            kills=self.kills(),
            runs=len(functions.runs),
            versions=len(functions.models[MODEL].versions),
            moves=len(functions.aliases) - 1,
            cards=len(cards),
            open_cards=sum(not _is_done(card) for card in cards),
            lost=len(self._jobs() - {_flow_of(card) for card in cards if _is_done(card)}),
            doubled=tuple(_again(shown.values())),
        )

    def kills(self) -> dict[str, int]:
        """Return how often the bot died, by flow."""
        moments = [line.split("\t") for line in deaths_in(self._deaths)]
        flows = {one.workflow_id: str(one.name) for one in self._client.list_workflows()}
        return dict(Counter(flows.get(flow, "?") for flow, *_ in moments))

    def _jobs(self) -> set[str]:
        """Return the flows that owe the channel a card."""
        return {one.workflow_id for name in ("predict", "retrain") for one in self._of(name)}

    def _of(self, name: str) -> list[Any]:
        return list(self._client.list_workflows(name=name))

    # --- keeping it going

    def _tell(self, flow: str, say: Callable[[], Any]) -> None:
        """Let a person do something until the bot has kept it; it may die before it answers."""
        self._alive()
        known = self._asked(flow)
        while self._asked(flow) == known:
            self._alive()
            try:
                say()
            except PlaygroundError:
                continue  # nobody was there

    def _asked(self, flow: str) -> int:
        """Return how often *flow* was asked for; one that begins just now may count twice."""
        return len(self.team.requests(flow)) + len(self._of(flow))

    def _until(self, done: Callable[[], bool]) -> None:
        """Start the bot again and again until *done*."""
        deadline = time.monotonic() + PHASE_SECONDS
        while not done():
            assert time.monotonic() < deadline, f"it does not go on; died {self.kills()}"
            self._alive()
            self._pause.wait(LOOK_SECONDS)

    def _alive(self) -> None:
        while self.bot is None or not self.bot.is_alive:
            try:
                self.bot = self.team.start_bot(*self.arguments, module=DYING_BOT)
            except AssertionError:
                self.lost_at_start += 1  # it died before it could say that it is ready

    def _told(self) -> int:
        return sum(one.status == "SUCCESS" for one in self._client.list_workflows(name="incident"))

    def _ended(self, flow: str) -> bool:
        newest = self._newest(flow)
        return newest is not None and newest.status == "SUCCESS"

    def _stored(self, flow: str, step: str) -> bool:
        newest = self._newest(flow)
        steps = self._client.list_workflow_steps(newest.workflow_id) if newest else []
        return any(done["function_name"] == step for done in steps)

    def _newest(self, flow: str) -> WorkflowStatus | None:
        if self.team.requests(flow):
            return None  # it begins only now: the newest that has begun is an earlier one
        return next(iter(self._client.list_workflows(name=flow, sort_desc=True, limit=1)), None)


def _again(messages: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the texts of the messages whose job has another card, or whose step another message, already."""
    seen = set[str]()
    for one in messages:
        payload = (one.get("metadata") or {}).get("event_payload") or {}
        what = str(payload.get("flow_id") or payload.get(MARK) or one["plain"])
        if what in seen:
            yield str(one["plain"])
        seen.add(what)


def _is_done(card: dict[str, Any]) -> bool:
    return job_state({"message": card}) == "done"


def _flow_of(card: dict[str, Any]) -> str:
    return str(card["metadata"]["event_payload"]["flow_id"])
