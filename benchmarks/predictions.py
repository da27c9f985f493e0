"""Predictions over HTTP on the local host, answered and logged, beside bare ASGI + onnxruntime."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Budget, Figure, Side, take_turns
from benchmarks.load import Order, port_of, post
from benchmarks.trained import MODEL, Trained, ask, ask_columns
from benchmarks.workbench import Workbench

BARE, LOGGED, UNLOGGED = "bare ASGI + onnxruntime", "Toban, logged in a folder", "Toban, not logged"
DISTINCT = 256
"""Different one-row requests that are sent round and round."""
MANY = 1000
ONE_SENDERS, MANY_SENDERS = 8, 2
PATH = f"/api/models/{MODEL}/predict"
TURN_SECONDS = 1.0


@dataclass(frozen=True)
class Server:
    """A server that answers predictions: name, address, what must be found in its answers, its process."""

    name: str
    url: str
    mark: bytes
    pid: int = 0


def measure(bench: Workbench, trained: Trained) -> Iterator[Figure]:
    """Yield predictions of one row and of many, with and without the log."""
    with servers(bench, trained) as (bare, logged, unlogged):
        single = {
            bare: [ask([row]) for row in trained.graph_rows(DISTINCT)],
            logged: [ask([row]) for row in trained.rows(DISTINCT)],
            unlogged: [ask([row]) for row in trained.rows(DISTINCT)],
        }
        yield from compare(bench, single, ONE_SENDERS, f"one row, {ONE_SENDERS} senders", 0.4, 1)
        many = {
            bare: [ask(trained.graph_rows(MANY))],
            logged: [ask(trained.rows(MANY))],
            unlogged: [ask(trained.rows(MANY))],
        }
        yield from compare(bench, many, MANY_SENDERS, f"{MANY:,} rows", 0.6, MANY)
        columns = {bare: many[bare], logged: [ask_columns(trained.rows(MANY))]}
        yield from compare(bench, columns, MANY_SENDERS, f"{MANY:,} rows, sent as columns", 0.6, MANY)


def compare(
    bench: Workbench, bodies: dict[Server, list[bytes]], senders: int, what: str, bound: float, rows: int
) -> Iterator[Figure]:
    """Yield a figure for each server but the first, which is the yardstick."""
    samples = {
        server.name: functools.partial(_rate, bench, server, requests, senders, rows)
        for server, requests in bodies.items()
    }
    rates = take_turns(samples, bench.rounds, bench.seconds)
    yardstick, *others = (Side(name, values) for name, values in rates.items())
    for side in others:
        condition = "logged" if side.name != UNLOGGED else "not logged"
        budget = None if side.name == UNLOGGED else Budget(bound, "higher")
        yield Figure(f"predict, {what}, {condition}", "rows/s", side, yardstick, budget)


@contextlib.contextmanager
def servers(bench: Workbench, trained: Trained) -> Iterator[tuple[Server, Server, Server]]:
    """Run the yardstick, the local host, and the local host without its log."""
    with contextlib.ExitStack() as stack:
        bare = bench.program("-m", "benchmarks.programs.bare_onnx", str(trained.model_file))
        yield (
            Server(BARE, stack.enter_context(bare)["listening"], b'"values"'),
            stack.enter_context(host(bench, trained, LOGGED, "functions.local", b'"logged":true')),
            stack.enter_context(
                host(bench, trained, UNLOGGED, "benchmarks.programs.unlogged_host", b'"logged":false')
            ),
        )


@contextlib.contextmanager
def host(
    bench: Workbench,
    trained: Trained,
    name: str,
    module: str,
    mark: bytes,
    env: dict[str, str] | None = None,
) -> Iterator[Server]:
    """Run the local host on the trained store, or on that of *env*."""
    queues: Path = bench.folder("queues")
    settings = {**trained.env, **(env or {})}
    with bench.program("-m", module, "--port", "0", "--queue-dir", str(queues), env=settings) as ready:
        yield Server(name, ready["listening"] + PATH, mark, ready["pid"])


def _rate(bench: Workbench, server: Server, bodies: list[bytes], senders: int, rows: int) -> float:
    """Return rows per second of one turn."""
    requests = [post(server.url, body) for body in bodies]
    order = Order(port_of(server.url), requests, senders, TURN_SECONDS, mark=server.mark)
    return bench.load.send(order).rate * rows
