"""Concurrency groups: one runs, one waits, a later one takes the waiting one's place.

https://docs.github.com/en/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass
class Turn:
    """A place in a group; *cancel* ends whoever holds it."""

    cancel: Callable[[], None]
    come: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class _Group:
    running: Turn | None = None
    waiting: Turn | None = None


class Groups:
    """Groups by repository and name; names do not care about case."""

    def __init__(self) -> None:
        self._groups: dict[tuple[int, str], _Group] = {}

    def enter(self, repository: int, name: str, in_progress_too: bool, cancel: Callable[[], None]) -> Turn:
        """Ask for a turn: it has come when ``come`` is set. Who waited already is cancelled."""
        group = self._groups.setdefault((repository, name.lower()), _Group())
        turn = Turn(cancel)
        if group.running is None:
            group.running = turn
            turn.come.set()
            return turn
        if group.waiting is not None:
            group.waiting.cancel()
        group.waiting = turn
        if in_progress_too:
            group.running.cancel()
        return turn

    def leave(self, repository: int, name: str, turn: Turn) -> None:
        """Give the turn back, or up."""
        group = self._groups[repository, name.lower()]
        if group.waiting is turn:
            group.waiting = None
        if group.running is turn:
            group.running, group.waiting = group.waiting, None
            if group.running is not None:
                group.running.come.set()


class Visit:
    """A turn in a concurrency group for as long as a block lasts; without a group it has always come."""

    def __init__(
        self,
        groups: Groups | None,
        stop: asyncio.Event,
        repository: int,
        name: str,
        in_progress_too: bool,
        cancel: Callable[[], None],
    ) -> None:
        self._groups = groups
        self._stop = stop
        self._place = (repository, name)
        self._turn = groups.enter(repository, name, in_progress_too, cancel) if groups else None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._groups is not None and self._turn is not None:
            self._groups.leave(*self._place, self._turn)

    def __call__(self) -> bool:
        """Tell whether it has come."""
        return self._turn is None or self._turn.come.is_set()

    async def wait(self) -> None:
        """Return when it has come, or when nobody needs it any more."""
        if self._turn is not None and not self():
            await first_of(self._turn.come.wait(), self._stop)


async def first_of(work: Coroutine[Any, Any, Any] | asyncio.Future[Any], stop: asyncio.Event) -> None:
    """Return when *work* is done or *stop* is set; work that is a coroutine is then given up."""
    doing, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not asyncio.isfuture(work):
            doing.cancel()
