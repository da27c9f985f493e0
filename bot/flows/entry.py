"""What every story begins with: who asks, which model, and which values they gave."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bot import gates
from bot.coercion import coerce
from bot.desk import SHORT, Desk
from bot.errors import Refused, SlackBusy, SlackUnreachable
from bot.flows.refusals import refuse
from bot.jobs import Job, Role
from ml.contract import Caller, FieldProblem, ModelView, Problem


def admit(desk: Desk, job: Job) -> None:
    """Go on only if the person may use this verb; raise Refused otherwise."""
    desk.step("check who asks", _judge, desk, job)


def _judge(desk: Desk, job: Job) -> None:
    command = desk.commands[job.verb]
    role = role_of(desk, job.user, fresh=command.touches_production, needed=command.roles)
    verdict = gates.evaluate_command(gates.CommandFacts(job.verb, role, command.roles))
    desk.records.note(job.flow_id, job.user, job.verb, typed=job.typed, allowed=verdict == gates.Proceed())
    if isinstance(verdict, gates.Refuse):
        raise refuse(verdict.reason_code, verdict.detail)


def role_of(
    desk: Desk, user: str, *, fresh: bool = False, recent: bool = False, needed: Iterable[Role] = ()
) -> Role | None:
    """Return the role of *user* as `Access.role` does, whose options these are.

    Raises Refused where nobody knows who is in the user groups, SlackBusy where Slack says so in a moment.
    """
    try:
        return desk.access.role(user, fresh=fresh, recent=recent, needed=needed)
    except SlackBusy:
        raise
    except SlackUnreachable as error:
        fix = "`toban check` says whether the app lacks the scope usergroups:read."
        detail = f"Slack did not say who is in the user groups ({error}). {fix}"
        raise refuse("roles_unknown", detail) from None


def admit_to(desk: Desk, job: Job, roles: tuple[Role, ...]) -> None:
    """Go on only if the person holds one of *roles*, which this one thing takes; raise Refused otherwise."""
    desk.step("check who may do this", _judge_roles, desk, job, roles)


def _judge_roles(desk: Desk, job: Job, roles: tuple[Role, ...]) -> None:
    role = role_of(desk, job.user, fresh=True, needed=roles)
    verdict = gates.evaluate_command(gates.CommandFacts(job.typed, role, roles))
    allowed = verdict == gates.Proceed()
    desk.records.note(job.flow_id, job.user, f"{job.verb}: this one", typed=job.typed, allowed=allowed)
    if isinstance(verdict, gates.Refuse):
        raise refuse(verdict.reason_code, verdict.detail)


def find_model(desk: Desk, job: Job, *, fresh: bool = False) -> ModelView:
    """Return the model that the job names; raise Refused with the nearest names where it does not exist.

    Inputs are checked by what was known a minute ago; who names versions wants it *fresh*.
    """
    record = desk.step("look up the model", _model, desk, model_name(desk, job), fresh, patience=SHORT)
    return ModelView.model_validate(record)


def _model(desk: Desk, name: str, fresh: bool) -> dict[str, Any]:
    return desk.model(name, fresh=fresh).model_dump(mode="json", by_alias=True)


def model_name(desk: Desk, job: Job) -> str:
    """Return the model named in the job, or the only one there is; raise Refused where none is named."""
    if job.model:
        return job.model
    names = tuple(desk.settings.team.models)
    if len(names) == 1:
        return names[0]
    example = desk.commands[job.verb].usage
    raise refuse("missing_argument", f"Name the model: {example}", suggestions=names)


def typed_values(job: Job, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the values given with the command, typed by *schema*; raise Refused naming every bad one."""
    values, wrong = coerce(job.inputs, schema)
    problems = (*(_stray(word) for word in job.words), *wrong)
    if problems:
        raise Refused(
            Problem(
                title="Some inputs cannot be used",
                status=422,
                detail=f"{len(problems)} of the values cannot be used.",
                reason_code="invalid_inputs",
                errors=problems,
            )
        )
    return values


def _stray(word: str) -> FieldProblem:
    return FieldProblem(
        field=word, value=word, allowed="values as name=value", message="this word stands alone"
    )


def caller(job: Job) -> Caller:
    """Return who asks and from where, as it is written beside predictions and runs."""
    return Caller(
        who=job.user, where=f"slack:{job.team}/{job.channel}" if job.team else f"slack:{job.channel}"
    )
