"""A person asks for one thing by its id: a version, a run, a prediction, or any flow of the bot's."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dbos import DBOS, WorkflowStatus
from pydantic import ValidationError

from bot.commands import Command
from bot.desk import Desk
from bot.errors import Refused
from bot.flows.refusals import refuse
from bot.flows.versions import split_version, version_number
from bot.incidents import News
from bot.jobs import Job, is_person
from bot.messages import flows, incidents, predictions, status, versions
from bot.messages.flows import Decision, FlowFacts
from bot.messages.message import Message
from bot.posts import names_of
from ml.contract import MODEL_NAME_PATTERN, RUN_ID_PATTERN

PREDICTION_ID = re.compile(r"^p-[A-Za-z0-9._-]+$")
MOST_KNOWN = 200
MOST_NEAR = 3
NEAR = 0.7
SHAPES = (
    "What can be shown: a version like arrival-delay v2 or arrival-delay@champion, a run like "
    "20130801t060000-a1b2c3 or GitHub's number, a prediction like p-arrival-delay-2013070112-a3-0, "
    "a flow like c-0123456789abcdef0123 from the log."
)


def show(desk: Desk, job: Job) -> Message:
    """Return what there is under the id, or the name and version, that the person typed."""
    words = tuple(word.strip("`<>#\"' ") for word in job.words)
    if not words or not words[0]:
        raise refuse("missing_argument", f"Say what to show: {desk.commands['show'].usage}")
    name, version = split_version(words)
    if name and version:
        model = desk.model(name, fresh=True)
        return versions.card(desk.functions.version(model.name, version_number(model, version)))
    try:
        return _by_id(desk, job, name)
    except Refused as refusal:
        if not refusal.problem.reason_code.startswith("unknown_"):
            raise
        raise _unknown(desk, name, refusal) from None


def _by_id(desk: Desk, job: Job, name: str) -> Message:
    """Return what has the id; what the bot knows itself is asked first, since its ids are the most exact."""
    card = desk.records.card(name)
    run_id = card["run_id"] if card is not None else None
    run_id = name if run_id is None else run_id
    if re.fullmatch(RUN_ID_PATTERN, run_id):
        return status.run(desk.functions.run(run_id), desk.now())
    found = _flow(desk, job, name)
    if found is not None:
        return found
    if PREDICTION_ID.match(name):
        return predictions.prediction_record(desk.functions.prediction(name))
    if not re.match(MODEL_NAME_PATTERN, name):
        raise refuse("unknown_id", "")
    return versions.model(desk.model(name, fresh=True))


def _flow(desk: Desk, job: Job, name: str) -> Message | None:
    """Return the flow called *name*, or whose run is called so, from the engine and the records; or None."""
    work = desk.works.find(name)
    flow_id = work.flow_id if work is not None else name
    known = DBOS.list_workflows(workflow_ids=names_of(flow_id), sort_desc=True, load_output=False)
    engine = next(iter(known), None)  # the last that it goes on as
    told = _incident(desk, engine)
    if told is not None:
        return told
    card, deeds = desk.records.card(flow_id), desk.records.deeds(flow_id)
    experiment, decision = desk.experiments.find(flow_id), desk.records.decision(flow_id)
    if not (engine or work or card or deeds or experiment or decision):
        return None
    asked = _job(engine) or _kept_job(work.job if work else card["job"] if card else None)
    place = work.place if work else card or (experiment.place if experiment else None)
    facts = FlowFacts(
        id=flow_id,
        kind=str(work.order["title"]) if work else _kind(engine, asked, deeds),
        state=engine.status if engine else None,
        card=work.state if work else card["state"] if card else None,
        begun_at=_begun(engine, asked),
        job=asked,
        hidden=asked is not None and _is_hidden(desk, asked, job),
        run=work.handle.id if work and work.handle else card["run_id"] if card else None,
        page=work.handle.url if work and work.handle else None,
        decision=Decision.model_validate(decision) if decision else None,
        issue=f"{experiment.repository}#{experiment.number}" if experiment else None,
        message=desk.slack.permalink({"channel": place["channel"], "ts": place["ts"]}) if place else None,
        deeds=tuple(map(flows.known, deeds)),
    )
    return flows.flow(facts)


def _incident(desk: Desk, engine: WorkflowStatus | None) -> Message | None:
    """Return the incident that a flow of news is about, as it stands; None for any other flow."""
    if engine is None or engine.name != "incident":
        return None
    news = News.model_validate(_arguments(engine)[0])
    incident = desk.subscriptions.incident(news.key)
    return incidents.incident(news.repository, incident) if incident is not None else None


def _arguments(engine: WorkflowStatus) -> tuple[Any, ...]:
    return tuple((engine.input or {"args": ()})["args"])


def _job(engine: WorkflowStatus | None) -> Job | None:
    """Return the job that a flow was begun for; None where it was begun for something else."""
    given = _arguments(engine) if engine is not None else ()
    return _kept_job(given[0]) if given else None


def _kept_job(record: object) -> Job | None:
    try:
        return Job.model_validate(record) if isinstance(record, Mapping) else None
    except ValidationError:
        return None


def _kind(engine: WorkflowStatus | None, asked: Job | None, deeds: list[dict[str, Any]]) -> str:
    """Return what sort of flow it is, in the words of its name."""
    name = engine.name if engine is not None else ""
    if name in ("", "lookup", "command") and asked is not None:
        name = asked.verb
    return (name or (deeds[0]["what"] if deeds else "flow")).replace("_", " ").replace("-", " ")


def _begun(engine: WorkflowStatus | None, asked: Job | None) -> datetime | None:
    if engine is not None and engine.created_at is not None:
        return datetime.fromtimestamp(engine.created_at / 1000, UTC)
    return asked.asked_at if asked is not None else None


def _is_hidden(desk: Desk, asked: Job, viewing: Job) -> bool:
    """Return whether the words of a job are not for whoever looks: a private command, or another channel.

    Which channels are private cannot be told from their ids, so what was typed in one stays there; the link
    to the message leads only those to it who may see it.
    """
    command: Command | None = desk.commands.get(asked.verb)
    private = (command is not None and command.private) or asked.channel != viewing.channel
    return private and asked.user != viewing.user and is_person(asked.user)


def _unknown(desk: Desk, name: str, refusal: Refused) -> Refused:
    """Return the refusal with the nearest known ids and names, and what ids look like."""
    known = [*desk.settings.team.models, *desk.records.known_ids(MOST_KNOWN)]
    near = difflib.get_close_matches(name[:80], dict.fromkeys(known), n=MOST_NEAR, cutoff=NEAR)
    code = refusal.problem.reason_code
    kept = code in ("unknown_run", "unknown_prediction") or bool(
        near and near[0] in desk.settings.team.models
    )
    return refuse(code if kept else "unknown_id", SHAPES, suggestions=tuple(near))
