"""The MLflow connector: how it reads each kind of answer, its token, and servers that are something else."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from pydantic import SecretStr

from bot.connectors.mlflow import MlflowConnector, build_move, build_search, build_tag, read_reply
from bot.connectors.wire import HttpReply
from bot.errors import ConfigurationError, MlflowUnreachable, Refused
from bot.registered_models import AliasChange
from bot.settings import MlflowSettings, load_settings
from tests.stand_ins.mlflow import MlflowStandIn, churn

ENV = {
    "SLACK_BOT_TOKEN": "xoxb-" + "test",
    "TOBAN_FUNCTIONS_URL": "http://127.0.0.1:7071",
    "MLFLOW_TRACKING_TOKEN": "canary",
}


@pytest.fixture
def server() -> Iterator[MlflowStandIn]:
    """A registry with one model."""
    stand_in = MlflowStandIn()
    churn(stand_in.url)
    yield stand_in
    stand_in.stop()


def connector(server: MlflowStandIn, token: str | None = None) -> MlflowConnector:
    """Return a connector to *server*."""
    return MlflowConnector(MlflowSettings(address=server.url, token=SecretStr(token) if token else None))


def test_calls_are_mlflows(server: MlflowStandIn) -> None:
    """Names, aliases and versions stand where MLflow looks for them, versions as text."""
    change = connector(server).change("churn", "champion", 2)
    assert build_move(change).path == "/api/2.0/mlflow/registered-models/alias"
    assert build_move(change).body == {"name": "churn", "alias": "champion", "version": "2"}
    assert build_tag(change, "c-1 by U1").body == {
        "name": "churn",
        "version": "2",
        "key": "toban.alias.champion",
        "value": "c-1 by U1",
    }
    assert build_search("churn").query["filter"] == "name='churn'"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "gone"}, "unknown_registered"),
        (400, {"error_code": "INVALID_PARAMETER_VALUE", "message": "bad"}, "mlflow_refused"),
        (403, {"error_code": "PERMISSION_DENIED", "message": "no"}, "mlflow_rejected_token"),
        (401, None, "mlflow_rejected_token"),
    ],
)
def test_refusals_have_their_reason(status: int, body: Any, reason: str) -> None:
    """What MLflow understood and refused is told as that, with its own words where it has some."""
    with pytest.raises(Refused) as caught:
        read_reply(HttpReply(status, {}, body))
    assert caught.value.problem.reason_code == reason


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"error_code": "INTERNAL_ERROR"}),
        (200, None),
        (200, [1]),
        (404, {"detail": "Not Found"}),
        (302, None),
    ],
)
def test_anything_else_is_no_answer(status: int, body: Any) -> None:
    """A failing server, or one that is no MLflow, is out of reach and may be asked again."""
    with pytest.raises(MlflowUnreachable):
        read_reply(HttpReply(status, {}, body))


def test_the_token_is_sent(server: MlflowStandIn) -> None:
    """A server that wants a token gets it as a bearer token."""
    server.token = "right"
    assert connector(server, "right").names() == ["churn"]


@pytest.mark.parametrize("token", ["wrong", None])
def test_a_wrong_token_is_a_refusal(token: str | None, server: MlflowStandIn) -> None:
    """MLflow refuses in plain text, and yet the person is told that it is the token."""
    server.token = "right"
    with pytest.raises(Refused) as caught:
        connector(server, token).names()
    assert caught.value.problem.status == HTTPStatus.UNAUTHORIZED
    assert caught.value.problem.reason_code == "mlflow_rejected_token"


def test_a_server_that_is_down_is_out_of_reach(server: MlflowStandIn) -> None:
    """No answer is told as no answer, also when a proxy speaks for it."""
    server.down = True
    with pytest.raises(MlflowUnreachable):
        connector(server).model("churn")


def test_a_version_without_a_run_has_no_metrics(server: MlflowStandIn) -> None:
    """A version registered from outside, or whose run was deleted, is shown without metrics."""
    server.answer("model-versions/create", {"name": "churn"})
    server.answer("model-versions/create", {"name": "churn", "run_id": "deleted"})
    assert [one.metrics for one in connector(server).model("churn").versions[:2]] == [{}, {}]


def test_the_digest_covers_all_that_is_shown(server: MlflowStandIn) -> None:
    """Another metric, status, version or alias is another digest."""
    change = connector(server).change("churn", "champion", 2)
    assert change.present is not None
    candidate = change.candidate
    others = [
        change.model_copy(update={"alias": "shadow"}),
        change.model_copy(update={"present": None}),
        change.model_copy(update={"candidate": candidate.model_copy(update={"metrics": {"auc": 0.9}})}),
        change.model_copy(update={"candidate": candidate.model_copy(update={"status": "PENDING"})}),
    ]
    assert len({change.digest, *(other.digest for other in others)}) == 5
    assert AliasChange.model_validate(change.model_dump(mode="json")).digest == change.digest


def test_settings_hold_the_token_as_a_secret(tmp_path: Any) -> None:
    """The address comes from `toban.toml`, the token from the environment, and neither prints the token."""
    path = tmp_path / "toban.toml"
    path.write_text('[mlflow]\naddress = "https://mlflow.example.com"\n')
    settings = load_settings(ENV | {"TOBAN_CONFIG": str(path)})
    assert settings.mlflow is not None
    assert settings.mlflow.token is not None
    assert settings.mlflow.token.get_secret_value() == "canary"
    assert "canary" not in repr(settings)
    path.write_text("")
    assert load_settings(ENV | {"TOBAN_CONFIG": str(path)}).mlflow is None


@pytest.mark.parametrize(
    "line", ['address = "mlflow.example.com"', "approvers = []", 'approvers = ["boss"]', "a = 1"]
)
def test_settings_that_cannot_work_are_named(line: str, tmp_path: Any) -> None:
    """An address without a scheme, nobody to decide, an unknown role or key stops the start."""
    path = tmp_path / "toban.toml"
    path.write_text(f"[mlflow]\n{line}\n")
    with pytest.raises(ConfigurationError, match="mlflow"):
        load_settings(ENV | {"TOBAN_CONFIG": str(path)})
