"""One deployment of a target or environment at a time, each head of a branch once: SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from bot.databases import make_engine
from bot.deployment_records import UNTIL_IT_HAS_A_CARD, DeploymentRecords, locks_of
from bot.records import Records
from bot.tables import deployment_locks, utc_now
from bot.works import Works

PLACE = {"channel": "C1", "ts": "1"}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database."""
    url = f"sqlite:///{tmp_path}/records.sqlite3"
    made = make_engine(url if request.param == "sqlite" else request.getfixturevalue("postgres_url"))
    Records(made).migrate()
    yield made
    made.dispose()


def take(deployments: DeploymentRecords, flow_id: str, target: str = "api") -> str | None:
    """Claim a target; return the flow that has it instead, or None."""
    held = deployments.take([target], flow_id, "U1", "api abc → production")
    return held.flow_id if held else None


def test_of_many_at_once_one_has_it(engine: Engine) -> None:
    """The others are told who; and who has it has it also when it asks again."""
    deployments = DeploymentRecords(engine)
    flows = [f"c-{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda flow: take(deployments, flow), flows))
    (winner,) = (flow for flow, held in zip(flows, found, strict=True) if held is None)
    assert {held for held in found if held is not None} == {winner}
    assert take(deployments, winner) is None
    assert take(deployments, "c-9", "other") is None
    held = deployments.holder(["api"])
    assert held is not None
    assert (held.flow_id, held.by, held.what) == (winner, "U1", "api abc → production")


def test_it_is_free_when_its_work_is_over(engine: Engine) -> None:
    """Nothing has to be given back: a closed card frees the target, for one of those who want it."""
    deployments, works = DeploymentRecords(engine), Works(engine)
    assert take(deployments, "c-1") is None
    works.open("c-1", "c-1-work", {}, {}, PLACE)
    assert take(deployments, "c-2") == "c-1"
    works.close("c-1")
    assert deployments.holder(["api"]) is None
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: take(deployments, f"c-{number}"), range(2, 10)))
    assert found.count(None) == 1


def test_a_claim_without_a_card_does_not_last(engine: Engine) -> None:
    """Where a job ended before it had a card, the target is free after a while, or at once if given back."""
    deployments = DeploymentRecords(engine)
    assert take(deployments, "c-1") is None
    deployments.give_back(["api"], "c-2")
    assert take(deployments, "c-2") == "c-1"
    long_ago = utc_now() - UNTIL_IT_HAS_A_CARD - timedelta(seconds=1)
    with engine.begin() as connection:
        connection.execute(sa.update(deployment_locks).values(at=long_ago))
    assert take(deployments, "c-2") is None
    deployments.give_back(["api"], "c-2")
    assert take(deployments, "c-3") is None


def test_an_environment_is_held_for_all_its_targets(engine: Engine) -> None:
    """Two targets that name one environment wait for each other; who is turned away holds nothing."""
    deployments = DeploymentRecords(engine)
    api = locks_of("api", "team/models", "Production")
    batch = locks_of("batch", "Team/models", "production")
    assert deployments.take(api, "c-1", "U1", "api abc → production") is None
    assert deployments.take(api, "c-1", "U1", "api abc → production") is None
    held = deployments.take(batch, "c-2", "U2", "batch def → production")
    assert held is not None
    assert held.flow_id == "c-1"
    holders = [deployments.holder(locks) for locks in (api, batch, ["batch"])]
    assert [one and one.flow_id for one in holders] == ["c-1", "c-1", None]
    assert deployments.take(locks_of("api-staging", "team/models", "staging"), "c-3", "U3", "x") is None
    deployments.give_back(api, "c-1")
    assert deployments.take(batch, "c-2", "U2", "batch def → production") is None


def test_a_lock_of_the_target_alone_still_holds(engine: Engine) -> None:
    """A job that began under a version that locked targets only keeps its target until it has ended."""
    deployments = DeploymentRecords(engine)
    assert take(deployments, "c-1") is None
    held = deployments.take(locks_of("api", "team/models", "production"), "c-2", "U2", "api def → production")
    assert held is not None
    assert held.flow_id == "c-1"


def test_heads_are_noted_forwards_only(engine: Engine) -> None:
    """A number that was noted is not taken back by a slower bot; a push may be asked for again."""
    deployments = DeploymentRecords(engine)
    assert deployments.head("api") is None
    deployments.set_head("api", "a", 1)
    deployments.set_head("api", "b", 1)
    deployments.set_head("api", "c", 2)
    assert deployments.head("api") == ("c", 2)
    deployments.look_again("api", "a")
    assert deployments.head("api") == ("c", 2)
    deployments.look_again("api", "c")
    assert deployments.head("api") == ("", 2)
