"""Flows: one story per file, each an ordinary function of the desk and the job.

A story reads top to bottom like what happens. Each effect is a step with a name a person would use, each wait
is durable, and each exit can be seen in the one function. `register_all` makes them flows under names that
never change.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

from dbos import error as engine_errors

from bot.connectors.github_events import restore_event
from bot.desk import Desk, GoesOnLater
from bot.engine import register
from bot.errors import BotError, FlowFailed, Refused
from bot.flows import (
    alias,
    announce,
    answer,
    cancel,
    command,
    compare,
    decide,
    deploy,
    digest,
    experiment,
    experiment_result,
    file,
    form,
    home,
    housekeeping,
    incident,
    lookup,
    predict,
    press,
    promote,
    retrain,
    run,
    subscribe,
    work,
    work_press,
    workflow,
)
from bot.flows.refusals import failure_words, tell_failure, tell_refusal
from bot.jobs import Job

log = logging.getLogger(__name__)

Story = Callable[..., None]

OUT_OF_STEP = engine_errors.DBOSUnexpectedStepError.__name__

JOB_STORIES: dict[str, Story] = {
    "predict": predict.predict,
    "retrain": retrain.retrain,
    "run": run.run,
    "decide": decide.decide,
    "press": press.press,
    "compare": compare.compare,
    "promote": promote.promote,
    "cancel": cancel.cancel,
    "alias": alias.alias,
    alias.FLOW: alias.decide_alias,
    "lookup": lookup.lookup,
    "answer": answer.answer,
    "file": file.file,
    "home": home.home,
    "command": command.command,
    "deploy": deploy.deploy,
    "pushed": deploy.pushed,
    "form": form.form,
    "experiment": experiment.experiment,
    "experiment_record": experiment.experiment_record,
    "experiment_press": experiment.experiment_press,
    "experiment_result": experiment_result.experiment_result,
    "workflow": workflow.workflow,
    "work": work.work,
    "follow": work.follow,
    "work_press": work_press.work_press,
    "subscribe": subscribe.subscribe,
    "unsubscribe": subscribe.unsubscribe,
}
"""Stories of a person's job: the flow's first argument is the job, and refusals go back to that person."""


EventStory = Callable[[Desk, str, Any], None]

EVENT_STORIES: dict[str, dict[str, EventStory]] = {"push": {"push-told": deploy.push_told}}
"""Stories that an event of GitHub's begins: by the kind of event, and then by the name of the flow.

Each is called with the desk, the flow's id and the event (`bot.connectors.github_events`), once for each
thing that happened in one of the team's repositories, however often GitHub, or anybody else, tells of it. It
runs among the requests of people: what takes long it starts as a flow of its own.
"""


def register_all(desk: Desk) -> None:
    """Register every flow with the engine, bound to *desk*."""
    for name, story in JOB_STORIES.items():
        register(name, _giving_way(desk, name, _job_flow(desk, story)))
    for stories in EVENT_STORIES.values():
        for name, event_story in stories.items():
            register(name, _giving_way(desk, name, _event_flow(desk, event_story)))
    register("incident", incident.flow(desk))
    register("digest", _giving_way(desk, "digest", digest.flow(desk)))
    register("housekeeping", housekeeping.flow(desk))
    register("announce", announce.announcing(desk))
    register("deliver", announce.delivering(desk))


def _giving_way(desk: Desk, name: str, flow: Callable[..., None]) -> Callable[..., None]:
    """Return *flow* such that it gives its place to others while Slack keeps it waiting.

    What waits for one channel is done one after another; what belongs to none waits under its own *name*.
    """

    @wraps(flow)
    def run(*args: Any) -> None:
        try:
            flow(*args)
        except GoesOnLater as later:
            channel = args[0].get("channel") if isinstance(args[0], dict) else None
            desk.go_on_later(later, channel or name)

    return run


def _job_flow(desk: Desk, story: Story) -> Callable[..., None]:
    def flow(job_record: dict[str, Any], *args: Any) -> None:
        job = Job.model_validate(job_record)
        try:
            story(desk, job, *args)
        except Refused as refusal:
            tell_refusal(desk, job, refusal)
        except Exception as error:
            failure = FlowFailed.of(error)
            if failure.kind == OUT_OF_STEP:
                _end_out_of_step(desk, job, failure)
                return
            if failure is not error:
                # A fault of ours: the person must not wait for an answer that never comes.
                log.exception("flow broke", extra={"flow_id": job.flow_id})
                with suppress(Refused, FlowFailed):
                    desk.step("close the card", desk.works.close, job.flow_id)  # it holds up nobody else
            tell_failure(desk, job, failure)

    return flow


def _end_out_of_step(desk: Desk, job: Job, failure: FlowFailed) -> None:
    """End a flow whose steps are others than were kept, so that there is no place left for a checkpoint.

    It is done without any: the flow holds up nobody else, and the person hears of it, after a crash twice.
    """
    log.error("flow broke", extra={"flow_id": job.flow_id, "reason": str(failure)})
    desk.outlast(lambda: desk.works.close(job.flow_id))
    try:
        desk.whisper(job, failure_words(job, failure))
    except BotError as error:
        log.error("answer could not be given", extra={"flow_id": job.flow_id, "reason": str(error)})


def _event_flow(desk: Desk, story: EventStory) -> Callable[[str, dict[str, Any]], None]:
    def flow(flow_id: str, record: dict[str, Any]) -> None:
        try:
            story(desk, flow_id, restore_event(record))
        except Exception as error:  # noqa: BLE001 - nobody asked, so there is nobody to tell but the log
            log.error("event could not be acted on", extra={"flow_id": flow_id, "reason": str(error)})

    return flow
