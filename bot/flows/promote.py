"""A person asks for a version to be made champion: evidence is found or made, then people decide."""

from __future__ import annotations

from typing import Any

from bot.desk import SHORT, Desk
from bot.engine import DECISIONS
from bot.errors import Refused
from bot.flows.entry import admit, find_model
from bot.flows.refusals import refuse
from bot.flows.retrain import queue_run
from bot.flows.versions import version_number
from bot.jobs import Job
from bot.messages import jobs as messages
from ml.contract import ModelView, RunView


def promote(desk: Desk, job: Job) -> None:
    """Use the comparison that the version's own run made if it still holds, or make a new one."""
    admit(desk, job)
    model = find_model(desk, job, fresh=True)
    job = job.model_copy(update={"model": model.name})
    if len(job.words) != 1:
        raise refuse("missing_argument", f"Name one version: promote {model.name} v2")
    number = version_number(model, job.words[0])
    record = desk.step(
        "look for evidence that still holds", _evidence, desk, model.name, number, patience=SHORT
    )
    if record is not None:
        place = desk.show("post the card", job, messages.starting(job), state="open")
        desk.start("decide", DECISIONS, f"{job.flow_id}-decide", job.model_dump(mode="json"), place, record)
        return
    if model.champion is None:
        raise refuse(
            "evidence_missing", f"v{number} has no comparison on record; retrain {model.name} to get one."
        )
    queue_run(desk, job, model.name, {"kind": "compare", "versions": [number, model.champion.version]})


def _evidence(desk: Desk, name: str, number: int) -> dict[str, Any] | None:
    """Return the version's own run if its comparison is with the present champion, as a record."""
    model = desk.model(name, fresh=True)
    if model.champion is not None and model.champion.version == number:
        raise refuse("already_champion", f"v{number} is the champion of {name} already.")
    run_id = desk.functions.version(name, number).manifest.get("run_id")
    view = _run(desk, run_id) if run_id else None
    if view is None or not _still_holds(view, model):
        return None
    return view.model_dump(mode="json")


def _run(desk: Desk, run_id: str) -> RunView | None:
    try:
        return desk.functions.run(run_id)
    except Refused:
        return None


def _still_holds(view: RunView, model: ModelView) -> bool:
    evidence = view.result.comparison if view.result is not None else None
    champion = model.champion.version if model.champion is not None else None
    return (
        evidence is not None
        and evidence.champion == champion
        and evidence.champion_event == model.champion_event
    )
