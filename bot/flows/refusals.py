"""How a story that cannot go on tells the person: a refusal in words, or what did not answer."""

from __future__ import annotations

import logging

from bot.desk import Desk
from bot.errors import (
    EndpointUnreachable,
    FlowFailed,
    FunctionsUnreachable,
    GitHubUnreachable,
    MlflowUnreachable,
    RateLimited,
    Refused,
    SlackRefused,
    SlackUnreachable,
)
from bot.jobs import WEBHOOK, Job
from bot.messages import errors as messages
from bot.messages.forms import open_row
from bot.messages.message import Message
from ml.contract import Problem

log = logging.getLogger(__name__)

MENDED_BY_FORM = frozenset({"invalid_inputs", "invalid_params", "invalid_value", "lookup_failed"})
"""Refusals beside which the form is offered, with what was given in it."""


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
    """Tell the person privately what did not work; the log says it, too."""
    log.error("flow failed", extra={"flow_id": job.flow_id, "reason": str(failure)})
    _tell(desk, job, failure_words(job, failure))


def failure_words(job: Job, failure: FlowFailed) -> Message:
    """Return what people are told of a failure: whose it was, in words of ours only."""
    if failure.kind == FunctionsUnreachable.__name__:
        return messages.function_app_down(job, "function_app_unreachable", failure.detail)
    return messages.problem(job, failure_problem(failure))


def failure_problem(failure: FlowFailed) -> Problem:
    """Return a failure as a problem to show: who did not answer, or that the fault is the bot's."""
    if failure.kind == EndpointUnreachable.__name__:
        return refuse("endpoint_unreachable", f"It was: {failure.detail}.").problem
    if failure.kind in (GitHubUnreachable.__name__, RateLimited.__name__):
        return refuse("github_unreachable", f"It was: {failure.detail}.").problem
    if failure.kind == MlflowUnreachable.__name__:
        return refuse("mlflow_unreachable", f"It said: {failure.detail}.").problem
    if failure.kind in (SlackUnreachable.__name__, SlackRefused.__name__):
        return refuse("slack_failed", f"Slack answered {failure.detail}.").problem
    return refuse("bot_failed", f"The bot's log says more ({failure.kind}).").problem


def _words(desk: Desk, job: Job, problem: Problem) -> Message:
    if problem.reason_code == "not_in_channel":
        return messages.not_in_channel(job.typed, job.channel, desk.identity.user)
    command = desk.commands.get(job.verb)
    mends = command is not None and command.form and problem.reason_code in MENDED_BY_FORM
    return messages.problem(job, problem, open_row(job) if mends and job.user != WEBHOOK else None)


def _tell(desk: Desk, job: Job, message: Message) -> None:
    try:
        desk.tell(job, message)
    except (Refused, FlowFailed) as error:
        log.error("answer could not be given", extra={"flow_id": job.flow_id, "reason": str(error)})
