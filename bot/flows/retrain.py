"""A person asks for a model to be trained again: a card is posted, the run takes its place in the queue."""

from __future__ import annotations

from typing import Any

from bot.desk import SHORT, Desk
from bot.engine import RUNS
from bot.flows.asking import model_form, values_or_form
from bot.flows.elsewhere import order_elsewhere
from bot.flows.entry import admit, admit_to, find_model
from bot.flows.work import Order
from bot.jobs import Job
from bot.messages import jobs as messages


def retrain(desk: Desk, job: Job) -> None:
    """Check who asks and what they gave, post the card, queue the run behind earlier ones of the model."""
    admit(desk, job)
    model = find_model(desk, job)
    params = values_or_form(desk, job, model.params_schema, lambda: model_form(desk, job, model))
    if params is None:
        return
    task: dict[str, Any] = {"kind": "retrain", "params": params}
    order = desk.step(
        "see where it is trained", order_elsewhere, desk, job, model.name, params, patience=SHORT
    )
    if order is not None:
        admit_to(desk, job, Order.model_validate(order).roles)
        task["order"] = order
    queue_run(desk, job, model.name, task)


def queue_run(desk: Desk, job: Job, model: str, task: dict[str, Any]) -> None:
    """Post the card of *job* and put its run on the model's queue."""
    job = job.model_copy(update={"model": model})
    run_flow_id = f"{job.flow_id}-run"
    ahead = desk.outlast(lambda: desk.records.count_open(model))
    first = messages.queued(job, ahead, ahead) if ahead else messages.starting(job)
    place = desk.show("post the card", job, first, state="open")
    record = job.model_dump(mode="json")
    desk.step("remember the card", desk.records.open_card, job.flow_id, run_flow_id, model, record, place)
    desk.start("run", RUNS, run_flow_id, record, place, model, task, partition=model)
