"""The stores on which the contract suites run: a folder, memory, and Azurite where there is one."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ml.objects import ObjectStore, open_store


@dataclass(frozen=True)
class Place:
    """An empty store: its address and the environment that opens it.

    `shared` if other processes see it too; `racers` is how many make a good race in a few seconds.
    """

    url: str
    environment: Mapping[str, str] = field(default_factory=dict)
    shared: bool = True
    racers: int = 64

    def open(self) -> ObjectStore:
        """Open the store anew, as another process would."""
        return open_store(self.url, self.environment)


@pytest.fixture(params=["folder", "memory", pytest.param("azurite", marks=pytest.mark.azurite)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Each kind of store in turn, empty."""
    if request.param == "folder":
        return Place(str(tmp_path / "store"))
    if request.param == "memory":
        return Place(f"memory://{secrets.token_hex(6)}", shared=False)
    azurite = request.getfixturevalue("azurite")
    return Place(azurite.create_container(), dict(azurite.environment), racers=24)


@pytest.fixture
def store(place: Place) -> ObjectStore:
    """Each kind of store in turn, empty and open."""
    return place.open()
