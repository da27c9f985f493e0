"""Requests that arrive in one turn of the event loop, answered, logged and replied to together.

Asking a model about eight rows costs little more than asking about one, and so does writing them down. So
requests that come together share one call and one task. Nobody waits for company: a turn gives way to the
requests that are ready, and goes on.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from ml.rows import Reading

GIVE_WAY = 2
"""How often a turn gives way: once to the requests that are read, once to those in the sockets."""

Reply = bytes | Exception
"""What a request is answered, or what is to be raised for it."""


@dataclass(slots=True)
class _Turn:
    loop: asyncio.AbstractEventLoop
    readings: list[Reading] = field(default_factory=list)
    waiting: list[asyncio.Future[bytes]] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


class Turns:
    """The turns of one server; each thread with an event loop has its own.

    Args:
        together: Returns the replies to several requests of a model, in order.
    """

    def __init__(self, together: Callable[[str, Sequence[Reading]], Awaitable[Sequence[Reply]]]) -> None:
        self._together = together
        self._local = threading.local()

    def ask(self, model: str, reading: Reading) -> asyncio.Future[bytes]:
        """Return the reply to come, found in one call of *together* with those of the same turn."""
        loop = asyncio.get_running_loop()
        open_turns: dict[str, _Turn] = self._local.__dict__
        turn = open_turns.get(model)
        if turn is None or turn.loop is not loop:  # another loop's was left behind when that was closed
            turn = open_turns[model] = _Turn(loop)
            turn.task = loop.create_task(self._take(model, turn))
        reply = loop.create_future()
        turn.readings.append(reading)
        turn.waiting.append(reply)
        return reply

    async def _take(self, model: str, turn: _Turn) -> None:
        """Gather a turn and answer all of it; belongs to no request, so none that gives up ends it."""
        for _ in range(GIVE_WAY):
            await asyncio.sleep(0)
        if self._local.__dict__.get(model) is turn:
            del self._local.__dict__[model]
        try:
            replies = await self._together(model, turn.readings)
        except Exception as error:  # noqa: BLE001 - raised again in the requests
            replies = [error] * len(turn.readings)
        for waiting, reply in zip(turn.waiting, replies, strict=True):
            if waiting.done():
                continue
            if isinstance(reply, Exception):
                waiting.set_exception(reply)
            else:
                waiting.set_result(reply)
