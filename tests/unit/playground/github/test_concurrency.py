"""Concurrency groups: who runs, who waits, who is sent home."""

import asyncio

from playground.github.concurrency import Groups


def test_one_runs_one_waits_and_a_later_one_takes_its_place() -> None:
    """The second waits, the third sends it home, and comes when the first leaves."""

    async def story() -> None:
        groups, gone = Groups(), []
        first = groups.enter(1, "Deploy", False, lambda: gone.append("first"))
        second = groups.enter(1, "deploy", False, lambda: gone.append("second"))
        third = groups.enter(1, "DEPLOY", False, lambda: gone.append("third"))
        assert (first.come.is_set(), third.come.is_set(), gone) == (True, False, ["second"])
        groups.leave(1, "deploy", second)
        groups.leave(1, "deploy", first)
        assert third.come.is_set()

    asyncio.run(story())


def test_cancel_in_progress_ends_the_running_one_too() -> None:
    """The running one is told; it keeps its turn until it has left. Other repositories do not care."""

    async def story() -> None:
        groups, gone = Groups(), []
        first = groups.enter(1, "g", False, lambda: gone.append("first"))
        second = groups.enter(1, "g", True, lambda: gone.append("second"))
        elsewhere = groups.enter(2, "g", True, lambda: gone.append("elsewhere"))
        assert (gone, second.come.is_set(), elsewhere.come.is_set()) == (["first"], False, True)
        groups.leave(1, "g", first)
        assert second.come.is_set()

    asyncio.run(story())
