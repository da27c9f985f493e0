"""Workflows: list, get, switch on and off, dispatch.

https://docs.github.com/en/rest/actions/workflows
"""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from playground.github.answer import Answer
from playground.github.errors import ApiError, invalid, not_found
from playground.github.expressions import to_text
from playground.github.repositories import WorkflowEntry
from playground.github.rest import OLD, Call, endpoint
from playground.github.workflow_files import (
    FOLDER,
    MOST_INPUTS,
    Input,
    InvalidWorkflow,
    NotRunHere,
    Workflow,
)

Json = dict[str, Any]
WORKFLOWS = "/repos/{owner}/{repo}/actions/workflows"
# https://docs.github.com/en/actions/reference/events-that-trigger-workflows#providing-inputs
MOST_CHARACTERS = 65_535


class _Dispatch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ref: str = Field(min_length=1)
    inputs: dict[str, Any] = Field(default_factory=dict)


class _OldDispatch(_Dispatch):
    return_run_details: bool = False


@endpoint("GET", WORKFLOWS, "actions")
def list_workflows(call: Call) -> Json:
    """List the repository's workflows."""
    entries = call.github.entries(call.repository)
    shown = [call.github.bodies.workflow(call.repository, entry) for entry in call.page(entries)]
    return {"total_count": len(entries), "workflows": shown}


@endpoint("GET", WORKFLOWS + "/{workflow_id}", "actions")
def get_workflow(call: Call) -> Json:
    """Return one workflow by its number or its file's name."""
    return call.github.bodies.workflow(call.repository, find_entry(call))


@endpoint("PUT", WORKFLOWS + "/{workflow_id}/disable", "actions")
def disable(call: Call) -> Answer:
    """Switch a workflow off."""
    find_entry(call).state = "disabled_manually"
    return Answer(status=204)


@endpoint("PUT", WORKFLOWS + "/{workflow_id}/enable", "actions")
def enable(call: Call) -> Answer:
    """Switch a workflow on."""
    find_entry(call).state = "active"
    return Answer(status=204)


@endpoint("POST", WORKFLOWS + "/{workflow_id}/dispatches", "actions")
def dispatch(call: Call) -> Answer:
    """Start a run: 204, or 200 with the run, as the version and the request want it.

    https://github.blog/changelog/2026-02-19-workflow-dispatch-api-now-returns-run-ids
    """
    asked = call.read(_OldDispatch if call.version == OLD else _Dispatch)
    entry = find_entry(call)
    if entry.state != "active":
        raise ApiError(403, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
    found = call.repository.git.resolve(asked.ref)
    if found is None or found[0] == found[1]:
        raise invalid(f"No ref found for: {asked.ref}")
    ref, sha = found
    workflow = _runnable(call, entry, sha)
    inputs = _inputs(workflow, asked.inputs)
    payload = {
        "inputs": {name: to_text(value) for name, value in inputs.items()},
        "ref": ref,
        "workflow": entry.path,
        "repository": call.github.bodies.repository(call.repository),
        "sender": call.github.bodies.user(call.identity.login),
    }
    run = call.server.runner.start(
        call.repository, workflow, "workflow_dispatch", payload, ref, sha, call.identity.login, inputs
    )
    if isinstance(asked, _OldDispatch) and not asked.return_run_details:
        return Answer(status=204)
    shown = call.github.bodies.run(call.repository, run)
    return Answer({"workflow_run_id": run.id, "run_url": shown["url"], "html_url": shown["html_url"]})


def find_entry(call: Call) -> WorkflowEntry:
    """Return the workflow that an address names by number or by file name."""
    wanted = call.params["workflow_id"]
    for entry in call.github.entries(call.repository):
        if wanted in (str(entry.id), entry.path.removeprefix(f"{FOLDER}/"), entry.path):
            return entry
    raise not_found()


def _runnable(call: Call, entry: WorkflowEntry, sha: str) -> Workflow:
    try:
        workflow = call.repository.workflow(sha, entry.path)
    except InvalidWorkflow as error:
        raise invalid(f"failed to parse workflow: {error}") from error
    if workflow is None or "workflow_dispatch" not in workflow.on:
        raise invalid("Workflow does not have 'workflow_dispatch' trigger")
    try:
        workflow.prove_runnable()
    except NotRunHere as error:
        raise invalid(str(error)) from error
    return workflow


def _inputs(workflow: Workflow, given: Mapping[str, Any]) -> Json:
    """Return every input with its value, typed as the file says; raise 422 in GitHub's words."""
    if len(given) > MOST_INPUTS:
        told = f"No more than {MOST_INPUTS} properties are allowed; {len(given)} were supplied."
        raise invalid(f"Invalid request.\n\n{told}")
    if len(json.dumps(given)) > MOST_CHARACTERS:
        raise invalid("inputs are too large.")
    known = workflow.inputs()
    strange = [name for name in given if name not in known]
    if strange:
        raise invalid(f"Unexpected inputs provided: {json.dumps(strange)}")
    return {name: _input(name, about, given.get(name)) for name, about in known.items()}


def _input(name: str, about: Input, given: Any) -> Any:
    if given is None:
        given = about.default
        if given is None and about.required:
            raise invalid(f"Required input '{name}' not provided")
    text = to_text(given)
    allowed = {"boolean": ("true", "false"), "choice": about.options}.get(about.type)
    if allowed is not None and text not in allowed and not (given is None and about.type == "choice"):
        if given is None:
            return False
        raise invalid(f"Provided value '{text}' for input '{name}' not in the list of allowed values")
    if about.type == "boolean":
        return text == "true"
    if about.type == "number" and text:
        try:
            return float(text)
        except ValueError as error:
            raise invalid(f"Provided value '{text}' for input '{name}' is not a number") from error
    return text
