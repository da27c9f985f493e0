"""A model is trained by a workflow: started and followed like any run, then taken up from the registry.

The workflow trains with the same code into the same object store as the function app, and says in its
report which run of the registry it was. Only what the function app finds there counts, so a decision rests on
the same evidence wherever the training ran.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from bot.connectors.connector import JobRequest, Report, RunStatus
from bot.connectors.github_runs import NAME
from bot.desk import LONG, Desk
from bot.errors import FlowFailed, Refused
from bot.flows.entry import caller
from bot.flows.work import Order, begin_run, follow_run, show_end
from bot.flows.workflow import read_workflow
from bot.jobs import Job
from bot.messages import work as messages
from ml.contract import RUN_ID_PATTERN, FieldProblem, Problem

T = TypeVar("T")
log = logging.getLogger(__name__)

MADE = "made"
"""The kind of a task whose run in the registry was made by a workflow; it only has to be looked at."""
MODEL_INPUT = "model"
"""A workflow that trains several models has an input of this name."""
_VERSION = re.compile(r"^v?([1-9]\d{0,5})$")


def order_elsewhere(desk: Desk, job: Job, model: str, params: dict[str, Any]) -> dict[str, Any] | None:
    """Return the order for the workflow that trains *model* with *params*; None: the function app trains it.

    Raises Refused where the workflow is not there, or does not take what the model is trained with.
    """
    settings = desk.settings.team.models.get(model)
    where = settings.retrain if settings is not None else None
    if where is None:
        return None
    found = read_workflow(desk, [where.repository], where.workflow, where.ref)
    repository, file = found["repository"], found["file"]
    who = caller(job)
    order = Order(
        connector=NAME,
        title=f"Retraining {model} by {file} in {repository}",
        request=JobRequest(
            target=f"{repository}/{file}",
            values=workflow_inputs(file, found["schema"], model, params),
            ref=found["ref"],
            who=who.who,
            where=who.where,
        ),
        roles=desk.settings.team.github.workflow(repository, file).roles,
        model=model,
    )
    return order.model_dump(mode="json")


def workflow_inputs(file: str, schema: dict[str, Any], model: str, params: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs of the workflow: the parameters by their names, and the model's where it asks for it.

    Raises Refused naming every parameter that the workflow does not take, and every input nobody gives.
    """
    takes = schema["properties"]
    values = ({MODEL_INPUT: model} if MODEL_INPUT in takes else {}) | params
    named = ", ".join(takes) or "no inputs"
    wrong = [
        FieldProblem(
            field=name,
            value=value,
            allowed=named,
            message=f"the workflow {file} has no such input; it has: {named}",
        )
        for name, value in values.items()
        if name not in takes
    ]
    wrong += [
        FieldProblem(field=name, allowed="a parameter of the model", message=f"the workflow {file} needs it")
        for name in schema["required"]
        if name not in values
    ]
    if wrong:
        raise Refused(
            Problem(
                title="The workflow takes other inputs",
                status=HTTPStatus.UNPROCESSABLE_ENTITY,
                detail=f"{file} cannot train {model} with these parameters.",
                reason_code="unexpected_inputs",
                errors=tuple(wrong),
            )
        )
    return values


def train_elsewhere(
    desk: Desk, job: Job, place: dict[str, str], model: str, order: Order
) -> dict[str, Any] | None:
    """Have the workflow train; return the task that is left for the function app, or None.

    None says that nothing is left: the card shows its end.
    """
    desk.step("hand the card over", _hand_over, desk, job, place, order)
    handle = begin_run(desk, job, place, order)
    status = follow_run(desk, job, place, order, handle, attempt=1) if handle is not None else None
    if status is None:
        desk.step("close the model's card", desk.records.close_card, job.flow_id)
        return None
    left = _left_to_do(desk, job, place, model, order, status) if status.state == "succeeded" else {}
    if "task" in left:
        desk.reply("show what the workflow reports", place, messages.reported(order.title, status))
        task: dict[str, Any] = left["task"]
        return task
    desk.step("close the model's card", desk.records.close_card, job.flow_id)
    told = status.model_copy(update={"detail": left["why"]}) if left else status
    show_end(desk, job, place, order, told, attempt=1)
    return None


def _hand_over(desk: Desk, job: Job, place: dict[str, str], order: Order) -> None:
    """Let the connectors' watcher draw on the card from now on."""
    record, ordered = job.model_dump(mode="json"), order.model_dump(mode="json")
    desk.works.open(job.flow_id, f"{job.flow_id}-run", record, ordered, place)
    desk.records.hand_over(job.flow_id)


def _left_to_do(
    desk: Desk, job: Job, place: dict[str, str], model: str, order: Order, status: RunStatus
) -> dict[str, Any]:
    """Return the `task` left for the function app, or `why` there is none, in words for the card."""
    desk.redraw("show that it has ended", job, place, messages.taking_up(job, order.title), state="open")
    report = (status.report or Report()).model_dump(mode="json")
    try:
        return desk.step("see what it made", _made, desk, model, report, patience=LONG)
    except (Refused, FlowFailed) as error:
        log.error("what was trained could not be read", extra={"flow_id": job.flow_id, "reason": str(error)})
        return {"why": f"The function app did not say what it made: {error}"}


def _made(desk: Desk, model: str, record: dict[str, Any]) -> dict[str, Any]:
    """Find what the report speaks of in the registry; without a comparison there, have one made."""
    report = Report.model_validate(record)
    run_id, named = str(report.fields.get("run_id") or ""), _VERSION.match(report.version or "")
    if _compared(desk, model, run_id):
        return {"task": {"kind": MADE, "run_id": run_id}}
    if named is None:
        return {"why": f"Its report names no version of {model}, so there is nothing to decide on."}
    version, champion = int(named[1]), desk.model(model, fresh=True).champion
    if _found(desk.functions.version, model, version) is None:
        return {
            "why": f"Its report names v{version} of {model}, which the function app does not know. "
            "Do both use the same store (TOBAN_STORE_URL)?"
        }
    if champion is None or champion.version == version:
        return {"why": f"v{version} is there, and there is no other champion to compare it with."}
    return {"task": {"kind": "compare", "versions": [version, champion.version]}}


def _compared(desk: Desk, model: str, run_id: str) -> bool:
    """Return whether *run_id* is a run of the model that ended with a version and its evidence."""
    view = _found(desk.functions.run, run_id) if re.fullmatch(RUN_ID_PATTERN, run_id) else None
    if view is None or view.result is None:
        return False
    return view.model == model and view.state == "succeeded" and view.result.comparison is not None


def _found(read: Callable[..., T], *named: Any) -> T | None:
    """Return what the function app has under a name, or None where it has nothing."""
    try:
        return read(*named)
    except Refused as refusal:
        if refusal.problem.status != HTTPStatus.NOT_FOUND:
            raise
        return None
