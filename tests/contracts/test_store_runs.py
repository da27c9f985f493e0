"""Runs on every kind of store: recorded once, held by one worker at a time, cancelled, taken over, listed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from ml.contract import Caller, Reason, RunResult
from ml.errors import AttemptLost, Corrupt, NotFound, Refused
from ml.objects import ObjectStore
from ml.runs import MAX_ATTEMPTS, STALE, Attempt, Runs
from tests.contracts.conftest import Place

MODEL = "arrival-delay"
WHO = Caller(who="operator", where="ml-arrivals")


class Clock:
    """A clock that stands still until it is told to move."""

    def __init__(self) -> None:
        self.now = datetime(2013, 7, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


@pytest.fixture
def clock() -> Clock:
    """A standing clock."""
    return Clock()


@pytest.fixture
def runs(store: ObjectStore, clock: Clock) -> Runs:
    """The runs of an empty store."""
    return Runs(store, clock)


@pytest.fixture
def run_id(runs: Runs) -> str:
    """A run that waits."""
    return runs.create(MODEL, "retrain", {"until": "2013-06-30"}, WHO).run_id


def claimed(runs: Runs, run_id: str, worker: str = "worker-1") -> Attempt:
    """Claim a run that can be claimed."""
    attempt = runs.claim(run_id, worker)
    assert attempt is not None
    return attempt


def damage(store: ObjectStore, run_id: str, event: int = 1, content: bytes = b"torn") -> None:
    """Change an event of a run behind everybody's back."""
    path = f"runs/{run_id[:4]}-{run_id[4:6]}/{run_id}/{event:06d}.json"
    store.delete(path)
    store.create(path, content)


def swept(place: Place, clock: Clock, again_after: timedelta = STALE) -> Runs:
    """Return another process that looked for runs that nobody works on, and once more later."""
    other = Runs(place.open(), clock)
    other.unclaimed()
    clock.forward(again_after)
    other.unclaimed()
    return other


# --- recording --------------------------------------------------------------------------------------------


def test_a_new_run_waits(place: Place, runs: Runs, run_id: str) -> None:
    """A recorded run is queued and every process sees it."""
    view = Runs(place.open()).view(run_id)
    assert view == runs.view(run_id)
    assert (view.state, view.model, view.params, view.requested_by, view.event) == (
        "queued",
        MODEL,
        {"until": "2013-06-30"},
        WHO,
        1,
    )


@pytest.mark.parametrize(
    "unknown", ["20130701t120000-abcdef", "20130701t120000-abcdef\n", "nonsense", "../../etc", ""]
)
def test_an_unknown_run_is_not_found(runs: Runs, unknown: str) -> None:
    """An id that names no run, or is no id at all, is not found."""
    with pytest.raises(NotFound):
        runs.view(unknown)


def test_the_same_key_gives_the_same_run(place: Place, runs: Runs) -> None:
    """Requests with one key and one content are one run, whichever process they reach and when."""
    first = runs.create(MODEL, "retrain", {"a": 1, "b": {"c": 2, "d": 3}}, WHO, key="k")
    again = Runs(place.open()).create(MODEL, "retrain", {"b": {"d": 3, "c": 2}, "a": 1}, key="k")
    assert again == first
    claimed(runs, first.run_id).succeed(RunResult(version=1))
    assert (
        Runs(place.open()).create(MODEL, "retrain", {"a": 1, "b": {"c": 2, "d": 3}}, key="k").state
        == "succeeded"
    )
    assert len(runs.list().runs) == 1


def test_the_same_key_with_another_request_is_refused(runs: Runs) -> None:
    """A key stands for one request."""
    runs.create(MODEL, "retrain", {"a": 1}, key="k")
    for model, kind, params in ((MODEL, "retrain", {"a": 2}), ("other", "retrain", {"a": 1})):
        with pytest.raises(Refused) as caught:
            runs.create(model, kind, params, key="k")  # type: ignore[arg-type]
        assert caught.value.reason_code == "idempotency_key_reused"


def test_without_a_key_each_request_is_a_run(runs: Runs) -> None:
    """Two requests without keys are two runs."""
    assert len({runs.create(MODEL, "retrain", {}).run_id for _ in range(2)}) == 2


def test_racing_requests_with_one_key_are_one_run(place: Place) -> None:
    """The same key from many threads at once: one run, listed once."""

    def create(_: int) -> str:
        return Runs(place.open()).create(MODEL, "retrain", {}, key="k").run_id

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(create, range(16)))) == 1
    assert len(Runs(place.open()).list(MODEL).runs) == 1


def test_a_request_that_was_cut_off_is_completed_by_its_key(
    place: Place, runs: Runs, store: ObjectStore
) -> None:
    """A key that was bound to a run which does not exist yet makes that very run."""
    run_id = runs.create(MODEL, "retrain", {}, key="k").run_id
    store.delete(f"runs/2013-07/{run_id}/000001.json")
    fresh = Runs(place.open())
    with pytest.raises(NotFound):
        fresh.view(run_id)
    assert fresh.list().runs == ()
    assert fresh.create(MODEL, "retrain", {}, key="k").run_id == run_id
    assert [view.run_id for view in fresh.list().runs] == [run_id]


# --- listing ----------------------------------------------------------------------------------------------


def test_runs_are_listed_newest_first_in_pages(runs: Runs) -> None:
    """A page names the run behind which the next one begins; the last page names none."""
    ids = [runs.create(MODEL if n % 2 else "other", "retrain", {}).run_id for n in range(5)]
    first = runs.list(limit=2)
    second = runs.list(limit=2, after=first.after)
    third = runs.list(limit=2, after=second.after)
    assert [view.run_id for page in (first, second, third) for view in page.runs] == ids[::-1]
    assert third.after is None
    assert [view.run_id for view in runs.list(MODEL).runs] == [ids[3], ids[1]]


# --- working ----------------------------------------------------------------------------------------------


def test_a_damaged_run_hides_no_other(place: Place, store: ObjectStore, runs: Runs) -> None:
    """It is left out of the list and of the sweep, and says what is wrong when it is asked for itself."""
    ids = [runs.create(MODEL, "retrain", {"n": n}).run_id for n in range(3)]
    damage(store, ids[1])
    fresh = Runs(place.open())
    assert [run.run_id for run in fresh.list().runs] == [ids[2], ids[0]]
    with pytest.raises(Corrupt):
        fresh.view(ids[1])
    at_once = Runs(place.open(), clock=lambda: runs.view(ids[0]).created_at)
    assert list(at_once.unclaimed()) == [ids[0], ids[2]]


def test_a_run_whose_last_word_is_lost_fails(
    place: Place, store: ObjectStore, runs: Runs, run_id: str, clock: Clock
) -> None:
    """Nobody goes on with it for a minute: it ends, says which record is damaged, and is not begun again."""
    claimed(runs, run_id).stage("load", ["load", "fit"])
    damage(store, run_id, 3)
    other = swept(place, clock, STALE - timedelta(seconds=1))
    with pytest.raises(Corrupt):
        other.view(run_id)
    clock.forward(timedelta(seconds=1))
    assert other.unclaimed() == []
    view = Runs(place.open(), clock).view(run_id)
    assert (view.state, view.event, view.model, view.requested_by) == ("failed", 4, MODEL, WHO)
    assert view.reason is not None
    assert view.reason.code == "record_damaged"
    assert f"{run_id}/000003.json" in view.reason.detail
    assert Runs(place.open(), clock).claim(run_id, "worker-2") is None


def test_a_run_of_which_nothing_can_be_read_fails(
    place: Place, store: ObjectStore, runs: Runs, run_id: str, clock: Clock
) -> None:
    """The index knows its model; parameters and who asked are lost."""
    damage(store, run_id)
    runs.create("another", "compare", {})
    view = swept(place, clock).view(run_id)
    assert (view.state, view.model, view.kind, view.event) == ("failed", MODEL, "retrain", 2)
    assert f"{view.created_at:%Y%m%dt%H%M%S}" == run_id[:15]


def test_a_living_worker_mends_its_run(
    place: Place, store: ObjectStore, runs: Runs, run_id: str, clock: Clock
) -> None:
    """It knows what it wrote, and writes on."""
    attempt = claimed(runs, run_id)
    attempt.stage("load", ["load", "fit"])
    damage(store, run_id, 3)
    other = Runs(place.open(), clock)
    other.unclaimed()
    clock.forward(timedelta(seconds=30))
    attempt.heartbeat()
    damage(store, run_id, 4)
    clock.forward(timedelta(seconds=30))
    assert other.unclaimed() == []
    attempt.heartbeat()
    clock.forward(STALE / 2)
    assert other.unclaimed() == []
    assert other.view(run_id).state == "running"


def test_a_worker_that_comes_too_late_learns_that_its_run_has_failed(
    place: Place, store: ObjectStore, runs: Runs, run_id: str, clock: Clock
) -> None:
    """As after any minute of silence."""
    attempt = claimed(runs, run_id)
    damage(store, run_id, 2)
    swept(place, clock)
    with pytest.raises(AttemptLost):
        attempt.heartbeat()


def test_a_run_of_a_newer_program_is_left_to_it(
    place: Place, store: ObjectStore, runs: Runs, run_id: str, clock: Clock
) -> None:
    """While a deployment goes on, an older program may not know how to read what the newer one wrote."""
    damage(store, run_id, 1, b'{"format": 2, "at": "2013-07-01T12:00:00Z"}')
    other = swept(place, clock)
    with pytest.raises(Corrupt, match="newer"):
        other.view(run_id)


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b'{"format": [1]}', b'{"format": 1}', b'{"format": 1, "run_id": "../20130701"}',
     b'{"format": 1, "run_id": "20131399t999999-abcdef"}', b'{"format": 1, "run_id": null}'],
)  # fmt: skip
def test_a_damaged_entry_of_the_index_hides_no_other_run(
    place: Place, store: ObjectStore, runs: Runs, damage: bytes
) -> None:
    """The lists and the sweep go on around it; its own run is found by its id."""
    ids = [runs.create(MODEL, "retrain", {"n": n}).run_id for n in range(3)]
    for index in ("all", f"model-{MODEL}"):
        path = f"runs/index/{index}/00000002.json"
        store.delete(path)
        store.create(path, damage)
    fresh = Runs(place.open(), clock=lambda: runs.view(ids[0]).created_at)
    assert [run.run_id for run in fresh.list().runs] == [ids[2], ids[0]]
    assert [run.run_id for run in fresh.list(MODEL).runs] == [ids[2], ids[0]]
    assert fresh.view(ids[1]).state == "queued"
    assert list(fresh.unclaimed()) == [ids[0], ids[2]]


def test_a_run_goes_through_its_stages(runs: Runs, run_id: str, clock: Clock) -> None:
    """The view tells stage, time, progress and in the end the result."""
    attempt = claimed(runs, run_id)
    attempt.stage("load", ["load", "fit"])
    clock.forward(timedelta(seconds=3))
    attempt.stage("fit")
    clock.forward(timedelta(seconds=2))
    attempt.progress(0.5, "tree 50 of 100")
    view = runs.view(run_id)
    assert (view.state, view.stage, view.progress, view.attempt) == ("running", "fit", 0.5, 1)
    assert [(s.name, s.state, s.seconds) for s in view.stages] == [("load", "done", 3), ("fit", "running", 2)]
    attempt.succeed(RunResult(version=4))
    view = runs.view(run_id)
    assert (view.state, view.result, view.finished_at) == ("succeeded", RunResult(version=4), clock.now)
    assert [s.state for s in view.stages] == ["done", "done"]


def test_a_failed_run_says_why_and_where(runs: Runs, run_id: str) -> None:
    """A failure ends the run with its reason, in the stage where it happened."""
    attempt = claimed(runs, run_id)
    attempt.stage("load", ["load", "fit"])
    reason = Reason(code="no_rows", detail="no flights in that window")
    attempt.failed(reason)
    view = runs.view(run_id)
    assert (view.state, view.reason) == ("failed", reason)
    assert [s.state for s in view.stages] == ["failed", "waiting"]


def test_progress_is_kept_at_most_once_a_second(runs: Runs, run_id: str, clock: Clock) -> None:
    """However often a worker says how far it is, few events are written."""
    attempt = claimed(runs, run_id)
    for _ in range(100):
        clock.forward(timedelta(milliseconds=100))
        attempt.progress(0.1)
    assert runs.view(run_id).event == 2 + 10


def test_a_heartbeat_is_written_every_ten_seconds(runs: Runs, run_id: str, clock: Clock) -> None:
    """A worker may call as often as it likes."""
    attempt = claimed(runs, run_id)
    for _ in range(30):
        clock.forward(timedelta(seconds=1))
        attempt.heartbeat()
    assert runs.view(run_id).event == 2 + 3


def test_one_of_many_workers_claims_a_run(place: Place, run_id: str) -> None:
    """Workers that claim one run at once: one has it."""
    with ThreadPoolExecutor(8) as pool:
        attempts = list(pool.map(lambda n: Runs(place.open()).claim(run_id, f"worker-{n}"), range(8)))
    assert sum(attempt is not None for attempt in attempts) == 1


# --- taking over ------------------------------------------------------------------------------------------


def test_a_live_attempt_keeps_its_run(runs: Runs, run_id: str, clock: Clock) -> None:
    """As long as a worker writes now and then, nobody else gets the run."""
    attempt = claimed(runs, run_id)
    for _ in range(4):
        clock.forward(STALE / 2)
        attempt.heartbeat()
        assert runs.claim(run_id, "worker-2") is None


def test_a_stale_attempt_is_taken_over_and_learns_it(runs: Runs, run_id: str, clock: Clock) -> None:
    """A worker that was silent for a minute loses the run: its next word is refused, and all after it."""
    first = claimed(runs, run_id)
    clock.forward(STALE)
    assert runs.unclaimed() == [run_id]
    second = claimed(runs, run_id, "worker-2")
    for late in (
        first.heartbeat,
        lambda: first.stage("fit"),
        lambda: first.succeed(RunResult()),
        first.cancel_requested,
    ):
        with pytest.raises(AttemptLost, match="claimed by worker-2"):
            late()
    assert second.succeed(RunResult(version=1)).attempt == 2


def test_a_run_is_given_up_after_its_last_attempt(runs: Runs, run_id: str, clock: Clock) -> None:
    """When every attempt stopped without a word the run fails with a reason that a person understands."""
    for n in range(MAX_ATTEMPTS):
        claimed(runs, run_id, f"worker-{n}")
        clock.forward(STALE)
    assert runs.claim(run_id, "worker-9") is None
    view = runs.view(run_id)
    assert view.state == "failed"
    assert view.reason is not None
    assert view.reason.code == "attempts_exhausted"
    assert "3 attempts" in view.reason.detail


def test_interruptions_use_up_no_attempt(runs: Runs, run_id: str) -> None:
    """A run that a deployment interrupts goes on, however often that happens, and at once."""
    for n in range(MAX_ATTEMPTS * 2):
        claimed(runs, run_id, f"worker-{n}").interrupted()
        assert runs.view(run_id).state == "queued"
    claimed(runs, run_id).succeed(RunResult(version=1))
    assert runs.view(run_id).state == "succeeded"


def test_an_ended_run_is_not_claimed(runs: Runs, run_id: str) -> None:
    """A message that is delivered again finds nothing to do."""
    attempt = claimed(runs, run_id)
    attempt.succeed(RunResult(version=1))
    assert runs.claim(run_id, "worker-2") is None
    with pytest.raises(AttemptLost):
        attempt.stage("more")


def test_the_sweep_finds_what_nobody_works_on(runs: Runs, clock: Clock) -> None:
    """Runs that wait for long or whose worker is gone are found; live, ended and fresh ones are not."""
    waiting, live, stale, ended = (runs.create(MODEL, "retrain", {}).run_id for _ in range(4))
    claimed(runs, stale)
    claimed(runs, ended).succeed(RunResult())
    clock.forward(STALE)
    claimed(runs, live)
    fresh = runs.create(MODEL, "retrain", {}).run_id
    assert runs.unclaimed(timedelta(seconds=30)) == [waiting, stale]
    assert runs.unclaimed() == [waiting, stale, fresh]


# --- cancelling -------------------------------------------------------------------------------------------


def test_a_waiting_run_is_cancelled_at_once(runs: Runs, run_id: str) -> None:
    """Nobody works on it, so it ends right away and cannot be claimed."""
    view = runs.request_cancel(run_id, "operator")
    assert (view.state, view.reason) == (
        "cancelled",
        Reason(code="cancelled", detail="cancelled by operator"),
    )
    assert runs.claim(run_id, "worker-1") is None


def test_a_running_attempt_learns_that_it_is_cancelled(
    place: Place, runs: Runs, run_id: str, clock: Clock
) -> None:
    """The worker is told, by looking or by its next write, goes on writing, and ends the run as cancelled."""
    attempt = claimed(runs, run_id)
    assert not attempt.cancel_requested()
    asked = Runs(place.open(), clock).request_cancel(run_id, "operator")
    assert (asked.state, asked.cancel_requested) == ("running", True)
    clock.forward(timedelta(seconds=1))
    assert attempt.cancel_requested()
    attempt.stage("tidy")
    attempt.cancelled()
    view = runs.view(run_id)
    assert view.state == "cancelled"
    assert view.reason == Reason(code="cancelled", detail="cancelled by operator")
    assert view.event == 5


def test_a_write_goes_on_behind_a_request_to_cancel(runs: Runs, run_id: str) -> None:
    """A worker that has not looked yet finds the request where it wanted to write, and writes behind it."""
    attempt = claimed(runs, run_id)
    runs.request_cancel(run_id, "operator")
    attempt.stage("load")
    assert attempt.cancel_requested()
    assert runs.view(run_id).stage == "load"


def test_cancelling_twice_changes_nothing(runs: Runs, run_id: str) -> None:
    """A second request, or one after the end, returns the run as it is."""
    claimed(runs, run_id)
    first = runs.request_cancel(run_id, "operator")
    assert runs.request_cancel(run_id, "owner") == first
    runs.fail(run_id, Reason(code="x", detail="y"))
    assert runs.request_cancel(run_id, "owner").state == "failed"


def test_a_cancelled_run_whose_worker_died_ends_as_cancelled(runs: Runs, run_id: str, clock: Clock) -> None:
    """The next claim finds the request and does not begin again."""
    claimed(runs, run_id)
    runs.request_cancel(run_id, "operator")
    clock.forward(STALE)
    assert runs.claim(run_id, "worker-2") is None
    view = runs.view(run_id)
    assert (view.state, view.reason) == (
        "cancelled",
        Reason(code="cancelled", detail="cancelled by operator"),
    )


def test_a_run_can_be_failed_from_outside(runs: Runs, run_id: str) -> None:
    """The poison queue ends a run whoever holds it; an ended one stays as it is."""
    attempt = claimed(runs, run_id)
    reason = Reason(code="given_up", detail="the queue gave up")
    assert runs.fail(run_id, reason, by="queue").reason == reason
    assert runs.fail(run_id, Reason(code="other", detail="z")).reason == reason
    with pytest.raises(AttemptLost):
        attempt.stage("load")
