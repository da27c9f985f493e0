"""The function app in Azure's own Python library: indexed, and its HTTP, queue and timer functions called.

The library needs Python 3.13 and the package `azure-functions-runtime`. TOBAN_TEST_AZURE_PYTHON names an
interpreter that has it together with the function app's packages; without it, the one that runs the tests is
tried, then that of `make setup-3.13`.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.operations import OPERATIONS
from ml.contract import HealthView, PredictReply, RunView
from ml.objects import open_store
from ml.runs import Runs
from tests.azure_python import find_azure_python
from tests.function_hosts import CALLER, ROOT, Home

pytestmark = pytest.mark.azure_runtime


class Library:
    """The library in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Read what it has indexed."""
        self._process = process
        self.functions: dict[str, list[dict[str, Any]]] = self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def invoke(self, function: str, **order: Any) -> dict[str, Any]:
        """Send an order and return its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"function": function, **order}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = self._read()
        return answer

    def http(
        self, function: str, route: Mapping[str, str], body: object = None, **headers: str
    ) -> tuple[dict[str, Any], bytes]:
        """Send an HTTP request and return the answer with its body."""
        text = b"" if body is None else json.dumps(body).encode()
        http = {
            "method": "GET" if body is None else "POST",
            "url": "http://127.0.0.1/api/somewhere",
            "headers": {"content-type": "application/json", **headers},
            "params": dict(route),
            "query": {},
            "body": base64.b64encode(text).decode(),
        }
        answer = self.invoke(function, http=http)
        assert "error" not in answer, answer
        return answer, base64.b64decode(answer["body"])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Return a team's folder in which one run was recorded long ago and never queued."""
    home = Home(tmp_path_factory.mktemp("home"))
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    Runs(open_store(str(home.store), {}), lambda: long_ago).create("sums", "retrain", {"rows": 20})
    return home


@pytest.fixture(scope="module")
def library(home: Home) -> Iterator[Library]:
    """Index the app in the library; the tests of this module share it."""
    python, why_not = find_azure_python()
    if why_not:
        pytest.skip(why_not)
    with subprocess.Popen(
        [python, "tests/stand_ins/azure_library.py", ROOT],
        cwd=ROOT,
        env=home.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Library(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


def test_every_function_is_indexed(library: Library) -> None:
    """The library finds the app, its triggers and its outputs, and none of its rules is broken."""
    triggers = {name: bindings[0]["type"] for name, bindings in library.functions.items()}
    assert {name for name, kind in triggers.items() if kind == "timerTrigger"} <= {"sweep", "compact"}
    assert (
        len(library.functions) == len(OPERATIONS) + 5
    )  # the page of other addresses, two queues, two timers
    assert any(binding["type"] == "queueTrigger" for binding in library.functions["train"])


def test_http_answers_and_refusals(library: Library) -> None:
    """Sync and async functions answer with status, headers and body; refusals are problem details."""
    _, health = library.http("health", {})
    assert HealthView.model_validate_json(health).store.reachable
    rows = {"rows": [{"first": 1, "second": 2}], "caller": CALLER}
    answer, predicted = library.http("predict", {"model": "sums"}, rows)
    assert (answer["status"], answer["headers"]["content-type"]) == (200, "application/json")
    assert PredictReply.model_validate_json(predicted).results[0].value is not None
    refused, _ = library.http("predict", {"model": "sumz"}, rows)
    assert (refused["status"], refused["headers"]["content-type"]) == (404, "application/problem+json")


def test_a_run_goes_through_the_queue_functions(library: Library) -> None:
    """Retrain sets the queue's output, the queue function trains, an ended run is not given up."""
    answer, body = library.http(
        "retrain", {"model": "sums"}, {"params": {"rows": 50}}, **{"idempotency-key": "k"}
    )
    run = RunView.model_validate_json(body)
    message = answer["outputs"]["message"]
    assert json.loads(message)["run_id"] == run.run_id
    assert library.invoke("train", queue=message) == {"outputs": {}}
    _, body = library.http("run", {"run_id": run.run_id})
    assert RunView.model_validate_json(body).state == "succeeded"
    assert library.invoke("give_up", queue=message) == {"outputs": {}}


def test_a_poisoned_message_is_queued_again(library: Library) -> None:
    """A run that waits still is put back on the queue, and the message says that it was."""
    answer, _ = library.http("retrain", {"model": "sums"}, {"params": {"rows": 60}})
    again = json.loads(library.invoke("give_up", queue=answer["outputs"]["message"])["outputs"]["again"])
    assert again["revived"] == 1


def test_the_timer_queues_forgotten_runs(library: Library) -> None:
    """The sweep's output of several messages is understood by the library."""
    answer = library.invoke("sweep", timer=True)
    assert [json.loads(message)["revived"] for message in answer["outputs"]["messages"]] == [0]


def test_a_message_that_names_no_run_fails(library: Library) -> None:
    """A broken message is an error, so that Azure sets it aside."""
    assert "run_id" in library.invoke("train", queue="{}")["error"]
