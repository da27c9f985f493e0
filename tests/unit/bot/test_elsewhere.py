"""What a workflow that trains a model is given, and what is said where it does not take that."""

from __future__ import annotations

from typing import Any

import pytest

from bot.errors import Refused
from bot.flows.elsewhere import workflow_inputs


def schema(*names: str, required: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the schema of a workflow's inputs."""
    return {"properties": {name: {"type": "string"} for name in names}, "required": list(required)}


@pytest.mark.parametrize(
    ("takes", "given"),
    [
        (schema("model", "until", required=("model",)), {"model": "m", "until": "2013-06"}),
        (schema("until"), {"until": "2013-06"}),
    ],
)
def test_parameters_become_inputs(takes: dict[str, Any], given: dict[str, Any]) -> None:
    """Each parameter goes by its name; the model's name goes along where it is asked for."""
    assert workflow_inputs("r.yml", takes, "m", {"until": "2013-06"}) == given


def test_every_input_that_does_not_fit_is_named() -> None:
    """What the workflow does not take and what nobody gives are told at once."""
    with pytest.raises(Refused) as said:
        workflow_inputs("r.yml", schema("runner", required=("runner",)), "m", {"rows": 3, "until": "x"})
    problem = said.value.problem
    assert problem.reason_code == "unexpected_inputs"
    assert [one.field for one in problem.errors] == ["rows", "until", "runner"]
