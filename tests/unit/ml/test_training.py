"""Working on runs with real child processes: what they make, and every way in which they end."""

from __future__ import annotations

import errno
import os
import secrets
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from ml.child import is_lack_of_memory
from ml.contract import Evidence, RunView
from ml.errors import AttemptLost, NotFound, StoreError, StoreMisconfigured, StoreUnavailable, TrainingFailed
from ml.events import EventLog
from ml.manifest import CARD_FILE, EVALUATION_FILE, MODEL_FILE, SNAPSHOT_FILE, digest_of
from ml.objects import open_store
from ml.registry import CHAMPION, Registry
from ml.reproduction import reproduce, requery
from ml.runs import Runs
from ml.source import archive_source
from ml.tables import read_table
from ml.training import RETRAIN_STAGES, Ending, execute
from tests.stand_ins import parcels

QUIET = {"TOBAN_TRAINING_THREADS": "1"}
SUMS = "tests.stand_ins.sums:Sums"


class Works:
    """A store in memory with its runs and versions, and a worker."""

    def __init__(self) -> None:
        self.store = open_store(f"memory://{secrets.token_hex(6)}")
        self.registry, self.runs = Registry(self.store), Runs(self.store)
        self.catalog = parcels.parcel_catalog()
        self.stopping = threading.Event()

    def ask(self, kind: Any = "retrain", model: str = "parcels", **params: Any) -> str:
        """Record a run and return its id."""
        return self.runs.create(model, kind, params).run_id

    def work(self, run_id: str, worker: str = "worker-1", **environment: str) -> Ending:
        """Work on a run here."""
        return execute(
            run_id,
            runs=self.runs,
            registry=self.registry,
            catalog=self.catalog,
            worker=worker,
            stopping=self.stopping,
            environment={**QUIET, **environment},
        )

    def done(self, kind: Any = "retrain", **params: Any) -> RunView:
        """Return a run that was asked for and worked on."""
        run_id = self.ask(kind, **params)
        self.work(run_id)
        return self.runs.view(run_id)


@pytest.fixture(scope="module")
def trained() -> Works:
    """Two versions; the second was compared with the first, which is champion."""
    works = Works()
    first = works.done(rows=300)
    assert first.state == "succeeded", first.reason
    parcels.promote(works.registry, 1)
    second = works.done(rows=900)
    assert second.state == "succeeded", second.reason
    return works


def test_stages_are_gone_through_in_order(trained: Works) -> None:
    """Each with its duration, and the result at the end."""
    runs = trained.runs.list("parcels").runs
    for run in runs:
        assert [stage.name for stage in run.stages] == list(RETRAIN_STAGES)
        assert {stage.state for stage in run.stages} == {"done"}
        assert all(stage.seconds is not None for stage in run.stages)
    assert [run.result.version for run in runs if run.result] == [2, 1]


def test_a_version_says_where_it_came_from(trained: Works) -> None:
    """Data, code, environment, parameters, seed, metrics with method, ranges, timings."""
    manifest = trained.registry.manifest("parcels", 2)
    assert trained.registry.verify("parcels", 2) == []
    assert (manifest.params["rows"], manifest.seed, manifest.recipe) == (
        900,
        0,
        "tests.stand_ins.parcels:Parcels",
    )
    assert manifest.query.rows == 900
    assert manifest.metrics["mae"].unit == "EUR"
    assert "225 rows" in manifest.metrics["mae"].method
    assert manifest.feature_ranges["zone"].choices == ("far", "here", "near")
    assert 0.1 < manifest.feature_ranges["height"].missing_share < 0.3
    assert manifest.code.source == digest_of(archive_source())
    assert {"numpy", "scikit-learn", "skl2onnx"} <= set(manifest.environment.packages)
    assert manifest.agreement is not None
    assert manifest.agreement.max_difference <= manifest.agreement.tolerance
    assert set(manifest.timings) == set(RETRAIN_STAGES) - {"register"}
    assert manifest.sizes[MODEL_FILE] == manifest.files[MODEL_FILE].size
    assert manifest.reference_sample is not None
    evaluated = read_table("rows", trained.registry.get_file(manifest.files[EVALUATION_FILE].digest))
    assert len(evaluated) == 225


def test_equal_data_is_kept_once(trained: Works) -> None:
    """The same query gives the same snapshot under the same name: no second copy."""
    again = trained.done(rows=900)
    assert again.result is not None
    manifests = [trained.registry.manifest("parcels", n) for n in (2, again.result.version or 0)]
    for name in (SNAPSHOT_FILE, EVALUATION_FILE, MODEL_FILE):
        assert manifests[0].files[name].digest == manifests[1].files[name].digest


def test_the_card_is_for_people(trained: Works) -> None:
    """What it predicts, how well beside champion and rule, when it does not answer, on which data."""
    manifest = trained.registry.manifest("parcels", 2)
    card = trained.registry.get_file(manifest.files[CARD_FILE].digest).decode()
    for phrase in (
        "# Parcels",
        "| Champion (v1) |",
        "**Within a euro**",
        "five euros and one for each kilogram",
        "wider than 20 EUR",
        "Weigh it at the counter.",
        "Prices do not change.",
        manifest.data_version,
        "rows = 900",
    ):
        assert phrase in card


def test_candidate_champion_and_rule_meet_on_the_same_rows(trained: Works) -> None:
    """The evidence names all three, the rows by digest, the champion's alias event, and the test."""
    run = next(run for run in trained.runs.list("parcels").runs if run.result and run.result.version == 2)
    assert run.result is not None
    assert run.result.evidence is not None
    evidence = trained.registry.evidence(run.result.evidence)
    assert run.result.comparison == evidence
    assert (evidence.candidate, evidence.champion, evidence.champion_event) == (2, 1, 1)
    files = trained.registry.manifest("parcels", 2).files
    assert (evidence.rows.digest, evidence.rows.count) == (files[EVALUATION_FILE].digest, 225)
    mae = evidence.metrics[0]
    assert mae.champion is not None
    assert mae.rule is not None
    assert evidence.test is not None
    assert evidence.test.difference == pytest.approx(mae.candidate - mae.champion)
    assert evidence.beats_rule
    assert {found.contender for found in evidence.histograms} == {"candidate", "champion", "rule"}


def test_a_comparison_rescores_on_kept_rows(trained: Works) -> None:
    """The champion of the two stands in the champion's place; the values are those of the first time."""
    run = trained.done("compare", versions=[1, 2], rows="evaluation of 2")
    assert run.result is not None, run.reason
    found = run.result.comparison
    assert found is not None
    assert (found.candidate, found.champion, found.rows.version) == (2, 1, 2)
    recorded = trained.registry.manifest("parcels", 2).metrics["mae"].value
    assert found.metrics[0].candidate == pytest.approx(recorded, abs=1e-9)
    assert run.result.version is None


def test_rows_that_the_candidate_was_trained_on_prove_nothing(trained: Works) -> None:
    """Such a comparison fails and says which rows to take instead; a champion's head start is noted."""
    version = trained.registry.manifest("parcels", 1)
    evaluated = read_table("rows", trained.registry.get_file(version.files[EVALUATION_FILE].digest))
    snapshot = trained.registry.manifest("parcels", 2).files[SNAPSHOT_FILE]
    seen = set(read_table("rows", trained.registry.get_file(snapshot.digest)).row_hashes().tolist())
    assert set(evaluated.row_hashes().tolist()) & seen == set()
    own = trained.registry.manifest("parcels", 2)
    trained.registry.register(
        "parcels", own.model_copy(update={"files": {**own.files, EVALUATION_FILE: snapshot}, "run_id": None})
    )
    newest = trained.registry.newest_version("parcels")
    run = trained.done("compare", versions=[2, 1], rows=f"evaluation of {newest}")
    assert run.reason is not None
    assert (run.state, run.reason.code) == ("failed", "rows_seen_in_training")


def test_a_damaged_champion_is_noted(trained: Works, tmp_path: Path) -> None:
    """The candidate is held against the rule, and the evidence names the champion it would replace."""
    works = Works()
    works.store = open_store(str(tmp_path / "store"))
    works.registry, works.runs = Registry(works.store), Runs(works.store)
    parcels.promote(works.registry, parcels.register_here(works.registry, parcels.Parcels()))
    digest = works.registry.manifest("parcels", 1).files[MODEL_FILE].digest
    (tmp_path / "store" / "files" / digest.removeprefix("sha256:")).write_bytes(b"damaged")
    run = works.done()
    assert run.result is not None, run.reason
    found = run.result.comparison
    assert found is not None
    assert (found.champion, found.metrics[0].champion, found.beats_champion) == (1, None, None)
    assert "champion v1 cannot be scored" in found.notes[0]


def test_training_again_gives_the_same_metrics(trained: Works) -> None:
    """From the manifest alone; and a metric that does not come out is named."""
    report = reproduce(trained.registry, trained.catalog, "parcels", 1, QUIET)
    assert report.same, report.lines
    assert len([line for line in report.lines if line.endswith("same")]) == 2
    manifest = trained.registry.manifest("parcels", 1)
    better = {"mae": manifest.metrics["mae"].model_copy(update={"value": 0.001})}
    forged = trained.registry.register(
        "parcels", manifest.model_copy(update={"metrics": {**manifest.metrics, **better}, "run_id": None})
    )
    report = reproduce(trained.registry, trained.catalog, "parcels", forged, QUIET)
    assert not report.same
    assert any(line.startswith("  mae") and line.endswith("DIFFERS") for line in report.lines)


def test_the_query_again_finds_changed_rows(trained: Works) -> None:
    """The same rows have the same digest; rows that changed since are counted."""
    assert requery(trained.registry, trained.catalog, "parcels", 1, QUIET).same
    manifest = trained.registry.manifest("parcels", 1)
    more = manifest.model_copy(update={"params": {**manifest.params, "rows": 310}, "run_id": None})
    changed = trained.registry.register("parcels", more)
    report = requery(trained.registry, trained.catalog, "parcels", changed, QUIET)
    assert not report.same
    assert "310 rows now, 300 recorded" in report.lines[0]


# --- how runs end -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({"trouble": "empty"}, "no_rows", "no parcel was sent"),
        ({"trouble": "memory"}, "out_of_memory", "stage load needed more memory"),
        ({"trouble": "killed", "rows": 400}, "out_of_memory", "300 rows"),
        ({"trouble": "crash"}, "training_crashed", "stage fit"),
        ({"trouble": "disagree"}, "disagreement", "was not registered"),
        ({"rows": 7}, "invalid_params", "rows must be a whole number from 50 to 5000"),
    ],
)
def test_a_run_fails_with_a_reason_that_a_person_understands(
    params: dict[str, Any], code: str, words: str
) -> None:
    """And is not tried again; nothing is registered."""
    works = Works()
    run_id = works.ask(**params)
    assert works.work(run_id) == "failed"
    run = works.runs.view(run_id)
    assert run.reason is not None
    assert (run.state, run.reason.code) == ("failed", code)
    assert words in run.reason.detail
    assert works.registry.newest_version("parcels") == 0
    assert works.work(run_id) == "not_claimed"


@pytest.mark.parametrize("trouble", ["never ends", "ends by a crash"])
def test_what_happens_after_the_result_takes_nothing_from_it(trouble: str) -> None:
    """Libraries may hang or crash while a process ends; what it made was whole before."""
    works = Works()
    run = works.done(trouble=trouble)
    assert run.state == "succeeded", run.reason
    assert works.registry.newest_version("parcels") == 1


def test_a_defect_in_a_recipe_names_its_line() -> None:
    """Stage, error, file and line."""
    works = Works()
    works.catalog._settings["sums"] = works.catalog.settings("parcels").model_copy(update={"recipe": SUMS})
    run_id = works.ask(model="sums", behaviour="raise")
    assert works.work(run_id) == "failed"
    reason = works.runs.view(run_id).reason
    assert reason is not None
    assert reason.code == "recipe_failed"
    assert "stage load failed: ZeroDivisionError: a defect in the recipe (sums.py, line" in reason.detail


def test_a_recipe_that_cannot_be_loaded_is_a_reason() -> None:
    """The import error is in it."""
    works = Works()
    run_id = works.ask(model="broken")
    assert works.work(run_id) == "failed"
    reason = works.runs.view(run_id).reason
    assert reason is not None
    assert reason.code == "misconfigured"
    assert "tests.nowhere" in reason.detail


def test_memory_may_be_limited() -> None:
    """A training that needs more than it may have ends with its size and the limit."""
    works = Works()
    run_id = works.ask(trouble="hungry")
    assert works.work(run_id, TOBAN_TRAINING_MEMORY_MB="4000") == "failed"
    reason = works.runs.view(run_id).reason
    assert reason is not None
    assert reason.code == "out_of_memory"
    assert "225 rows" in reason.detail
    assert "its limit is 4,000 MB" in reason.detail


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "no"),
        ImportError("libopenblas.so: failed to map segment from shared object"),
        RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : std::bad_alloc"),
    ],
)
def test_libraries_lack_memory_in_words_of_their_own(error: Exception) -> None:
    """Also where somebody else's error stands before them."""
    assert is_lack_of_memory(error)
    wrapped = TrainingFailed("conversion_failed", "no")
    wrapped.__cause__ = error
    assert is_lack_of_memory(wrapped)
    assert not is_lack_of_memory(ValueError("rows are missing"))


def test_wrong_limits_are_a_reason() -> None:
    """A setting that is no number fails the run with its name."""
    works = Works()
    run_id = works.ask()
    assert works.work(run_id, TOBAN_TRAINING_THREADS="many") == "failed"
    reason = works.runs.view(run_id).reason
    assert reason is not None
    assert "TOBAN_TRAINING_THREADS" in reason.detail


class Waiting:
    """A run that waits inside the recipe, on a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self.works = Works()
        settings = self.works.catalog.settings("parcels").model_copy(update={"recipe": SUMS})
        self.works.catalog._settings["sums"] = settings
        self.gate = folder / "gate"
        self.run_id = self.works.ask(model="sums", behaviour="wait", gate=str(self.gate))
        self.ending: list[Ending] = []
        self._thread = threading.Thread(
            target=lambda: self.ending.append(self.works.work(self.run_id)), daemon=True
        )
        self._thread.start()
        while not self.gate.exists():
            assert self._thread.is_alive()
            threading.Event().wait(0.01)

    def end(self) -> tuple[Ending, RunView]:
        """Wait until the work has ended; return how, and the run."""
        self._thread.join(100)
        assert not self._thread.is_alive()
        return self.ending[0], self.works.runs.view(self.run_id)


def test_a_cancel_ends_the_training(tmp_path: Path) -> None:
    """The child is ended and the run says who wanted it."""
    waiting = Waiting(tmp_path)
    waiting.works.runs.request_cancel(waiting.run_id, "operator")
    ending, run = waiting.end()
    assert (ending, run.state) == ("cancelled", "cancelled")
    assert run.reason is not None
    assert "operator" in run.reason.detail


def test_a_restart_gives_the_run_back(tmp_path: Path) -> None:
    """It waits to be claimed again, no attempt is used up, and the next worker finishes it."""
    waiting = Waiting(tmp_path)
    waiting.works.stopping.set()
    ending, run = waiting.end()
    assert (ending, run.state) == ("interrupted", "queued")
    waiting.gate.unlink()
    waiting.works.stopping.clear()
    opener = threading.Thread(target=lambda: _open(waiting.gate))
    opener.start()
    assert waiting.works.work(waiting.run_id, "worker-2") == "succeeded"
    opener.join()
    assert waiting.works.registry.versions("sums") == [1]


def _open(gate: Path) -> None:
    while not gate.exists():
        threading.Event().wait(0.01)
    gate.unlink()


def test_an_attempt_that_was_lost_stops(tmp_path: Path) -> None:
    """Another worker wrote the next event: this one ends its child and registers nothing."""
    waiting = Waiting(tmp_path)
    event = waiting.works.runs.view(waiting.run_id).event
    log = EventLog(waiting.works.store, f"runs/{waiting.run_id[:4]}-{waiting.run_id[4:6]}/{waiting.run_id}")
    taken = log.read(event)
    taken["view"]["event"] = event + 1
    log.append({**taken, "kind": "claimed", "by": "worker-2", "worker": "worker-2"}, event + 1)
    assert waiting.end()[0] == "lost"
    assert waiting.works.registry.newest_version("sums") == 0


def test_a_second_attempt_registers_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one died between registering and saying so: the second finds its version by the run."""
    works = Works()
    run_id = works.ask()
    put = works.registry.put_evidence

    def cut_off(evidence: Evidence) -> str:
        raise AttemptLost(run_id, "the plug was pulled")

    monkeypatch.setattr(works.registry, "put_evidence", cut_off)
    assert works.work(run_id) == "lost"
    assert works.registry.versions("parcels") == [1]
    monkeypatch.setattr(works.registry, "put_evidence", put)
    assert works.work(run_id, "worker-1") == "succeeded"
    assert works.registry.versions("parcels") == [1]
    result = works.runs.view(run_id).result
    assert result is not None
    assert result.version == 1


def test_a_damaged_record_ends_the_run_with_its_name() -> None:
    """Another attempt would find the same record, so it is named at once."""
    works = Works()
    path = "models/parcels/aliases/champion/00000001.json"
    works.store.create(path, b"torn")
    view = works.done()
    assert view.reason is not None
    assert (view.state, view.reason.code, view.attempt) == ("failed", "record_damaged", 1)
    assert path in view.reason.detail


@pytest.mark.parametrize("kind", [StoreUnavailable, StoreMisconfigured])
def test_a_store_away_for_a_moment_does_not_stop_the_training(
    monkeypatch: pytest.MonkeyPatch, kind: type[StoreError]
) -> None:
    """Heartbeats that cannot be written, because of the store or of its permission, are left out."""
    works = Works()
    run_id = works.ask()
    seen = []

    def away(self: Any) -> bool:
        seen.append(1)
        raise kind("connection or credentials refused")

    monkeypatch.setattr("ml.attempt.Attempt.cancel_requested", away)
    assert works.work(run_id) == "succeeded"
    assert seen


def test_an_unknown_run_is_refused() -> None:
    """There is nothing to work on."""
    with pytest.raises(NotFound):
        Works().work("20130704t120000-abcdef")


def test_a_comparison_of_unknown_versions_fails(trained: Works) -> None:
    """With the number that does not exist."""
    run = trained.done("compare", versions=[1, 99], rows="evaluation of 1")
    assert run.reason is not None
    assert (run.reason.code, "99" in run.reason.detail) == ("unknown_version", True)
    assert trained.registry.alias("parcels", CHAMPION) is not None


PARENT = """
import sys, time
from pathlib import Path
from ml.registration import build_job
from ml.supervision import Child, Limits
params = {"behaviour": "wait", "gate": sys.argv[1]}
child = Child(build_job("train", "tests.stand_ins.sums:Sums", params, 0, Path(sys.argv[2])), Limits(1))
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_child_does_not_outlive_its_parent(tmp_path: Path) -> None:
    """The parent is killed in the middle of a training: the child ends by itself."""
    gate = tmp_path / "gate"
    root = Path(__file__).parents[3]
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(gate), str(tmp_path)], cwd=root, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    while not gate.exists():
        threading.Event().wait(0.01)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    for _ in range(6000):
        if not _lives(child):
            return
        threading.Event().wait(0.01)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the child went on")


def _lives(pid: int) -> bool:
    """Return whether a process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
