"""Concurrency groups: one runs, one waits, a later one takes the waiting one's place.

https://docs.github.com/en/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field


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
