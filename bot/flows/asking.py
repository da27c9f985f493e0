"""A person is asked by a form for what is missing; where none can be opened, the words and a button stay."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from bot.desk import Desk
from bot.errors import FlowFailed, Refused
from bot.flows.entry import typed_values
from bot.forms import Form, build_view, fitted
from bot.jobs import Job
from bot.messages import forms as messages
from bot.posts import may_be_done
from ml.contract import ModelView, Problem

log = logging.getLogger(__name__)

SUBMIT = {"predict": "Predict", "retrain": "Retrain", "experiment": "Record"}


def values_or_form(
    desk: Desk, job: Job, schema: dict[str, Any], make_form: Callable[[], Form]
) -> dict[str, Any] | None:
    """Return the values given, typed by *schema*; None where a form now asks for those that are missing.

    Raises Refused naming every bad value, and every missing one where no form can be opened.
    """
    try:
        return typed_values(job, schema)
    except Refused as refusal:
        if job.trigger_id is None or not _only_missing(refusal.problem):
            raise
        if not _open(desk, job, make_form()):
            raise
    return None


def form_of(
    desk: Desk,
    job: Job,
    schema: Mapping[str, Any],
    *,
    model: str | None = None,
    words: tuple[str, ...] = (),
    about: str = "",
) -> Form:
    """Return the form of the job's command: *model* and *words* say what it is about."""
    command = desk.commands[job.verb]
    named = " ".join(filter(None, (model, *words)))
    return Form(
        verb=job.verb,
        model=model,
        words=words,
        schema_=dict(schema),
        channel=job.channel,
        thread_ts=job.thread_ts,
        title=command.verb.replace("-", " ").capitalize(),
        intro=messages.intro(command, desk.settings.team.bot.command, named, about),
        submit=SUBMIT.get(job.verb, "Start"),
    )


def model_form(desk: Desk, job: Job, model: ModelView) -> Form:
    """Return the form of a command about *model*: its inputs, or the parameters of its training."""
    schema = model.params_schema if job.verb == "retrain" else model.input_schema
    about = model.title if job.verb == "predict" else ""
    return form_of(desk, job, schema, model=model.name, about=about)


def show(desk: Desk, job: Job, form: Form, *, waiting: bool) -> bool:
    """Keep the form and show it, in place of the *waiting* one if there is one; False: Slack opens it not.

    To be called inside a step. Where a person has closed the waiting form, nothing more is shown.
    """
    form = fitted(form, job.inputs)
    desk.forms.keep(form)
    view = build_view(form, job.inputs, job.flow_id)
    if waiting:
        desk.slack.update_view(view)
        return True
    return job.trigger_id is not None and open_or_find(desk, job.trigger_id, view)


def open_or_find(desk: Desk, trigger_id: str, view: dict[str, Any]) -> bool:
    """Open a modal as part of a step; return whether the person has it now.

    After a crash the trigger is dead, and the modal may stand there since before: it is found by its id.
    """
    return desk.slack.open_view(trigger_id, view) or (may_be_done() and desk.slack.update_view(view))


def _open(desk: Desk, job: Job, form: Form) -> bool:
    try:
        return desk.step("open the form", lambda: show(desk, job, form, waiting=False))
    except FlowFailed as failure:
        log.warning("form was not opened", extra={"flow_id": job.flow_id, "reason": str(failure)})
        return False


def _only_missing(problem: Problem) -> bool:
    return bool(problem.errors) and all(one.value is None for one in problem.errors)
