"""What racing processes do; each opens the store for itself. They import this, so nothing heavy here."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.queues import SimpleQueue
from typing import Any, TypeVar

from ml.errors import Conflict, StoreUnavailable
from ml.registry import CHAMPION, Registry
from tests.contracts.conftest import Place
from tests.contracts.registered import MODEL, move_for, register

T = TypeVar("T")
TRIES = 12
Work = Callable[[Place, int], Any]


def patiently(act: Callable[[], T]) -> T:
    """Do it again when the store did not answer in time, as many racers on a slow machine may see."""
    for _ in range(TRIES - 1):
        with suppress(StoreUnavailable):
            return act()
    return act()


def move_until_done(place: Place, number: int) -> int:
    """Point the champion at version 1 or 2 in the racer's own name, deciding anew after each refusal."""
    registry, me = Registry(place.open()), f"racer {number}"
    while True:
        move = patiently(lambda: move_for(registry, random.choice((1, 2)), by=me))
        try:
            return patiently(lambda: registry.move_alias(MODEL, CHAMPION, move, key=me).event)  # noqa: B023
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
