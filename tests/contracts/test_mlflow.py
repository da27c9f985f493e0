"""The MLflow connector against the stand-in and, where it is installed, a real server: both must agree."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.connectors.mlflow import MlflowConnector
from bot.errors import Refused
from bot.settings import MlflowSettings
from tests.stand_ins.mlflow import MlflowStandIn, call, churn, train


@pytest.fixture(
    scope="module",
    params=["stand-in", pytest.param("real", marks=[pytest.mark.mlflow, pytest.mark.slow])],
)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of a registry with one model of two versions."""
    stand_in = MlflowStandIn() if request.param == "stand-in" else None
    address: str = stand_in.url if stand_in else request.getfixturevalue("mlflow_url")
    churn(address)
    yield address
    if stand_in:
        stand_in.stop()


@pytest.fixture
def registry(url: str) -> MlflowConnector:
    """The connector, with the alias `champion` back at the first version."""
    call(url, "registered-models/alias", name="churn", alias="champion", version="1")
    return MlflowConnector(MlflowSettings(address=url))


def test_a_model_has_versions_aliases_and_metrics(registry: MlflowConnector) -> None:
    """The newest version comes first, each with the metrics of its run."""
    assert "churn" in registry.names()
    model = registry.model("churn")
    assert model.aliases == {"champion": 1}
    assert [(one.version, one.status) for one in model.versions][-2:] == [(2, "READY"), (1, "READY")]
    assert model.versions[-1].metrics == {"auc": 0.81, "logloss": 0.41}
    assert model.versions[-1].created_at.tzinfo is not None


def test_an_alias_moves_and_says_by_which_decision(registry: MlflowConnector) -> None:
    """After the move the alias points to the candidate, which names the decision; again changes nothing."""
    change = registry.change("churn", "champion", 2)
    assert change.present is not None
    assert (change.present.version, change.candidate.version) == (1, 2)
    assert change.candidate.metrics == {"auc": 0.84, "logloss": 0.43}
    for _ in range(2):
        registry.move(change, "c-1-decide by U1")
        assert registry.model("churn").aliases == {"champion": 2}
    assert registry.decision_of(change) == "c-1-decide by U1"


def test_an_alias_may_be_new(registry: MlflowConnector) -> None:
    """An alias that points nowhere yet can be pointed somewhere."""
    change = registry.change("churn", "shadow", 1)
    assert change.present is None
    registry.move(change, "c-2-decide by U1")
    assert registry.model("churn").aliases["shadow"] == 1
    assert registry.decision_of(registry.change("churn", "other", 1)) is None


def test_what_was_shown_has_a_digest(registry: MlflowConnector, url: str) -> None:
    """The digest stays while nothing changes, and changes with the alias."""
    shown = registry.change("churn", "champion", 2).digest
    assert registry.change("churn", "champion", 2).digest == shown
    train(url, "churn", auc=0.9)
    assert registry.change("churn", "champion", 2).digest == shown
    call(url, "registered-models/alias", name="churn", alias="champion", version="2")
    assert registry.change("churn", "champion", 2).digest != shown


def test_metrics_that_are_no_numbers_are_left_out(registry: MlflowConnector, url: str) -> None:
    """A metric that came out as not a number is not shown, the others are."""
    number = train(url, "churn", auc=0.5, broken="NaN")
    assert registry.change("churn", "champion", int(number)).candidate.metrics == {"auc": 0.5}


@pytest.mark.parametrize("name", ["nothing", "it's", 'a"b', "a/b", ""])
def test_an_unknown_model_is_refused(name: str, registry: MlflowConnector) -> None:
    """A model that is not there, or whose name cannot be one, is said to be unknown."""
    with pytest.raises(Refused) as caught:
        registry.model(name)
    assert caught.value.problem.reason_code == "unknown_registered"


def test_an_unknown_version_is_refused(registry: MlflowConnector) -> None:
    """An alias is never shown to move to a version that is not there."""
    with pytest.raises(Refused) as caught:
        registry.change("churn", "champion", 99)
    assert caught.value.problem.reason_code == "unknown_registered"
    assert "99" in caught.value.problem.detail
