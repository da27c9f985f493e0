"""Answers as columns say what the same answers say row by row."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ml.answers import Answers, Intervals, build_answer, render_reply

IDS = [f"p-{n}" for n in range(3)]


def numbers() -> Answers:
    """Return three predictions of numbers, the middle one withheld."""
    shared = build_answer("predicted", "champion", unit='100% of a "min"', version=2, data_version="d")
    answers = Answers(shared, [0.5, 1e300, -0.25], Intervals([0.0, 1.0, -1.0], [1.0, 2.0, 1.5], 0.9))
    answers.apart[1] = {**answers.row(1), "outcome": "abstain", "value": None}
    return answers


def labels() -> Answers:
    """Return three labels that JSON must escape, with their confidence."""
    shared = build_answer("predicted", "champion", version=2)
    return Answers(shared, ['a, "b"', "当番", 'a, "b"'], confidence=[0.25, 0.5, 1.0])


@pytest.mark.parametrize(
    "answers", [numbers(), labels(), Answers.of_rows([numbers().row(n) for n in range(3)])]
)
def test_columns_are_rendered_as_their_rows_would_be(answers: Answers) -> None:
    """The very keys in the very order; quotes, commas and per cent signs are text."""
    rows = [answers.row(n) for n in range(3)]
    reply = render_reply("parcels", answers, IDS, logged=True)
    assert reply == render_reply("parcels", rows, IDS, logged=True)
    content = json.loads(reply)
    assert [row["prediction_id"] for row in content["results"]] == IDS
    assert (content["model"], content["logged"]) == ("parcels", True)


def test_what_is_logged_of_some_rows() -> None:
    """Values and both ends of the intervals of the rows chosen; what they share is there once."""
    logged: dict[str, Any] = numbers().columns([0, 2])
    assert logged["value"] == [0.5, -0.25]
    assert logged["interval"] == {"low": [0.0, -1.0], "high": [1.0, 1.5], "coverage": 0.9}
    assert logged["version"] == 2
    assert labels().columns()["confidence"] == [0.25, 0.5, 1.0]
