"""A team's own command: what was typed is checked by its schema, mapped to the call, and called for."""

from __future__ import annotations

from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from bot.coercion import as_text
from bot.command_tables import CommandTable
from bot.connectors.connector import JobRequest
from bot.connectors.endpoints import PLACEHOLDER
from bot.desk import Desk
from bot.errors import Refused
from bot.flows.asking import form_of, values_or_form
from bot.flows.entry import admit, caller, typed_values
from bot.flows.work import Order
from bot.flows.workflow import begin
from bot.jobs import WEBHOOK, Job
from ml.contract import Problem


def command(desk: Desk, job: Job) -> None:
    """Check who asks and what they gave, post the card and begin."""
    admit(desk, job)
    table = desk.settings.team.commands[job.verb]
    schema = table.schema_
    if values_or_form(desk, job, schema, lambda: form_of(desk, job, schema)) is None:
        return
    request, inputs = build_request(job, table)
    if table.private and job.user != WEBHOOK:
        # Slack shows a message to one person only for a while; a run is followed in the talk with the bot.
        job = job.model_copy(update={"channel": job.user, "thread_ts": None})
    order = Order(
        connector=table.connector,
        title=job.verb,
        request=request,
        roles=table.roles,
        confirm=table.confirm is not None,
        question=question(table, inputs),
        command=job.verb,
    )
    begin(desk, job, order)


def build_request(job: Job, table: CommandTable) -> tuple[JobRequest, dict[str, Any]]:
    """Return what is to be started, and the inputs by name; raise Refused for inputs that do not fit."""
    defaults = {name: one.default for name, one in table.inputs.items() if one.default is not None}
    inputs = defaults | typed_values(job, table.schema_)
    asker = caller(job)
    workflow = table.github_actions
    request = JobRequest(
        target=f"{workflow.repository}/{workflow.workflow}" if workflow else job.verb,
        values=mapped(table, inputs, {"who": asker.who, "where": asker.where}),
        ref=workflow.ref if workflow else None,
        who=asker.who,
        where=asker.where,
    )
    return request, inputs


def mapped(table: CommandTable, inputs: dict[str, Any], asker: dict[str, str]) -> dict[str, Any]:
    """Return the values of the call: the inputs as they are, or each as its expression says."""
    if table.values is None:
        return inputs
    facts = {"inputs": inputs, **asker}
    try:
        found = {name: jmespath.search(expression, facts) for name, expression in table.values.items()}
    except JMESPathError as error:
        raise Refused(_unmappable(str(error))) from None
    return {name: value for name, value in found.items() if value is not None}


def _unmappable(why: str) -> Problem:
    return Problem(
        title="The inputs cannot be mapped to the call",
        status=422,
        detail=f"The expressions in toban.toml do not fit these inputs: {why.splitlines()[0]}",
        reason_code="invalid_inputs",
    )


def question(table: CommandTable, inputs: dict[str, Any]) -> str | None:
    """Return what is asked before the start, with the values in it; None where nothing is asked."""
    if table.confirm is None:
        return None
    return PLACEHOLDER.sub(lambda found: as_text(inputs.get(found[1], "–")), table.confirm)
