"""`python -m benchmarks` measures everything and writes docs/performance.md; `make bench` calls it.

python -m benchmarks                 all but the peers, about ten minutes
python -m benchmarks acks flows      only these; of the page, sections of which all was measured are written
python -m benchmarks --peers         other servers of models too (PEERS=1 does the same)
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from benchmarks import acks, azurites, drift, floods, flows, histories, peers, predictions, starts, watching
from benchmarks.figures import Figure
from benchmarks.load import Generator, LoadFailed
from benchmarks.report import PAGE, put_section, write_section
from benchmarks.trained import Trained, train
from benchmarks.workbench import CannotMeasure, Workbench
from playground.programs import ProgramFailed

FIGURES = ("starts", "predictions", "azurite", "acks", "flows", "histories")
DRIFT, WATCHING, FLOODS, PEERS = "drift", "watching", "floods", "peers"
NAMES = (*FIGURES, DRIFT, WATCHING, FLOODS)
SECTIONS = {"figures": FIGURES, **{name: (name,) for name in (DRIFT, WATCHING, FLOODS, PEERS)}}
"""What stands in each section of the page; one is written only when all of it was measured."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and, where all of a section was measured, write the page."""
    options = _options(arguments)
    wanted = tuple(options.names) or (*NAMES, *((PEERS,) if options.peers else ()))
    with tempfile.TemporaryDirectory(prefix="toban-bench-") as home, Generator() as load:
        bench = Workbench(Path(home), load, options.rounds)
        figures, left_out, broken = run(bench, wanted)
    day = datetime.now(UTC).date()
    for section, members in SECTIONS.items():
        measured = [name for name in members if name in wanted]
        if not measured:
            continue
        lines = [figure for name in measured for figure in figures[name]]
        reasons = {name: left_out[name] for name in measured if name in left_out}
        text = write_section(_command(options.names, wanted), lines, reasons, day)
        print(f"\n{text}")
        if len(measured) == len(members) and not broken.keys() & set(members):
            PAGE.write_text(put_section(PAGE.read_text("utf-8"), section, text), "utf-8")
    for name, reason in broken.items():
        _say(f"{name} is broken, so its section stays as it was: {reason}")
    return 1 if broken else 0


def _command(names: Sequence[str], wanted: Sequence[str]) -> str:
    """Return what measures this again."""
    if names:
        return f"make bench BENCH_ARGS='{' '.join(names)}'"
    return "make bench PEERS=1" if PEERS in wanted else "make bench"


def run(
    bench: Workbench, wanted: Sequence[str]
) -> tuple[dict[str, list[Figure]], dict[str, str], dict[str, str]]:
    """Return the figures of each benchmark, why one was left out, and what broke in one."""
    figures: dict[str, list[Figure]] = {name: [] for name in wanted}
    left_out: dict[str, str] = {}
    broken: dict[str, str] = {}
    for name, measure in _benchmarks(bench).items():
        if name not in wanted:
            continue
        begun = time.monotonic()
        try:
            for figure in measure():
                figures[name].append(figure)
        except CannotMeasure as reason:
            left_out[name] = str(reason)
        except (LoadFailed, ProgramFailed) as reason:
            broken[name] = str(reason)
        _say(f"{name}: {len(figures[name])} figures in {time.monotonic() - begun:.0f} s")
    return figures, left_out, broken


def _benchmarks(bench: Workbench) -> dict[str, Callable[[], Iterator[Figure]]]:
    """Return the benchmarks by name; those that need a trained model share one."""

    @cache
    def trained() -> Trained:
        return train(bench)

    return {
        "starts": lambda: starts.measure(bench, trained()),
        "predictions": lambda: predictions.measure(bench, trained()),
        "azurite": lambda: azurites.measure(bench, trained()),
        "acks": lambda: acks.measure(bench),
        "flows": lambda: flows.measure(bench),
        "histories": lambda: histories.measure(bench, trained()),
        DRIFT: lambda: drift.measure(bench),
        WATCHING: lambda: watching.measure(bench),
        FLOODS: lambda: floods.measure(bench, trained()),
        PEERS: lambda: peers.measure(bench, trained()),
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"what to measure of {', '.join(NAMES)} (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side (default 5)")
    asked = os.environ.get("PEERS", "") not in ("", "0", "no")
    parser.add_argument("--peers", action="store_true", default=asked, help="other servers of models too")
    options = parser.parse_args(arguments)
    if unknown := sorted(set(options.names) - {*NAMES, PEERS}):
        parser.error(f"unknown: {', '.join(unknown)}; known are {', '.join((*NAMES, PEERS))}")
    return options


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
