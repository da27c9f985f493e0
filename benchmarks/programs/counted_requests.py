"""The function app's own doors on a store that counts; prints JSON: requests by kind for each thing done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from benchmarks.requests_made import CountingStore
from benchmarks.trained import MODEL, Trained, ask
from functions.health import store_health
from functions.state import state
from functions.views import model_view, models_view
from ml.compaction import Compactor
from ml.events import utc_now
from ml.objects import ObjectStore
from ml.predictions import PredictionLog
from ml.registry import CHAMPION
from ml.runs import Runs
from tests.contracts.logged import AT, record

TOGETHER = 64
ROUNDS = 20
SEGMENTS = 100
OLD = timedelta(days=36_500)


async def main() -> None:
    """Do each thing once, cold or warm as it says, and print what it cost."""
    store = CountingStore(state.store)
    state._parts["store"] = store
    alias = state.registry.alias(MODEL, CHAMPION)
    assert alias is not None
    config = Path(state.catalog.path or "")
    trained = Trained(config.parent, state.catalog.recipe(MODEL), alias.version)
    body = ask(trained.rows(1))
    store.requests.clear()
    found: dict[str, dict[str, float]] = {}

    async def count(what: str, action: Callable[[], Awaitable[object]], share: float = 1.0) -> None:
        store.requests.clear()
        await action()
        found[what] = {kind: round(number / share, 3) for kind, number in store.requests.items()}

    async def one() -> None:
        await state.server.predict_json(MODEL, body)

    async def many() -> None:
        for _ in range(ROUNDS):
            await asyncio.gather(*(state.server.predict_json(MODEL, body) for _ in range(TOGETHER)))

    async def status() -> None:
        store_health()
        models_view(state.catalog, state.registry)
        state.usage.since(MODEL, utc_now())
        state.runs.list(None, 20, None)

    async def model() -> None:
        model_view(state.catalog, state.registry, MODEL)

    async def look() -> None:
        state.registry.alias(MODEL, CHAMPION)

    async def digest() -> None:
        models_view(state.catalog, state.registry)
        state.usage.since(MODEL, utc_now() - timedelta(days=1))
        runs.list(None, 20, None)

    async def archive() -> None:
        Compactor(store, OLD, lambda: AT + timedelta(hours=1)).run()
        Compactor(store, OLD, lambda: AT + timedelta(hours=4)).run()

    runs = Runs(store)
    log_an_hour(store)

    await count("first prediction of a process", one)
    await count("a prediction by itself", one)
    await count(f"a prediction among {TOGETHER} at once", many, TOGETHER * ROUNDS)
    await count("a status", status)
    await count("a model's page", model)
    await count("a look for a moved champion", look)
    await count("a digest", digest)
    await count("another digest of the same process", digest)
    await count(f"tidying up an hour of {SEGMENTS} segments", archive)
    state.predictions.close()
    print(json.dumps(found))


def log_an_hour(store: ObjectStore) -> None:
    """Log an hour of long ago, a segment for each prediction."""
    for number in range(SEGMENTS):
        with PredictionLog(store, clock=AT.timestamp) as log:
            log.submit(MODEL, [record(number)]).taken.result(30)


if __name__ == "__main__":
    asyncio.run(main())
