"""The real flights, trained, judged and served as in the demo: the pages' figures must come out."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.calibration import offsets
from ml.catalog import Catalog, load_catalog
from ml.contract import AliasMove, Evidence, PredictReply, RunView
from ml.manifest import EVALUATION_FILE, MODEL_FILE
from ml.objects import open_store
from ml.predictions import PredictionLog
from ml.registry import CHAMPION, Registry
from ml.runs import Runs
from ml.serving import Server
from ml.sessions import LoadedModel
from ml.tables import read_table
from ml.training import execute

ROOT = Path(__file__).parents[2]
FLIGHTS = "arrival-delay"
CALLER = {"who": "operator", "where": "ml-arrivals"}
FLIGHT = {"flight": "UA1591", "date": "2013-07-04"}


class Team:
    """A team with its store in a folder, the example's models, and a worker."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = open_store(str(folder))
        self.registry, self.runs = Registry(self.store), Runs(self.store)
        self.catalog: Catalog = load_catalog(ROOT / "toban.toml")
        self.log = PredictionLog(self.store)
        self.server = Server(self.catalog, self.registry, self.log)

    def run(self, kind: Any, model: str = FLIGHTS, **params: Any) -> RunView:
        """Return a run that was asked for and worked on."""
        run_id = self.runs.create(model, kind, params).run_id
        execute(
            run_id,
            runs=self.runs,
            registry=self.registry,
            catalog=self.catalog,
            worker="worker-1",
            stopping=threading.Event(),
        )
        return self.runs.view(run_id)

    def evidence(self, kind: Any, model: str = FLIGHTS, **params: Any) -> Evidence:
        """Return what a run found."""
        run = self.run(kind, model, **params)
        assert run.result is not None, run.reason
        assert run.result.comparison is not None
        return run.result.comparison

    def promote(self, evidence: Evidence) -> None:
        """Make the candidate of the evidence the champion."""
        self.registry.move_alias(
            evidence.model,
            CHAMPION,
            AliasMove(
                version=evidence.candidate,
                expected_event=evidence.champion_event,
                evidence=evidence.digest,
                by="owner",
                why="as the demo does",
            ),
        )
        self.server.forget(evidence.model)

    def ask(self, *rows: dict[str, Any], model: str = FLIGHTS) -> PredictReply:
        """Predict rows."""
        body = json.dumps({"rows": rows, "caller": CALLER}).encode()
        return asyncio.run(self.server.predict(model, body))

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m ml` on this store."""
        environment = {**os.environ, "TOBAN_STORE_URL": str(self.folder)}
        return subprocess.run(
            [sys.executable, "-m", "ml", *words],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A team whose first version, January to March, is champion."""
    team = Team(tmp_path_factory.mktemp("store"))
    team.promote(team.evidence("retrain", since="2013-01", until="2013-03"))
    yield team
    team.log.close()


@pytest.fixture(scope="module")
def july(team: Team) -> Evidence:
    """Evidence about the second version, January to June, against the first on the flights of July."""
    first = team.ask(FLIGHT).results[0]
    assert (first.version, first.outcome) == (1, "predicted")
    return team.evidence("retrain", since="2013-01", until="2013-06")


def test_july_is_as_the_pages_say(july: Evidence) -> None:
    """The plain rule, January to March and January to June, all on the 28,293 flights of July."""
    mae, bias, within = july.metrics
    assert (july.rows.count, july.rows.since, july.rows.until) == (28_293, "2013-07-01", "2013-07-31")
    assert (mae.rule, within.rule) == (pytest.approx(16.78, abs=0.01), pytest.approx(0.571, abs=0.001))
    assert mae.champion == pytest.approx(14.9, abs=0.2)
    assert mae.candidate == pytest.approx(14.4, abs=0.2)
    assert within.champion == pytest.approx(0.652, abs=0.01)
    assert within.candidate == pytest.approx(0.673, abs=0.01)
    assert (mae.better, within.better, bias.better) == (True, True, False)
    assert abs(bias.candidate) > abs(bias.champion or 0)


def test_july_is_more_than_luck(july: Evidence) -> None:
    """By the days, not by the flights: 31 blocks."""
    assert july.test is not None
    assert "31 blocks" in july.test.method
    assert july.test.low < july.test.difference < july.test.high < 0
    assert (july.beats_champion, july.beats_rule, july.notes) == (True, True, ())


def test_intervals_hold_on_the_month_that_made_them(team: Team, july: Evidence) -> None:
    """Nine of ten arrivals lie inside."""
    recipe = team.catalog.recipe(FLIGHTS)
    manifest = team.registry.manifest(FLIGHTS, 2)
    rows = read_table("rows", team.registry.get_file(manifest.files[EVALUATION_FILE].digest))
    model = LoadedModel(recipe, team.registry.get_file(manifest.files[MODEL_FILE].digest))
    assert manifest.calibration is not None
    low, high = offsets(manifest.calibration, recipe.calibration_groups(rows))
    residuals = recipe.actual(rows) - model.predict(rows).values
    assert ((low <= residuals) & (residuals <= high)).mean() == pytest.approx(0.9, abs=0.005)


def test_served_answers_are_those_that_were_judged(team: Team, july: Evidence) -> None:
    """Flights of the evaluation, asked for by number and day, get the very values that were scored."""
    recipe = team.catalog.recipe(FLIGHTS)
    manifest = team.registry.manifest(FLIGHTS, 1)
    model = LoadedModel(recipe, team.registry.get_file(manifest.files[MODEL_FILE].digest))
    files = team.registry.manifest(FLIGHTS, 2).files
    rows = read_table("rows", team.registry.get_file(files[EVALUATION_FILE].digest))
    places = np.arange(0, len(rows), 2_503)
    expected = model.predict(rows).values[places]
    asked = [
        {
            "flight": f"{rows['carrier'][i]}{rows['flight'][i]}",
            "date": str(rows["date"][i]),
            "origin": str(rows["origin"][i]),
        }
        for i in places
    ]
    answers = [answer for answer in team.ask(*asked).results if answer.version == 1]
    assert len(answers) == len(asked)
    for answer, value, place in zip(answers, expected, places, strict=True):
        assert answer.value == value if answer.outcome == "predicted" else answer.reason_code
        assert answer.actual == rows["arrival_delay"][place]


def test_hours_late_abstains_with_what_to_do_instead(team: Team, july: Evidence) -> None:
    """A delay that training never saw; a caller can tell it from a prediction."""
    described = {"carrier": "UA", "origin": "EWR", "dest": "IAH", "date": "2013-07-04T15:30"}
    (answer,) = team.ask({**described, "departure_delay": 1900}).results
    assert (answer.outcome, answer.value, answer.reason_code) == ("abstain", None, "outside_training_range")
    assert answer.safe_action is not None
    assert answer.safe_action.startswith("Promise no time")


def test_a_wrong_carrier_is_refused_in_its_place(team: Team) -> None:
    """Field, value, what is allowed, and the nearest that there is; the other flight is answered."""
    wrong, right = team.ask({"flight": "UX1591", "date": "2013-07-04"}, FLIGHT).results
    assert (wrong.outcome, right.outcome) == ("refused", "predicted")
    assert wrong.problem is not None
    assert wrong.problem.errors[0].field == "flight"
    assert "UA1591" in wrong.problem.suggestions


def test_promotion_changes_who_answers(team: Team, july: Evidence) -> None:
    """The same flight, the same inputs, the other version; going back is comparing on the same rows again."""
    before = team.ask(FLIGHT).results[0]
    team.promote(july)
    after = team.ask(FLIGHT).results[0]
    assert (before.version, after.version, before.actual) == (1, 2, after.actual)
    assert before.data_version != after.data_version
    back = team.evidence("compare", versions=[1, 2], rows="evaluation of 2")
    assert (back.candidate, back.champion, back.beats_champion) == (1, 2, False)
    assert back.metrics[0].candidate == pytest.approx(july.metrics[0].champion)
    assert back.test is not None
    assert july.test is not None
    assert back.test.difference == pytest.approx(-july.test.difference)


def test_an_older_month_flatters_the_version_that_saw_it(team: Team, july: Evidence) -> None:
    """April was among what the second version was trained on: the evidence says so."""
    found = team.evidence("compare", versions=[1, 2], rows="evaluation of 1")
    assert "champion was trained on 27,564 of these 27,564 rows" in found.notes[0]


def test_the_command_line_trains_reproduces_and_asks_again(team: Team, july: Evidence) -> None:
    """Same metrics from the manifest, same rows from the query; a mistyped parameter is explained."""
    done = team.command("reproduce", FLIGHTS, "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(r": same$", done.stdout, re.MULTILINE)) == 3
    done = team.command("requery", FLIGHTS, "1")
    assert (done.returncode, "the same rows" in done.stdout) == (0, True)
    done = team.command("train", FLIGHTS, "--until", "2013-13")
    assert (done.returncode, "until must be" in done.stderr) == (2, True)
    done = team.command("train", "wine-class", "--strength=0.5", "--key", "once")
    assert done.returncode == 0, done.stderr
    assert "wine-class version 1" in done.stdout


def test_another_family_of_models_takes_the_same_way(team: Team) -> None:
    """The classifier: trained, promoted, asked; sure of one wine, abstaining on the next."""
    evidence = team.evidence("retrain", "wine-class", evaluation_share=0.5)
    assert [metric.name for metric in evidence.metrics] == ["accuracy", "log_loss", "sure_and_right"]
    assert evidence.metrics[0].candidate > 0.9
    assert evidence.beats_rule
    team.promote(evidence)
    recipe = team.catalog.recipe("wine-class")
    typical = recipe.examples[0]
    between = {
        **typical,
        "alcohol": 13.0,
        "proline": 680,
        "flavanoids": 2.2,
        "color_intensity": 4.0,
        "hue": 0.95,
    }
    sure, unsure = team.ask(typical, between, model="wine-class").results
    assert (sure.outcome, sure.value, sure.interval) == ("predicted", "class_0", None)
    assert (sure.confidence or 0) > 0.9
    assert unsure.outcome in ("predicted", "abstain")
    strange = {**typical, "alcohol": 19.0}
    (answer,) = team.ask(strange, model="wine-class").results
    assert (answer.outcome, answer.safe_action) == ("abstain", recipe.policy.safe_action)
