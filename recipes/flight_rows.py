"""A flight as a person names or describes it, as the model needs it, and the way from the one to the other.

A real flight is found by number and day, a described one is completed with what is usual on its route and
with the weather of its hour. Every value that was not given is told with its source and its age.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, get_args

import numpy as np
from pydantic import BeforeValidator, Field

from ml.recipe import Completed, Refused, Row, filled, refuse_field
from recipes.nycflights import FIRST_DAY, LAST_DAY, MINUTES_A_DAY, WEATHER, Flights

Carrier = Literal[
    "9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV"
]  # fmt: skip
Origin = Literal["EWR", "JFK", "LGA"]
Dest = Literal[
    "ABQ", "ACK", "ALB", "ANC", "ATL", "AUS", "AVL", "BDL", "BGR", "BHM", "BNA", "BOS", "BQN", "BTV", "BUF",
    "BUR", "BWI", "BZN", "CAE", "CAK", "CHO", "CHS", "CLE", "CLT", "CMH", "CRW", "CVG", "DAY", "DCA", "DEN",
    "DFW", "DSM", "DTW", "EGE", "EYW", "FLL", "GRR", "GSO", "GSP", "HDN", "HNL", "HOU", "IAD", "IAH", "ILM",
    "IND", "JAC", "JAX", "LAS", "LAX", "LEX", "LGA", "LGB", "MCI", "MCO", "MDW", "MEM", "MHT", "MIA", "MKE",
    "MSN", "MSP", "MSY", "MTJ", "MVY", "MYR", "OAK", "OKC", "OMA", "ORD", "ORF", "PBI", "PDX", "PHL", "PHX",
    "PIT", "PSE", "PSP", "PVD", "PWM", "RDU", "RIC", "ROC", "RSW", "SAN", "SAT", "SAV", "SBN", "SDF", "SEA",
    "SFO", "SJC", "SJU", "SLC", "SMF", "SNA", "SRQ", "STL", "STT", "SYR", "TPA", "TUL", "TVC", "TYS", "XNA",
]  # fmt: skip
CARRIERS: tuple[str, ...] = get_args(Carrier)

MONTH, DAY_OF_MONTH = r"\d{4}-(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
"""Regular expressions as exact as they can be: a form judges by them while it is still open."""
DAY_PATTERN = rf"^{MONTH}-{DAY_OF_MONTH}(?:[T ](?:[01]\d|2[0-3]):[0-5]\d)?$"
SCHEDULE, OBSERVED, USUAL = "schedule of 2013", "weather observed at {origin}", "usual on this route in 2013"
SCHEDULED = ("carrier", "origin", "dest", "departs", "arrives", "distance")


def _code(value: object) -> object:
    """Return a code as the tables spell it: phones type `ua ` for UA."""
    return value.strip().upper() if isinstance(value, str) else value


class FlightInputs(Row):
    """A real flight (flight, date), or a described one (carrier, origin, dest, date with time)."""

    flight: Annotated[str, Field(pattern=r"^[A-Z0-9]{2} ?\d{1,4}$"), BeforeValidator(_code)] | None = Field(
        default=None, description="carrier code and number of a real flight", examples=["UA1545"]
    )
    date: Annotated[str, Field(pattern=DAY_PATTERN)] = Field(
        description="day in 2013; without a flight also the scheduled departure, local time",
        examples=["2013-07-04", "2013-07-04T15:30"],
    )
    carrier: Annotated[Carrier, BeforeValidator(_code)] | None = Field(
        default=None, description="carrier code, where no real flight is meant"
    )
    origin: Annotated[Origin, BeforeValidator(_code)] | None = Field(
        default=None,
        description="airport of departure; for a real flight only where its number flew from several",
    )
    dest: Annotated[Dest, BeforeValidator(_code)] | None = Field(
        default=None, description="airport of arrival"
    )
    departure_delay: Annotated[float, Field(ge=-120, le=2000)] | None = Field(
        default=None,
        description="minutes late at departure; looked up for a real flight, else 0 if not given",
    )


class FlightRow(Row):
    """All that is known at departure; None where the weather was not observed."""

    carrier: Annotated[Carrier, BeforeValidator(_code)]
    origin: Annotated[Origin, BeforeValidator(_code)]
    dest: Annotated[Dest, BeforeValidator(_code)]
    date: date
    departs: Annotated[
        int, Field(ge=0, lt=MINUTES_A_DAY, description="scheduled, minutes after local midnight")
    ]
    arrives: Annotated[
        int, Field(ge=0, le=MINUTES_A_DAY, description="scheduled, minutes after local midnight")
    ]
    distance: Annotated[float, Field(ge=10, le=6000, description="miles")]
    departure_delay: Annotated[float, Field(ge=-120, le=2000, description="minutes")]
    temperature: Annotated[float, Field(ge=-60, le=140, description="Fahrenheit")] | None = None
    humidity: Annotated[float, Field(ge=0, le=100, description="per cent")] | None = None
    wind_direction: Annotated[float, Field(ge=0, le=360, description="degrees")] | None = None
    wind_speed: Annotated[float, Field(ge=0, le=2000, description="miles per hour")] | None = None
    precipitation: Annotated[float, Field(ge=0, le=20, description="inches in the hour")] | None = None
    pressure: Annotated[float, Field(ge=850, le=1100, description="millibars")] | None = None
    visibility: Annotated[float, Field(ge=0, le=20, description="miles")] | None = None


def complete_flight(flights: Flights, inputs: FlightInputs) -> Completed:
    """Return the full row of the flight that a person meant.

    Raises:
        Refused: There is no such flight, there are several, or too little was given to describe one.
    """
    day, departs = _read_date(inputs.date)
    if inputs.flight is not None:
        return _complete_real(flights, inputs, inputs.flight, day)
    return _complete_described(flights, inputs, day, departs)


def _read_date(text: str) -> tuple[np.datetime64, int | None]:
    """Return the day, and the minutes after midnight where a time was given."""
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        day = date.min
    hour, minute = (int(text[11:13]), int(text[14:])) if len(text) > 10 else (0, 0)
    if not FIRST_DAY <= day <= LAST_DAY:
        allowed = f"a day from {FIRST_DAY} to {LAST_DAY}, with or without a time such as T15:30"
        raise refuse_field("date", text, allowed)
    return np.datetime64(day), hour * 60 + minute if len(text) > 10 else None


def _complete_real(flights: Flights, inputs: FlightInputs, flight: str, day: np.datetime64) -> Completed:
    place = _pick(flights, inputs, flight.replace(" ", ""), day)
    known = flights.flight_at(place)
    arrived, left = known.pop("arrival_delay"), known["departure_delay"]
    if inputs.departure_delay is None and left is None:
        raise refuse_field(
            "flight",
            flight,
            "a flight that departed",
            message=f"{flight} was cancelled on {day}; give departure_delay to ask what would have been",
            reason_code="flight_cancelled",
        )
    asked = [name for name in SCHEDULED if getattr(inputs, name, None) is None]
    told = {name: filled(_shown(name, known[name]), SCHEDULE) for name in asked}
    if inputs.departure_delay is None:
        told["departure_delay"] = filled(left, "departure board", 0.0)
    else:
        known["departure_delay"], arrived = inputs.departure_delay, None
    told |= _tell_weather(known, known["origin"], known["departs"])
    return Completed(known, told, arrived)


def _pick(flights: Flights, inputs: FlightInputs, flight: str, day: np.datetime64) -> int:
    """Return the position of the one flight meant."""
    carrier, number = flight[:2], int(flight[2:])
    if carrier not in CARRIERS:
        raise refuse_field(
            "flight",
            flight,
            "a flight of " + ", ".join(CARRIERS),
            message=f"no carrier has the code {carrier}",
            choices=[f"{known}{number}" for known in CARRIERS],
            reason_code="unknown_carrier",
        )
    places = flights.find(carrier, number, day)
    if not len(places):
        raise _not_flown(flights, flight, day)
    columns = flights.flights
    fitting = [
        int(place)
        for place in places
        if all(
            (wanted := getattr(inputs, name)) is None or columns[name][place] == wanted.encode()
            for name in ("carrier", "origin", "dest")
        )
    ]
    if len(fitting) == 1:
        return fitting[0]
    routes = [(str(columns["origin"][i], "ascii"), str(columns["dest"][i], "ascii")) for i in places]
    flown = " and ".join(f"{origin} to {dest}" for origin, dest in routes)
    field = "origin" if len(routes) > 1 else next(
        name for name in ("carrier", "origin", "dest")
        if (value := getattr(inputs, name)) is not None and columns[name][places[0]] != value.encode()
    )  # fmt: skip
    choices = [str(columns[field][i], "ascii") for i in places]
    raise refuse_field(
        field,
        getattr(inputs, field),
        " or ".join(choices),
        message=f"{flight} flew from {flown} on {day}: {field} must be {' or '.join(choices)}",
        reason_code="ambiguous_flight" if len(fitting) > 1 else "invalid_value",
    )


def _not_flown(flights: Flights, flight: str, day: np.datetime64) -> Refused:
    days = flights.days_of(flight[:2], int(flight[2:]))
    if not len(days):
        numbers = flights.numbers_of(flight[:2])
        return refuse_field(
            "flight", flight, "a flight of 2013", message=f"no flight {flight} was scheduled in 2013",
            choices=[f"{flight[:2]}{number}" for number in numbers], reason_code="unknown_flight",
        )  # fmt: skip
    closest = np.sort(days[np.argsort(np.abs(days - day), kind="stable")[:3]])
    allowed = f"a day on which {flight} was scheduled, such as " + ", ".join(str(each) for each in closest)
    return refuse_field(
        "date", str(day), allowed, message=f"{flight} was not scheduled on {day}; it was on "
        + ", ".join(str(each) for each in closest), reason_code="unknown_flight",
    )  # fmt: skip


def _complete_described(
    flights: Flights, inputs: FlightInputs, day: np.datetime64, departs: int | None
) -> Completed:
    if inputs.carrier is None or inputs.origin is None or inputs.dest is None or departs is None:
        raise _too_little(inputs, departs)
    usual = flights.typical(inputs.carrier, inputs.origin, inputs.dest)
    if usual is None:
        choices = flights.destinations(inputs.origin)
        raise refuse_field(
            "dest",
            inputs.dest,
            f"one of the {len(choices)} destinations flown from {inputs.origin}",
            message=f"nobody flew from {inputs.origin} to {inputs.dest} in 2013",
            choices=choices,
        )
    minutes, distance = usual
    row: dict[str, Any] = {
        "carrier": inputs.carrier,
        "origin": inputs.origin,
        "dest": inputs.dest,
        "departs": departs,
    }
    looked_up: dict[str, Any] = {"arrives": (departs + minutes) % MINUTES_A_DAY, "distance": distance}
    told = {name: filled(_shown(name, value), USUAL) for name, value in looked_up.items()}
    if inputs.departure_delay is None:
        told["departure_delay"] = filled(0, "assumed: leaves on time")
    weather = flights.weather_at(inputs.origin, day, departs // 60)
    told |= _tell_weather(weather, inputs.origin, departs)
    delay = inputs.departure_delay or 0.0
    return Completed({**row, **looked_up, "date": day.item(), "departure_delay": delay, **weather}, told)


def _too_little(inputs: FlightInputs, departs: int | None) -> Refused:
    missing = [name for name in ("carrier", "origin", "dest") if getattr(inputs, name) is None]
    if len(missing) == 3:
        return refuse_field(
            "flight",
            None,
            "a flight such as UA1545",
            message="give flight and date, or carrier, origin, dest and a date with a time",
        )
    if missing:
        return refuse_field(
            missing[0], None, "given, or a flight instead", message=f"{missing[0]} is missing"
        )
    return refuse_field("date", inputs.date, f"a day with a time, such as {inputs.date[:10]}T15:30")


def _shown(name: str, value: Any) -> Any:
    """Return a value as people read it: minutes of the day as a clock shows them."""
    return f"{value // 60:02d}:{value % 60:02d}" if name in ("departs", "arrives") else value


def _tell_weather(weather: Mapping[str, Any], origin: str, departs: int) -> dict[str, dict[str, Any]]:
    """Return the observations as filled in; their age is counted at the scheduled departure."""
    source, age = OBSERVED.format(origin=origin), departs % 60 * 60.0
    return {
        name: filled(None, source)
        if (value := weather[name]) is None
        else filled(round(value, 2), source, age)
        for name in WEATHER
    }
