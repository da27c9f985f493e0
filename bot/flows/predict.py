"""A person asks a model for a prediction and sees the answer in the channel."""

from __future__ import annotations

from typing import Any

from bot.desk import Desk
from bot.errors import Refused
from bot.flows.asking import model_form, values_or_form
from bot.flows.entry import admit, caller, find_model
from bot.jobs import Job
from bot.messages import predictions as messages
from ml.contract import PredictReply, Problem


def predict(desk: Desk, job: Job) -> None:
    """Check who asks, ask the function app, show the answer; a refused row is told to the asker only."""
    admit(desk, job)
    model = find_model(desk, job)
    row = values_or_form(desk, job, model.input_schema, lambda: model_form(desk, job, model))
    if row is None:
        return
    reply = PredictReply.model_validate(desk.step("ask for the prediction", _ask, desk, job, model.name, row))
    answer = reply.results[0]
    if answer.outcome == "refused":
        raise Refused(answer.problem or _unnamed(answer.reason_code))
    desk.show("show the prediction", job, messages.prediction(job, reply, model), state="done")


def _ask(desk: Desk, job: Job, model: str, row: dict[str, Any]) -> dict[str, Any]:
    return desk.functions.predict(model, [row], caller(job)).model_dump(mode="json")


def _unnamed(reason_code: str | None) -> Problem:
    return Problem(
        title="The row was refused",
        status=422,
        detail="The model refused this row.",
        reason_code=reason_code or "invalid_inputs",
    )
