"""What every connector promises: start, status, cancel, one key one run, time-outs, silence, refusals."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.calls import Calls
from bot.connectors.connector import Connector, JobRequest, RunHandle
from bot.connectors.endpoints import Endpoint as Called
from bot.connectors.endpoints import HttpSettings
from bot.connectors.function_routes import FunctionRouteSettings, route_endpoint
from bot.connectors.github_actions import GitHubActionsConnector
from bot.connectors.github_client import GitHubClient
from bot.connectors.http import HttpConnector
from bot.databases import make_engine
from bot.errors import Refused, Unreachable
from bot.records import Records
from bot.settings import GitHubSettings
from tests.stand_ins.endpoint import TeamEndpoint
from tests.stand_ins.github import REPOSITORY, TOKEN, GitHub


@dataclass
class Bench:
    """One kind of connector with the system behind it, and how a test moves that system."""

    connector: Connector
    hasty: Connector
    target: str
    values: dict[str, Any]
    started: Callable[[], int]
    finish: Callable[[str], None]
    refuse: Callable[[], None]
    lose_next_answer: Callable[[], None]
    lose_no_more: Callable[[], None]
    hang: Callable[[], None]
    stop: Callable[[], None]
    began_at: dict[str, datetime] = field(default_factory=dict)

    def start(self, key: str = "c-1") -> RunHandle:
        """Start the job, saying when an earlier attempt under this key began, as the flow does."""
        before = self.began_at.get(key)
        self.began_at.setdefault(key, datetime.now(UTC))
        who = {"who": "U1", "where": "slack:T1/C1"}
        job = JobRequest(target=self.target, values=self.values, began_at=before, **who)
        return self.connector.start(job, key=key)

    def state(self, handle: RunHandle) -> str:
        """Return how the run stands."""
        return self.connector.status([handle])[handle.id].state


PATIENT_SECONDS, HASTY_SECONDS = 60.0, 1.0
"""So long is waited for an answer; the shorter time is waited out by one test."""
QUICK = {"repeatable": True, "cancel_url": "stop"}


def http_connector(endpoint: TeamEndpoint, calls: Calls, seconds: float) -> HttpConnector:
    """Return a connector to an endpoint by its address."""
    settings = HttpSettings.model_validate({"url": f"{endpoint.url}/later", "read_seconds": seconds, **QUICK})
    return HttpConnector("http", {"fill": Called(settings.url, settings)}, calls)


def route_connector(endpoint: TeamEndpoint, calls: Calls, seconds: float) -> HttpConnector:
    """Return a connector to a function by its route."""
    settings = FunctionRouteSettings.model_validate({"route": "later", "read_seconds": seconds, **QUICK})
    called = route_endpoint(settings, endpoint.url, {"x-functions-key": "test"})
    return HttpConnector("azure_functions", {"fill": called}, calls)


@pytest.fixture
def calls(tmp_path: Path) -> Iterator[Calls]:
    """An empty ledger."""
    records = Records(make_engine(f"sqlite:///{tmp_path}/calls.sqlite3"))
    records.migrate()
    yield Calls(records.engine)
    records.engine.dispose()


def endpoint_bench(endpoint: TeamEndpoint, connect: Callable[[float], Connector]) -> Bench:
    """Return the bench of an endpoint of the team; *connect* takes the seconds to wait for an answer."""

    def lose() -> None:
        endpoint.cut_answers = 1

    def hang() -> None:
        endpoint.held = threading.Event()

    def refuse() -> None:
        endpoint.refuse = (422, {"message": "No such day."})

    return Bench(
        connector=connect(PATIENT_SECONDS),
        hasty=connect(HASTY_SECONDS),
        target="fill",
        values={"day": "2013-07-04"},
        started=lambda: len(endpoint.runs),
        finish=lambda key: endpoint.end(endpoint.by_key[key]),
        refuse=refuse,
        lose_next_answer=lose,
        lose_no_more=lambda: None,
        hang=hang,
        stop=endpoint.stop,
    )


def http(calls: Calls) -> Bench:
    """An endpoint by its address."""
    endpoint = TeamEndpoint()
    return endpoint_bench(endpoint, lambda seconds: http_connector(endpoint, calls, seconds))


def azure_functions(calls: Calls) -> Bench:
    """A function by its route."""
    endpoint = TeamEndpoint("/api")
    return endpoint_bench(endpoint, lambda seconds: route_connector(endpoint, calls, seconds))


def github_actions(calls: Calls) -> Bench:
    """A workflow of a repository."""
    github = GitHub()

    def connect(seconds: float) -> GitHubActionsConnector:
        settings = GitHubSettings(api_url=github.url, token=SecretStr(TOKEN), read_seconds=seconds)
        return GitHubActionsConnector(GitHubClient(settings))

    def finish(key: str) -> None:
        (run,) = (one for one in github.runs if key in one["display_title"])
        github.add_report(run, b'{"metrics": [{"name": "rows", "value": 200}]}')
        github.end(run)

    def stop() -> None:
        github.lose.add("")  # connections that are kept would be answered still
        github.stop()

    refusal = (r"/dispatches$", (422, {"message": "No such day."}, {}))
    return Bench(
        connector=connect(PATIENT_SECONDS),
        hasty=connect(HASTY_SECONDS),
        target=f"{REPOSITORY}/retrain.yml",
        values={"kind": "full"},
        started=lambda: len(github.runs),
        finish=finish,
        refuse=lambda: github.refusals.append(refusal),
        lose_next_answer=lambda: github.lose.add(r"/dispatches$"),
        lose_no_more=github.lose.clear,
        hang=lambda: github.hold.update({"/": threading.Event()}),
        stop=stop,
    )


@pytest.fixture(params=[http, azure_functions, github_actions], ids=lambda make: str(make.__name__))
def bench(request: pytest.FixtureRequest, calls: Calls) -> Iterator[Bench]:
    """Each kind in turn."""
    made: Bench = request.param(calls)
    stopped = threading.Event()
    stop_it = made.stop

    def stop() -> None:
        if not stopped.is_set():
            stopped.set()
            stop_it()

    made.stop = stop
    yield made
    stop()


def test_a_run_goes_from_its_start_to_its_end(bench: Bench) -> None:
    """A started run is under way until its system says that it is done, and then has times and a report."""
    handle = bench.start()
    assert bench.state(handle) in {"queued", "running"}
    bench.finish("c-1")
    wait_for(lambda: bench.state(handle) == "succeeded")
    status = bench.connector.result(handle)
    assert status.state == "succeeded"
    assert status.report is not None
    assert status.started_at is not None
    assert status.finished_at is not None


def test_starting_twice_with_one_key_is_one_run(bench: Bench) -> None:
    """The same key leads to the same run, another key to another one."""
    first, again, other = bench.start(), bench.start(), bench.start("c-2")
    assert first == again
    assert other.id != first.id
    assert bench.started() == 2


def test_a_start_whose_answer_was_lost_is_one_run(bench: Bench) -> None:
    """Where the answer to a start is cut off, it is asked for again under the same key and finds the run."""
    bench.lose_next_answer()
    with suppress(Unreachable):
        bench.start()
    bench.lose_no_more()
    handle = bench.start()
    assert bench.started() == 1
    assert bench.state(handle) in {"queued", "running"}


def test_a_run_can_be_cancelled_more_than_once(bench: Bench) -> None:
    """A cancel ends the run; another one, also of the ended run, is harmless."""
    handle = bench.start()
    bench.connector.cancel(handle)
    bench.connector.cancel(handle)
    wait_for(lambda: bench.state(handle) == "cancelled")
    bench.connector.cancel(handle)


def test_a_run_that_nobody_knows_is_left_out(bench: Bench) -> None:
    """Asked for a known and an unknown run, the connector tells of the known one."""
    handle = bench.start()
    stranger = handle.model_copy(update={"id": "c-stranger"})
    assert list(bench.connector.status([stranger, handle])) == [handle.id]


def test_a_refusal_is_told_and_starts_nothing(bench: Bench) -> None:
    """What the system understood and refused comes with its own words."""
    bench.refuse()
    with pytest.raises(Refused, match="No such day"):
        bench.start()


def test_silence_has_an_end(bench: Bench) -> None:
    """A system that does not answer is unreachable after the time-out, and not waited for any longer."""
    bench.connector = bench.hasty
    bench.hang()
    with pytest.raises(Unreachable, match="no answer in time"):
        bench.start()


def test_nobody_listening_is_unreachable(bench: Bench) -> None:
    """A refused connection is told as that, without the address, for starts and for questions."""
    handle = bench.start()
    bench.stop()
    with pytest.raises(Unreachable) as caught:
        bench.start("c-2")
    assert "127.0.0.1" not in str(caught.value)
    with pytest.raises(Unreachable):
        wait_for(lambda: bench.state(handle) == "never")


def wait_for(happened: Callable[[], bool]) -> None:
    """Ask until it has happened: a connector asks an endpoint only as often as that wishes."""
    pause = threading.Event()
    for _ in range(600):
        if happened():
            return
        pause.wait(0.1)
    raise AssertionError("it did not happen")
