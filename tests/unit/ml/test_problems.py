"""What is wrong with values, in words."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import Field, StringConstraints, ValidationError

from ml.contract import Caller
from ml.problems import abridge, nearest, read_validation_error, refuse_field, shorten
from ml.recipe import Row


class Flight(Row):
    """A row with each kind of limit."""

    carrier: Literal["UA", "AA", "WN"] | None = None
    delay: Annotated[float, Field(ge=-60, le=600)] = 0
    seats: Annotated[int, Field(gt=0)] = 1
    flight: str = Field(default="UA1", pattern="^[A-Z]{2}[0-9]+$", examples=["UA1545"])


@pytest.mark.parametrize(
    ("row", "field", "message"),
    [
        ({"carrier": "UB"}, "carrier", "carrier must be one of UA, AA, WN; did you mean UA?"),
        ({"carrier": "ua "}, "carrier", "carrier must be one of UA, AA, WN; did you mean UA?"),
        ({"delay": 601}, "delay", "delay must be a number from -60 to 600"),
        ({"delay": float("nan")}, "delay", "delay must be a number from -60 to 600"),
        ({"delay": "late"}, "delay", "delay must be a number from -60 to 600"),
        ({"seats": 0}, "seats", "seats must be a whole number above 0"),
        ({"flight": "1545"}, "flight", "flight must be a text such as UA1545"),
        ({"carier": "UA"}, "carier", "there is no field 'carier'; did you mean carrier?"),
    ],
)
def test_a_wrong_value_is_told_with_what_is_allowed(row: dict[str, Any], field: str, message: str) -> None:
    """Field, value seen, what is allowed, and the nearest known choice where there is one."""
    with pytest.raises(ValidationError) as caught:
        Flight.model_validate(row)
    refused = read_validation_error(caught.value, Flight)
    assert [problem.field for problem in refused.errors] == [field]
    assert refused.errors[0].message == message
    assert refused.errors[0].allowed


class Order(Row):
    """A body with values inside values."""

    who: Caller | None = None
    marks: tuple[int, int] = (0, 0)
    params: dict[str, Any] = Field(default_factory=dict)
    code: Annotated[str, StringConstraints(pattern="^[0-9]+$")] = "1"


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"who": {"who": "", "where": "x"}}, "who.who", "who.who must be a text of 1 to 200 characters"),
        ({"who": {"who": "x"}}, "who.where", "who.where is missing"),
        (
            {"who": {"who": "x", "where": "y", "were": 1}},
            "who.were",
            "there is no field 'who.were'; did you mean where?",
        ),
        ({"who": 3}, "who", "who must be an object of values by name"),
        ({"params": []}, "params", "params must be an object of values by name"),
        ({"marks": [1]}, "marks", "marks must be a list of a whole number and a whole number"),
        ({"code": "x"}, "code", "code must be a text that matches ^[0-9]+$"),
    ],
)
def test_a_value_inside_another_is_named_by_its_place(body: dict[str, Any], field: str, message: str) -> None:
    """Objects, lists and patterns are told as what they are, and the field at fault is the inner one."""
    with pytest.raises(ValidationError) as caught:
        Order.model_validate(body)
    (problem,) = read_validation_error(caught.value, Order).errors
    assert (problem.field, problem.message) == (field, message)


def test_all_problems_are_told_at_once() -> None:
    """Nobody corrects one field only to hear about the next."""
    with pytest.raises(ValidationError) as caught:
        Flight.model_validate({"delay": 1e9, "seats": "x", "carrier": "UU"})
    refused = read_validation_error(caught.value, Flight)
    assert {problem.field for problem in refused.errors} == {"delay", "seats", "carrier"}
    assert "UA" in refused.suggestions


def test_what_begins_alike_comes_first() -> None:
    """Of equally similar choices the one with the right first letter is the likelier."""
    assert nearest("UX", ["VX", "US", "AA"])[0] == "US"
    assert nearest("ARRIVAL-DELAY", ["arrival-delay"]) == ("arrival-delay",)
    assert nearest("zzz", ["arrival-delay"]) == ()


@given(
    some.recursive(some.none() | some.booleans() | some.floats() | some.integers() | some.text(), some.lists)
)
def test_any_value_can_be_shown(value: Any) -> None:
    """What is shown of a value is short, plain, and no NaN."""
    shown = shorten(value)
    assert shown is None or isinstance(shown, bool | int | float | str)
    assert len(str(shown)) <= 80
    assert shown == shown


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("short", "short"),
        (10**12, 10**12),
        ([1, 2], [1, 2]),
        ("x" * 100_000, "x" * 79 + "… (text of 100,000 characters)"),
        ([1] * 1_000, "[" + "1," * 39 + "… (list of 1,000)"),
        ({"a": "y" * 500}, '{"a":"' + "y" * 73 + "… (object of 1)"),
    ],
)
def test_what_is_long_is_kept_by_its_beginning(value: Any, kept: Any) -> None:
    """With its type and length; what is short is kept as it is."""
    assert abridge(value) == kept


def test_a_sentence_of_a_recipe_is_bounded() -> None:
    """It may quote whatever was sent."""
    (problem,) = refuse_field("zone", 1, "one of " + "z" * 100_000, message="not " + "x" * 100_000).errors
    assert (len(problem.allowed), len(problem.message)) == (500, 500)


@pytest.mark.timeout(20)
def test_megabytes_are_no_slip_for_a_name() -> None:
    """A text of 30 MB is refused at once: nobody looks for what it resembles."""
    refused = refuse_field("zone", "far" * 10_000_000, "one of near, far", choices=("near", "far"))
    assert refused.suggestions == ()
    assert len(str(refused.errors[0].value)) == 80
