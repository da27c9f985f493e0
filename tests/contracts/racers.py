"""What racing processes do; each opens the store for itself. They import this, so nothing heavy here."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.queues import SimpleQueue
from typing import Any

from ml.errors import Conflict
from ml.registry import CHAMPION, Registry
from tests.contracts.conftest import Place
from tests.contracts.registered import MODEL, move_for, register

Work = Callable[[Place, int], Any]


def move_until_done(place: Place, number: int) -> int:
    """Point the champion at version 1 or 2 in the racer's own name, deciding anew after each refusal."""
    registry = Registry(place.open())
    while True:
        move = move_for(registry, random.choice((1, 2)), by=f"racer {number}")
        try:
            return registry.move_alias(MODEL, CHAMPION, move, key=f"key {number}").event
        except Conflict:
            continue


def register_one(place: Place, number: int) -> int:
    """Register one version with the racer's number as its seed."""
    return register(Registry(place.open()), seed=number)


def race(work: Work, place: Place, count: int) -> Sequence[Any]:
    """Run *work* for each number below *count* at once, in processes or (on memory) in threads."""
    if not place.shared:
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(work, [place] * count, range(count)))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.contracts.racers"])
    answers, gate = context.SimpleQueue(), context.Barrier(count)
    racers = [
        context.Process(target=_run, args=(work, place, number, gate, answers)) for number in range(count)
    ]
    for racer in racers:
        racer.start()
    results = dict(answers.get() for _ in racers)
    for racer in racers:
        racer.join()
    return [_unwrap(results[number]) for number in range(count)]


def _run(work: Work, place: Place, number: int, gate: Any, answers: SimpleQueue[Any]) -> None:
    try:
        gate.wait()
        answers.put((number, work(place, number)))
    except Exception as error:  # noqa: BLE001 - told to the test, which raises it
        answers.put((number, RuntimeError(f"racer {number}: {error!r}")))


def _unwrap(result: Any) -> Any:
    if isinstance(result, Exception):
        raise result
    return result
