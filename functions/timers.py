"""Work by the clock: the sweep that puts forgotten runs back on the queue.

A run is forgotten where it was recorded but its message was lost, or where its worker died. A message for a
run that does not need one does nothing, so the sweep errs on the side of sending it.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import List  # noqa: UP035 - see sweep

import azure.functions as func

from functions.queues import CONNECTION, RUNS, message_for
from functions.state import state

EVERY_MINUTE = "0 * * * * *"
JUST_SENT = timedelta(seconds=60)
"""A run recorded more recently has its message, as far as anybody can tell."""

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
