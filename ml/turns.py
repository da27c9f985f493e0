"""Requests that arrive in one turn of the event loop, answered together.

Asking a model about eight rows costs little more than asking about one, so requests that come together share
a call. Nobody waits for company: a request gives way to the others that are ready, and goes on.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from ml.answers import Answer
from ml.rows import Reading

GIVE_WAY = 2
"""How often a request gives way: once to the requests that are read, once to those in the sockets."""

Together = Callable[[list[Reading]], list[list[Answer] | Exception]]
"""Answers several requests, each by the answers to its rows or by what is to be raised for it."""


@dataclass(slots=True)
class _Turn:
    readings: list[Reading] = field(default_factory=list)
    answers: list[list[Answer] | Exception] | None = None


class Turns:
    """The turns of one server; each thread with an event loop has its own."""

    def __init__(self) -> None:
        self._local = threading.local()

    async def ask(self, model: str, reading: Reading, together: Together) -> list[Answer]:
        """Return the answers to *reading*, found in one call of *together* with those of the same turn.

        Raises:
            Exception: What *together* has found for this request.
        """
        open_turns: dict[str, _Turn] = self._local.__dict__
        turn = open_turns.setdefault(model, _Turn())
        place = len(turn.readings)
        turn.readings.append(reading)
        for _ in range(GIVE_WAY):
            await asyncio.sleep(0)
        if turn.answers is None:
            open_turns.pop(model, None)
            turn.answers = together(turn.readings)
        found = turn.answers[place]
        if isinstance(found, Exception):
            raise found
        return found
