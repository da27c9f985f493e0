"""The bot, which ends itself by SIGKILL at each moment of each flow, at each of them once.

`python -m tests.stand_ins.dying_bot up …` runs the bot as it is; around each step, wait, start and message of
a flow, and on the way from a request to its flow, it looks whether it has died there before. The file that
TOBAN_TEST_DEATHS names holds where it has.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from dbos import DBOS

from bot.__main__ import main
from bot.desk import Desk
from bot.inbox import Inbox
from bot.intake import Entry, Intake
from tests.stand_ins.reaper import DEATHS, Reaper

T = TypeVar("T")


class FlowReaper(Reaper):
    """Knows the moments of flows."""

    def __init__(self, deaths: Path) -> None:
        super().__init__(deaths)
        self._calls: Counter[str] = Counter()

    def next_call(self, kind: str) -> str:
        """Return a name for the flow's next call of *kind* that is the same when the flow runs again."""
        with self._lock:
            self._calls[f"{DBOS.workflow_id} {kind}"] += 1
            return f"{DBOS.workflow_id}\t{kind}\t{self._calls[f'{DBOS.workflow_id} {kind}']}"


def watch_steps(reaper: FlowReaper) -> None:
    """Let the reaper stand before each effect, between it and its checkpoint, and after that."""
    run_step = DBOS.run_step

    def watched(options: Any, action: Callable[[], T]) -> T:
        passed: list[str] = []

        def run() -> T:
            step = f"{DBOS.workflow_id}\t{options['name']}\t{DBOS.step_id}"
            reaper.pass_by(f"{step}\tbefore it")
            outcome = action()
            reaper.pass_by(f"{step}\tbefore its checkpoint")
            passed.append(step)
            return outcome

        outcome: T = run_step(options, run)
        if passed:  # not where it was answered from its checkpoint
            reaper.pass_by(f"{passed[-1]}\tafter it")
        return outcome

    DBOS.run_step = staticmethod(watched)  # type: ignore[assignment,method-assign]


def watch_calls(reaper: FlowReaper, *names: str) -> None:
    """Let the reaper stand before and after the other things that a flow does: waits, starts, messages."""
    for name in names:
        setattr(Desk, name, _watched(reaper, name, getattr(Desk, name)))


def _watched(reaper: FlowReaper, name: str, method: Callable[..., T]) -> Callable[..., T]:
    def watched(*args: Any, **options: Any) -> T:
        call = reaper.next_call(name)
        reaper.pass_by(f"{call}\tbefore it")
        outcome = method(*args, **options)
        reaper.pass_by(f"{call}\tafter it")
        return outcome

    return watched


def watch_requests(reaper: FlowReaper) -> None:
    """Let the reaper stand where a request is stored and not acked, and around the beginning of its flow."""
    write, begin, begin_flows = Intake._write, Inbox._begin, Inbox.begin_flows
    begun: list[str] = []

    def watched_write(self: Intake, batch: list[Entry]) -> None:
        write(self, [replace(entry, stored=Future()) for entry in batch])
        for entry in batch:
            reaper.pass_by(f"{entry.flow_id}\trequest\tstored, not acked")
            entry.stored.set_result(None)

    def watched_begin(self: Inbox, connection: Any, row: Any) -> None:
        begin(self, connection, row)
        reaper.pass_by(f"{row.flow_id}\trequest\tbefore its flow is kept")
        begun.append(row.flow_id)

    def watched_flows(self: Inbox, most: int) -> int:
        count = begin_flows(self, most)
        while begun:
            reaper.pass_by(f"{begun.pop()}\trequest\tafter its flow is kept")
        return count

    Intake._write = watched_write  # type: ignore[method-assign]
    Inbox._begin = watched_begin  # type: ignore[method-assign]
    Inbox.begin_flows = watched_flows  # type: ignore[method-assign]


if __name__ == "__main__":
    a_reaper = FlowReaper(Path(os.environ[DEATHS]))
    watch_requests(a_reaper)
    watch_steps(a_reaper)
    watch_calls(a_reaper, "wait", "start", "send")
    sys.exit(main())
