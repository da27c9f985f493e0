"""Somebody deploys a commit, by a command or a push: it is found, compared, shown, and the work begins."""

from __future__ import annotations

import difflib
from typing import Any

from bot.connectors import github_deployments, github_runs
from bot.connectors.connector import JobRequest
from bot.connectors.github import GitHub
from bot.connectors.github_commits import is_sha, starting_points
from bot.connectors.github_events import PushEvent
from bot.deployment_records import Held, locks_of
from bot.deployment_tables import DeploymentTable
from bot.deployments import Commit, Deployment
from bot.desk import SHORT, Desk
from bot.errors import FlowFailed, Refused
from bot.flows.entry import admit, admit_to, caller, typed_values
from bot.flows.refusals import refuse
from bot.flows.work import Order
from bot.flows.workflow import REF, begin
from bot.jobs import PUSHER, Job
from bot.messages import deployments as messages

NO_INPUTS: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


def deploy(desk: Desk, job: Job) -> None:
    """List what can be deployed, or check who deploys what, post the card and begin."""
    admit(desk, job)
    if not job.words:
        desk.step("list what can be deployed", _list, desk, job, patience=SHORT)
        return
    name, ref = _named(desk, job)
    table = _table(desk, name)
    admit_to(desk, job, table.roles)
    record = desk.step("read the commit", _plan, desk, name, ref, None, patience=SHORT)
    held = _begin(desk, job, table, Deployment.model_validate(record))
    if held is not None:
        desk.tell(job, messages.busy(job, held))


def pushed(desk: Desk, job: Job, name: str, sha: str) -> None:
    """Deploy what was pushed to a target's branch; nothing is asked but what the target asks for anyway."""
    table = _table(desk, name)
    record = desk.step("read the commit", _plan, desk, name, table.branch, sha, patience=SHORT)
    deployment = Deployment.model_validate(record)
    if deployment.before is not None and deployment.before.sha == sha:
        return  # somebody deployed it by hand before we looked
    login = deployment.commit.author
    user = desk.settings.team.github.user(login) or f"{PUSHER}{login}"
    job = job.model_copy(update={"user": user})
    desk.step("note the push", _note_push, desk, job, deployment)
    if _begin(desk, job, table, deployment) is not None:
        # Somebody took the target in this very moment: the push is looked at again once it is free.
        desk.step("look at the push again", desk.deployments.look_again, name, sha)


def push_told(desk: Desk, flow_id: str, event: PushEvent) -> None:
    """Look at the branches now: a webhook has told of a push. What GitHub then answers is what counts."""
    branches = {(one.repository.casefold(), one.branch) for one in _pushed_targets(desk)}
    if (event.repository.casefold(), event.branch) in branches:
        desk.look_at_branches()


def _pushed_targets(desk: Desk) -> list[DeploymentTable]:
    return [one for one in desk.settings.team.github.deployments.values() if one.on_push]


def _note_push(desk: Desk, job: Job, deployment: Deployment) -> None:
    desk.records.note(
        job.flow_id, job.user, "push", target=deployment.target, sha=deployment.commit.sha, typed=job.typed
    )


def _begin(desk: Desk, job: Job, table: DeploymentTable, deployment: Deployment) -> Held | None:
    """Take the target and put the work on it to its flow; return who has it, where somebody does.

    Until the work has ended, nobody else may deploy the target, nor another one into its environment.
    """
    held = take(desk, job, deployment)
    if held is not None:
        return held
    try:
        begin(desk, job, _order(job, table, deployment))
    except (Refused, FlowFailed):
        desk.step("give the target back", desk.deployments.give_back, _locks(deployment), job.flow_id)
        raise
    return None


def take(desk: Desk, job: Job, deployment: Deployment) -> Held | None:
    """Claim target and environment for a job, as a step of the flow; return who else has one, or None."""
    record = desk.step("take the target", _take, desk, job, deployment)
    return Held.model_validate(record) if record is not None else None


def _take(desk: Desk, job: Job, deployment: Deployment) -> dict[str, Any] | None:
    held = desk.deployments.take(_locks(deployment), job.flow_id, job.user, deployment.title)
    return held.model_dump(mode="json") if held is not None else None


def _locks(deployment: Deployment) -> tuple[str, str]:
    return locks_of(deployment.target, deployment.repository, deployment.environment)


def still_the_latest(desk: Desk, deployment: Deployment) -> None:
    """Refuse to deploy again what something else has taken the place of; it would be a silent step back."""
    now = desk.github().deployments.deployed(deployment.repository, deployment.environment)
    known = {deployment.commit.sha, deployment.before.sha if deployment.before else None}
    if now is not None and now.sha not in known:
        raise refuse(
            "deployment_overtaken",
            f"{deployment.environment} has {now.short} by {now.by} now. "
            f"To go back on purpose: deploy {deployment.target} {deployment.commit.short}",
        )


def _order(job: Job, table: DeploymentTable, deployment: Deployment) -> Order:
    who = caller(job)
    sha = deployment.commit.sha
    if table.workflow is not None:
        connector, target = github_runs.NAME, f"{table.repository}/{table.workflow}"
        values, ref = table.values(sha), deployment.start_ref
    else:
        connector, target = github_deployments.NAME, table.repository
        values, ref = {"environment": table.environment}, sha
    return Order(
        connector=connector,
        title=deployment.title,
        request=JobRequest(target=target, values=values, ref=ref, who=who.who, where=who.where),
        roles=table.roles,
        approvers=table.approvers,
        confirm=table.confirm and deployment.pushed_by is None,
        deployment=deployment,
    )


# --- what is meant ----------------------------------------------------------------------------------------


def _named(desk: Desk, job: Job) -> tuple[str, str | None]:
    """Return the target and the ref (None: the target's own branch) that the words and inputs name."""
    given = {name: value for name, value in job.inputs.items() if name != REF}
    typed_values(job.model_copy(update={"words": job.words[2:], "inputs": given}), NO_INPUTS)
    known = desk.settings.team.github.deployments
    name = job.words[0].casefold()
    if name not in known:
        near = tuple(difflib.get_close_matches(name, known, n=3, cutoff=0.5)) or tuple(known)[:3]
        raise refuse("unknown_target", f"{job.words[0]} is not in toban.toml.", suggestions=near)
    word = job.words[1] if len(job.words) > 1 else None
    return name, word or job.inputs.get(REF)


def _table(desk: Desk, name: str) -> DeploymentTable:
    table = desk.settings.team.github.deployments.get(name)
    if table is None:
        raise refuse("unknown_target", f"{name} is not in toban.toml.")
    return table


def _plan(desk: Desk, name: str, ref: str | None, sha: str | None) -> dict[str, Any]:
    """Return what would be deployed, and what it would change; *sha* is a push's, which *ref* pointed to."""
    table, github = _table(desk, name), desk.github()
    wanted = ref or table.branch or github.catalogue.repository(table.repository).default_branch
    commit = github.commits.commit(table.repository, sha or wanted)
    github.deployments.protection(table.repository, table.environment)
    start_ref = _start_ref(github, table, wanted, commit)
    if start_ref is not None:
        _judge_workflow(github, table, start_ref)
    deployment = Deployment(
        target=name,
        repository=table.repository,
        environment=table.environment,
        ref=wanted,
        commit=commit,
        start_ref=start_ref,
        follows_ref=start_ref is not None and table.commit_input is None,
        pushed_by=commit.author if sha else None,
        checks=table.checks,
        check_minutes=table.check_minutes,
    )
    return _compared(github, deployment).model_dump(mode="json")


def _start_ref(github: GitHub, table: DeploymentTable, ref: str, commit: Commit) -> str | None:
    """Return the branch or tag at which the workflow starts, or None where no workflow is started.

    GitHub starts workflows at branches and tags only
    (https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event).
    """
    if table.workflow is None:
        return None
    if table.commit_input is not None:
        return table.branch or github.catalogue.repository(table.repository).default_branch
    if not is_sha(ref, commit):
        return ref
    points = starting_points(github.commits.heads(table.repository), commit.sha, table.branch)
    if not points:
        raise refuse(
            "commit_not_startable",
            f"Tag {commit.short}, or give {table.workflow} an input for it and name that in commit_input.",
        )
    return points[0]


def _judge_workflow(github: GitHub, table: DeploymentTable, ref: str) -> None:
    """Refuse a workflow that cannot be started, or that the environment would not protect."""
    assert table.workflow is not None
    try:
        file = github.catalogue.workflow_file(table.repository, table.workflow, ref)
    except Refused as refusal:
        if refusal.problem.reason_code != "github_not_found":
            raise
        raise refuse("unknown_workflow", f"{table.repository} has no {table.workflow} at {ref}.") from None
    if file.schema is None:
        raise refuse("workflow_not_startable", f"{table.workflow} has no `on: workflow_dispatch`.")
    if not {table.environment.casefold(), None} & {
        name.casefold() if name else name for name in file.deploys_to
    }:
        raise refuse(
            "environment_not_named",
            f"No job of {table.workflow} at {ref} says environment: {table.environment}",
        )


def _compared(github: GitHub, deployment: Deployment) -> Deployment:
    """Return the deployment with what is deployed now and what lies between, as far as that can be seen."""
    try:
        before = github.deployments.deployed(deployment.repository, deployment.environment)
    except Refused as refusal:
        return deployment.model_copy(update={"before_unknown": refusal.problem.detail})
    change = None
    if before is not None and before.sha != deployment.commit.sha:
        try:
            change = github.commits.change(deployment.repository, before.sha, deployment.commit.sha)
        except Refused:
            change = None  # what is deployed may be gone from the repository
    return deployment.model_copy(update={"before": before, "change": change})


def _list(desk: Desk, job: Job) -> None:
    known = desk.settings.team.github.deployments
    if not known:
        raise refuse("github_not_set_up", "toban.toml names nothing to deploy under [github.deployments].")
    found = [_standing(desk, name, table) for name, table in known.items()]
    desk.whisper(job, messages.targets(found, desk.now(), desk.settings.team.bot.command))


def _standing(desk: Desk, name: str, table: DeploymentTable) -> messages.Standing:
    held = desk.deployments.holder(locks_of(name, table.repository, table.environment))
    try:
        has = desk.github().deployments.deployed(table.repository, table.environment)
    except Refused as refusal:
        return messages.Standing(name, table, None, refusal.problem.detail, held)
    return messages.Standing(name, table, has, None, held)
