"""How late a flight will arrive, known at departure: boosted trees on the flights of 2013 out of New York.

The model learns the minutes lost or made up in the air, and adds them to the delay at departure; the plain
rule says that nothing is lost or made up. The truth comes hours later, the season drifts, and replaying the
year gives real drift, late truth and daily retrains.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from ml.recipe import (
    Check,
    Completed,
    MetricSpec,
    OutputCheck,
    Predicted,
    Progress,
    Recipe,
    ServingPolicy,
    Split,
    Table,
    TrainingFailed,
    TrainingParams,
    absolute_errors,
    bias,
    mean_absolute_error,
    numbers,
    share_within,
)
from recipes.flight_rows import DAY_OF_MONTH, MONTH, FlightInputs, FlightRow, complete_flight
from recipes.nycflights import FIRST_DAY, LAST_DAY, MINUTES_A_DAY, WEATHER, load_flights, look_up_flights

WINDOW_PATTERN = f"^{MONTH}(?:-{DAY_OF_MONTH})?$"
PROMISE_MINUTES = 15
LATENESS = np.array(["on time", "late", "an hour late", "three hours late"])
LATE_MINUTES = np.array([15, 60, 180], dtype=np.float32)
"""Minutes late at departure from which each name but the first holds."""

MOST_GAINED_MINUTES = 240
"""Minutes made up or lost in the air beyond which an answer is not to be believed (seen: 196)."""


def _first_day(value: object) -> object:
    return f"{value}-01" if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}", value) else value


def _last_day(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-(?:0[1-9]|1[0-2])", value):
        return value
    year, month = int(value[:4]), int(value[5:])
    return (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).isoformat()


def _window_schema(example: str) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "string", "pattern": WINDOW_PATTERN, "examples": [example, f"{example}-15"]}
    )


class TrainingWindow(TrainingParams):
    """The days to train on, inclusive; the evaluation takes the month after them."""

    since: Annotated[date, BeforeValidator(_first_day), _window_schema("2013-01")] = Field(
        default=FIRST_DAY, description="first day or month to train on"
    )
    until: Annotated[date, BeforeValidator(_last_day), _window_schema("2013-06")] = Field(
        default=date(2013, 11, 30),
        description="last day or month to train on; the month after it is for evaluation",
    )

    @model_validator(mode="after")
    def _leaves_rows(self) -> Self:
        if not FIRST_DAY <= self.since <= self.until:
            raise ValueError(f"since must lie between {FIRST_DAY} and until ({self.until})")
        if self.until >= LAST_DAY:
            raise ValueError(f"until must lie before {LAST_DAY}, so that days are left to evaluate on")
        return self

    @property
    def evaluation_since(self) -> date:
        """The first day to evaluate on."""
        return self.until + timedelta(days=1)

    @property
    def evaluation_until(self) -> date:
        """The last day to evaluate on: one month in all, clipped to the data."""
        first = self.evaluation_since
        following = np.datetime64(first, "M") + 2
        last_of_next = (following.astype("datetime64[D]") - 1).astype(date)
        same_day = min(first.day, last_of_next.day)
        return min(date(last_of_next.year, last_of_next.month, same_day) - timedelta(days=1), LAST_DAY)


class ArrivalDelay(Recipe):
    """Arrival delay in minutes, from the schedule, the delay at departure and the weather at the gate."""

    title = "Arrival delay"
    description = "How late a flight out of New York will arrive, known at departure"
    unit = "min"
    target = "arrival delay in minutes (negative: early); learned as the minutes lost or made up in the air"
    query = (
        "SELECT f.*, w.temp, w.humid, w.wind_dir, w.wind_speed, w.precip, w.pressure, w.visib\n"
        "FROM nycflights13.flights f LEFT JOIN nycflights13.weather w "
        "USING (origin, year, month, day, hour)\n"
        "WHERE f.date BETWEEN :since AND :evaluation_until AND f.arr_delay IS NOT NULL"
    )
    assumptions = (
        "Cancelled and diverted flights are left out: the promise is about flights that arrive. "
        "The weather is that of the origin in the scheduled hour of departure. Times are local. "
        "A flight's delay at departure is known when the promise is made."
    )
    rule_text = "the arrival delay equals the delay at departure"
    examples = (
        {"flight": "UA1545", "date": "2013-01-01"},
        {"carrier": "UA", "origin": "EWR", "dest": "IAH", "date": "2013-07-04T15:30", "departure_delay": 20},
    )

    inputs = FlightInputs
    row = FlightRow
    params = TrainingWindow
    texts = ("carrier", "origin", "dest")
    numbers = ("departure_delay", "hour", "weekday", "planned_minutes", "distance", *WEATHER)

    metrics = (
        MetricSpec(name="mae", title="Mean absolute error", unit="min", direction="lower",
                   description="mean distance between promise and arrival"),
        MetricSpec(name="bias", title="Bias", unit="min", direction="zero",
                   description="mean of promise minus arrival; negative: flights come later than promised"),
        MetricSpec(name="within_15", title="Promised within 15 minutes", unit="share", direction="higher",
                   business=True, description="share of arrivals promised within 15 minutes of the truth"),
    )  # fmt: skip
    paired_metric = "mae"
    loss_edges = tuple(float(edge) for edge in range(0, 65, 5))
    policy = ServingPolicy(
        on_failure="rule",
        safe_action="Promise no time: say that the flight is late and that a time follows.",
        coverage=0.9,
        max_interval_width=90,
        abstain_outside=("departure_delay", "distance"),
    )
    input_checks = (
        Check("same_airport", "dest", "another airport than the origin", lambda t: t["origin"] == t["dest"]),
    )
    output_checks = (
        OutputCheck(
            "implausible_answer",
            f"more than {MOST_GAINED_MINUTES} minutes made up or lost in the air",
            lambda predicted, table: (
                np.abs(predicted.values - table["departure_delay"]) > MOST_GAINED_MINUTES
            ),
        ),
    )
    agreement = 0.01
    tolerance: ClassVar[Mapping[str, float]] = {"mae": 0.05, "bias": 0.1, "within_15": 0.005}

    # --- data -----------------------------------------------------------------------------------------

    def load(self, params: TrainingWindow, progress: Progress) -> Table:
        """Return the flights of both windows that arrived, with their weather."""
        progress(None, "reading flights and weather")
        flights = load_flights().flights
        days = flights["date"]
        wanted = (days >= np.datetime64(params.since)) & (days <= np.datetime64(params.evaluation_until))
        rows = flights.take(wanted & ~np.isnan(flights["arrival_delay"]))
        if not len(rows):
            raise TrainingFailed(
                "no_rows", f"no flight arrived from {params.since} to {params.evaluation_until}"
            )
        return _typed(rows)

    def query_values(self, params: TrainingWindow) -> dict[str, Any]:
        """Return both ends of the days that are read."""
        return {"since": params.since.isoformat(), "evaluation_until": params.evaluation_until.isoformat()}

    def split(self, table: Table, params: TrainingWindow) -> Split:
        """Return the window to train on and the month after it."""
        training = table["date"] <= np.datetime64(params.until)
        return Split(
            table.take(training),
            table.take(~training),
            params.evaluation_since.isoformat(),
            params.evaluation_until.isoformat(),
        )

    def actual(self, table: Table) -> np.ndarray:
        """Return the arrival delays."""
        return table["arrival_delay"].astype(np.float64)

    def features(self, table: Table) -> Mapping[str, np.ndarray]:
        """Return schedule, delay at departure and weather; the calendar as weekday and hour only."""
        departs, arrives = table["departs"], table["arrives"]
        return {
            "carrier": table["carrier"],
            "origin": table["origin"],
            "dest": table["dest"],
            "departure_delay": table["departure_delay"],
            "hour": departs / np.float32(60),
            "weekday": (table["date"].astype(np.int64) + 3) % 7,  # 1970-01-01 was a Thursday; Monday is 0
            "planned_minutes": (arrives - departs) % MINUTES_A_DAY,
            "distance": table["distance"],
            **{name: table[name] for name in WEATHER},
        }

    # --- model and rule -------------------------------------------------------------------------------

    def estimator(self, params: TrainingWindow, seed: int) -> Any:
        """Return boosted trees over ordinally encoded airports and carriers."""
        from sklearn.compose import ColumnTransformer
        from sklearn.ensemble import HistGradientBoostingRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OrdinalEncoder

        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, dtype=np.float32)
        encode = ColumnTransformer(
            [("codes", codes, list(range(len(self.texts))))], remainder="passthrough", sparse_threshold=0
        )
        trees = HistGradientBoostingRegressor(
            loss="absolute_error", max_iter=60, early_stopping=False, random_state=seed
        )
        return make_pipeline(encode, trees)

    def fitted_to(self, table: Table) -> np.ndarray:
        """Return the minutes lost (positive) or made up (negative) in the air."""
        gained: np.ndarray = self.actual(table) - table["departure_delay"]
        return gained

    def answer(self, raw: np.ndarray, table: Table) -> Predicted:
        """Return the delay at departure plus what the air adds."""
        return numbers(table["departure_delay"].astype(np.float64) + raw)

    def rule(self, table: Table) -> Predicted:
        """Return the delay at departure."""
        return numbers(table["departure_delay"])

    def calibration_groups(self, table: Table) -> np.ndarray:
        """Return how late the flight left: what is in the air is harder to foresee after a long wait."""
        groups: np.ndarray = LATENESS[LATE_MINUTES.searchsorted(table["departure_delay"], side="right")]
        return groups

    # --- judging --------------------------------------------------------------------------------------

    def metric(self, name: str, predicted: Predicted, actual: np.ndarray) -> float:
        """Return MAE and bias in minutes, and the share of promises kept within 15 minutes."""
        if name == "within_15":
            return share_within(predicted, actual, PROMISE_MINUTES)
        return {"mae": mean_absolute_error, "bias": bias}[name](predicted, actual)

    def losses(self, predicted: Predicted, actual: np.ndarray) -> np.ndarray:
        """Return the distance between promise and arrival of each flight, in minutes."""
        return absolute_errors(predicted, actual)

    def blocks(self, table: Table) -> np.ndarray:
        """Return the days: a storm makes all flights of a day late."""
        return table["date"]

    # --- what a person gives --------------------------------------------------------------------------

    def complete(self, inputs: FlightInputs) -> Completed:
        """Return a real flight as it departed, or a described one with the weather of its hour."""
        return complete_flight(look_up_flights(), inputs)


def _typed(rows: Table) -> Table:
    """Return flights with texts as text and numbers as float32, as serving builds them from a typed row."""
    texts = {name: rows[name].astype(np.str_) for name in ("carrier", "origin", "dest")}
    rest = {name: rows[name].astype(np.float32) for name in ("departs", "arrives", "distance")}
    return Table({**rows.columns, **texts, **rest})
