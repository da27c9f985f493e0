"""Moving an alias of MLflow's: what happens when a step is done twice, or somebody else was faster."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.connectors.mlflow import MlflowConnector
from bot.desk import Desk
from bot.errors import Refused
from bot.flows.alias import ALIAS, _move
from bot.registered_models import AliasChange
from bot.settings import MlflowSettings
from tests.stand_ins.mlflow import MlflowStandIn, call, churn


@pytest.fixture
def server() -> Iterator[MlflowStandIn]:
    """A registry with the model `churn`."""
    stand_in = MlflowStandIn()
    churn(stand_in.url)
    stand_in.moves.clear()
    yield stand_in
    stand_in.stop()


@pytest.fixture
def desk(server: MlflowStandIn) -> Desk:
    """A desk with the registry, which writes its audit into `noted`."""
    registry = MlflowConnector(MlflowSettings(address=server.url))
    noted: list[Any] = []
    records = SimpleNamespace(note=lambda *words, **facts: noted.append((words, facts)))
    return cast("Desk", SimpleNamespace(registry=lambda: registry, records=records, noted=noted))


@pytest.fixture
def change(desk: Desk) -> AliasChange:
    """What the card showed: champion from version 1 to version 2."""
    return desk.registry().change("churn", "champion", 2)


def test_a_step_done_again_moves_nothing_again(
    desk: Desk, change: AliasChange, server: MlflowStandIn
) -> None:
    """After a crash between the move and its checkpoint, the step finds its own move and is content."""
    _move(desk, change, "c-1-decide", "U1")
    _move(desk, change, "c-1-decide", "U1")
    assert len(server.moves) == 1
    (words, facts), _ = cast("Any", desk).noted
    assert words == ("c-1-decide", "U1", "moved")
    assert facts == {"model": "churn", "alias": "champion", "version": 2, "before": 1}


def test_a_crash_between_tag_and_move_is_made_good(
    desk: Desk, change: AliasChange, server: MlflowStandIn
) -> None:
    """With the tag written and the alias not moved, doing the step again moves it."""
    server.answer(
        "model-versions/set-tag",
        {"name": "churn", "version": "2", "key": "toban.alias.champion", "value": "c-1-decide by U1"},
    )
    _move(desk, change, "c-1-decide", "U1")
    assert [move["version"] for move in server.moves] == ["2"]


def test_somebody_elses_move_is_not_ours(desk: Desk, change: AliasChange, server: MlflowStandIn) -> None:
    """Who moved the alias, be it to the very same version, was first, and this decision is overtaken."""
    call(server.url, "registered-models/alias", name="churn", alias="champion", version="2")
    refused(desk, change)
    assert len(server.moves) == 1


def test_other_metrics_are_another_decision(desk: Desk, change: AliasChange, server: MlflowStandIn) -> None:
    """Where a metric differs from what the card showed, nothing is moved."""
    call(server.url, "runs/log-metric", run_id=change.candidate.run_id, key="auc", value=0.1)
    refused(desk, change)
    assert server.moves == []


def refused(desk: Desk, change: AliasChange) -> None:
    """Fail unless the move is refused because the world has moved."""
    with pytest.raises(Refused) as caught:
        _move(desk, change, "c-1-decide", "U1")
    assert caught.value.problem.status == HTTPStatus.CONFLICT


@pytest.mark.parametrize(
    ("name", "fine"), [("champion", 1), ("prod-eu.1", 1), ("v3", 0), ("latest", 0), ("a b", 0)]
)
def test_aliases_are_mlflows(name: str, fine: int) -> None:
    """What MLflow keeps for itself is refused before it is asked."""
    assert bool(ALIAS.fullmatch(name)) == bool(fine)
