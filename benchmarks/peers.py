"""Peers: other servers of models, each in an environment of its own, on the same estimator in the same run.

They answer a number; Toban answers and logs a number with all that belongs to it. They run scikit-learn as it
is, because that is what they are for; Toban runs the ONNX file made of the same estimator.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import Budget, Figure, Side, take_turns
from benchmarks.load import HOST, LoadFailed, Order, post, send
from benchmarks.predictions import LOGGED, ONE_SENDERS, Server, host
from benchmarks.trained import MODEL, Trained, ask
from benchmarks.workbench import CACHE, ROOT, CannotMeasure, Workbench
from ml.objects import open_store
from ml.registry import Registry

SHARED = ("numpy", "scikit-learn", "joblib")
"""Packages that every environment has in our version, so that all load the same estimator."""

INSTALL_SECONDS = 900
START_SECONDS = 90.0
STOP_SECONDS = 10.0
TURN_SECONDS = 1.0
DISTINCT = 64

Row = list[Any]
"""The estimator's columns: texts, then numbers."""


@dataclass(frozen=True)
class Peer:
    """Another server: its packages, how it is started in a folder, and how it is asked."""

    name: str
    packages: tuple[str, ...]
    prepare: Callable[[Path, Path, int], None]
    command: Callable[[Path, Path, int], Sequence[str]]
    path: str
    body: Callable[[Row], Any]

    @property
    def environment(self) -> Path:
        """Where its packages are."""
        return CACHE / self.name.split(" ", 1)[0].lower()


def measure(bench: Workbench, trained: Trained) -> Iterator[Figure]:
    """Yield Toban beside each peer, one row, logged on Toban's side only."""
    rows = estimator_rows(trained)
    folder = bench.folder("peers")
    model = fit(trained, folder)
    left_out = []
    with contextlib.ExitStack() as stack:
        begun = time.perf_counter()
        ours = stack.enter_context(host(bench, trained, LOGGED, "functions.local", b'"logged":true'))
        asked = {LOGGED: [post(ours.url, ask([row])) for row in trained.rows(DISTINCT)]}
        servers = {LOGGED: ours}
        _first_answer(ours, asked[LOGGED][0])
        starts = {LOGGED: time.perf_counter() - begun}
        for peer in PEERS:
            try:
                _install(peer)
                home, port = folder / peer.environment.name, _free_port()
                home.mkdir()
                peer.prepare(home, model, port)
                begun = time.perf_counter()
                server = stack.enter_context(_running(peer, home, model, port))
                asked[peer.name] = [post(server.url, json.dumps(peer.body(row)).encode()) for row in rows]
                _first_answer(server, asked[peer.name][0])
            except CannotMeasure as reason:
                left_out.append(f"{peer.name}: {reason}")
                continue
            servers[peer.name], starts[peer.name] = server, time.perf_counter() - begun
        samples = {
            name: functools.partial(_rate, bench, server, asked[name]) for name, server in servers.items()
        }
        rates = take_turns(samples, bench.rounds, 4 * bench.seconds)
    for name, values in rates.items():
        if name != LOGGED:
            what = f"predict, one row, {ONE_SENDERS} senders, beside {name}"
            yield Figure(
                what, "rows/s", Side(LOGGED, rates[LOGGED]), Side(name, values), Budget(10, "higher")
            )
            ours_started, started = Side(LOGGED, (starts[LOGGED],)), Side(name, (starts[name],))
            yield Figure(f"start to first answer, beside {name}", "s", ours_started, started)
    if left_out:
        raise CannotMeasure("; ".join(left_out))


def estimator_rows(trained: Trained) -> list[Row]:
    """Return rows without unknown values, which not every peer can be sent."""
    found = [list(row.values()) for row in trained.graph_rows(50 * DISTINCT) if None not in row.values()]
    return found[:DISTINCT]


def fit(trained: Trained, folder: Path) -> Path:
    """Fit the estimator of the champion again and keep it as scikit-learn's users do; return the file."""
    from ml.conversion import build_matrix

    recipe = trained.recipe
    manifest = Registry(open_store(str(trained.store))).manifest(MODEL, trained.version)
    params = recipe.params.model_validate(manifest.params)
    training = recipe.split(recipe.load(params, lambda share, text: None), params).training
    matrix = build_matrix(recipe, recipe.features(training))
    estimator = recipe.estimator(params, manifest.seed).fit(matrix, recipe.fitted_to(training))
    (folder / "model.joblib").write_bytes(pickle.dumps(estimator))
    return folder / "model.joblib"


# --- environments and processes ---------------------------------------------------------------------------


def _install(peer: Peer) -> None:
    """Install a peer's packages, unless that was done before."""
    done = peer.environment / "installed"
    wanted = [*peer.packages, *(f"{name}=={importlib.metadata.version(name)}" for name in SHARED)]
    if done.exists() and done.read_text("utf-8") == "\n".join(wanted):
        return
    python = str(peer.environment / "bin" / "python")
    steps = (
        ["venv", "--quiet", "--clear", "--python", sys.executable, str(peer.environment)],
        ["pip", "install", "--quiet", "--python", python, *wanted],
    )
    for step in steps:
        uv = [sys.executable, "-m", "uv", *step]
        ended = subprocess.run(uv, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        if ended.returncode:
            raise CannotMeasure(f"cannot be installed ({ended.stderr.strip().splitlines()[-1][:160]})")
    done.write_text("\n".join(wanted), "utf-8")


@contextlib.contextmanager
def _running(peer: Peer, home: Path, model: Path, port: int) -> Iterator[Server]:
    """Run a peer in a process group of its own and end it with all its workers."""
    program, *arguments = peer.command(home, model, port)
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(peer.environment / "bin" / program), *arguments],
            cwd=home,
            env=_environment(peer, home, model),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_for_port(process, port, home / "log")
        yield Server(peer.name, f"http://{HOST}:{port}{peer.path}", b"")
    finally:
        _end(process)


def _environment(peer: Peer, home: Path, model: Path) -> dict[str, str]:
    return {
        "PATH": f"{peer.environment / 'bin'}:{os.environ['PATH']}",
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "BENCH_MODEL": str(model),
        "OMP_NUM_THREADS": "1",
        "NO_PROXY": "*",
        "BENTOML_DO_NOT_TRACK": "True",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def _wait_for_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        time.sleep(0.05)
    words = log.read_text("utf-8", "replace").strip().splitlines()[-1:]
    raise CannotMeasure(f"did not start ({' '.join(words)[:160]})")


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _first_answer(server: Server, request: bytes) -> None:
    """Return once *server* answers; it may refuse while it loads."""
    until, last = time.monotonic() + START_SECONDS, ""
    while time.monotonic() < until:
        try:
            send(Order(_port(server), [request], 1, START_SECONDS, 1, server.mark))
        except (LoadFailed, OSError) as error:
            last = str(error).strip().splitlines()[-1:][0] if str(error).strip() else repr(error)
            time.sleep(0.05)
        else:
            return
    raise CannotMeasure(f"did not answer ({last[:160]})")


def _port(server: Server) -> int:
    return int(server.url.split(":")[2].split("/")[0])


def _rate(bench: Workbench, server: Server, requests: list[bytes]) -> float:
    return bench.load.send(Order(_port(server), requests, ONE_SENDERS, TURN_SECONDS, mark=server.mark)).rate


# --- the peers --------------------------------------------------------------------------------------------


def _nothing(home: Path, model: Path, port: int) -> None:
    """Prepare nothing."""


def _prepare_mlserver(home: Path, model: Path, port: int) -> None:
    settings = {
        "host": HOST,
        "http_port": port,
        "grpc_port": _free_port(),
        "metrics_port": _free_port(),
        "parallel_workers": 0,
        "debug": False,
    }
    parameters = {"uri": str(model), "version": "1"}
    served = {"name": "delay", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": parameters}
    (home / "settings.json").write_text(json.dumps(settings), "utf-8")
    (home / "model-settings.json").write_text(json.dumps(served), "utf-8")


def _mlserver_body(row: Row) -> Any:
    """Return a request of the open inference protocol whose columns make one data frame.

    Source: https://mlserver.readthedocs.io/en/latest/user-guide/content-type.html
    """
    inputs = [
        {"name": f"c{at:02d}", "shape": [1, 1], "datatype": "BYTES", "data": [value],
         "parameters": {"content_type": "str"}}
        if isinstance(value, str)
        else {"name": f"c{at:02d}", "shape": [1, 1], "datatype": "FP32", "data": [value],
              "parameters": {"content_type": "np"}}
        for at, value in enumerate(row)
    ]  # fmt: skip
    return {"parameters": {"content_type": "pd"}, "inputs": inputs}


def _prepare_mlflow(home: Path, model: Path, port: int) -> None:
    code = (
        "import sys, joblib, mlflow.sklearn; "
        "mlflow.sklearn.save_model(joblib.load(sys.argv[1]), sys.argv[2], serialization_format='cloudpickle')"
    )
    peer = CACHE / "mlflow" / "bin" / "python"
    saved = subprocess.run(
        [str(peer), "-c", code, str(model), str(home / "model")],
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    if saved.returncode:
        raise CannotMeasure(f"cannot save the model ({saved.stderr.strip().splitlines()[-1][:160]})")


PEERS = (
    Peer(
        "MLServer",
        ("mlserver==1.7.1", "mlserver-sklearn==1.7.1"),
        _prepare_mlserver,
        lambda home, model, port: ("mlserver", "start", str(home)),
        "/v2/models/delay/infer",
        _mlserver_body,
    ),
    Peer(
        "BentoML",
        ("bentoml==1.4.39",),
        _nothing,
        lambda home, model, port: (
            *("bentoml", "serve", "benchmarks.programs.peer_bentoml:Delay"),
            *("--host", HOST, "--port", str(port), "--working-dir", str(ROOT)),
        ),
        "/predict",
        lambda row: {"rows": [row]},
    ),
    Peer(
        "MLflow models serve",
        ("mlflow==3.17.2",),
        _prepare_mlflow,
        lambda home, model, port: (
            *("mlflow", "models", "serve", "-m", str(home / "model"), "--env-manager", "local"),
            *("--host", HOST, "--port", str(port), "--workers", "1"),
        ),
        "/invocations",
        lambda row: {"dataframe_split": {"columns": list(range(len(row))), "data": [row]}},
    ),
    Peer(
        "FastAPI + scikit-learn",
        ("fastapi==0.165.0", "uvicorn[standard]==0.54.0"),
        _nothing,
        lambda home, model, port: ("python", "-m", "benchmarks.programs.peer_fastapi", str(model), str(port)),
        "/predict",
        lambda row: {
            "rows": [
                {**{f"t{n}": v for n, v in enumerate(row[:3])}, **{f"n{n}": v for n, v in enumerate(row[3:])}}
            ]
        },
    ),
)
