"""Everything that happened, numbered, so that nobody has to sleep and look again."""

import asyncio
from collections import deque
from typing import Any

Event = dict[str, Any]
KEPT = 5_000


class Feed:
    """Numbered events with a long poll; the newest 5,000 are kept. Used from the server's own loop only."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._changed = asyncio.Event()
        self._closed = False
        self.seq = 0

    def publish(self, kind: str, **fields: Any) -> Event:
        """Append an event and wake everybody who waits; return it with its number."""
        self.seq += 1
        event = {"seq": self.seq, "kind": kind, **fields}
        self._events.append(event)
        self._changed.set()
        self._changed = asyncio.Event()
        return event

    async def after(self, seq: int, timeout_seconds: float) -> list[Event]:
        """Return the events numbered above *seq*, waiting for the first one; empty when the time is over."""
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        while not (found := [event for event in self._events if event["seq"] > seq]) and not self._closed:
            left = deadline - asyncio.get_running_loop().time()
            try:
                await asyncio.wait_for(self._changed.wait(), max(left, 0))
            except TimeoutError:
                return []
        return found

    def close(self) -> None:
        """Let everybody who waits go home with what there is."""
        self._closed = True
        self._changed.set()
