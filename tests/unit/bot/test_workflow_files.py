"""Workflow files: their inputs as a schema, and what cannot be read."""

from __future__ import annotations

import pytest

from bot.coercion import coerce
from bot.workflow_files import MOST_CHARACTERS, WorkflowFileError, read_workflow, with_environments
from tests.stand_ins.github import PLAIN, PUSH_ONLY, RETRAIN

INPUTS = "on: {{workflow_dispatch: {{inputs: {}}}}}"


def test_inputs_become_a_schema() -> None:
    """Types, choices, defaults and needs are as the file says; the bot's own input is not asked for."""
    workflow = read_workflow(RETRAIN, "retrain.yml")
    assert workflow.schema == {
        "type": "object",
        "additionalProperties": False,
        "required": ["kind"],
        "properties": {
            "months": {"type": "number", "description": "how many months", "default": "6"},
            "kind": {"type": "string", "enum": ["full", "quick"]},
            "dry": {"type": "boolean", "default": False},
            "where": {"type": "string"},
            "note": {"type": "string"},
        },
    }
    assert (workflow.name, workflow.carries_id, workflow.environments) == ("Retrain", True, ("where",))


def test_environments_limit_their_inputs() -> None:
    """With the repository's environments known, another name is refused with the nearest ones."""
    workflow = with_environments(read_workflow(RETRAIN, "retrain.yml"), ("staging", "production"))
    values, problems = coerce({"kind": "full", "where": "Prodction"}, workflow.schema or {})
    assert values == {"kind": "full"}
    assert "did you mean production" in problems[0].message


@pytest.mark.parametrize(
    "on", ["on: workflow_dispatch", "on: [push, workflow_dispatch]", "on: {workflow_dispatch: }"]
)
def test_trigger_in_each_form(on: str) -> None:
    """A workflow without inputs can be started, however its trigger is written."""
    schema = read_workflow(on, "x.yml").schema
    assert schema is not None
    assert schema["properties"] == {}


def test_not_to_be_started() -> None:
    """A workflow without the trigger has no schema."""
    assert read_workflow(PUSH_ONLY, "checks.yml").schema is None
    assert read_workflow(PLAIN, "plain.yml").schema is not None


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "- a",
        "",
        "[" * 5000,
        "x" * (MOST_CHARACTERS + 1),
        "a: &a [*a]\nb: !!python/object:os.system x\n{",
    ],
    ids=["cut", "list", "empty", "deep", "large", "hostile"],
)
def test_unreadable_files_are_said(text: str) -> None:
    """What is no workflow is an error with a sentence, never a crash."""
    with pytest.raises(WorkflowFileError):
        read_workflow(text, "x.yml")


def test_more_inputs_than_github_takes() -> None:
    """A file with 26 inputs is refused before anything is sent; one with 25 is fine."""
    many = ", ".join(f"i{number}: {{}}" for number in range(26))
    with pytest.raises(WorkflowFileError, match="26 inputs"):
        read_workflow(INPUTS.format("{" + many + "}"), "x.yml")
    fewer = ", ".join(f"i{number}: {{}}" for number in range(25))
    assert read_workflow(INPUTS.format("{" + fewer + "}"), "x.yml").schema is not None


@pytest.mark.parametrize(
    "inputs", ["[]", "{a: 1}", "{a: {options: 3, type: choice}}", "{a: {type: [x]}}", "{a: }"]
)
def test_odd_declarations_are_text(inputs: str) -> None:
    """What GitHub would not take is read as far as it makes sense."""
    assert read_workflow(INPUTS.format(inputs), "x.yml").schema is not None


def test_aliases_that_multiply_cost_nothing() -> None:
    """A file whose aliases would fill the memory when written out is read at once."""
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    text = "\n".join([*lines, "on: {workflow_dispatch: {inputs: {i: {description: *a59, default: *a59}}}}"])
    schema = read_workflow(text, "x.yml").schema
    assert schema is not None
    assert schema["properties"] == {"i": {"type": "string"}}
