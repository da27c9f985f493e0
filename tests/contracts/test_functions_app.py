"""What Azure's host and library ask of the function app: one app, lazy, parameters named as bindings say."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest

import function_app
from functions.description import build_description
from functions.elsewhere import SERVED
from functions.loopback.bindings import HTTP_TRIGGER, QUEUE_TRIGGER, HostedFunction, read_functions
from functions.operations import OPERATIONS

ROOT = Path(__file__).resolve().parents[2]
NEVER_IN_THE_WORKER = (
    "duckdb", "sklearn", "onnx", "skl2onnx", "pandas", "scipy", "slack_bolt", "dbos", "uvicorn",
)  # fmt: skip


@pytest.fixture(scope="module")
def functions() -> dict[str, HostedFunction]:
    """Return the app's functions by name; an app is indexed once in a process."""
    return {function.name: function for function in read_functions(function_app.app, {})}


def run_python(code: str, **settings: str) -> str:
    """Return what *code* prints in a process of its own, beside host.json."""
    environment = {**os.environ, **settings}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_there_is_exactly_one_app() -> None:
    """Azure's library refuses a module that holds two."""
    apps = [value for value in vars(function_app).values() if isinstance(value, func.FunctionApp)]
    assert len(apps) == 1


def test_importing_the_app_does_no_work_and_loads_nothing_heavy(tmp_path: Path) -> None:
    """No store is opened, no file read, no thread started, and no training or Slack library imported."""
    code = (
        "import sys, threading, json, function_app\n"
        f"heavy = [name for name in {NEVER_IN_THE_WORKER!r} if name in sys.modules]\n"
        "print(json.dumps([heavy, threading.active_count(), function_app.__name__]))"
    )
    printed = run_python(code, TOBAN_STORE_URL="nowhere://", TOBAN_CONFIG=str(tmp_path / "missing.toml"))
    assert json.loads(printed) == [[], 1, "function_app"]


def test_parameters_are_named_as_their_bindings(functions: dict[str, HostedFunction]) -> None:
    """Each function takes exactly its bindings, and outputs are annotated as Azure's library wants them."""
    for function in functions.values():
        parameters = inspect.signature(function.code).parameters
        assert set(parameters) == {function.parameter, *function.outputs}, function.name
        hints = inspect.get_annotations(inspect.unwrap(function.code), eval_str=True)
        assert all(hints[name].__origin__ is func.Out for name in function.outputs)


def test_every_http_function_asks_for_a_key_and_is_described(
    functions: dict[str, HostedFunction],
) -> None:
    """No function is anonymous, and the page of other addresses and the description know each route."""
    http = [function for function in functions.values() if function.kind == HTTP_TRIGGER]
    assert {str(function.trigger["authLevel"]).upper() for function in http} == {"FUNCTION"}
    served = {
        function.trigger["route"]: function.trigger["methods"][0]
        for function in http
        if function.trigger.get("methods")
    }
    assert served == SERVED
    described = {
        path.removeprefix("/api/"): method.upper()
        for path, methods in build_description()["paths"].items()
        for method in methods
    }
    assert described == served
    names = {function.name for function in http if function.trigger.get("methods")}
    assert {operation.name for operation in OPERATIONS} == names


def test_the_function_that_fits_every_address_sorts_last(functions: dict[str, HostedFunction]) -> None:
    """Azure tries routes in the order of their functions' names, so the widest must come last."""
    widest = [name for name, function in functions.items() if "{*" in function.trigger.get("route", "")]
    assert widest == [max(functions)]


def test_the_queues_are_those_of_the_design(functions: dict[str, HostedFunction]) -> None:
    """Runs are queued on toban-runs, given up from its poison queue, and the connection is Azure's own."""
    queues = {f.name: f.trigger["queueName"] for f in functions.values() if f.kind == QUEUE_TRIGGER}
    assert queues == {"train": "toban-runs", "give_up": "toban-runs-poison"}
    fed = {f.name: set(f.outputs.values()) for f in functions.values() if f.outputs}
    assert fed == {name: {"toban-runs"} for name in ("retrain", "compare", "sweep", "give_up")}
    connections = {f.trigger["connection"] for f in functions.values() if f.kind == QUEUE_TRIGGER}
    assert connections == {"AzureWebJobsStorage"}


def test_predict_is_async_and_nothing_else_blocks_its_loop(functions: dict[str, HostedFunction]) -> None:
    """The one function that is asked often shares the event loop; those that wait for the store do not."""
    assert [function.name for function in functions.values() if function.is_async] == ["predict"]


def test_host_json_gives_training_one_message_at_a_time() -> None:
    """host.json holds what the queue functions count on."""
    host: dict[str, Any] = json.loads((ROOT / "host.json").read_text())
    assert host["version"] == "2.0"
    queues = host["extensions"]["queues"]
    assert (queues["batchSize"], queues["newBatchThreshold"], queues["maxDequeueCount"]) == (1, 0, 5)
    assert host["extensions"]["http"]["routePrefix"] == "api"
    assert host["extensionBundle"]["id"] == "Microsoft.Azure.Functions.ExtensionBundle"
