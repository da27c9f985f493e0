"""Progress edits: newest first, one after another, within Slack's limits, on a clock of the test's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from bot.edits import Edits
from bot.errors import SlackBusy, SlackUnreachable
from bot.messages.message import Message

FIRST, SECOND = {"channel": "C1", "ts": "1"}, {"channel": "C1", "ts": "2"}
ELSEWHERE = {"channel": "C2", "ts": "3"}
SECONDS = 60.0


class Slack:
    """Takes edits; can hold the next one back or fail it."""

    def __init__(self) -> None:
        self.drawn: list[tuple[str, str]] = []
        self.changed = threading.Condition()
        self.go = threading.Event()
        self.go.set()
        self.fail = False
        self.busy = False

    def __call__(self, place: dict[str, str], message: Message, about: dict[str, Any]) -> None:
        """Draw."""
        with self.changed:
            self.drawn.append((place["ts"], message.text))
            self.changed.notify_all()
        self.go.wait(SECONDS)
        if self.fail:
            raise SlackUnreachable("chat.update: 500")
        if self.busy:
            self.busy = False
            raise SlackBusy("chat.update: ratelimited", 0.0)

    def wait(self, count: int) -> list[tuple[str, str]]:
        """Return what was drawn once there are *count* of it."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.drawn) >= count, SECONDS), self.drawn
            return list(self.drawn)


def say(text: str) -> Message:
    """Return a message."""
    return Message(text, ())


@pytest.fixture
def slack() -> Slack:
    """A Slack that draws at once."""
    return Slack()


@pytest.fixture
def edits(slack: Slack) -> Iterator[Edits]:
    """Edits at no pace at all."""
    made = Edits(slack, lambda: 0.0, 0.0)
    yield made
    slack.go.set()
    made.stop()


def test_later_offer_replaces_an_earlier_one(slack: Slack, edits: Edits) -> None:
    """What waits for a message is replaced, and keeps its turn before others."""
    edits.offer(FIRST, say("old"), {})
    edits.offer(ELSEWHERE, say("other"), {})
    edits.offer(FIRST, say("new"), {})
    edits.start()
    assert slack.wait(2) == [("1", "new"), ("3", "other")]


def test_forgotten_edit_is_never_drawn(slack: Slack, edits: Edits) -> None:
    """After forget, nothing that waited for the message is drawn."""
    edits.offer(FIRST, say("progress"), {})
    edits.forget(FIRST)
    edits.offer(SECOND, say("other"), {})
    edits.start()
    assert slack.wait(1) == [("2", "other")]


def test_forget_waits_for_a_drawing_under_way(slack: Slack, edits: Edits) -> None:
    """A result that follows is not overtaken by the progress that is just being drawn."""
    slack.go.clear()
    edits.offer(FIRST, say("progress"), {})
    edits.start()
    slack.wait(1)
    forgotten = threading.Thread(target=edits.forget, args=(FIRST,))
    forgotten.start()
    assert forgotten.is_alive()
    slack.go.set()
    forgotten.join(SECONDS)
    assert not forgotten.is_alive()


def test_progress_waits_for_room() -> None:
    """Nothing is drawn while results need all that Slack takes."""
    room = [5.0]
    slack = Slack()
    edits = Edits(slack, lambda: room[0], 0.0)
    edits.offer(FIRST, say("progress"), {})
    edits.start()
    assert slack.drawn == []
    room[0] = 0.0
    edits.offer(SECOND, say("other"), {})  # somebody looks again
    assert slack.wait(2)[0] == ("1", "progress")
    edits.stop()


@pytest.mark.parametrize(("overtaken", "drawn"), [(False, ["old", "old"]), (True, ["old"])])
def test_an_edit_that_slack_refuses_waits_again(overtaken: bool, drawn: list[str]) -> None:
    """What Slack has no room for is drawn later, unless a result is to be drawn there meanwhile."""
    slack = Slack()
    slack.go.clear()
    slack.busy = True
    edits = Edits(slack, lambda: 0.0, 0.0)
    edits.offer(FIRST, say("old"), {})
    edits.start()
    slack.wait(1)
    forgotten = threading.Thread(target=edits.forget, args=(FIRST,))
    if overtaken:
        forgotten.start()
        while not edits._is_overtaken:
            forgotten.join(0.01)
    slack.go.set()
    edits.offer(ELSEWHERE, say("new"), {})
    assert [text for _, text in slack.wait(len(drawn) + 1)].count("old") == len(drawn)
    edits.stop()


def test_trouble_with_one_edit_stops_no_other(slack: Slack, edits: Edits) -> None:
    """A failed notification changes nothing else."""
    slack.fail = True
    edits.offer(FIRST, say("lost"), {})
    edits.start()
    slack.wait(1)
    slack.fail = False
    edits.offer(SECOND, say("drawn"), {})
    assert slack.wait(2)[-1] == ("2", "drawn")


def test_pace_is_kept_for_each_channel() -> None:
    """One edit a second in a channel, others beside it."""
    now = [0.0]
    edits = Edits(Slack(), lambda: 0.0, 1.0, lambda: now[0])

    def ready() -> str | None:
        key = edits._ready(now[0])
        if key is not None:
            edits._waiting.pop(key)
        return key[1] if key else None

    edits.offer(FIRST, say("a"), {})
    edits.offer(SECOND, say("b"), {})
    edits.offer(ELSEWHERE, say("c"), {})
    assert [ready(), ready(), ready()] == ["1", "3", None]
    now[0] = 1.0
    assert ready() == "2"
