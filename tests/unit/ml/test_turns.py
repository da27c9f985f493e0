"""Requests of one turn of the event loop share a call of the model, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.contract import PredictReply
from ml.errors import Refused
from ml.objects import open_store
from ml.predictions import PredictionLog
from ml.recipe import Predicted, Table
from ml.registry import Registry
from ml.serving import Server
from ml.sessions import LoadedModel
from tests.stand_ins import parcels

CALLER = {"who": "operator", "where": "ml-parcels"}
Run = Callable[[LoadedModel, Any, Table], Predicted]


def body(*weights: float) -> bytes:
    """Return a request with a row for each weight."""
    rows = [{"zone": "far", "weight": weight} for weight in weights]
    return json.dumps({"rows": rows, "caller": CALLER}).encode()


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """A server with a champion."""
    store = open_store(str(tmp_path / "store"))
    registry = Registry(store)
    parcels.promote(registry, parcels.register_here(registry, parcels.Parcels()))
    return Server(parcels.parcel_catalog(), registry, PredictionLog(store))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Rows of each call of a model; a weight of 13 makes it raise."""
    seen: list[int] = []
    run: Run = LoadedModel.run

    def watched(self: LoadedModel, inputs: Any, table: Table) -> Predicted:
        seen.append(len(table))
        if np.any(table["weight"] == 13):
            raise RuntimeError("a row that the model cannot bear")
        return run(self, inputs, table)

    monkeypatch.setattr(LoadedModel, "run", watched)
    return seen


def ask(server: Server, *bodies: bytes) -> list[Any]:
    """Ask all at once, after a first request that loads the model; errors are returned in their place."""

    async def together() -> list[Any]:
        await server.predict_json("parcels", body(1.0))
        asked = [server.predict_json("parcels", one) for one in bodies]
        return list(await asyncio.gather(*asked, return_exceptions=True))

    return asyncio.run(together())


def values(reply: bytes) -> list[Any]:
    """Return the values of a reply."""
    return [answer.value for answer in PredictReply.model_validate_json(reply).results]


def test_requests_of_one_turn_share_a_call(server: Server, calls: list[int]) -> None:
    """Each gets the answers to its own rows, the same as if it had been alone."""
    bodies = [body(1.0), body(2.0, 3.0), body(4.0)]
    alone = [values(ask(server, one)[0]) for one in bodies]
    calls.clear()
    assert [values(reply) for reply in ask(server, *bodies)] == alone
    assert calls == [1, 4]


def test_requests_of_one_turn_are_written_together(server: Server, calls: list[int]) -> None:
    """One write for all of them, in which each finds its own rows."""
    bodies = [body(1.0), body(2.0, 3.0), body(4.0)]
    replies = [PredictReply.model_validate_json(reply) for reply in ask(server, *bodies)]
    log = server._predictions
    assert log.counters["groups_written"] == 2  # the first request loaded the model by itself
    weights = [[log.read(one.prediction_id).input["weight"] for one in reply.results] for reply in replies]
    assert weights == [[1.0], [2.0, 3.0], [4.0]]
    assert all(reply.logged for reply in replies)


def test_a_turn_of_a_loop_that_was_closed_holds_nobody(server: Server, calls: list[int]) -> None:
    """A loop may end while a turn gathers; the next loop of that thread opens its own."""
    ask(server, body(1.0))
    abandoned = asyncio.new_event_loop()
    first = abandoned.create_task(server.predict_json("parcels", body(2.0)))
    abandoned.call_soon(abandoned.stop)
    abandoned.run_forever()
    assert not first.done()
    good, _ = ask(server, body(3.0), body(4.0))
    assert values(good)
    abandoned.run_until_complete(first)
    abandoned.close()


def test_every_answer_has_an_id_of_its_own(server: Server, calls: list[int]) -> None:
    """Sharing a call does not share a log entry."""
    replies = [PredictReply.model_validate_json(one) for one in ask(server, body(1.0), body(2.0), body(3.0))]
    assert len({answer.prediction_id for reply in replies for answer in reply.results}) == 3


def test_a_row_that_breaks_the_model_costs_the_others_nothing(server: Server, calls: list[int]) -> None:
    """The broken row is answered by the rule, its company by the champion."""
    good, broken, other = ask(server, body(1.0), body(13.0), body(2.0))
    sources = [PredictReply.model_validate_json(one).results[0].source for one in (good, broken, other)]
    assert sources == ["champion", "rule", "champion"]


def test_a_request_that_cannot_be_read_is_refused_alone(server: Server, calls: list[int]) -> None:
    """It never joins the turn."""
    good, bad = ask(server, body(1.0), b"{")
    assert values(good)
    assert isinstance(bad, Refused)


def test_a_fault_is_raised_in_the_request_that_it_belongs_to(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where it is no failing model; the others are answered."""
    from ml import serving

    build = serving.build_table

    def odd(kinds: Any, rows: Any) -> Table:
        if any(row.get("weight") == 13 for row in rows):
            raise RuntimeError("a fault of ours")
        return build(kinds, rows)

    monkeypatch.setattr(serving, "build_table", odd)
    good, bad = ask(server, body(1.0), body(13.0))
    assert values(good)
    assert isinstance(bad, RuntimeError)


def test_one_that_gave_up_does_not_hold_the_others(server: Server, calls: list[int]) -> None:
    """The first of a turn is cancelled while it gives way."""

    async def together() -> bytes:
        await server.predict_json("parcels", body(1.0))
        first = asyncio.ensure_future(server.predict_json("parcels", body(2.0)))
        second = asyncio.ensure_future(server.predict_json("parcels", body(3.0)))
        asyncio.get_running_loop().call_soon(first.cancel)
        return await second

    assert values(asyncio.run(together()))
