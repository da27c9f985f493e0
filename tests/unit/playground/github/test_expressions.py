"""Expressions of workflow files, judged by the examples of GitHub's page on them."""

from typing import Any

import pytest

from playground.github.expressions import (
    BadExpression,
    condition,
    evaluate,
    fill_in,
    is_true,
    to_text,
    value_of,
)

CONTEXT = {
    "github": {"ref": "refs/heads/main", "event": {"issue": {"labels": [{"name": "bug"}, {"name": "help"}]}}},
    "inputs": {"dry": True, "size": 3.0, "model": "arrival", "empty": ""},
    "steps": {"one": {"outputs": {"mae": "12.5"}}},
    "matrix": {},
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 == '1'", True),
        ("'A' == 'a'", True),
        ("null == ''", True),
        ("true == 1", True),
        ("'abc' < 'abd'", True),
        ("'x' > 1", False),
        ("0xff", 255.0),
        ("-2.5e1", -25.0),
        ("'it''s'", "it's"),
        ("!inputs.dry", False),
        ("inputs.dry && 'yes' || 'no'", "yes"),
        ("inputs.empty || 'fallback'", "fallback"),
        ("false || true && false", False),
        ("(false || true) && true", True),
        ("1 < 2 == true", True),
        ("inputs.INPUTS.nothing", None),
        ("steps.one.outputs['mae'] >= 12", True),
        ("github.event.issue.labels[1].name", "help"),
        ("contains(github.event.issue.labels.*.name, 'BUG')", True),
        ("contains('Hello', 'ell')", True),
        ("startsWith(github.ref, 'REFS/heads/')", True),
        ("endsWith(github.ref, 'main')", True),
        ("format('{{{0}}} {1}', 'a', true)", "{a} true"),
        ("join(github.event.issue.labels.*.name, '+')", "bug+help"),
        ("fromJSON('[1, 2]')[1]", 2),
        ("toJSON(inputs.dry)", "true"),
        ("toJSON(fromJSON('{\"a\": 1}'))", '{\n  "a": 1\n}'),
    ],
)
def test_values(expression: str, expected: Any) -> None:
    """Types, operators, properties and functions give what GitHub gives."""
    assert evaluate(expression, CONTEXT) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "secrets.KEY",
        "unknown()",
        "1 +",
        "'open",
        "contains('a')",
        "(1",
        "1 2",
        "fromJSON('{')",
        "format('{1}', 'a')",
    ],
)
def test_what_cannot_be_read_is_said(expression: str) -> None:
    """An unknown name or function, and broken syntax, are errors and not empty texts."""
    with pytest.raises(BadExpression):
        evaluate(expression, CONTEXT)


def test_text_is_filled_in() -> None:
    """Each expression becomes text: no value nothing, whole numbers without a point, objects a word."""
    text = "m=${{ inputs.model }} n=${{ inputs.size }} d=${{ inputs.dry }} x=${{ matrix.x }} o=${{ matrix }}"
    assert fill_in(text, CONTEXT) == "m=arrival n=3 d=true x= o=Object"
    assert to_text([]) == "Array"


def test_two_expressions_are_text() -> None:
    """Even when the text begins with one and ends with another."""
    assert value_of("${{ inputs.model }}-${{ inputs.size }}", CONTEXT) == "arrival-3"


def test_one_expression_alone_keeps_its_type() -> None:
    """A value that is one expression stays a truth or a number; in a list and a mapping too."""
    assert value_of({"a": ["${{ inputs.dry }}"], "b": "x${{ inputs.size }}"}, CONTEXT) == {
        "a": [True],
        "b": "x3",
    }


@pytest.mark.parametrize(
    ("value", "expected"), [("", False), (0, False), (None, False), ("0", True), ([], True)]
)
def test_truth(value: Any, expected: bool) -> None:
    """Empty text, zero and null are false; the text “0” and an empty list are true."""
    assert is_true(value) is expected


@pytest.mark.parametrize(
    ("given", "failed", "expected"),
    [
        (None, False, True),
        (None, True, False),
        ("failure()", True, True),
        ("${{ failure() && inputs.dry }}", True, True),
        ("always()", True, True),
        ("inputs.dry", False, True),
        ("inputs.dry", True, False),
        ("!cancelled() && inputs.empty", False, False),
        (True, True, False),
        ("${{ inputs.empty }} == ''", False, True),
    ],
)
def test_conditions(given: Any, failed: bool, expected: bool) -> None:
    """Without a status function a condition also needs that nothing has failed."""
    functions = {
        "success": lambda: not failed,
        "failure": lambda: failed,
        "always": lambda: True,
        "cancelled": lambda: False,
    }
    assert condition(given, CONTEXT, functions) is expected
