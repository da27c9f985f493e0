"""A run that an experiment started has ended: its result goes into the issue, and is told in the thread."""

from __future__ import annotations

import logging
from typing import Any

from bot.connectors.connector import RunStatus
from bot.connectors.github_issues import GitHubIssues
from bot.desk import LONG, Desk
from bot.engine import WORK
from bot.errors import FlowFailed, Refused
from bot.experiment_records import Recorded
from bot.experiments import with_result
from bot.flows.refusals import failure_problem
from bot.jobs import Job
from bot.messages import experiments as messages
from ml.contract import Problem, RunView

log = logging.getLogger(__name__)

CHILD = "-job"
"""How the flow id of a job ends that an experiment started; before it stands the experiment's own."""


def conclude(desk: Desk, job: Job, ended: RunView | RunStatus | Problem, attempt: int = 1) -> None:
    """Have the end of a run written into the experiment that started it; of any other job nothing is."""
    if not job.flow_id.endswith(CHILD):
        return
    kind = {RunView: "run", RunStatus: "status", Problem: "problem"}[type(ended)]
    record = {kind: ended.model_dump(mode="json")}
    flow_id = f"{job.flow_id}-{attempt}-result"
    desk.start("experiment_result", WORK, flow_id, job.model_dump(mode="json"), record, attempt)


def experiment_result(desk: Desk, job: Job, ended: dict[str, Any], attempt: int) -> None:
    """Write the result into the issue, or beside it where people wrote there; tell whoever asked."""
    found = desk.step("find the experiment", _find, desk, job.flow_id.removesuffix(CHILD))
    if found is None:
        return
    record = Recorded.model_validate(found)
    result = _result(job, ended)
    try:
        where = desk.step("write the result", _write, desk, record, result.markdown, attempt, patience=LONG)
    except (Refused, FlowFailed) as trouble:
        log.error("result was not written", extra={"flow_id": job.flow_id, "reason": str(trouble)})
        problem = trouble.problem if isinstance(trouble, Refused) else failure_problem(trouble)
        desk.reply("tell who asked", record.place, messages.result_not_written(job, record, result, problem))
        return
    desk.reply("tell who asked", record.place, messages.result_written(job, record, result, where))


def _find(desk: Desk, flow_id: str) -> dict[str, Any] | None:
    found = desk.experiments.find(flow_id)
    return found.model_dump(mode="json") if found is not None else None


def _result(job: Job, ended: dict[str, Any]) -> messages.Result:
    if "run" in ended:
        return messages.result_of_run(job, RunView.model_validate(ended["run"]))
    if "status" in ended:
        return messages.result_of_status(job, RunStatus.model_validate(ended["status"]))
    return messages.result_of_problem(job, Problem.model_validate(ended["problem"]))


def _write(desk: Desk, record: Recorded, result: str, attempt: int) -> str:
    """Write *result* between the bot's own marks, or as a comment; return "body" or "comment"."""
    issues = GitHubIssues(desk.github().actions.client, record.repository)
    body = issues.get(record.number).body
    changed = with_result(body, result, record.result)
    if changed is None:
        mark = f"<!-- toban:result {record.flow_id} {attempt} -->"
        issues.comment(record.number, f"### Result\n\n{result}", mark)
        return "comment"
    if changed != body:
        issues.rewrite(record.number, changed)
    desk.experiments.result(record.flow_id, result)
    return "body"
