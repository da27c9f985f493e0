"""A person opens the form of a command: by typing it without inputs, by `form`, or by a result's button."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.desk import SHORT, Desk
from bot.engine import REQUESTS
from bot.errors import FlowFailed, Refused
from bot.flows.asking import form_of, model_form, open_or_find, show
from bot.flows.entry import admit, model_name
from bot.flows.experiment import experiment_form
from bot.flows.refusals import failure_problem, refuse
from bot.flows.workflow import workflow_form
from bot.forms import Form, has_fields, loading_view, plain_view, problem_view
from bot.jobs import Job
from bot.messages import forms as messages

OF_MODEL = frozenset({"predict", "retrain"})
LATER, WAITING, DEAD = "later", "waiting", "dead"


def form(desk: Desk, job: Job, begin: bool = False) -> None:
    """Open the form, filled with what the job gives; at once a waiting one where it must be looked up first.

    With *begin*, a command that turns out to have nothing to ask for is started.
    """
    command = desk.commands.get(job.verb)
    if command is None or not command.form:
        raise refuse("no_form", "These have one: " + ", ".join(_with_form(desk)))
    admit(desk, job)
    title = job.verb.capitalize()
    state = desk.step("see whether it must be looked up", _first, desk, job, title)
    try:
        made = desk.step("read what it asks for", _made, desk, job, patience=SHORT)
    except (Refused, FlowFailed) as trouble:
        _explain(desk, job, title, state, trouble)
        raise
    asks = Form.model_validate(made)
    if not has_fields(asks.schema_):
        _without_fields(desk, job, title, state, begin=begin)
    elif not desk.step("show the form", _show, desk, job, asks, state):
        desk.tell(job, messages.offer(job))


def _with_form(desk: Desk) -> list[str]:
    return [verb for verb, command in desk.commands.items() if command.form]


def _first(desk: Desk, job: Job, title: str) -> str:
    """Open a waiting form where the real one takes long; a trigger would be dead by then."""
    if job.trigger_id is None:
        return DEAD
    known = job.verb in OF_MODEL and desk.knows_model(model_name(desk, job))
    if job.verb not in MAKERS or known:
        return LATER
    return WAITING if open_or_find(desk, job.trigger_id, loading_view(title, job.flow_id)) else DEAD


def _made(desk: Desk, job: Job) -> dict[str, Any]:
    return MAKERS.get(job.verb, _own)(desk, job).model_dump(mode="json")


def _of_model(desk: Desk, job: Job) -> Form:
    return model_form(desk, job, desk.model(model_name(desk, job)))


def _own(desk: Desk, job: Job) -> Form:
    return form_of(desk, job, desk.commands[job.verb].inputs or {})


def _show(desk: Desk, job: Job, asks: Form, state: str) -> bool:
    return state != DEAD and show(desk, job, asks, waiting=state == WAITING)


def _without_fields(desk: Desk, job: Job, title: str, state: str, *, begin: bool) -> None:
    if not begin:
        trouble = refuse("no_form", f"It takes no inputs. Type it: {desk.commands[job.verb].usage}")
        _explain(desk, job, title, state, trouble)
        raise trouble
    if state == WAITING:
        view = plain_view(title, messages.started_instead(), job.flow_id)
        desk.step("say that it begins", desk.slack.update_view, view)
    desk.start(job.verb, REQUESTS, f"{job.flow_id}-go", job.model_dump(mode="json"))


def _explain(desk: Desk, job: Job, title: str, state: str, trouble: Refused | FlowFailed) -> None:
    """Say in the waiting form why there is no other."""
    if state == WAITING:
        problem = trouble.problem if isinstance(trouble, Refused) else failure_problem(trouble)
        view = problem_view(title, problem, job.flow_id)
        desk.step("say why there is none", desk.slack.update_view, view)


MAKERS: dict[str, Callable[[Desk, Job], Form]] = {
    "predict": _of_model,
    "retrain": _of_model,
    "run": workflow_form,
    "experiment": experiment_form,
}
"""How the form of a built-in command comes about; a team's own are known from the settings."""
