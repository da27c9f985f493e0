"""How a story that cannot go on tells the person: a refusal in words, or what did not answer."""

from __future__ import annotations

import logging

from bot.desk import Desk
from bot.errors import FlowFailed, Refused
from bot.jobs import Job
from bot.messages import errors as messages
from bot.messages.message import Message
from ml.contract import Problem

log = logging.getLogger(__name__)


def refuse(reason_code: str, detail: str, *, suggestions: tuple[str, ...] = ()) -> Refused:
    """Return a refusal of our own, to be raised; *detail* says what was seen and what is allowed."""
    return Refused(
        Problem(
            title=reason_code.replace("_", " "),
            status=400,
            detail=detail,
            reason_code=reason_code,
            suggestions=suggestions,
        )
    )


def tell_refusal(desk: Desk, job: Job, refusal: Refused) -> None:
    """Tell the person privately why it was refused; what cannot even be told is logged."""
    _tell(desk, job, _words(desk, job, refusal.problem))


def tell_failure(desk: Desk, job: Job, failure: FlowFailed) -> None:
    """Tell the person privately that something did not answer; nothing of it is hidden in the log."""
    log.error("flow failed", extra={"flow_id": job.flow_id, "reason": str(failure)})
    unreachable = "Unreachable" in str(failure)
    code = "function_app_unreachable" if unreachable else "function_app_failed"
    _tell(desk, job, messages.function_app_down(job, code, failure_detail(failure)))


def failure_detail(failure: FlowFailed) -> str:
    """Return what may be shown of a failure: its words where they are ours, its kind otherwise."""
    text = str(failure).rsplit("Unreachable(", 1)[-1].strip("')\"") if "Unreachable" in str(failure) else ""
    return text.removeprefix("FunctionsUnreachable: ") or failure.kind


def _words(desk: Desk, job: Job, problem: Problem) -> Message:
    if problem.reason_code == "not_in_channel":
        return messages.not_in_channel(job.typed, job.channel, desk.identity.user)
    return messages.problem(job, problem)


def _tell(desk: Desk, job: Job, message: Message) -> None:
    try:
        desk.tell(job, message)
    except (Refused, FlowFailed) as error:
        log.error("answer could not be given", extra={"flow_id": job.flow_id, "reason": str(error)})
