"""What a workflow file says of itself: whether people can start it, and which inputs it takes.

Read with YAML's base loader: every value stays the text that its author wrote, so `on` is not "true" and an
option `010` is not 8 (https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

MOST_INPUTS = 25
"""GitHub takes no more for one start."""
MOST_CHARACTERS = 512 * 1024
CORRELATION_INPUT = "toban_id"
"""An input of this name is not asked of people: the bot fills it in, and finds its run again by it."""

_TYPES: dict[str, dict[str, Any]] = {
    "boolean": {"type": "boolean"},
    "number": {"type": "number"},
    "string": {"type": "string"},
    "environment": {"type": "string"},
    "choice": {"type": "string"},
}


class WorkflowFileError(ValueError):
    """The file is no workflow that can be read; the text says why."""


@dataclass(frozen=True)
class WorkflowFile:
    """A workflow as people start it: its name, and its inputs as a JSON Schema (None: cannot be started).

    `carries_id` says that a run shows the bot's id in its title. `environments` are the inputs that take the
    name of an environment, `deploys_to` the environments that its jobs name; None among them stands for one
    that is only known when it runs.
    """

    name: str
    schema: dict[str, Any] | None
    carries_id: bool = False
    environments: tuple[str, ...] = field(default=())
    deploys_to: tuple[str | None, ...] = field(default=())


def read_workflow(text: str, file: str) -> WorkflowFile:
    """Return what the workflow in *text* says of itself; raise WorkflowFileError where it cannot be read."""
    if len(text) > MOST_CHARACTERS:
        raise WorkflowFileError("the file is too large for a workflow")
    try:
        content = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - makes texts, lists and dicts only
    except (yaml.YAMLError, RecursionError):
        raise WorkflowFileError("the file is not proper YAML") from None
    if not isinstance(content, dict):
        raise WorkflowFileError("the file holds no workflow")
    name = _text(content.get("name")) or file
    inputs = _dispatch_inputs(content.get("on"))
    if inputs is None:
        return WorkflowFile(name, None, deploys_to=_deploys_to(content.get("jobs")))
    if len(inputs) > MOST_INPUTS:
        raise WorkflowFileError(f"it declares {len(inputs)} inputs; GitHub takes at most {MOST_INPUTS}")
    shown = {given: one for given, one in inputs.items() if given != CORRELATION_INPUT}
    return WorkflowFile(
        name,
        _schema(shown),
        CORRELATION_INPUT in inputs and _mentions_id(_text(content.get("run-name"))),
        tuple(given for given, one in shown.items() if _kind(one) == "environment"),
        _deploys_to(content.get("jobs")),
    )


def with_environments(workflow: WorkflowFile, names: Sequence[str]) -> WorkflowFile:
    """Return the workflow with its environment inputs limited to *names*."""
    if workflow.schema is None or not names:
        return workflow
    fields = {
        given: one | {"enum": list(names)} if given in workflow.environments else one
        for given, one in workflow.schema["properties"].items()
    }
    schema = workflow.schema | {"properties": fields}
    return replace(workflow, schema=schema)


def _deploys_to(jobs: Any) -> tuple[str | None, ...]:
    """Return the environments that jobs name; a job that calls another workflow may name any."""
    if not isinstance(jobs, dict):
        return ()
    every = [job for job in jobs.values() if isinstance(job, dict)]
    named = [_environment_of(job["environment"]) for job in every if "environment" in job]
    return (*named, *(None for job in every if "uses" in job))


def _environment_of(given: Any) -> str | None:
    name = _text(given.get("name") if isinstance(given, dict) else given)
    return None if "${{" in name else name


def _dispatch_inputs(trigger: Any) -> dict[str, dict[str, Any]] | None:
    """Return the declared inputs by name, or None where the workflow cannot be started by hand."""
    if trigger == "workflow_dispatch" or (isinstance(trigger, list) and "workflow_dispatch" in trigger):
        return {}
    if not isinstance(trigger, dict) or "workflow_dispatch" not in trigger:
        return None
    dispatch = trigger["workflow_dispatch"]
    declared = dispatch.get("inputs") if isinstance(dispatch, dict) else None
    if not isinstance(declared, dict):
        return {}
    return {str(name): one if isinstance(one, dict) else {} for name, one in declared.items()}


def _schema(inputs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [
            name for name, one in inputs.items() if one.get("required") == "true" and not _default(one)
        ],
        "properties": {name: _field(one) for name, one in inputs.items()},
    }


def _field(declared: dict[str, Any]) -> dict[str, Any]:
    kind = _kind(declared)
    made: dict[str, Any] = dict(_TYPES[kind])
    options = declared.get("options")
    if kind == "choice" and isinstance(options, list):
        made["enum"] = [_text(option) for option in options]
    if description := _text(declared.get("description")):
        made["description"] = description
    if default := _default(declared):
        made["default"] = default == "true" if kind == "boolean" else default
    return made


def _kind(declared: dict[str, Any]) -> str:
    kind = _text(declared.get("type"))
    return kind if kind in _TYPES else "string"


def _default(declared: dict[str, Any]) -> str:
    return _text(declared.get("default"))


def _text(value: Any) -> str:
    """Return a scalar as text; lists and dicts, which may repeat themselves endlessly, as none."""
    return value if isinstance(value, str) else ""


def _mentions_id(run_name: str) -> bool:
    return re.search(rf"\binputs\.{CORRELATION_INPUT}\b", run_name) is not None
