"""The local function host, which ends itself by SIGKILL inside each stage of a training, at each moment once.

`python -m tests.stand_ins.dying_host …` serves the function app as it is. Around each stage, each object that
a training puts into the store and its end it looks whether it has died there before. The last attempt of a
run is spared: a run whose attempts are all cut off is failed, which is another story.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from functions.local import main
from ml.attempt import Attempt
from ml.objects import ObjectStore
from ml.run_events import MAX_ATTEMPTS
from tests.stand_ins.reaper import DEATHS, Reaper

T = TypeVar("T")


class StageReaper(Reaper):
    """Knows which attempt is under way in this process, and in which stage it is."""

    def __init__(self, deaths: Path) -> None:
        super().__init__(deaths)
        self._stage = ""
        self._spared = True
        self._writes: Counter[str] = Counter()

    def enter(self, attempt: Attempt, stage: str) -> None:
        """Note that *attempt* is in *stage*."""
        self._stage, self._spared = stage, attempt.view.attempt >= MAX_ATTEMPTS

    def around(self, what: str, action: Callable[[], T]) -> T:
        """Do *action*, which may be the last thing that this process does or leaves undone."""
        if self._spared:
            return action()
        self.pass_by(f"{self._stage}\t{what}\tbefore it")
        outcome = action()
        self.pass_by(f"{self._stage}\t{what}\tafter it")
        return outcome

    def next_write(self) -> str:
        """Return a name for the next object of this attempt."""
        self._writes[self._stage] += 1
        return f"object {self._writes[self._stage]}"


def watch_attempts(reaper: StageReaper) -> None:
    """Let the reaper stand around the beginning of each stage, and around the end."""
    stage, succeed = Attempt.stage, Attempt.succeed

    def enter(attempt: Attempt, name: str, *more: Any) -> None:
        reaper.enter(attempt, name)
        reaper.around("its beginning", lambda: stage(attempt, name, *more))

    def end(attempt: Attempt, *result: Any) -> Any:
        return reaper.around("the end of the run", lambda: succeed(attempt, *result))

    Attempt.stage = enter  # type: ignore[method-assign]
    Attempt.succeed = end  # type: ignore[method-assign]


def watch_objects(reaper: StageReaper) -> None:
    """Let the reaper stand around each object that a training makes, not around the run's own events."""
    create = ObjectStore.create

    def watched(store: ObjectStore, path: str, *more: Any) -> None:
        if path.startswith(("files/", "models/", "evidence/")):
            reaper.around(reaper.next_write(), lambda: create(store, path, *more))
        else:
            create(store, path, *more)

    ObjectStore.create = watched  # type: ignore[method-assign]


if __name__ == "__main__":
    a_reaper = StageReaper(Path(os.environ[DEATHS]))
    watch_attempts(a_reaper)
    watch_objects(a_reaper)
    sys.exit(main())
