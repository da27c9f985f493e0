"""The line to Slack breaks at any byte or is closed by Slack: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from playground.control_client import NothingHappened, PlaygroundError
from tests.stand_ins.function_app import MODEL
from tests.stand_ins.team import ARRIVALS, WAIT_SECONDS, Json, Team, job_state, team_in
from tests.stand_ins.wire import HOST, Wire

pytestmark = [pytest.mark.faults, pytest.mark.slow]
ROUNDS = 2
REASONS = (None, "warning", "refresh_requested", "link_disabled")
AGAIN = (0.0, *[0.5] * 200)
"""After how many seconds Slack sends an event anew: it does not give up before the line is mended."""


class Shaky:
    """A team whose line to Slack holds for a few bytes or for many, and people who do things all the same."""

    def __init__(self, team: Team, chance: random.Random) -> None:
        self.team = team
        self.chance = chance
        self.expected: dict[str, range] = {}

    def await_line(self) -> None:
        """Wait until Slack has a line to the bot."""
        while not (seen := self.team.slack.workspace())["sockets"]:
            self.team.slack.wait_for(lambda event: event["kind"] == "socket_connected", 60, seen["seq"])

    def type(self, who: str, text: str) -> bool:
        """Type *text* while there is a line; return whether Slack heard that it was taken."""
        if self.chance.random() < 0.3:
            self.team.slack.disconnect(self.chance.choice(REASONS))
        self.await_line()
        return bool(self.team.slack.say(who, ARRIVALS, text)["ok"])

    def insist(self, act: Callable[[], Json], done: Callable[[], bool]) -> None:
        """Do *act* as a person does who is told that it failed: again, until it was taken or is *done*."""
        while not done():
            self.await_line()
            with suppress(PlaygroundError):  # it is done, and what was pressed is gone
                if act()["ok"]:
                    return

    def cards(self, flight: str) -> int:
        """Return how many cards show what was asked about *flight*."""
        return sum(f"flight {flight}:" in card["plain"] for card in self.team.cards())

    def predict(self, number: int) -> None:
        """Ask by mention, which Slack sends anew until it is taken, and by command, which it does not."""
        self.type("viewer", f"@toban predict {MODEL} flight=ME{number}")
        self.expected[f"ME{number}"] = range(1, 2)
        taken = self.type("viewer", f"/ml predict {MODEL} flight=CO{number}")
        self.expected[f"CO{number}"] = range(int(taken), 2)

    def fill_in(self, number: int) -> None:
        """Open a form and send it until it is taken."""
        views = self.team.slack.views
        while not any("Flight" in view["plain"] for view in views("viewer")):
            before = self.team.slack.seq()
            self.type("viewer", f"/ml predict {MODEL}")
            with suppress(NothingHappened):
                self.team.slack.wait_for(lambda event: "Flight" in event.get("plain", ""), 5, before)
        form = views("viewer")[-1]
        filled = {"Flight": f"FO{number}"}
        self.insist(
            lambda: self.team.slack.submit("viewer", filled, form), lambda: self.cards(f"FO{number}") > 0
        )
        self.expected[f"FO{number}"] = range(1, 2)
        with suppress(PlaygroundError):  # there is no other
            self.team.slack.close_view("viewer", everything=True)

    def promote(self, number: int) -> None:
        """Train, and promote what came of it."""
        before = self.team.slack.seq()
        self.type("operator", f"@toban retrain {MODEL} until=2013-06")
        run = self.team.started(number)
        self.team.functions.finish(run["run_id"])
        card = self.team.state(before, "decision")

        def decided(event: Json) -> bool:
            same = (event.get("message") or {}).get("ts") == card["message"]["ts"]
            return same and job_state(event) == "done"

        self.insist(
            lambda: self.team.slack.press("owner", card, "version.promote"),
            lambda: any(map(decided, self.team.slack.feed(card["seq"]))),
        )
        end = self.team.slack.wait_for(decided, WAIT_SECONDS, card["seq"])
        assert "was promoted" in end["plain"]

    def settle(self) -> None:
        """Wait until Slack has nothing left to send, and what it sent is done."""
        self.await_line()
        for delivery in self.team.slack.deliveries():
            tries: list[Any] = delivery["attempts"]
            if delivery["type"] == "events_api" and not any(one["ok"] for one in tries):
                self.team.slack.wait_for(
                    lambda event, key=delivery["id"]: event.get("delivery") == key and event["ok"], 60
                )
        for flight, counts in self.expected.items():
            if counts.start:
                self.team.seen(0, f"flight {flight}:")
        before = self.team.slack.seq()
        self.insist(lambda: self.team.slack.say("viewer", ARRIVALS, "/ml whoami"), lambda: False)
        self.team.private(before, "with the role")


def lengths(chance: random.Random) -> Iterator[int]:
    """Draw how many bytes a line holds: a part of its greeting, of a request, or dozens of them."""
    while True:
        yield int(150 * 2 ** chance.uniform(0.0, 8.0))


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_lost_or_done_twice(tmp_path: Path, seed: int) -> None:
    """Mentions, forms, runs and promotions come once; a command that was taken, too, and no other twice."""
    chance = random.Random(seed)
    with team_in(tmp_path, transport="socket", retry_seconds=AGAIN, ack_seconds=3.0) as team:
        port = int(team.slack.running.url.rpartition(":")[2])
        with closing(Wire(port, lengths(random.Random(seed)))) as wire:
            team.loopback.socket_url = f"ws://{HOST}:{wire.port}"
            team.start_bot()
            shaky = Shaky(team, chance)
            for number in range(1, ROUNDS + 1):
                shaky.predict(number)
                shaky.fill_in(number)
                shaky.promote(number)
            wire.mend()
            shaky.settle()
            assert wire.breaks >= ROUNDS
            assert {flight: shaky.cards(flight) in counts for flight, counts in shaky.expected.items()} == (
                dict.fromkeys(shaky.expected, True)
            )
            assert len(team.functions.runs_of()) == ROUNDS
            assert len(team.functions.aliases) == ROUNDS + 1
