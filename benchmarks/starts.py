"""Starts: from the start of the process to its first prediction, and the import of the function app alone."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator

from benchmarks.figures import Budget, Figure, Side, take_turns
from benchmarks.load import Order, port_of, post
from benchmarks.predictions import PATH
from benchmarks.trained import Trained, ask
from benchmarks.workbench import Workbench

LIBRARIES = "azure.functions, numpy, onnxruntime, pydantic"
TIMED_IMPORT = "import time; begun = time.process_time(); import {}; print(time.process_time() - begun)"
IMPORT_ROUNDS = 9


def measure(bench: Workbench, trained: Trained) -> Iterator[Figure]:
    """Yield the start of the local host, and the import of the app that Azure's own host would do."""
    samples = {
        "the local host": functools.partial(_first_prediction, bench, trained, bare=False),
        "bare ASGI + onnxruntime": functools.partial(_first_prediction, bench, trained, bare=True),
    }
    values = take_turns(samples, bench.rounds, bench.seconds)
    ours, bare = (Side(name, found) for name, found in values.items())
    yield Figure("process start to first prediction", "s", ours, bare, Budget(2.0, "lower"))

    samples = {
        "import function_app": functools.partial(_import, bench, "function_app"),
        f"import {LIBRARIES}": functools.partial(_import, bench, LIBRARIES),
    }
    values = take_turns(samples, IMPORT_ROUNDS, bench.seconds)
    ours, bare = (Side(name, found) for name, found in values.items())
    yield Figure("import of the function app, processor time", "s", ours, bare, Budget(1.5, "lower"))


def _import(bench: Workbench, names: str) -> float:
    """Return the seconds of processor time that an import takes in a new process."""
    return float(bench.output("-c", TIMED_IMPORT.format(names)))


def _first_prediction(bench: Workbench, trained: Trained, *, bare: bool) -> float:
    """Return the seconds from the start of a process until it has answered one row."""
    queues = bench.folder("queues")
    if bare:
        program = bench.program("-m", "benchmarks.programs.bare_onnx", str(trained.model_file))
        body, mark, path = ask(trained.graph_rows(1)), b'"values"', "/"
    else:
        arguments = ("functions.local", "--port", "0", "--queue-dir", str(queues))
        program = bench.program("-m", *arguments, env=trained.env)
        body, mark, path = ask(trained.rows(1)), b'"logged":true', PATH
    begun = time.perf_counter()
    with program as ready:
        url = ready["listening"] + path
        bench.load.send(Order(port_of(url), [post(url, body)], 1, 10.0, 1, mark))
        return time.perf_counter() - begun
