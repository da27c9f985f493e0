"""What a deployment waits for before it starts, and what is looked at afterwards: checks, branch, address."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from bot.connectors.connector import FINAL, RunHandle, RunStatus
from bot.connectors.github_checks import NAME as CHECKS
from bot.connectors.github_checks import checks_handle, summary
from bot.deployments import Deployment
from bot.desk import LONG, SHORT, Desk
from bot.errors import BotError, FlowFailed
from bot.flows.refusals import refuse
from bot.jobs import Job
from bot.watchers import CONTROL

log = logging.getLogger(__name__)

LEAST_SECONDS = 1.0


class Stopped(Exception):
    """Somebody stopped the deployment while it waited."""

    def __init__(self, by: str) -> None:
        self.by = by
        super().__init__(by)


def cleared(desk: Desk, job: Job, deployment: Deployment) -> Deployment:
    """Wait for the checks, then look at the branch once more; return the deployment with what came of it.

    Raises Refused where it may not go on, Stopped where somebody stopped it.
    """
    checked = "not asked for" if deployment.checks == "none" else _checked(desk, job, deployment)
    desk.step("look at the branch once more", _look_once_more, desk, deployment)
    done = deployment.model_copy(update={"checked": checked})
    desk.step("note that it may start", _note, desk, job, done.model_dump(mode="json"))
    return done


def _checked(desk: Desk, job: Job, deployment: Deployment) -> str:
    """Follow the checks on the card until they have ended; return what came of them."""
    handle = _handle(desk, job, deployment)
    desk.step("watch the checks", desk.works.watch, job.flow_id, handle)
    deadline = datetime.fromisoformat(desk.step("set the checks a limit", _deadline, desk, deployment))
    while True:
        status = RunStatus.model_validate(desk.step("read the checks", _read, desk, handle, patience=LONG))
        if status.state in FINAL:
            break
        # The time left only says how long to wait; the engine keeps what it was on the first pass.
        news = desk.wait(CONTROL, max((deadline - desk.now()).total_seconds(), LEAST_SECONDS))
        if news is None:
            raise refuse("checks_unfinished", f"After {deployment.check_minutes:g} minutes: {status.detail}")
        if news["kind"] == "cancel":
            raise Stopped(news["by"])
    if status.state == "failed":
        raise refuse("checks_failed", f"Failed: {summary(status.jobs)} Nothing was deployed.")
    return summary(status.jobs)


def _deadline(desk: Desk, deployment: Deployment) -> str:
    return (desk.now() + timedelta(minutes=deployment.check_minutes)).isoformat()


def _handle(desk: Desk, job: Job, deployment: Deployment) -> RunHandle:
    """Return what to watch; a new commit's checks are not all there at once."""
    pushed = deployment.pushed_by is not None or deployment.commit.at is None
    since = job.asked_at if pushed or deployment.commit.at is None else deployment.commit.at
    settled = min(since, job.asked_at) + timedelta(seconds=desk.settle_seconds)
    return checks_handle(
        deployment.target, deployment.repository, deployment.commit.sha, settled, deployment.commit.url
    )


def _read(desk: Desk, handle: RunHandle) -> dict[str, Any]:
    return desk.connectors[CHECKS].result(handle).model_dump(mode="json")


def _look_once_more(desk: Desk, deployment: Deployment) -> None:
    """Refuse where what would start is another commit than the one that was shown."""
    if deployment.start_ref is None or not deployment.follows_ref:
        return
    now = desk.github().commits.commit(deployment.repository, deployment.start_ref)
    if now.sha != deployment.commit.sha:
        raise moved(deployment, now.short)


def prove_commit(desk: Desk, deployment: Deployment, handle: RunHandle, connector: str) -> None:
    """Stop a run that runs for another commit than the one that was shown: the branch moved as it started."""
    if not deployment.follows_ref:
        return
    try:
        runs_for = desk.step("see what it runs for", desk.github().actions.commit_of, handle, patience=SHORT)
    except FlowFailed as failure:
        # It goes on in any case; its end is looked at once more.
        log.warning("commit of a run was not to be seen", extra={"run_id": handle.id, "reason": str(failure)})
        return
    if runs_for is not None and runs_for != deployment.commit.sha:
        desk.step("stop the run", desk.connectors[connector].cancel, handle, patience=LONG)
        raise moved(deployment, runs_for[:7])


def environment_address(desk: Desk, job: Job, deployment: Deployment, status: RunStatus) -> str | None:
    """Keep how a deployment ended; return where its environment can be seen, if that is to be had."""
    facts = {"target": deployment.target, "sha": deployment.commit.sha, "run": status.handle.id}
    what = f"deployment ended, attempt {status.attempt}"
    desk.records.note(job.flow_id, job.user, what, state=status.state, **facts)
    try:
        where = (deployment.repository, deployment.environment, deployment.commit.sha)
        return desk.github().deployments.environment_url(*where)
    except BotError as error:
        log.info("environment's address was not to be had", extra={"reason": str(error)})
        return None


def ran_for(deployment: Deployment, status: RunStatus) -> RunStatus:
    """Return the end of a run, saying so where it ran for another commit than the one that was shown."""
    if not deployment.follows_ref or status.sha in (None, deployment.commit.sha):
        return status
    return status.model_copy(update={"detail": f"It ran for {status.sha}: the branch moved as it started."})


def moved(deployment: Deployment, found: str) -> Exception:
    """Return the refusal for a branch that has moved, to be raised."""
    detail = f"{deployment.start_ref} is {found} now, not {deployment.commit.short}. Nothing was deployed."
    return refuse("ref_moved", detail)


def _note(desk: Desk, job: Job, record: dict[str, Any]) -> None:
    desk.works.note(job.flow_id, deployment=record)
    facts = {name: record[name] for name in ("target", "repository", "environment", "ref", "checked")}
    desk.records.note(job.flow_id, job.user, "deployment cleared", sha=record["commit"]["sha"], **facts)
