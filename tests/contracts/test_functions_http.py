"""The function app over HTTP, as its consumers meet it: answers, refusals, keys, polling."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from ml.contract import (
    Evidence,
    HealthView,
    ModelsView,
    ModelView,
    PredictionView,
    PredictReply,
    Problem,
    RunsView,
    RunView,
    UsageView,
    VersionView,
)
from tests.function_hosts import CALLER, FunctionHost, Home

ROW = {"first": 1.5, "second": 2.0}
PREDICT = {"rows": [ROW], "caller": CALLER}
MOVE = {"version": 1, "expected_event": 0, "evidence": "sha256:" + "0" * 64, "by": "owner", "why": "better"}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FunctionHost]:
    """Serve one team for all tests of this module."""
    with Home(tmp_path_factory.mktemp("home")).host() as running:
        yield running


@pytest.fixture(scope="module")
def trained(host: FunctionHost) -> dict[str, Any]:
    """Train the first version and return its run."""
    run = host.wait_for(host.retrain(rows=200))
    assert run["state"] == "succeeded", run
    return run


def test_health_says_what_answers(host: FunctionHost) -> None:
    """Versions, store, models and what is wrong, for whoever has the key."""
    health = HealthView.model_validate_json(host.get("health").content)
    assert (health.status, health.store.reachable) == ("ok", True)
    assert health.store.refuses_second_create is True
    assert set(health.models) == {"sums", "broken"}
    assert {"python", "pydantic", "onnxruntime"} <= set(health.versions)


def test_a_training_is_accepted_polled_and_shown(host: FunctionHost, trained: dict[str, Any]) -> None:
    """202 with Location and Retry-After; the run is there to look at and names the version that it made."""
    answer = host.post("models/sums/retrain", {"params": {"rows": 100}})
    assert (answer.status_code, answer.headers["Retry-After"]) == (202, "1")
    run = RunView.model_validate_json(answer.content)
    assert answer.headers["Location"] == f"/api/runs/{run.run_id}"
    ended = RunView.model_validate(host.wait_for(run.run_id))
    assert ended.state == "succeeded"
    assert ended.result is not None
    assert ended.result.version == 2
    version = VersionView.model_validate_json(host.get("models/sums/versions/2").content)
    assert version.manifest["run_id"] == run.run_id
    assert "Sums" in version.card


def test_models_are_listed_and_shown(host: FunctionHost, trained: dict[str, Any]) -> None:
    """A model that cannot be loaded says so beside those that can."""
    models = {
        model.name: model for model in ModelsView.model_validate_json(host.get("models").content).models
    }
    assert models["sums"].latest_version is not None
    assert models["sums"].problem is None
    assert "nowhere" in (models["broken"].problem or "")
    shown = ModelView.model_validate_json(host.get("models/sums").content)
    assert list(shown.input_schema["properties"]) == ["first", "second"]
    assert shown.params_schema["properties"]["rows"]["minimum"] == 20
    assert shown.versions[-1].version == 1


def test_predictions_are_answered_logged_and_counted(host: FunctionHost, trained: dict[str, Any]) -> None:
    """Each row has an answer in its place, a logged one can be shown again, and usage counts it."""
    rows = [ROW, {"first": "x", "second": 1}, ROW]
    answer = host.post("models/sums/predict", {"rows": rows, "caller": CALLER})
    reply = PredictReply.model_validate_json(answer.content)
    assert reply.logged
    assert [result.outcome == "refused" for result in reply.results] == [False, True, False]
    assert reply.results[1].problem is not None
    shown = host.get(f"predictions/{reply.results[0].prediction_id}")
    prediction = PredictionView.model_validate_json(shown.content)
    assert (prediction.who, prediction.where, prediction.input) == (CALLER["who"], CALLER["where"], ROW)
    usage = UsageView.model_validate_json(host.get("models/sums/usage").content)
    assert usage.total >= 3
    assert usage.by_outcome["refused"] >= 1


def test_many_rows_at_once(host: FunctionHost, trained: dict[str, Any]) -> None:
    """Ten thousand rows in columns are answered; one more is refused."""
    columns = {"first": [1.0] * 10_000, "second": [2.0] * 10_000}
    answer = host.post("models/sums/predict", {"columns": columns, "caller": CALLER})
    assert len(PredictReply.model_validate_json(answer.content).results) == 10_000
    more = {name: [*values, 0.0] for name, values in columns.items()}
    refused = host.post("models/sums/predict", {"columns": more, "caller": CALLER})
    assert refused.status_code in (413, 422)
    assert Problem.model_validate_json(refused.content).status == refused.status_code


def test_promotion_on_evidence(host: FunctionHost, trained: dict[str, Any]) -> None:
    """An alias moves on evidence, at once; the same key gives the first answer, who comes late is told."""
    evidence = Evidence.model_validate(trained["result"]["comparison"])
    move = {**MOVE, "evidence": trained["result"]["evidence"], "expected_event": evidence.champion_event}
    path, key = "models/sums/aliases/champion", {"Idempotency-Key": "promote-1"}
    before = host.post("models/sums/predict", PREDICT).json()["results"][0]["source"]
    first = host.post(path, move, headers=key)
    assert (first.status_code, first.json()["event"]) == (200, 1)
    after = host.post("models/sums/predict", PREDICT).json()["results"][0]["source"]
    assert (before, after) == ("rule", "champion")
    assert host.post(path, move, headers=key).json() == first.json()
    elsewhere = [(path, {**move, "why": "other"}), ("models/sums/aliases/challenger", move)]
    elsewhere += [("models/sums/retrain", {"params": {}}), (f"runs/{trained['run_id']}/cancel", {})]
    for other, body in elsewhere:
        reused = host.post(other, body, headers=key)
        assert (reused.status_code, reused.json()["reason_code"]) == (422, "idempotency_key_reused"), other
    late = host.post(path, move)
    assert (late.status_code, late.json()["reason_code"]) == (409, "alias_moved")
    assert host.get("models/sums").json()["champion"]["version"] == 1


def test_two_versions_are_compared(host: FunctionHost, trained: dict[str, Any]) -> None:
    """A comparison is a run that ends with evidence about both versions on the same rows."""
    second = host.wait_for(host.retrain(rows=300))["result"]["version"]
    body = {"versions": [second, 1], "rows": f"evaluation of {second}", "caller": CALLER}
    answer = host.post("models/sums/compare", body)
    assert answer.status_code == 202, answer.text
    run = host.wait_for(answer.json()["run_id"])
    assert run["state"] == "succeeded", run
    evidence = Evidence.model_validate(run["result"]["comparison"])
    assert (evidence.candidate, evidence.rows.version) == (second, second)


# --- keys and polling -------------------------------------------------------------------------------------


def test_the_same_key_starts_one_run(host: FunctionHost) -> None:
    """However many requests race with one key, there is one run; another body under the key is refused."""

    def start(_: int) -> str:
        return host.retrain(key="race", rows=20)

    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(start, range(3)))) == 1
    refused = host.post("models/sums/retrain", {"params": {"rows": 30}}, headers={"Idempotency-Key": "race"})
    assert (refused.status_code, refused.json()["reason_code"]) == (422, "idempotency_key_reused")


def test_a_cancellation_with_its_key_is_one_cancellation(host: FunctionHost) -> None:
    """The same key may come again, another caller under it is refused, and an ended run stays ended."""
    run_id = host.retrain(rows=20)
    ended = host.wait_for(run_id)
    key = {"Idempotency-Key": f"cancel-{run_id}"}
    for _ in range(2):
        answer = host.post(f"runs/{run_id}/cancel", {"caller": CALLER}, headers=key)
        assert (answer.status_code, answer.json()["state"]) == (200, ended["state"])
    other = {"caller": {**CALLER, "who": "viewer"}}
    assert host.post(f"runs/{run_id}/cancel", other, headers=key).status_code == 422


def test_polling_is_cheap(host: FunctionHost, trained: dict[str, Any]) -> None:
    """A run that did not change is answered 304 without a body."""
    first = host.get(f"runs/{trained['run_id']}")
    again = host.get(f"runs/{trained['run_id']}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_runs_are_listed_page_by_page(host: FunctionHost, trained: dict[str, Any]) -> None:
    """Pages follow one another without gaps, newest first."""
    host.retrain(rows=20)
    listed: list[str] = []
    after = None
    while True:
        params = {"model": "sums", "limit": "1", **({"after": after} if after else {})}
        page = RunsView.model_validate_json(host.get("runs", params=params).content)
        listed += [run.run_id for run in page.runs]
        if (after := page.after) is None:
            break
    assert listed == [run["run_id"] for run in host.get("runs", params={"limit": "100"}).json()["runs"]]
    assert listed[-1] == trained["run_id"]


# --- refusals ---------------------------------------------------------------------------------------------

JSON = {"Content-Type": "application/json"}
COMPARE_UNKNOWN = b'{"versions": [998, 999], "rows": "evaluation of 998"}'
MOVE_UNKNOWN = json.dumps({**MOVE, "version": 999}).encode()
REFUSALS: list[tuple[str, str, bytes | None, dict[str, str], int, str]] = [
    ("GET", "models/sumz", None, {}, 404, "unknown_model"),
    ("GET", "models/sums/versions/999", None, {}, 404, "unknown_version"),
    ("GET", "models/sums/versions/one", None, {}, 422, "invalid_value"),
    ("GET", "models/sumz/usage", None, {}, 404, "unknown_model"),
    ("GET", "models/sums/usage?since=yesterday", None, {}, 422, "invalid_value"),
    ("GET", "runs/20130101t000000-abcdef", None, {}, 404, "unknown_run"),
    ("GET", "runs/..%2F..%2Fetc", None, {}, 404, "unknown_route"),
    ("GET", "runs?limit=0", None, {}, 422, "invalid_value"),
    ("GET", "runs?model=sumz", None, {}, 404, "unknown_model"),
    ("GET", "runs?after=20130101t000000-abcdef", None, {}, 404, "unknown_run"),
    ("GET", "runs/20130101t000000-abcdef%0A", None, {}, 404, "unknown_run"),
    ("GET", "predictions/p-1", None, {}, 404, "unknown_prediction"),
    ("GET", "modles", None, {}, 404, "unknown_route"),
    ("GET", "/models", None, {}, 404, "unknown_route"),
    ("GET", "models/sums/predict", None, {}, 405, "method_not_allowed"),
    ("DELETE", "models/sums", None, {}, 405, "method_not_allowed"),
    ("POST", "models/sumz/predict", json.dumps(PREDICT).encode(), JSON, 404, "unknown_model"),
    ("POST", "models/sums/predict", b"rows=1", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
    ("POST", "models/sums/predict", b"{", JSON, 400, "malformed_json"),
    ("POST", "models/sums/predict", b"", JSON, 400, "malformed_json"),
    ("POST", "models/sums/retrain", b'{"params": {"rows": NaN}}', JSON, 400, "malformed_json"),
    ("POST", "models/sums/retrain", b'{"params": {"rows": 1}}', JSON, 422, "invalid_params"),
    ("POST", "models/sums/retrain", b'{"params": {"rowz": 100}}', JSON, 422, "invalid_params"),
    ("POST", "models/sums/retrain", b'{"parms": {}}', JSON, 422, "invalid_value"),
    ("POST", "models/sums/retrain", b"[]", JSON, 422, "invalid_value"),
    ("POST", "models/sums/retrain", b" " * 1_048_577, JSON, 413, "body_too_large"),
    ("POST", "models/sums/retrain", b"{}", {**JSON, "Idempotency-Key": "a b"}, 400, "bad_idempotency_key"),
    ("POST", "models/sumz/retrain", b"{}", JSON, 404, "unknown_model"),
    ("POST", "models/sums/compare", b'{"versions": [1], "rows": "all"}', JSON, 422, "invalid_value"),
    ("POST", "models/sums/compare", COMPARE_UNKNOWN, JSON, 404, "unknown_version"),
    ("POST", "models/sums/aliases/Champion", json.dumps(MOVE).encode(), JSON, 422, "invalid_value"),
    ("POST", "models/sums/aliases/other", MOVE_UNKNOWN, JSON, 404, "unknown_version"),
    ("POST", "runs/20130101t000000-abcdef/cancel", b"", {}, 404, "unknown_run"),
    ("POST", "models/broken/retrain", b"{}", JSON, 500, "misconfigured"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "headers", "status", "reason"), REFUSALS)
def test_refusals(
    host: FunctionHost,
    method: str,
    path: str,
    body: bytes | None,
    headers: dict[str, str],
    status: int,
    reason: str,
) -> None:
    """Each refusal has its status, its reason code and a sentence, as problem details without a trace."""
    answer = host.send(method, path, data=body, headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json"), (
        answer.text
    )
    problem = Problem.model_validate_json(answer.content)
    assert (problem.status, problem.reason_code) == (status, reason)
    assert problem.detail
    assert "Traceback" not in answer.text
    if status == 422:
        assert all(error.field and error.allowed for error in problem.errors)
    if status == 405:
        assert answer.headers["Allow"]


def test_unknown_names_come_with_the_nearest(host: FunctionHost) -> None:
    """A slip of the finger is answered with what was perhaps meant."""
    assert host.get("models/sumz").json()["suggestions"] == ["sums"]
    run_id = host.retrain(rows=20)
    slip = run_id[:-1] + ("0" if run_id[-1] != "0" else "1")
    assert run_id in host.get(f"runs/{slip}").json()["suggestions"]
    assert "GET /api/models" in host.get("modles").json()["suggestions"]


def test_nothing_is_answered_without_the_key(host: FunctionHost) -> None:
    """Every address, also the health page, refuses whoever has no key, and tells nothing."""
    for path in ("health", "models", "runs", "nowhere"):
        answer = requests.get(f"{host.url}/api/{path}", timeout=10)
        assert (answer.status_code, answer.json()["reason_code"]) == (401, "unauthorized")
        assert "sums" not in answer.text
