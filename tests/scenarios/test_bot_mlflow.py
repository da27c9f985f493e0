"""An existing MLflow registry in Slack: looked at by everybody, changed by approval only."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.stand_ins.mlflow import MlflowStandIn, call, churn, train
from tests.stand_ins.team import OVER_ALL, Json, Team, over

pytestmark = over(OVER_ALL)


@pytest.fixture
def mlflow() -> Iterator[MlflowStandIn]:
    """A registry with the model `churn`: two versions, `champion` is the first."""
    stand_in = MlflowStandIn()
    churn(stand_in.url)
    stand_in.moves.clear()
    yield stand_in
    stand_in.stop()


@pytest.fixture
def team(new_team: Callable[..., Team], mlflow: MlflowStandIn) -> Team:
    """A team whose bot knows the registry."""
    team = new_team(more=f'\n[mlflow]\naddress = "{mlflow.url}"\napprovers = ["operator"]\n')
    team.start_bot()
    return team


def asked(team: Team) -> Json:
    """Let the owner ask for version 2 as champion; return the card once the approvers were called."""
    card = team.state(team.say("owner", "/ml alias churn champion v2"), "decision")
    team.seen(card["seq"], "please decide above")
    return card


def test_an_alias_moves_by_approval(team: Team, mlflow: MlflowStandIn) -> None:
    """Everybody may look; the card shows both versions; only an approver's press moves the alias, once."""
    assert "churn" in team.told("viewer", "/ml registry")
    shown = team.told("viewer", "/ml registry churn")
    assert "points to *v1*" in shown
    assert "0.84" in shown
    assert "role owner" in team.told("operator", "/ml alias churn champion v2")

    card = asked(team)
    assert "champion from v1 to v2?" in card["plain"]
    assert "0.81" in card["plain"]
    before = team.slack.seq()
    team.slack.press("viewer", card, "version.promote")
    assert "role operator" in team.private(before)["plain"]
    assert mlflow.moves == []

    team.slack.press("operator", card, "version.promote")
    done = team.state(before, "done")
    assert "was moved to v2* by @operator" in done["plain"]
    assert [(move["alias"], move["version"]) for move in mlflow.moves] == [("champion", "2")]
    tags = mlflow.answer("model-versions/get", {"name": "churn", "version": "2"})["model_version"]["tags"]
    assert [tag["key"] for tag in tags] == ["toban.alias.champion"]
    assert tags[0]["value"].endswith("by U01OPERATOR")
    assert "points to that version already" in team.told("owner", "/ml alias churn champion v2")


def test_what_has_changed_since_is_not_moved(team: Team, mlflow: MlflowStandIn) -> None:
    """When the alias moved elsewhere, or what was shown has changed, a press moves nothing and says why."""
    card = asked(team)
    train(mlflow.url, "churn", auc=0.9)
    call(mlflow.url, "registered-models/alias", name="churn", alias="champion", version="3")
    before = team.slack.seq()
    team.slack.press("owner", card, "version.promote")
    assert "now points to v3" in team.state(before, "done")["plain"]

    card = asked(team)
    run = mlflow.answer("model-versions/get", {"name": "churn", "version": "2"})["model_version"]["run_id"]
    call(mlflow.url, "runs/log-metric", run_id=run, key="auc", value=0.1, timestamp=2, step=1)
    before = team.slack.seq()
    team.slack.press("owner", card, "version.promote")
    assert "metrics of a version have changed" in team.state(before, "done")["plain"]
    assert [move["version"] for move in mlflow.moves] == ["3"]


def test_rejecting_and_repeating(team: Team, mlflow: MlflowStandIn) -> None:
    """A press that MLflow refuses may be repeated; a rejection moves nothing."""
    card = asked(team)
    mlflow.token = "changed meanwhile"
    before = team.slack.seq()
    team.slack.press("owner", card, "version.promote")
    assert "does not accept my token" in team.private(before)["plain"]
    mlflow.token = None
    before = team.slack.seq()
    team.slack.press("owner", card, "version.reject")
    assert "was rejected* by @owner" in team.state(before, "done")["plain"]
    assert mlflow.moves == []


def test_what_is_typed_wrong_is_said(team: Team, mlflow: MlflowStandIn) -> None:
    """Unknown models and versions, bad aliases and missing words are answered privately, and post nothing."""
    assert "no such model or version" in team.told("viewer", "/ml registry nothing")
    assert "no such model or version" in team.told("owner", "/ml alias churn champion v9")
    assert "cannot be an alias" in team.told("owner", "/ml alias churn v1 v2")
    assert "is no version" in team.told("owner", "/ml alias churn champion newest")
    assert "Name model, alias and version" in team.told("owner", "/ml alias churn champion")
    assert team.cards() == []


def test_a_move_survives_the_bot(team: Team, mlflow: MlflowStandIn) -> None:
    """A bot that is killed while the card waits goes on with it at the next start."""
    card = asked(team)
    team.bots[-1].kill()
    team.start_bot()
    before = team.slack.seq()
    team.slack.press("owner", card, "version.promote")
    assert "was moved to v2" in team.state(before, "done")["plain"]
    assert len(mlflow.moves) == 1


def test_without_a_registry_it_says_what_to_set(new_team: Callable[..., Team]) -> None:
    """A team that names no registry is told where to name it."""
    team = new_team()
    team.start_bot()
    assert "[mlflow]" in team.told("viewer", "/ml registry")
