"""The function app's own doors on a store that counts; prints JSON: requests by kind for each thing done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.histories import CountingStore
from benchmarks.trained import MODEL, Trained, ask
from functions.health import store_health
from functions.state import state
from functions.views import model_view, models_view
from ml.events import utc_now
from ml.registry import CHAMPION
from ml.usage import Usage

TOGETHER = 64
ROUNDS = 20


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
        Usage(store).since(MODEL, utc_now())
        state.runs.list(None, 20, None)

    async def model() -> None:
        model_view(state.catalog, state.registry, MODEL)

    await count("first prediction of a process", one)
    await count("a prediction by itself", one)
    await count(f"a prediction among {TOGETHER} at once", many, TOGETHER * ROUNDS)
    await count("a status", status)
    await count("a model's page", model)
    state.predictions.close()
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main())
