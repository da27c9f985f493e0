"""Runs through thick and thin: hosts killed at every stage, messages delivered twice, trainings that fail."""

from __future__ import annotations

import secrets
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.loopback.queues import Queues
from functions.queues import POISON, RUNS, message_for
from ml.objects import open_store
from ml.registry import Registry
from ml.runs import Runs
from tests.function_hosts import WAIT_SECONDS, FunctionHost, Home, wait_until
from tests.stand_ins.bot_process import signal_newest_thread
from tests.stand_ins.sums import Sums

pytestmark = pytest.mark.faults


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a team's folder."""
    return Home(tmp_path)


def waiting_run(host: FunctionHost, gate: Path, stage: str = "load") -> str:
    """Start a training and return its run once it waits at the gate."""
    run_id = host.retrain(rows=50, behaviour="wait", gate=str(gate), wait_in=stage)
    wait_until(gate.exists)
    return run_id


def versions(home: Home) -> list[int]:
    """Return the versions that are registered."""
    return Registry(open_store(str(home.store), {})).versions("sums")


@pytest.mark.parametrize("stage", ["fit", pytest.param("load", marks=pytest.mark.slow)])
def test_a_host_killed_while_training_goes_on_at_its_next_start(home: Home, stage: str) -> None:
    """The same run is taken up at once, trains to its end, and one version is registered."""
    gate = home.folder / "gate"
    with home.host() as host:
        run_id = waiting_run(host, gate, stage)
        host.kill()
    gate.unlink()
    with home.host() as host:
        wait_until(gate.exists)
        gate.unlink()
        run = host.wait_for(run_id)
    assert (run["state"], run["attempt"]) == ("succeeded", 2)
    assert versions(home) == [1]


def test_a_host_killed_before_its_run_was_taken_up(home: Home) -> None:
    """A run whose message waits behind another is trained by the next host."""
    gate = home.folder / "gate"
    with home.host() as host:
        first = waiting_run(host, gate)
        second = host.retrain(rows=60)
        host.kill()
    gate.unlink()
    with home.host() as host:
        wait_until(gate.exists)
        gate.unlink()
        assert host.wait_for(first)["state"] == "succeeded"
        assert host.wait_for(second)["state"] == "succeeded"
    assert versions(home) == [1, 2]


def test_a_run_recorded_but_never_queued_is_found_by_its_key(home: Home) -> None:
    """A host killed between record and queue: the same request with the same key queues the run."""
    params = Sums().read_params({"rows": 50})
    runs = Runs(open_store(str(home.store), {}))
    run_id = runs.create("sums", "retrain", params, None, "the-key").run_id
    with home.host() as host:
        assert host.retrain(key="the-key", rows=50) == run_id
        assert host.wait_for(run_id)["state"] == "succeeded"


def test_a_run_recorded_but_never_queued_is_found_by_the_sweep(home: Home) -> None:
    """Nobody asks again: the timer finds the run and queues it."""
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    runs = Runs(open_store(str(home.store), {}), lambda: long_ago)
    run_id = runs.create("sums", "retrain", {"rows": 50}).run_id
    with home.host() as host:
        assert host.run_by_hand("sweep") == 202
        assert host.wait_for(run_id)["state"] == "succeeded"


def test_a_host_that_is_stopped_gives_its_run_back(home: Home) -> None:
    """A deployment restart ends in bounded time and uses up no attempt, however often it happens."""
    gate = home.folder / "gate"
    run_id = ""
    for _ in range(3):
        gate.unlink(missing_ok=True)
        with home.host() as host:
            run_id = run_id or host.retrain(rows=50, behaviour="wait", gate=str(gate))
            wait_until(gate.exists)
            host.process.terminate()
            assert host.process.wait(WAIT_SECONDS) == 0
    with home.host() as host:
        gate.unlink()
        wait_until(lambda: gate.exists() or host.get(f"runs/{run_id}").json()["state"] == "succeeded")
        gate.unlink(missing_ok=True)
        assert host.wait_for(run_id)["state"] == "succeeded"
    assert versions(home) == [1]


@pytest.mark.skipif(sys.platform != "linux", reason="signals one thread as Linux does")
def test_any_thread_of_a_host_may_get_the_signal_to_end(home: Home) -> None:
    """The system may hand SIGTERM to whichever thread it likes: the host ends in order all the same."""
    with home.host() as host:
        signal_newest_thread(host.process.pid, signal.SIGTERM)
        assert host.process.wait(WAIT_SECONDS) == 0


def test_a_message_delivered_twice_trains_once(home: Home) -> None:
    """A second message for a run that trains, or has trained, does nothing."""
    gate = home.folder / "gate"
    with home.host() as host:
        run_id = waiting_run(host, gate)
        assert host.run_by_hand("train", message_for(run_id)) == 202
        gate.unlink()
        assert host.wait_for(run_id)["state"] == "succeeded"
        assert host.run_by_hand("train", message_for(run_id)) == 202
        assert host.get(f"runs/{run_id}").json()["attempt"] == 1
    assert versions(home) == [1]


def test_a_training_that_cannot_work_says_why(home: Home) -> None:
    """The recipe's own reason reaches whoever looks at the run; no second attempt is made."""
    with home.host() as host:
        run = host.wait_for(host.retrain(rows=50, behaviour="fail"))
    assert (run["state"], run["reason"]) == (
        "failed",
        {"code": "no_numbers", "detail": "There are no numbers today."},
    )


def test_a_defect_in_training_ends_the_run_with_a_reason(home: Home) -> None:
    """A recipe that raises something unforeseen ends as failed, in words, without a trace in them."""
    with home.host() as host:
        run = host.wait_for(host.retrain(rows=50, behaviour="raise"))
    assert run["state"] == "failed"
    assert run["reason"]["detail"]
    assert "Traceback" not in run["reason"]["detail"]
    assert versions(home) == []


def test_a_cancelled_training_stops(home: Home) -> None:
    """Cancel works while training, and while waiting behind another run."""
    gate = home.folder / "gate"
    with home.host() as host:
        running = waiting_run(host, gate)
        waiting = host.retrain(rows=60)
        assert host.post(f"runs/{waiting}/cancel").json()["state"] == "cancelled"
        assert host.post(f"runs/{running}/cancel").status_code == 200
        assert host.wait_for(running)["state"] == "cancelled"
    assert versions(home) == []


def put(home: Home, queue: str, *bodies: str) -> None:
    """Put messages on a queue while no host runs."""
    queues = Queues(home.folder / "queues")
    queues.put(queue, *(body.encode() for body in bodies))
    queues.close()


def test_a_run_that_nothing_can_run_is_given_up_in_words(home: Home) -> None:
    """A message that came back from the poison queue too often ends its run, and the reason is a sentence."""
    runs = Runs(open_store(str(home.store), {}))
    run_id = runs.create("sums", "retrain", {"rows": 50}).run_id
    put(home, POISON, message_for(run_id, revived=3))
    with home.host() as host:
        run = host.wait_for(run_id)
    assert (run["state"], run["reason"]["code"]) == ("failed", "could_not_be_run")
    assert run["reason"]["detail"].endswith(".")


def test_a_poisoned_message_of_a_run_that_can_be_run_is_tried_again(home: Home) -> None:
    """Deliveries that restarts used up do not end a run."""
    runs = Runs(open_store(str(home.store), {}))
    run_id = runs.create("sums", "retrain", {"rows": 50}).run_id
    put(home, POISON, message_for(run_id))
    with home.host() as host:
        assert host.wait_for(run_id)["state"] == "succeeded"


def test_messages_about_nothing_do_not_stop_the_queue(home: Home) -> None:
    """A message of an unknown run is dropped, and the next one is worked on."""
    unknown = f"20130101t000000-{secrets.token_hex(4)}"
    put(home, RUNS, message_for(unknown))
    with home.host() as host:
        assert host.run_by_hand("train", message_for(unknown)) == 202
        assert host.wait_for(host.retrain(rows=50))["state"] == "succeeded"


def test_attempts_that_are_used_up_end_the_run(home: Home) -> None:
    """A worker that dies in every attempt: after the last one the run is failed with a reason."""
    gate = home.folder / "gate"
    run: dict[str, Any] = {}
    run_id = ""
    for _ in range(3):
        gate.unlink(missing_ok=True)
        with home.host() as host:
            run_id = run_id or host.retrain(rows=50, behaviour="wait", gate=str(gate))
            wait_until(gate.exists)
            host.kill()
    with home.host() as host:
        run = host.wait_for(run_id)
    assert (run["state"], run["attempt"]) == ("failed", 3)
    assert run["reason"]["detail"]
    assert versions(home) == []
