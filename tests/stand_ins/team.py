"""A team at work: a loopback Slack, a function app by script and real bot processes, as fixtures.

`team` has one bot for a whole module, for what leaves nothing behind; `new_team` makes one for each test.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import pytest
import sqlalchemy as sa
from dbos import DBOSClient, WorkflowStatus

from bot.databases import make_engine
from bot.engine import open_client
from bot.tables import inbox
from playground.slack.client import PlaygroundError
from playground.slack.loopback import Loopback
from playground.slack.server import start
from playground.slack.settings import Settings
from playground.slack.under_test import SlackUnderTest
from playground.slack.workspace import Workspace
from tests.stand_ins.bot_process import ROOT, BotProcess
from tests.stand_ins.function_app import KEY, MODEL, OTHER_MODEL, FunctionApp

WAIT_SECONDS = 100.0
"""How long something may take that is sure to come: on a busy machine a bot alone starts in half a minute."""
PATIENT_SECONDS = 45.0
"""How long Slack waits for an ack, and a form's trigger lives."""
BUSY = ("--ack-seconds", "30")
"""So that a bot refuses no request because the machine is busy."""
ARRIVALS = "ml-arrivals"
TOML = f"""
[bot]
decision_days = {{days}}

[roles]
viewer = ["U01VIEWER00"]
operator = ["@ml-operators"]
owner = ["@ml-owners"]

[models.{MODEL}]
recipe = "recipes.arrival_delay:ArrivalDelay"

[models.{OTHER_MODEL}]
recipe = "recipes.flower_species:FlowerSpecies"
"""

Json = dict[str, Any]
Transport = Literal["http", "socket", "cut"]
"""How Slack delivers; "cut" is a socket that breaks off after each answer of the bot's to it."""
OVER_ALL = (
    "http",
    pytest.param("socket", marks=pytest.mark.slow),
    pytest.param("cut", marks=pytest.mark.slow),
)
OVER_BOTH = ("http", "socket", pytest.param("cut", marks=pytest.mark.slow))
"""Transports of a module's tests: `pytestmark = over(OVER_ALL)`."""


def over(transports: Iterable[Any]) -> pytest.MarkDecorator:
    """Return the mark by which tests with a team run over each of these transports.

    A test's own mark counts more than its module's: `@over(["http"])` is for what needs the bot's HTTP door.
    """
    return pytest.mark.over(transports)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that has a team once over each transport of its mark."""
    mark = metafunc.definition.get_closest_marker("over")
    if mark is not None and "transport" in metafunc.fixturenames:
        metafunc.parametrize("transport", mark.args[0], indirect=True, scope="module")


class BrokenSlack(SlackUnderTest):
    """A Slack whose connection to the bot breaks off each time that something was taken.

    People wait until the bot is there again: what they do while it is not, Slack itself turns away.
    """

    def _post(self, path: str, body: Json) -> Json:
        breaks = path in ("say", "press", "suggest", "submit", "shortcut", "home")
        if (breaks or path == "redeliver") and self.is_socket():
            self.await_bot()
        if breaks or path == "redeliver":
            super()._post("cut", {"when": "answered", "times": int(breaks)})
        return super()._post(path, body)

    def is_socket(self) -> bool:
        """Return whether the bot is reached by a socket."""
        return self.workspace()["app_url"] is None

    def await_bot(self) -> None:
        """Wait until the bot is connected."""
        while True:
            seen = self.workspace()
            if seen["sockets"]:
                return
            self.wait_for(lambda event: event["kind"] == "socket_connected", WAIT_SECONDS, seen["seq"])


class Team:
    """Slack, the function app and the bots of one team, with short words for what tests do often."""

    def __init__(
        self,
        folder: Path,
        slack: SlackUnderTest,
        days: float = 7.0,
        more: str = "",
        transport: Transport = "http",
    ) -> None:
        self.folder = folder
        self.transport = transport
        self.slack = slack
        self.functions = FunctionApp()
        self.bots: list[BotProcess] = []
        self.database_url = f"sqlite:///{folder}/bot.sqlite3"
        self.config = folder / "toban.toml"
        self.config.write_text(TOML.format(days=days) + more, encoding="utf-8")
        self.more_env: dict[str, str] = {}

    @property
    def env(self) -> dict[str, str]:
        """The environment of a bot of this team."""
        return {
            "TOBAN_CONFIG": str(self.config),
            "TOBAN_DATABASE_URL": self.database_url,
            "TOBAN_FUNCTIONS_URL": self.functions.url,
            "TOBAN_FUNCTIONS_KEY": KEY,
            "SLACK_API_URL": self.slack.api_url,
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "SLACK_SIGNING_SECRET": self.slack.signing_secret,
            "TOBAN_LOG": "INFO",
            **self.more_env,
        }

    def start_bot(
        self,
        *arguments: str,
        http: bool | None = None,
        code: Path = ROOT,
        module: str = "bot",
        **env: str,
    ) -> BotProcess:
        """Start a bot and let Slack deliver to it, by the team's transport unless *http* says how."""
        log = self.folder / f"bot-{len(self.bots)}.log"
        http = self.transport == "http" if http is None else http
        mode = ("--http", "127.0.0.1:0") if http else ()
        bot = BotProcess(self.env | env, [*BUSY, *mode, *arguments], log, code, module)
        self.bots.append(bot)
        self.slack.point_at(bot.address if http else None)
        return bot

    @property
    def loopback(self) -> Loopback:
        """The running Slack itself, for what cannot be done by its control API."""
        slack = self.slack.running._served
        assert isinstance(slack, Loopback)
        return slack

    @property
    def workspace(self) -> Workspace:
        """The workspace as it is in the running Slack, for what people cannot do by its control API."""
        return self.loopback.workspace

    def close(self) -> None:
        """End everything."""
        for bot in self.bots:
            bot.close()
        self.functions.stop()

    def say(self, who: str, text: str, where: str = ARRIVALS) -> int:
        """Type *text*; return the number of the newest event before it. The bot must ack."""
        before = self.slack.seq()
        said = self.slack.say(who, where, text)
        assert said["ok"], said
        return before

    def told(self, who: str, text: str, where: str = ARRIVALS) -> str:
        """Type *text*; return what the asker alone is answered."""
        return str(self.private(self.say(who, text, where))["plain"])

    def private(self, after: int, text: str = "") -> Json:
        """Return the first private answer after *after* that holds *text*."""
        return self.event(after, "ephemeral_posted", text)

    def event(self, after: int, kind: str, text: str = "") -> Json:
        """Return the first event of *kind* after *after* that holds *text*."""
        return self.slack.wait_for(
            lambda event: event["kind"] == kind and text in event.get("plain", ""), WAIT_SECONDS, after
        )

    def seen(self, after: int, text: str) -> Json:
        """Return the first event after *after* that holds *text*."""
        return self.slack.wait_for_text(text, WAIT_SECONDS, after)

    def state(self, after: int, state: str) -> Json:
        """Return the first event after *after* that leaves a job's card in *state*."""
        return self.slack.wait_for(lambda event: job_state(event) == state, WAIT_SECONDS, after)

    def cards(self, where: str = ARRIVALS) -> list[Json]:
        """Return the messages of jobs in a channel, oldest first."""
        return [message for message in self.slack.messages(where, "owner") if job_state({"message": message})]

    def thread(self, card: Json) -> list[str]:
        """Return what the thread under *card* says, without the card itself."""
        inner = card.get("message", card)
        replies = self.slack.messages(ARRIVALS, "owner", inner["ts"])
        return [reply["plain"] for reply in replies if reply["ts"] != inner["ts"]]

    def requests(self, flow: str | None = None) -> list[str]:
        """Return the ids of the requests that are stored and whose flow, any or *flow*, has yet to begin."""
        waiting = sa.select(inbox.c.flow_id).order_by(inbox.c.number)
        engine = make_engine(self.database_url)
        try:
            with engine.connect() as connection:
                chosen = waiting if flow is None else waiting.where(inbox.c.flow == flow)
                return list(connection.execute(chosen).scalars())
        finally:
            engine.dispose()

    def newest(self, client: DBOSClient, flow: str, seconds: float = WAIT_SECONDS) -> WorkflowStatus:
        """Return the newest flow named *flow*, once each such request that is stored has begun its own.

        A request is stored when its sender has the ack, and its flow begins a moment later: until then the
        newest one is that of an earlier request, perhaps of another test's.
        """
        pause, deadline = threading.Event(), time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.requests(flow):
                for found in client.list_workflows(name=flow, sort_desc=True, limit=1):
                    return found
            pause.wait(0.02)
        raise AssertionError(f"no {flow!r} has begun")

    def stored(self, flow: str, step: str, seconds: float = WAIT_SECONDS) -> None:
        """Wait until *step* of the newest flow named *flow* has its checkpoint.

        A crash between an effect and its checkpoint repeats the effect; who counts effects kills after it.
        The database tells nobody of a checkpoint, so it is asked again and again.
        """
        client = open_client(self.database_url)
        try:
            pause, deadline = threading.Event(), time.monotonic() + seconds
            while time.monotonic() < deadline:
                steps = client.list_workflow_steps(self.newest(client, flow, seconds).workflow_id)
                if any(done["function_name"] == step for done in steps):
                    return
                pause.wait(0.02)
        finally:
            client.destroy()
        raise AssertionError(f"{step!r} of {flow!r} was never stored")

    def ended(self, name: str) -> str:
        """Wait until the newest flow called *name* has ended; return its id."""
        client = open_client(self.database_url)
        try:
            run = self.newest(client, name)
            client.retrieve_workflow(run.workflow_id).get_result(polling_interval_sec=0.05)
            return str(run.workflow_id)
        finally:
            client.destroy()

    def flow(self, name: str) -> str:
        """Return the id of the newest flow called *name*."""
        client = open_client(self.database_url)
        try:
            return str(self.newest(client, name).workflow_id)
        finally:
            client.destroy()

    def come_to_rest(self) -> None:
        """End every run and decision that is open, and wait until their cards say so.

        Each card is rejected once as it stands: what a second press is told would come to the next test.
        """
        self.functions.down, self.functions.key = False, KEY
        rejected: set[str] = set()
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            busy = [card for card in self.cards() if job_state({"message": card}) != "done"]
            if not busy:
                return
            self.functions.end_all()  # again and again: what waited for its turn begins meanwhile
            for card in busy:
                if job_state({"message": card}) == "decision" and str(card["blocks"]) not in rejected:
                    with suppress(PlaygroundError):  # decided by now
                        if self.slack.press("owner", card, "version.reject")["ok"]:
                            rejected.add(str(card["blocks"]))
            self.slack.feed(self.slack.seq(), timeout_seconds=0.5)
        raise AssertionError("the team does not come to rest")

    def started(self, count: int = 1, model: str = MODEL) -> Json:
        """Wait until the function app has *count* runs of *model*; return the newest."""
        self.functions.wait_until(lambda: len(self.functions.runs_of(model)) >= count, WAIT_SECONDS)
        return self.functions.runs_of(model)[count - 1]

    def retrain(self) -> tuple[int, Json]:
        """Let the operator retrain; return the event before and the run once it has begun."""
        known = len(self.functions.runs_of())
        before = self.say("operator", f"/ml retrain {MODEL} until=2013-06")
        return before, self.started(known + 1)

    def decision(self) -> Json:
        """Retrain to the end; return the card on which people decide, once all of it is there."""
        before, run = self.retrain()
        self.functions.finish(run["run_id"])
        card = self.state(before, "decision")
        self.seen(card["seq"], "please decide above")
        self.stored("decide", "call the approvers")
        return card


def job_state(event: Json) -> str | None:
    """Return the state that the bot wrote into the metadata of an event's message."""
    payload = ((event.get("message") or {}).get("metadata") or {}).get("event_payload") or {}
    return payload.get("state")


@contextmanager
def team_in(
    folder: Path, days: float = 7.0, more: str = "", transport: Transport = "http", **slack_settings: Any
) -> Iterator[Team]:
    """Make a team with a Slack of its own, which ends with it; bots are started by the caller."""
    with ExitStack() as stack:
        patient = {"ack_seconds": PATIENT_SECONDS, "trigger_seconds": PATIENT_SECONDS, **slack_settings}
        running = start(Settings(**patient))
        stack.callback(running.stop)
        slack = stack.enter_context((BrokenSlack if transport == "cut" else SlackUnderTest)(running))
        made = Team(folder, slack, days, more, transport)
        stack.callback(made.close)
        yield made


@pytest.fixture(scope="module")
def transport(request: pytest.FixtureRequest) -> Transport:
    """How Slack reaches the bots of a module's tests: by HTTP, unless the module runs `over` others too."""
    chosen: Transport = getattr(request, "param", "http")
    return chosen


@pytest.fixture
def new_team(tmp_path: Path, transport: Transport) -> Iterator[Callable[..., Team]]:
    """Make teams of this test's own; they end with it. The bot is started by the test."""
    with ExitStack() as stack:

        def make(days: float = 7.0, more: str = "", **slack_settings: Any) -> Team:
            return stack.enter_context(team_in(tmp_path, days, more, transport, **slack_settings))

        yield make


@pytest.fixture(scope="module")
def shared_team(tmp_path_factory: pytest.TempPathFactory, transport: Transport) -> Iterator[Team]:
    """One team with one bot for a module; ask for `team` instead, which tidies up."""
    with team_in(tmp_path_factory.mktemp("team"), transport=transport) as made:
        made.start_bot()
        yield made


@pytest.fixture
def team(shared_team: Team) -> Iterator[Team]:
    """The module's team; what a test left behind is ended and forgotten after it."""
    yield shared_team
    shared_team.slack.clear_faults()
    shared_team.functions.release()
    shared_team.come_to_rest()
    shared_team.functions.forget()
