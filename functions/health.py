"""GET /api/health: what answers, in which versions, and whether the store is reachable.

It asks for the function key like every other door: versions and model names are nobody else's business.
"""

from __future__ import annotations

import platform
import time
from importlib.metadata import PackageNotFoundError, version

import azure.functions as func

from functions.encoding import reply
from functions.problems import door
from functions.state import state
from ml.contract import HealthView, StoreHealth
from ml.errors import StoreError, TobanError

PACKAGES = ("toban", "azure-functions", "numpy", "obstore", "onnxruntime", "pydantic")
PROBE = "health/probe"
"""An object that need not exist: asking for it is a question that only a reachable store answers."""

blueprint = func.Blueprint()


@blueprint.route("health", methods=["GET"])
@door
def health(req: func.HttpRequest) -> func.HttpResponse:
    """Return the app's health; 200 also where it is degraded, because it did answer."""
    store = store_health()
    names, problems = model_names()
    return reply(
        HealthView(
            status="ok" if is_well(store) and not problems else "degraded",
            versions=versions(),
            store=store,
            models=names,
            counters=counters() if store.reachable and not problems else {},
            problems=problems,
        )
    )


def is_well(store: StoreHealth) -> bool:
    """Return whether the store may be relied on, as far as is known."""
    return store.reachable and store.refuses_second_create is not False


def counters() -> dict[str, int]:
    """Return what this process has counted of predictions since it started."""
    return {**state.server.counters, **state.predictions.counters}


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that answer; absent packages are left out."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def store_health() -> StoreHealth:
    """Return whether the store answered just now, in how many seconds, and what its one trial showed."""
    started = time.perf_counter()
    try:
        state.store.exists(PROBE)
        seconds = round(time.perf_counter() - started, 6)
    except StoreError as error:
        return StoreHealth(reachable=False, detail=type(error).__name__)
    try:
        return StoreHealth(reachable=True, seconds=seconds, refuses_second_create=state.refuses_second_create)
    except StoreError as error:  # it may be read and not written
        return StoreHealth(reachable=True, seconds=seconds, detail=type(error).__name__)


def model_names() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the models' names, and what keeps the catalog from being read."""
    try:
        return tuple(state.catalog.names), ()
    except TobanError as error:
        return (), (str(error),)
