"""What the app tells of its models when records are damaged."""

from __future__ import annotations

import secrets

import pytest

from functions.views import model_view, models_view
from ml.errors import Corrupt
from ml.objects import ObjectStore, open_store
from ml.registry import CHAMPION, Registry
from tests.stand_ins import parcels

MODEL = "parcels"


@pytest.fixture
def store() -> ObjectStore:
    """A store with two versions, the first of which is champion."""
    store = open_store(f"memory://{secrets.token_hex(6)}")
    registry = Registry(store)
    for _ in range(2):
        parcels.register_here(registry, parcels.Parcels())
    parcels.promote(registry, 1)
    return store


def damage(store: ObjectStore, path: str) -> Registry:
    """Change an object behind everybody's back; return the registry as another process meets it."""
    store.delete(path)
    store.create(path, b"torn")
    return Registry(store)


def test_a_damaged_version_hides_no_other(store: ObjectStore) -> None:
    """The others are listed, and what is wrong is said."""
    registry = damage(store, f"models/{MODEL}/versions/000002.json")
    view = model_view(parcels.parcel_catalog(), registry, MODEL)
    assert [version.version for version in view.versions] == [1]
    assert view.champion is not None
    (problem,) = view.problems
    assert problem.startswith("version 2 cannot be read: models/parcels/versions/000002.json")


def test_a_damaged_alias_is_no_missing_one(store: ObjectStore) -> None:
    """Nobody must decide on a champion that cannot be read as if there were none."""
    registry = damage(store, f"models/{MODEL}/aliases/{CHAMPION}/00000001.json")
    with pytest.raises(Corrupt):
        model_view(parcels.parcel_catalog(), registry, MODEL)
    (summary, *_) = models_view(parcels.parcel_catalog(), registry).models
    assert summary.problem is not None
