"""While the bot's own database is away, a flow does its write again, and not what came before it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from dbos import DBOS
from sqlalchemy.exc import OperationalError

from bot.command_tables import WebhookTable
from bot.desk import Desk
from bot.engine import Fence
from bot.errors import SlackRefused
from bot.flows import announce, retrain
from bot.jobs import Job
from bot.messages.jobs import starting
from bot.posts import may_be_done

JOB = Job(
    flow_id="c-1",
    verb="retrain",
    typed="/ml retrain m",
    user="U01OWNER000",
    channel="C01ARRIVALS",
    asked_at=datetime(2026, 11, 21, tzinfo=UTC),
)
PLACE = {"channel": "C01ARRIVALS", "ts": "1.0"}
MOVED = {"channel": "C01ARRIVALS", "ts": "2.0"}


class AwayOnce:
    """A table that the first call of each verb does not reach; `asked` lists them all."""

    def __init__(self, answer: Any = None) -> None:
        self.asked: list[str] = []
        self._answer = answer

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        def ask(*_: Any) -> Any:
            self.asked.append(verb)
            if self.asked.count(verb) == 1:
                raise OperationalError("UPDATE", None, psycopg.OperationalError("connection refused"))
            return self._answer

        return ask


@pytest.fixture
def now() -> list[float]:
    """The time of the fence's clock, to be moved."""
    return [0.0]


@pytest.fixture
def desk(now: list[float], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk whose steps keep nothing; each test puts on it what it needs."""

    def run_step(_: Any, action: Callable[[], Any]) -> Any:
        return action()

    monkeypatch.setattr(DBOS, "run_step", staticmethod(run_step))
    made = Desk.__new__(Desk)
    made.fence = Fence(60.0, lambda: pytest.fail("the process left"), lambda: now[0])
    return made


def put(desk: Desk, **parts: Any) -> None:
    """Put parts on the desk."""
    for name, part in parts.items():
        setattr(desk, name, part)


def test_an_event_is_sent_once_while_its_attempt_cannot_be_counted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the count waits for the database; the receiver hears once."""
    glue = WebhookTable(
        name="glue", url="http://127.0.0.1/told", events=("run.finished",), secret_from="GLUE_SECRET"
    )
    sent: list[str] = []

    def post(*about: Any) -> str:
        sent.append(about[3])
        return "status 200"

    monkeypatch.setattr(announce, "post_event", post)
    team = SimpleNamespace(webhooks=(glue,))
    ledger = AwayOnce()
    put(desk, settings=SimpleNamespace(team=team, secret=lambda _: "secret"), deliveries=ledger)
    said = desk.step("deliver", announce._deliver, desk, "e-1-to-glue", "glue", "run.finished", "{}")
    assert (said, sent, ledger.asked) == ("status 200", ["e-1-to-glue"], ["tried", "tried"])


def test_a_card_that_was_deleted_is_posted_once(desk: Desk) -> None:
    """While the database cannot take where the new card stands, no further one is posted."""
    posted: list[str] = []

    def post(channel: str, *_: Any, **__: Any) -> dict[str, str]:
        posted.append(channel)
        return MOVED

    def edit(*_: Any, **__: Any) -> None:
        raise SlackRefused("message_not_found", "chat.update")

    records, works = AwayOnce(), AwayOnce()
    put(desk, records=records, works=works, posts=SimpleNamespace(post=post))
    put(
        desk,
        slack=SimpleNamespace(edit=edit),
        edits=SimpleNamespace(forget=lambda _: None, has_room=lambda: True),
    )
    assert desk.redraw("show it", JOB, PLACE, starting(JOB), state="open") == MOVED
    assert posted == ["C01ARRIVALS"]
    assert (records.asked, works.asked) == (["move_card"] * 2, ["move"] * 2)


def test_a_post_that_is_done_again_is_looked_for(desk: Desk) -> None:
    """What comes after a post in the same step may fail; the repetition knows that it may stand there."""
    table = AwayOnce()
    known: list[bool] = []

    def act() -> None:
        known.append(bool(table.asked) and may_be_done())
        table.write()

    desk.step("post and write", act)
    assert known == [False, True]


def test_nothing_is_done_again_before_the_heartbeat(desk: Desk, now: list[float]) -> None:
    """After an outage in which another process may have taken over, the heartbeat comes first."""
    table = AwayOnce()
    ages: list[float] = []
    late = threading.Timer(1.0, desk.fence.beat)

    def act() -> None:
        ages.append(desk.fence.age_seconds())
        if len(ages) == 1:
            late.start()
            now[0] = 100.0  # longer than others wait
        table.write()

    desk.step("write", act)
    late.join()
    assert ages == [0.0, 0.0]


def test_how_many_are_ahead_is_asked_until_it_is_known(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is away between two steps breaks no command."""
    shown: list[str] = []
    records = AwayOnce(answer=0)
    monkeypatch.setattr(Desk, "show", lambda *_, **__: shown.append("card") or PLACE)
    monkeypatch.setattr(Desk, "start", lambda *_, **__: shown.append("run"))
    put(desk, records=records)
    retrain.queue_run(desk, JOB, "m", {"kind": "retrain", "params": {}})
    assert records.asked.count("count_open") == 2
    assert shown == ["card", "run"]


@pytest.mark.parametrize(("state", "drawn"), [("open", ["offered"]), ("done", ["edited"])])
def test_a_card_that_stays_open_waits_for_no_room(desk: Desk, state: str, drawn: list[str]) -> None:
    """While Slack has room for results only, progress is left to whoever draws it, and a result is not."""
    found: list[str] = []
    edits = SimpleNamespace(
        forget=lambda _: None, has_room=lambda: False, offer=lambda *_: found.append("offered")
    )
    put(desk, slack=SimpleNamespace(edit=lambda *_, **__: found.append("edited")), edits=edits)
    assert desk.redraw("show", JOB, PLACE, starting(JOB), state=state) == PLACE
    assert found == drawn
