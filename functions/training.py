"""The queue's two doors: one works on runs, the other ends those whose message was delivered in vain.

Training itself happens in a child process that `ml.training` starts and watches; this worker imports no
training library. host.json gives this function one message at a time.
"""

from __future__ import annotations

import logging

import azure.functions as func

from functions.queues import CONNECTION, MAX_REVIVALS, POISON, RUNS, RunMessage, message_for
from functions.state import state
from ml.contract import FINAL_STATES, Reason
from ml.errors import NotFound

_log = logging.getLogger("toban.functions")

GAVE_UP = Reason(
    code="could_not_be_run",
    detail="The function app tried many times and could not run this job; its log says why.",
)

blueprint = func.Blueprint()


class Interrupted(RuntimeError):
    """The process ends before the run does; raised so that the message is delivered again elsewhere."""


@blueprint.queue_trigger(arg_name="message", queue_name=RUNS, connection=CONNECTION)
def train(message: func.QueueMessage) -> None:
    """Work on the run that the message names, unless it has ended or another worker has it.

    Raises:
        Interrupted: this process was told to end; the run waits to be taken up again.
    """
    run_id = RunMessage.model_validate_json(message.get_body()).run_id
    if not _is_known(run_id):
        return
    with state.alone_with(run_id) as alone:
        ending = _work_on(run_id) if alone else "held"
    _log.info("run worked on", extra={"run_id": run_id, "ending": ending})
    if ending == "interrupted":
        raise Interrupted(run_id)


def _is_known(run_id: str) -> bool:
    """Return whether there is such a run; a message about none is dropped, for no delivery could help it."""
    try:
        state.runs.view(run_id)
    except NotFound:
        _log.warning("message of an unknown run", extra={"run_id": run_id})
        return False
    return True


def _work_on(run_id: str) -> str:
    # Loaded here, because a worker that only predicts need not wait for it when it starts.
    from ml.training import execute

    return execute(
        run_id,
        runs=state.runs,
        registry=state.registry,
        catalog=state.catalog,
        worker=state.worker,
        stopping=state.stopping,
    )


@blueprint.queue_trigger(arg_name="message", queue_name=POISON, connection=CONNECTION)
@blueprint.queue_output(arg_name="again", queue_name=RUNS, connection=CONNECTION)
def give_up(message: func.QueueMessage, again: func.Out[str]) -> None:
    """End a run whose deliveries are used up, or queue it again while restarts may have used them up.

    Whether its attempts are used up is decided where it is claimed.
    """
    note = RunMessage.model_validate_json(message.get_body())
    if not _is_known(note.run_id) or state.runs.view(note.run_id).state in FINAL_STATES:
        return
    if note.revived < MAX_REVIVALS:
        again.set(message_for(note.run_id, note.revived + 1))
    else:
        state.runs.fail(note.run_id, GAVE_UP)
