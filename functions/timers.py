"""Work by the clock: the sweep that puts forgotten runs back on the queue, and tidying up the prediction log.

A run is forgotten where it was recorded but its message was lost, or where its worker died. A message for a
run that does not need one does nothing, so the sweep errs on the side of sending it.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import List  # noqa: UP035 - see sweep

import azure.functions as func

from functions.queues import CONNECTION, RUNS, message_for
from functions.state import ROOT, state

EVERY_MINUTE = "0 * * * * *"
JUST_SENT = timedelta(seconds=60)
"""A run recorded more recently has its message, as far as anybody can tell."""

EVERY_HOUR = "0 15 * * * *"
"""A quarter past: the hour before is closed then (`ml.usage.GRACE`)."""

POLL_SECONDS = 0.2
LONGEST_SECONDS = 50 * 60
"""A process that tidies up for longer is ended; the next one goes on where it was."""

_log = logging.getLogger("toban.functions")

blueprint = func.Blueprint()


# Azure's library knows an output of several messages by typing.List only; it refuses list[str].
@blueprint.timer_trigger(arg_name="timer", schedule=EVERY_MINUTE)
@blueprint.queue_output(arg_name="messages", queue_name=RUNS, connection=CONNECTION)
def sweep(timer: func.TimerRequest, messages: func.Out[List[str]]) -> None:  # noqa: UP006
    """Queue again every run that nobody works on, ever less often the longer it waits."""
    waiting = state.resends.due(state.runs.unclaimed(JUST_SENT))
    if waiting:
        _log.info("runs queued again", extra={"run_ids": waiting})
        messages.set([message_for(run_id) for run_id in waiting])


@blueprint.timer_trigger(arg_name="timer", schedule=EVERY_HOUR)
def compact(timer: func.TimerRequest) -> None:
    """Tidy up the prediction log, in a process of its own: predicting must not wait for it.

    Raises:
        RuntimeError: Something could not be tidied up; the process has said what.
    """
    ended = run_until([sys.executable, "-m", "ml", "compact"], state.stopping, LONGEST_SECONDS)
    if ended not in (0, None):
        raise RuntimeError(f"tidying up the prediction log ended with {ended}")


def run_until(command: Sequence[str], stopping: threading.Event, seconds: float) -> int | None:
    """Run a command of ours to its end and return its exit status; None where it was ended before."""
    deadline = time.monotonic() + seconds
    places = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    with subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL) as process:
        while process.poll() is None:
            if stopping.wait(POLL_SECONDS) or time.monotonic() > deadline:
                process.kill()  # any moment will do: what it has not committed does not count
                process.wait()
                return None
    return process.returncode
