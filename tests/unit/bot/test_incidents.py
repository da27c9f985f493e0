"""Subscriptions and incidents: who wants what, and what a run's news makes of an incident."""

from __future__ import annotations

from typing import Any

import pytest

from bot.incidents import Incident, News, Subscription, advance, breaking, wanted
from bot.run_news import BROKEN
from tests.unit.bot.test_run_news import run

Step = tuple[Any, ...]


def news(number: int, phase: str = "failure", minute: float = 0.0, **more: Any) -> News:
    """Return news on its way to a channel."""
    return News(channel="C1", repository="a/b", run=run(number, phase, minute, **more))


def subscription(*on: str, **more: Any) -> Subscription:
    """Return a subscription of that channel."""
    return Subscription(channel="C1", repository="a/b", on=on, **more)


def play(*steps: News) -> tuple[Incident, list[str]]:
    """Let news change an incident; return it and what each changed."""
    incident: Incident | None = None
    changes: list[str] = []
    for step in steps:
        incident, change = advance(incident, step, BROKEN, f"why {step.run.number}")
        changes.append(change)
    assert incident is not None
    return incident, changes


def test_from_failure_to_recovery_and_the_next_one() -> None:
    """It opens, counts, is tried again, recovers; the next failure is another incident."""
    incident, changes = play(
        news(1, "success"),
        news(2),
        news(3, "timed_out"),
        news(3, "started", 4, attempt=2),
        news(3, "failure", 5, attempt=2),
    )
    assert changes == ["none", "opened", "again", "moved", "again"]
    assert (incident.number, incident.failures, incident.why) == (1, 3, "why 3")
    assert incident.first is not None
    assert (incident.first.number, incident.running) == (2, None)
    recovered, change = advance(incident, news(6, "success"), BROKEN)
    assert (change, recovered.is_open, recovered.failures) == ("recovered", False, 3)
    assert advance(recovered, news(7, "success"), BROKEN)[1] == "none"
    fresh, change = advance(recovered, news(8), BROKEN)
    assert (change, fresh.number, fresh.failures, fresh.recovered) == ("opened", 2, 1, None)


def test_what_neither_breaks_nor_mends_changes_nothing() -> None:
    """A cancelled or skipped run leaves an incident as it is; a try that is cancelled is over."""
    incident, changes = play(news(1), news(2, "cancelled"), news(3, "started"), news(3, "skipped", 4))
    assert changes == ["opened", "none", "moved", "moved"]
    assert (incident.is_open, incident.failures, incident.running) == (True, 1, None)


def test_news_that_was_overtaken_changes_nothing() -> None:
    """A failure of before the success that was told already opens nothing; runs may share a second."""
    incident, changes = play(news(2, "success", 5), news(1, "failure", 4))
    assert (changes, incident.number) == (["none", "none"], 0)
    _, changes = play(
        news(2, "failure", 5), news(1, "failure", 5, attempt=2), news(1, "failure", 5, attempt=2)
    )
    assert changes == ["opened", "again", "none"]
    _, changes = play(news(1, "failure", 5), news(1, "started", 3))
    assert changes == ["opened", "none"]


def test_what_was_missed_is_counted() -> None:
    """Failures that nobody saw count, too."""
    first, _ = advance(None, news(5).model_copy(update={"missed": 2}), BROKEN)
    assert first.failures == 3
    again, _ = advance(first, news(9).model_copy(update={"missed": 1}), BROKEN)
    assert again.failures == 5


@pytest.mark.parametrize(
    ("on", "breaks"),
    [
        ({"failure"}, BROKEN),
        ({"failure", "timed_out"}, BROKEN),
        ({"recovery"}, BROKEN),
        ({"timed_out", "recovery"}, {"timed_out"}),
        ({"timed_out"}, {"timed_out"}),
        ({"success", "started", "stale"}, set()),
        (set(), set()),
    ],
)
def test_what_makes_an_incident(on: set[str], breaks: set[str]) -> None:
    """`failure` stands for all that breaks; whoever names one of them means that one."""
    assert breaking(frozenset(on)) == breaks


def test_all_subscriptions_of_a_channel_count() -> None:
    """What they want is wanted together, each for the runs that it covers."""
    every = [
        subscription("failure"),
        subscription("started", workflow="deploy.yml", branch="main"),
        subscription("success", branch="release/*"),
        subscription("skipped", workflow="checks.yml"),
        Subscription(channel="C2", repository="a/b", on=("stale",)),
        Subscription(channel="C1", repository="a/c", on=("stale",)),
    ]
    assert wanted(every, news(1)) == {"failure", "started"}
    assert wanted(every, news(1, branch="release/2")) == {"failure", "success"}
    assert wanted(every, news(1, branch="release")) == {"failure"}


def test_news_is_known_by_what_it_says() -> None:
    """Run, attempt and phase make it; what makes the incident is the workflow and its branch."""
    assert news(1).id == news(1, minute=9).id
    others = [news(2), news(1, "success"), news(1, attempt=2), news(1).model_copy(update={"channel": "C2"})]
    assert len({one.id for one in (news(1), *others)}) == 5
    assert news(1).key == news(2, "success").key
    assert news(1).key != news(1, branch="next").key
