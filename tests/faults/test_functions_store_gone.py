"""The object store goes away under a running function app, and comes back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.function_hosts import CALLER, FunctionHost, Home, wait_until

pytestmark = pytest.mark.faults

PREDICT = {"rows": [{"first": 1, "second": 2}], "caller": CALLER}


def promote(host: FunctionHost) -> None:
    """Train the first version and make it champion."""
    result = host.wait_for(host.retrain(rows=100))["result"]
    move = {
        "version": 1,
        "expected_event": 0,
        "evidence": result["evidence"],
        "by": "owner",
        "why": "the first",
    }
    assert host.post("models/sums/aliases/champion", move).status_code == 200


def test_the_store_goes_away_while_the_app_predicts(tmp_path: Path) -> None:
    """Predictions go on from the loaded champion, not logged; the rest says 503 and when to come back."""
    home = Home(tmp_path)
    away = home.folder / "away"
    with home.host() as host:
        promote(host)
        assert host.post("models/sums/predict", PREDICT).json()["logged"] is True
        home.store.rename(away)
        answer = host.post("models/sums/predict", PREDICT)
        assert (answer.status_code, answer.json()["logged"]) == (200, False)
        assert answer.json()["results"][0]["source"] == "champion"
        runs = host.get("runs")
        assert (runs.status_code, runs.json()["reason_code"]) == (503, "store_unavailable")
        assert int(runs.headers["Retry-After"]) > 0
        retrain = host.post("models/sums/retrain", {"params": {"rows": 100}})
        assert retrain.status_code == 503
        health = host.get("health")
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        away.rename(home.store)
        wait_until(lambda: host.post("models/sums/predict", PREDICT).json()["logged"])
        assert host.get("health").json()["status"] == "ok"


def test_a_cold_app_without_its_store_answers_by_the_rule(tmp_path: Path) -> None:
    """The store goes away before any version was loaded: the rule answers, and says that it is the rule."""
    home = Home(tmp_path)
    with home.host() as host:
        promote(host)
    with home.host() as host:
        home.store.rename(home.folder / "away")
        answer = host.post("models/sums/predict", PREDICT)
        assert not home.store.exists(), "made anew, empty"
    assert (answer.status_code, answer.json()["logged"]) == (200, False)
    assert answer.json()["results"][0]["source"] == "rule"
