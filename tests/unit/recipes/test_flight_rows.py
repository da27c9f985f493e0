"""From what a person types to a full row."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from pydantic import ValidationError

from bot.coercion import coerce
from ml.errors import Refused
from ml.rows import RowReader
from recipes.arrival_delay import ArrivalDelay
from recipes.flight_rows import CARRIERS, FlightInputs, FlightRow, complete_flight
from recipes.nycflights import WEATHER, load_flights

FLIGHTS = load_flights()
REAL = {"flight": "UA1545", "date": "2013-01-01"}
DESCRIBED = {"carrier": "UA", "origin": "EWR", "dest": "IAH", "date": "2013-07-04T15:30"}


def complete(**given: Any) -> Any:
    """Return the full row for these inputs."""
    return complete_flight(FLIGHTS, FlightInputs(**given))


def refused(**given: Any) -> Refused:
    """Return the refusal of these inputs."""
    with pytest.raises(Refused) as caught:
        complete(**given)
    return caught.value


def test_six_inputs_make_a_form() -> None:
    """Each is described; carriers and airports are choices."""
    properties = FlightInputs.model_json_schema()["properties"]
    assert len(properties) == 6
    assert all(each.get("description") for each in properties.values())
    assert tuple(properties["carrier"]["anyOf"][0]["enum"]) == CARRIERS


def test_a_real_flight_is_looked_up() -> None:
    """Everything but number and day is filled in, with source and age; the truth is kept apart."""
    found = complete(**REAL)
    assert FlightRow.model_validate(found.features)
    assert (found.features["origin"], found.features["dest"], found.features["departure_delay"]) == (
        "EWR",
        "IAH",
        2,
    )
    assert set(found.filled_in) == {"carrier", "origin", "dest", "departs", "arrives", "distance",
                                    "departure_delay", *WEATHER}  # fmt: skip
    assert found.filled_in["temperature"] == {
        "value": 39.02,
        "source": "weather observed at EWR",
        "age_seconds": 900.0,  # 05:15, observed at 05:00
    }
    assert found.actual == 11.0
    assert "arrival_delay" not in found.features


@pytest.mark.parametrize("flight", ["ua1545", " UA1545 ", "UA 1545"])
def test_phones_type_flights_their_own_way(flight: str) -> None:
    """Case and spaces do not matter."""
    assert complete(flight=flight, date="2013-01-01").features["carrier"] == "UA"


def test_what_if_it_left_later() -> None:
    """A delay that is given replaces the real one, and then nobody knows the truth."""
    found = complete(**REAL, departure_delay=45)
    assert (found.features["departure_delay"], found.actual) == (45, None)
    assert "departure_delay" not in found.filled_in


def test_an_origin_decides_between_two() -> None:
    """The same number left from two airports; without the origin the choices are named."""
    both = {"flight": "WN2269", "date": "2013-06-08"}
    assert complete(**both, origin="EWR").features["dest"] == "DEN"
    refusal = refused(**both)
    assert (refusal.reason_code, refusal.errors[0].field) == ("ambiguous_flight", "origin")
    assert refusal.errors[0].allowed == "LGA or EWR"


def test_a_described_flight_is_completed() -> None:
    """Length and distance as usual on the route, the weather of its hour, no truth."""
    found = complete(**DESCRIBED)
    assert FlightRow.model_validate(found.features)
    assert (found.features["departs"], found.features["distance"]) == (930, 1400)
    assert found.filled_in["departure_delay"]["source"] == "assumed: leaves on time"
    assert found.filled_in["wind_speed"]["age_seconds"] == 1800.0
    assert found.actual is None
    assert complete(**DESCRIBED, departure_delay=20).features["departure_delay"] == 20


@pytest.mark.parametrize(
    ("given", "reason", "field", "words"),
    [
        ({**REAL, "flight": "UX1545"}, "unknown_carrier", "flight", "did you mean U"),
        ({**REAL, "flight": "UA9999"}, "unknown_flight", "flight", "did you mean UA99"),
        ({**REAL, "date": "2013-07-04"}, "unknown_flight", "date", "2013-05-28, 2013-08-13, 2013-08-14"),
        ({**REAL, "dest": "LAX"}, "invalid_value", "dest", "dest must be IAH"),
        ({**REAL, "date": "2014-01-01"}, "invalid_value", "date", "2013-12-31"),
        ({**REAL, "date": "2013-02-30"}, "invalid_value", "date", "2013-01-01"),
        ({**DESCRIBED, "date": "2013-07-04"}, "invalid_value", "date", "2013-07-04T15:30"),
        ({**DESCRIBED, "dest": "ACK"}, "invalid_value", "dest", "nobody flew from EWR to ACK"),
        ({**DESCRIBED, "carrier": None}, "invalid_value", "carrier", "carrier is missing"),
        ({"date": "2013-07-04"}, "invalid_value", "flight", "give flight and date"),
        ({"flight": "UA719", "date": "2013-01-10"}, "flight_cancelled", "flight", "was cancelled"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], reason: str, field: str, words: str) -> None:
    """With the field at fault and what would do instead."""
    refusal = refused(**given)
    assert (refusal.reason_code, refusal.errors[0].field) == (reason, field)
    assert words in refusal.detail


@pytest.mark.parametrize(
    "date", ["2013-13-01", "2013-00-01", "2013-07-32", "2013-07", "2013-07-04T24:00", "2013-07-04T15:60"]
)
def test_what_is_no_day_is_told_while_the_form_is_open(date: str) -> None:
    """Its schema says so, by which the form is judged before it closes; the function app judges alike."""
    (problem,) = coerce({**DESCRIBED, "date": date}, FlightInputs.model_json_schema())[1]
    assert (problem.field, problem.allowed) == ("date", "text like 2013-07-04")
    with pytest.raises(ValidationError, match="date"):
        FlightInputs(**{**DESCRIBED, "date": date})


def test_a_cancelled_flight_may_be_imagined() -> None:
    """With a delay it is a flight like any other."""
    found = complete(flight="UA719", date="2013-01-10", departure_delay=10)
    assert (found.features["departure_delay"], found.actual) == (10, None)


READER = RowReader(ArrivalDelay())
TEXTS = some.text(max_size=12) | some.none() | some.integers() | some.floats()
ROWS = some.fixed_dictionaries(
    {},
    optional={
        "flight": some.from_regex(r"[A-Z0-9]{2} ?[0-9]{1,4}", fullmatch=True)
        | some.sampled_from(["UA1545", "WN2269"])
        | TEXTS,
        "date": some.dates().map(str) | some.sampled_from(["2013-01-01", "2013-07-04T23:59"]) | TEXTS,
        "carrier": some.sampled_from(CARRIERS) | TEXTS,
        "origin": some.sampled_from(["EWR", "JFK", "LGA"]) | TEXTS,
        "dest": some.sampled_from(["IAH", "ACK", "LGA"]) | TEXTS,
        "departure_delay": some.floats() | some.integers() | TEXTS,
    },
)


@settings(max_examples=300)
@given(row=ROWS)
def test_whatever_is_typed_is_a_flight_or_a_refusal(row: dict[str, Any]) -> None:
    """No lookup breaks, and what it finds is a full row."""
    body = json.dumps({"rows": [row], "caller": {"who": "a", "where": "b"}}).encode()
    (slot,) = READER.read(body).slots
    assert (slot.features is None) == (slot.refusal is not None)
    assert slot.refusal is None or slot.refusal.reason_code != "lookup_failed"
