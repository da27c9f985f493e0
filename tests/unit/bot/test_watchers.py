"""The watcher: places in the queue, progress, the end of a run told once, silence of the function app."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.edits import Edits
from bot.errors import BotError, FunctionsUnreachable
from bot.messages.message import Message
from bot.timing import Timing
from bot.watchers import Watcher, queue_places
from ml.contract import RunView

AT = datetime(2013, 8, 1, 6, 0, tzinfo=UTC)


def card(flow_id: str, state: str, model: str = "m", run_id: str | None = None) -> dict[str, Any]:
    """Return a card as the records hold it."""
    job = {"flow_id": flow_id, "verb": "retrain", "model": model, "typed": "/ml retrain", "user": "U1"}
    return {
        "flow_id": flow_id,
        "run_flow_id": f"{flow_id}-run",
        "model": model,
        "job": {**job, "channel": "C1", "asked_at": AT.isoformat()},
        "channel": "C1",
        "ts": flow_id,
        "state": state,
        "run_id": run_id,
    }


def counted(cards: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the cards with how many there are of each one's model."""
    number = Counter(one["model"] for one in cards)
    return [{**one, "open": number[one["model"]]} for one in cards]


def places(*cards: dict[str, Any]) -> list[tuple[str, int, int]]:
    """Return who waits where."""
    return [(one["flow_id"], place, of) for one, place, of in queue_places(counted(cards))]


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        ([], []),
        ([card("a", "waiting")], []),
        ([card("a", "running")], []),
        ([card("a", "running"), card("b", "waiting"), card("c", "waiting")], [("b", 1, 2), ("c", 2, 2)]),
        ([card("a", "waiting"), card("b", "waiting"), card("c", "waiting")], [("b", 1, 2), ("c", 2, 2)]),
        ([card("a", "running"), card("b", "waiting", "other")], []),
    ],
)
def test_places_are_counted_for_each_model(
    cards: list[dict[str, Any]], expected: list[tuple[str, int, int]]
) -> None:
    """Who waits behind a run, or behind one about to start, has a place; other models do not count."""
    assert places(*cards) == expected


class Functions:
    """A function app that says what it is told."""

    def __init__(self) -> None:
        self.view: RunView | BotError = run("running")

    def status(self, run_ids: list[str]) -> dict[str, RunView]:
        """Return the one run."""
        if isinstance(self.view, BotError):
            raise self.view
        return dict.fromkeys(run_ids, self.view)


class Around:
    """What the watcher uses beside the function app: records, the engine's client and edits, in one."""

    def __init__(self, *cards: dict[str, Any]) -> None:
        self.cards = list(cards)
        self.sent: list[tuple[str, Any, str, str | None]] = []
        self.offered: list[tuple[str, Message]] = []
        self.broken = 0

    def watched_cards(self, near: int) -> list[dict[str, Any]]:
        """Return the cards that are open."""
        return counted([one for one in self.cards if one["state"] in ("waiting", "running", "elsewhere")])

    def send(self, flow: str, message: Any, topic: str, idempotency_key: str | None = None) -> None:
        """Send, unless broken."""
        if self.broken:
            self.broken -= 1
            raise RuntimeError("the database is away")
        self.sent.append((flow, message, topic, idempotency_key))

    def offer(self, place: dict[str, str], message: Message, about: dict[str, Any]) -> None:
        """Remember what is to be drawn."""
        self.offered.append((place["ts"], message))


def run(state: str, event: int = 2) -> RunView:
    """Return a run."""
    return RunView.model_validate(
        {
            "run_id": "20130801t060000-a1b2c3",
            "model": "m",
            "kind": "retrain",
            "state": state,
            "created_at": AT,
            "event": event,
        }
    )


def watcher(around: Around, functions: Functions, silence_seconds: float = 30.0) -> Watcher:
    """Return a watcher that looks when the test says so."""
    given: Any = around
    told: Any = functions
    timing = Timing(silence_seconds=silence_seconds)
    return Watcher(given, told, given, given, "holder", timing)


def test_end_of_a_run_is_told_until_it_was_sent() -> None:
    """A message that could not be sent is sent at the next look, and then no more."""
    around, functions = Around(card("a", "running", run_id="r-1")), Functions()
    functions.view = run("succeeded")
    around.broken = 1
    watching = watcher(around, functions)
    with pytest.raises(RuntimeError):
        watching.look()
    watching.look()
    watching.look()
    message = {"kind": "ended", "run_id": "20130801t060000-a1b2c3"}
    assert around.sent == [("a-run", message, "control", "20130801t060000-a1b2c3-ended")]
    assert around.offered == []


def test_places_are_drawn_when_they_change() -> None:
    """A waiting card is drawn once for each place it comes to."""
    around, functions = (
        Around(card("a", "running", run_id="r"), card("b", "waiting"), card("c", "waiting")),
        Functions(),
    )
    watching = watcher(around, functions)
    watching.look()
    watching.look()
    drawn = [(ts, message.text) for ts, message in around.offered if ts != "a"]
    assert [(ts, "Place 2 of 2" in text) for ts, text in drawn] == [("b", False), ("c", True)]
    around.cards[0]["state"] = "closed"
    watching.look()
    assert [ts for ts, _ in around.offered if ts == "c"] == ["c", "c"]


def test_silence_is_shown_once_it_lasts() -> None:
    """A hiccup of the function app changes no card; a longer silence is shown once, then the run."""
    around, functions = Around(card("a", "running", run_id="r-1")), Functions()
    functions.view = FunctionsUnreachable("status 500")
    watcher(around, functions).look()
    assert around.offered == []
    lasting = watcher(around, functions, silence_seconds=0.0)
    lasting.look()
    lasting.look()
    assert ["does not answer" in message.text for _, message in around.offered] == [True]
    functions.view = run("running")
    lasting.look()
    assert "does not answer" not in around.offered[-1][1].text


def test_edits_take_what_the_watcher_offers() -> None:
    """The stand-in above offers as the real edits do."""
    assert set(Edits.offer.__annotations__) == set(Around.offer.__annotations__)
