"""The works under way: claims on attempts, and which run belongs to whom."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.connectors.connector import Review, RunHandle
from bot.databases import make_engine
from bot.flows.review import _pass_on
from bot.records import Records
from bot.works import Works

HANDLE = RunHandle(connector="github_actions", id="7", scope="a/b", url="https://github.com/a/b")


@pytest.fixture
def works(tmp_path: Path) -> Iterator[Works]:
    """An empty table with one work."""
    engine = make_engine(f"sqlite:///{tmp_path}/bot.sqlite3")
    Records(engine).migrate()
    made = Works(engine)
    made.open("c-1", "c-1-work", {"verb": "run"}, {"title": "t"}, {"channel": "C", "ts": "1"})
    yield made
    engine.dispose()


def test_second_attempt_to_start_learns_of_the_first(works: Works) -> None:
    """The first attempt finds nothing, the next when that began; one that was turned away is forgotten."""
    assert works.begin("c-1") is None
    began = works.begin("c-1")
    assert began is not None
    assert works.begin("c-1") == began
    works.not_begun("c-1")
    assert works.begin("c-1") is None


def test_watched_until_closed(works: Works) -> None:
    """A run is followed from its start to its end, and found by either name."""
    assert works.running() == []
    works.watch("c-1", HANDLE)
    assert [one.handle for one in works.running()] == [HANDLE]
    assert works.is_open("c-1")
    found = works.find("7")
    assert found is not None
    assert found.flow_id == "c-1"
    works.close("c-1")
    assert (works.running(), works.is_open("c-1"), works.find("8")) == ([], False, None)


def test_attempt_is_claimed_once(works: Works) -> None:
    """Two who run it again at once: one has it, also when asked again; the other has not."""
    works.watch("c-1", HANDLE)
    assert not works.reopen("c-1", "b-1-work", 1)
    works.close("c-1")
    assert [works.reopen("c-1", flow, 1) for flow in ("b-1-work", "b-2-work", "b-1-work")] == [
        True,
        False,
        True,
    ]
    works.give_back("c-1", 1)
    assert works.reopen("c-1", "b-2-work", 1)


def test_an_attempt_is_watched_once_its_card_says_so(works: Works) -> None:
    """Progress of the next attempt is not drawn before the card has said that it starts."""
    works.watch("c-1", HANDLE)
    works.close("c-1")
    works.reopen("c-1", "b-1-work", 1)
    assert (works.running(), works.is_open("c-1")) == ([], False)
    works.watch("c-1", HANDLE)
    assert [one.attempt for one in works.running()] == [2]


def test_a_run_belongs_to_one_job(works: Works) -> None:
    """Who asks first has it, also when asked again; equal numbers in two systems are two runs."""
    works.open("c-2", "c-2-work", {"verb": "run"}, {"title": "t"}, {"channel": "C", "ts": "2"})
    renamed = HANDLE.model_copy(update={"url": None})
    elsewhere = HANDLE.model_copy(update={"scope": "a/c"})
    asked = [("c-1", HANDLE), ("c-2", HANDLE), ("c-1", renamed), ("c-2", renamed), ("c-2", elsewhere)]
    assert [works.own(*one) for one in asked] == [True, False, True, False, True]
    assert works.running() == []


def test_runs_of_others_are_known_by_their_time(works: Works) -> None:
    """Who looks for a lost start learns which runs of that time are not theirs."""
    works.open("c-2", "c-2-work", {"verb": "run"}, {"title": "t"}, {"channel": "C", "ts": "2"})
    for job in ("c-1", "c-2"):
        works.begin(job)
    began = works.begin("c-1")
    assert began is not None
    works.own("c-2", HANDLE)
    assert (works.taken("c-1", began), works.taken("c-2", began)) == ((HANDLE.id,), ())
    assert works.taken("c-1", began + timedelta(hours=1)) == ()


def test_a_run_is_not_taken_by_two_at_once(works: Works) -> None:
    """Jobs that find the same run in the same moment do not both have it."""
    jobs = [f"c-{number}" for number in range(10, 26)]
    for job in jobs:
        works.open(job, f"{job}-work", {"verb": "run"}, {"title": "t"}, {"channel": "C", "ts": "2"})
    with ThreadPoolExecutor(len(jobs)) as pool:
        assert sum(pool.map(lambda job: works.own(job, HANDLE), jobs)) == 1


def test_facts_that_are_noted_at_once_are_all_kept(works: Works) -> None:
    """Flows that write into one order in the same moment do not undo each other's words."""
    said = [Review(environment=f"e{number}", state="approved", login="octo-owner") for number in range(16)]
    with ThreadPoolExecutor(len(said)) as pool:
        list(pool.map(lambda one: works.add_review("c-1", one), said))
    assert {one.environment for one in works.reviews("c-1")} == {one.environment for one in said}


def test_whose_decision_it_is_stands_there_before_github_knows(works: Works) -> None:
    """The run that a decision sets free may end at once, and its card names the person all the same."""
    works.watch("c-1", HANDLE)
    said = Review(environment="production", state="approved", login="octo-owner", comment="yes", user="U1")
    seen: list[tuple[Review, ...]] = []
    reviews = SimpleNamespace(reviews=lambda _: (), decide=lambda *_: seen.append(works.reviews("c-1")))
    hub = SimpleNamespace(actions=SimpleNamespace(reviews=reviews))
    desk: Any = SimpleNamespace(works=works, github=lambda: hub)
    work = works.find("c-1")
    assert work is not None
    for _ in range(2):  # cut off before its checkpoint, it is done again
        _pass_on(desk, work, 1, said)
    assert seen == [(said,), (said,)]
    works.drop_review("c-1", said)
    assert works.reviews("c-1") == ()
