"""MLflow's models in words: what is shown, within Slack's limits, and without obeying names from outside."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.messages import registered
from bot.messages.jobs import Decided
from bot.registered_models import AliasChange, RegisteredModel, RegisteredVersion
from playground.gallery import records as samples
from tests.unit.bot.slack_proof import assert_fits

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
JOB = samples.job(verb="alias", words=("churn", "champion", "v2"))


def version(number: int, metrics: int = 2, name: str = "metric", status: str = "READY") -> RegisteredVersion:
    """Return a version with so many metrics."""
    values = {f"{name}_{at}": number + at / 8 for at in range(metrics)}
    return RegisteredVersion(version=number, created_at=AT, status=status, metrics=values)


CHANGE = AliasChange(model="churn", alias="champion", present=version(1), candidate=version(2))


def test_the_card_says_what_moves() -> None:
    """From which version to which, with the metrics of both in that order."""
    card = registered.decision(JOB, CHANGE, "c-1-decide")
    assert "churn: champion from v1 to v2?" in card.text
    table = next(block for block in card.blocks if block["type"] == "table")
    assert [[cell["text"] for cell in row] for row in table["rows"]] == [
        ["metric", "v1", "v2"],
        ["metric_0", "1", "2"],
        ["metric_1", "1.125", "2.125"],
    ]
    buttons = next(block for block in card.blocks if block["type"] == "actions")["elements"]
    assert {one["value"] for one in buttons} == {f"c-1-decide|{CHANGE.digest}"}


def test_a_version_that_is_not_ready_is_warned_of() -> None:
    """A candidate that MLflow cannot serve is shown as such."""
    change = CHANGE.model_copy(update={"candidate": version(2, status="FAILED_REGISTRATION")})
    assert "FAILED_REGISTRATION" in registered.decision(JOB, change, "c").text
    assert "READY" not in registered.decision(JOB, CHANGE, "c").text


@pytest.mark.parametrize("kind", ["promoted", "rejected", "expired", "superseded"])
def test_a_decided_card_has_no_buttons(kind: str) -> None:
    """Whatever came of it is said, and nothing can be pressed any more."""
    how = Decided(kind=kind, by="U01OWNER000" if kind != "expired" else None, at=AT, why="as shown")  # type: ignore[arg-type]
    message = registered.decided(JOB, CHANGE, how)
    assert [block for block in message.blocks if block["type"] == "actions"] == []
    assert ("was moved to v2" in message.text) == (kind == "promoted")
    assert_fits(message)


@pytest.mark.parametrize("metrics", [0, 1, 7, 200])
@pytest.mark.parametrize("name", ["metric", "<!channel>" * 30])
def test_everything_fits_into_slack(metrics: int, name: str) -> None:
    """Few or hundreds of metrics, short or hostile names: within Slack's limits, and nobody is called."""
    newest = tuple(version(10 - at, metrics, name) for at in range(10))
    view = RegisteredModel(name=name, aliases={name: 10, "champion": 1}, versions=newest)
    change = AliasChange(model=name, alias="champion", present=newest[1], candidate=newest[0])
    for message in (
        registered.model(view),
        registered.decision(JOB, change, "c-1-decide"),
        registered.call(JOB, change, ["U01OWNER000"]),
        registered.models([f"{name}{at}" for at in range(100)]),
    ):
        assert_fits(message)
        assert "<!channel>" not in message.text


def test_an_empty_registry_is_said_so() -> None:
    """Without models, versions or aliases there is a sentence and no empty table."""
    assert "no registered model" in registered.models([]).text
    assert "no version yet" in registered.model(RegisteredModel(name="churn")).text
    first = AliasChange(model="churn", alias="champion", present=None, candidate=version(1, 0))
    assert "from nowhere to v1" in registered.decision(JOB, first, "c").text
    assert "no metrics" in registered.decision(JOB, first, "c").text
