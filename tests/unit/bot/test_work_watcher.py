"""The watcher of connectors' runs: one look for each system, the end told once, limits and silence shown."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.connectors.connector import RunHandle, RunStatus
from bot.errors import BotError, GitHubUnreachable, RateLimited
from bot.timing import Timing
from bot.work_watcher import WorkWatcher
from bot.works import Work
from playground.gallery.records import AT, job


def work(number: int, scope: str = "a/b", attempt: int = 1) -> Work:
    """Return a work under way."""
    return Work(
        flow_id=f"c-{number}",
        work_flow_id=f"c-{number}-work",
        job=job("run", "/ml run x", flow_id=f"c-{number}").model_dump(mode="json"),
        order={"title": "X"},
        place={"channel": "C", "ts": str(number)},
        state="running",
        attempt=attempt,
        handle=RunHandle(connector="github_actions", id=str(number), scope=scope),
    )


class Around:
    """Connector, works, engine's client and edits in one."""

    def __init__(self, *works: Work) -> None:
        self.works = list(works)
        self.answer: dict[str, RunStatus] | BotError = {}
        self.asked: list[int] = []
        self.sent: list[tuple[str, str | None]] = []
        self.drawn: list[str] = []
        self.broken = 0
        given: Any = self
        timing = Timing(silence_seconds=0.0, work_seconds=3600.0)
        self.watcher = WorkWatcher(given, given, {"github_actions": given}, given, given, "me", timing)

    def running(self) -> list[Work]:
        """Return what is under way."""
        return self.works

    def status(self, handles: Sequence[RunHandle]) -> Mapping[str, RunStatus]:
        """Answer as told."""
        self.asked.append(len(handles))
        if isinstance(self.answer, BotError):
            raise self.answer
        return self.answer

    def send(self, flow: str, message: Any, topic: str, idempotency_key: str | None = None) -> None:
        """Send, unless broken."""
        if self.broken:
            self.broken -= 1
            raise RuntimeError("the database is away")
        self.sent.append((flow, idempotency_key))

    def offer(self, place: dict[str, str], message: Any, about: dict[str, Any]) -> None:
        """Remember what is drawn."""
        self.drawn.append(message.text.split("\n")[0])

    def stands(self, one: Work, state: Any, attempt: int = 1) -> None:
        """Say how a run stands."""
        assert one.handle is not None
        made = RunStatus(handle=one.handle, name="X #1", state=state, attempt=attempt, started_at=AT)
        self.answer = {one.handle.id: made}


def test_one_look_for_each_repository() -> None:
    """A thousand runs in two repositories are two looks."""
    around = Around(*(work(number, "a/b" if number % 2 else "a/c") for number in range(1000)))
    around.watcher.look()
    assert around.asked == [500, 500]


def test_progress_is_drawn_when_it_changes() -> None:
    """The same news twice is drawn once."""
    one = work(1)
    around = Around(one)
    for state in ("queued", "running", "running"):
        around.stands(one, state)
        around.watcher.look()
    assert around.drawn == [":gear: *X · waits for its turn*", ":gear: *X · running*"]


def test_end_is_told_until_it_was_sent() -> None:
    """A message that could not be sent is sent at the next look, and then no more."""
    one = work(1)
    around = Around(one)
    around.stands(one, "failed")
    around.broken = 1
    with pytest.raises(RuntimeError):
        around.watcher.look()
    around.watcher.look()
    around.watcher.look()
    assert around.sent == [("c-1-work", "c-1-work-1-1-ended")]


def test_end_of_an_earlier_attempt_is_no_end() -> None:
    """Just after a rerun GitHub may still show how the attempt before ended."""
    one = work(1, attempt=2)
    around = Around(one)
    around.stands(one, "failed", attempt=1)
    around.watcher.look()
    assert (around.sent, around.drawn) == ([], [])


def test_limit_and_silence_are_on_the_cards() -> None:
    """The cards say until when is waited, or that nobody answers, once each."""
    around = Around(work(1))
    for answer in (RateLimited(datetime(2026, 1, 1, 12, 3, tzinfo=UTC)), GitHubUnreachable("away")):
        around.answer = answer
        around.watcher.look()
        around.watcher.look()
    assert around.drawn == [
        ":hourglass: *X · waits until 12:03:00 UTC*",
        ":satellite_antenna: *X · GitHub does not answer*",
    ]


class Limited(Around):
    """A connector that may be asked only so often, and says no otherwise."""

    def __init__(self, *works: Work) -> None:
        super().__init__(*works)
        self.left = 1
        self.scopes: list[str] = []
        self.refused, self.looked = 0, threading.Event()

    def rests(self, scope: str) -> bool:
        """Return whether nothing is left; after three times there is again."""
        if self.left:
            return False
        self.refused += 1
        self.left = int(self.refused == 3)
        return True

    def status(self, handles: Sequence[RunHandle]) -> Mapping[str, RunStatus]:
        """Take one of what is left."""
        self.left -= 1
        self.scopes.append(handles[0].scope)
        self.looked.set()
        return super().status(handles)

    def find(self, run_id: str) -> Work | None:
        """Return who waits for a run."""
        return next((one for one in self.works if one.handle is not None and one.handle.id == run_id), None)

    def hold_lease(self, *asked: Any) -> bool:
        """Return that the lease is held."""
        return True


def test_all_have_their_turn() -> None:
    """Where not all can be looked at, those come first that have not been for longest."""
    around = Limited(*(work(number, f"a/{number}") for number in range(3)))
    for _ in range(6):
        around.left, around.refused = 1, 0
        around.watcher.look()
    assert around.scopes == ["a/0", "a/1", "a/2"] * 2


def test_news_from_before_the_run_was_watched_are_kept() -> None:
    """A webhook that is quicker than the answer to the start makes the watcher look once the run is known."""
    around = Limited(work(9))
    around.left = 100
    around.watcher.start()
    try:
        assert around.looked.wait(10)
        around.looked.clear()
        assert not around.watcher.hurry("1")
        around.works.append(work(1))
        around.watcher.begun("1")
        assert around.looked.wait(10)
    finally:
        around.watcher.stop()


def test_news_of_a_scope_that_rests_are_kept() -> None:
    """A webhook whose run may not be looked at yet makes the watcher look as soon as it may."""
    around = Limited(work(1))
    around.watcher.start()
    try:
        assert around.looked.wait(60)
        around.looked.clear()
        assert around.watcher.hurry("1")
        assert around.looked.wait(60)
    finally:
        around.watcher.stop()
    assert around.refused == 3
