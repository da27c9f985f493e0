"""What is wrong with values, in words."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import Field, ValidationError

from ml.problems import nearest, read_validation_error, shorten
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
