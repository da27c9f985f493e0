"""The queue of runs: its name, and what a message on it says.

A message names a run and nothing else: the run's own record is what counts, so a message that is delivered
twice, late or out of order does no harm. `revived` counts how often the message came back from the poison
queue, so that this cannot go on for ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ml.contract import RUN_ID_PATTERN

RUNS = "toban-runs"
POISON = "toban-runs-poison"
"""Where Azure's host (and the local one) puts a message after its last delivery failed."""

CONNECTION = "AzureWebJobsStorage"
MAX_REVIVALS = 3
SHORTEST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0
"""Seconds between two messages of a run that still waits."""


class RunMessage(BaseModel):
    """The body of a message: which run to work on."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    run_id: Annotated[str, StringConstraints(pattern=RUN_ID_PATTERN)]
    revived: Annotated[int, Field(ge=0)] = 0


def message_for(run_id: str, revived: int = 0) -> str:
    """Return the body of a message that asks for work on *run_id*."""
    return RunMessage(run_id=run_id, revived=revived).model_dump_json()


class Resends:
    """Decides when a waiting run's message is sent again: at once, after 1, 2, 4 … minutes, then hourly.

    It forgets with the process, which costs one message more for each waiting run.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due: dict[str, tuple[float, float]] = {}

    def due(self, waiting: Sequence[str]) -> list[str]:
        """Return those of the *waiting* runs whose message is due; forgets runs that do not wait."""
        now = self._clock()
        self._due = {run_id: self._due[run_id] for run_id in waiting if run_id in self._due}
        sending = [run_id for run_id in waiting if self._due.get(run_id, (now, 0.0))[0] <= now]
        for run_id in sending:
            pause = min(2 * self._due[run_id][1], LONGEST_PAUSE) if run_id in self._due else SHORTEST_PAUSE
            self._due[run_id] = (now + pause, pause)
        return sending
