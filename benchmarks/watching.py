"""Watching: what GitHub is asked for many runs under way, and what Slack is told of a hundred of them.

The bot's own watcher, connector and edits stand between a loopback GitHub and a loopback Slack. Both count
for themselves, and Slack enforces its tiers. Time is theirs: GitHub's clock is moved from look to look,
Slack's goes `SPEED` times as fast as this machine's, and the bot's pace with it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from pydantic import SecretStr

from benchmarks.figures import Figure, Side
from benchmarks.workbench import CannotMeasure, Workbench
from bot.edits import CHANNEL_SECONDS, Edits
from bot.messages.message import Message
from bot.settings import SlackSettings
from bot.slack import SlackDesk
from bot.slack_turns import Turns
from playground.slack.client import Playground
from playground.slack.server import start
from playground.slack.settings import Settings
from tests.stand_ins.watched_runs import TICK_SECONDS, Asked, Clock, WatchedRuns, watched_runs

NUMBERS = (1, 100, 1000)
LOOKS = 10
HOUR_SECONDS, MINUTE_SECONDS = 3600.0, 60.0
ONE_IN = 10
"""Of so many runs one comes to its next step between two looks."""
GITHUB_PER_HOUR = 5000
"""https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api"""
EXTRAPOLATED = (
    f"Counted by the loopback GitHub in {LOOKS} looks, which are {LOOKS * TICK_SECONDS:g} seconds. "
    f"GitHub answers {GITHUB_PER_HOUR:,} an hour that it counts. Before they are used up the bot looks "
    "seldomer (tests/contracts/test_watching.py), which is not in these figures."
)

CARDS = 100
SLACK_MINUTES = 3.0
SPEED = 8.0
CHANNEL = "C01ARRIVALS"
UPDATE = "chat.update"
SLACK_PER_MINUTE = 50
"""chat.update is a tier 3 method: https://docs.slack.dev/apis/web-api/rate-limits"""
TIERS = (
    f"In Slack's time, which went {SPEED:g} times as fast as this machine's. The loopback Slack enforces its "
    "tiers."
)
BOT = "the bot"


def measure(bench: Workbench) -> Iterator[Figure]:
    """Yield requests to GitHub per hour, then edits to Slack per minute and how late the last card is."""
    for number in NUMBERS:
        yield from _requests(bench, number)
    yield from _edits(bench)


# --- GitHub -----------------------------------------------------------------------------------------------


def _requests(bench: Workbench, number: int) -> Iterator[Figure]:
    """Yield what an hour of watching costs, while nothing moves and while steps end all the time."""
    runs = "1 run" if number == 1 else f"{number:,} runs"
    with watched_runs(bench.folder("watched")) as watched:
        watched.begin(number)
        watched.settle()
        with watched.counted() as quiet:
            watched.look(LOOKS)
        yield _per_hour(f"{runs}, nothing moves", quiet, most=0)
        with watched.counted() as busy:
            for turn in range(LOOKS):
                watched.move(*watched.runs[turn % ONE_IN :: ONE_IN])
                watched.look()
        yield _per_hour(f"{runs}, at each look one in {ONE_IN} has moved", busy, most=None)


def _per_hour(what: str, asked: Asked, most: int | None) -> Figure:
    per_hour = HOUR_SECONDS / TICK_SECONDS / LOOKS
    return Figure(
        what=f"requests that GitHub counts, {what} ({asked.unchanged * per_hour:,.0f} unchanged ones beside)",
        unit="requests/h",
        measured=Side(BOT, (asked.counted * per_hour,)),
        limit="none" if most == 0 else "",
        within_limit=asked.counted == 0 if most == 0 else None,
        notes=(EXTRAPOLATED,),
    )


# --- Slack ------------------------------------------------------------------------------------------------


def _edits(bench: Workbench) -> Iterator[Figure]:
    """Yield how often cards are edited while a hundred runs go on, and when the last card is up to date."""
    clock = Clock(SPEED)
    with _slack(clock) as (people, desk):
        places = [_card(desk, clock, number) for number in range(CARDS)]
        drawn: dict[str, float] = {}

        def draw(place: dict[str, str], message: Message, about: dict[str, Any]) -> None:
            desk.edit(place, message, about=about, patient=False)
            drawn.setdefault(place["ts"], clock.seconds())

        edits = Edits(draw, lambda: desk.turns.progress_seconds(UPDATE) / SPEED, CHANNEL_SECONDS / SPEED)
        with watched_runs(bench.folder("cards"), clock=clock, edits=edits) as watched:
            watched.begin(CARDS, places)
            edits.start()
            begun = clock.seconds()
            _follow(watched, clock, begun + SLACK_MINUTES * MINUTE_SECONDS)
            edits.stop()
        counts = people.counts()["methods"][UPDATE]
    if len(drawn) < CARDS:
        raise CannotMeasure(f"of {CARDS} cards only {len(drawn)} were drawn in {SLACK_MINUTES:g} minutes")
    yield from _figures(counts, max(drawn.values()) - begun)


def _figures(counts: Mapping[str, int], latest: float) -> Iterator[Figure]:
    live = f"{CARDS} runs live in one channel"
    yield Figure(
        what=f"edits to Slack in its busiest minute, {live} ({counts['refused']} refused)",
        unit="edits/min",
        measured=Side(BOT, (float(counts["busiest_window"]),)),
        limit=f"≤ {SLACK_PER_MINUTE}, none refused",
        within_limit=counts["busiest_window"] <= SLACK_PER_MINUTE and counts["refused"] == 0,
        notes=(TIERS,),
    )
    yield Figure(
        what=f"edits to Slack, {live}, on average",
        unit="edits/min",
        measured=Side(BOT, (counts["calls"] / SLACK_MINUTES,)),
        notes=(TIERS,),
    )
    yield Figure(
        what=f"{CARDS} cards of one channel change at once: until the last is drawn",
        unit="s",
        measured=Side(BOT, (latest,)),
        notes=(TIERS,),
    )


@contextmanager
def _slack(clock: Clock) -> Iterator[tuple[Playground, SlackDesk]]:
    """Open a loopback Slack that enforces its tiers by *clock*, with the bot's hands in it."""
    with ExitStack() as stack:
        running = start(Settings(enforce_tiers=True, clock=clock.seconds))
        stack.callback(running.stop)
        people = stack.enter_context(Playground(running.url))
        token = running.settings.bot_token.get_secret_value()
        turns = Turns(clock.seconds, lambda seconds: time.sleep(seconds / SPEED))
        yield people, SlackDesk(SlackSettings(bot_token=SecretStr(token), api_url=people.api_url), turns)


def _card(desk: SlackDesk, clock: Clock, number: int) -> dict[str, str]:
    clock.skip(2.0)  # a channel takes one message a second
    return desk.post(CHANNEL, Message(f"run {number}", ()))


def _follow(watched: WatchedRuns, clock: Clock, until: float) -> None:
    """Look as often as the bot does until then; meanwhile one run in `ONE_IN` comes to its next step."""
    pause, turn = threading.Event(), 0
    while (now := clock.seconds()) < until:
        watched.watcher.look()
        watched.move(*watched.runs[turn % ONE_IN :: ONE_IN])
        turn += 1
        pause.wait(max(now + TICK_SECONDS - clock.seconds(), 0.0) / SPEED)
