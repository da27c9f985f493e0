"""What every benchmark works with: a folder, programs that are ended with it, and a load generator."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.load import Generator
from playground.programs import Program

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".bench"
"""What may be kept from run to run: the environments of the peers."""

CHILD_SECONDS = 120.0


class CannotMeasure(Exception):
    """Something that this benchmark needs is not on this machine; the message says what."""


@dataclass
class Workbench:
    """A folder, how many rounds to take, and about how many seconds all rounds of a figure may last."""

    home: Path
    load: Generator
    rounds: int = 5
    seconds: float = 20.0

    def folder(self, name: str) -> Path:
        """Return a new empty folder."""
        folder = self.home / f"{len(list(self.home.iterdir())):02d}-{name}"
        folder.mkdir()
        return folder

    @property
    def bytecode(self) -> dict[str, str]:
        """Settings with which Python keeps what it compiled, as an installed program finds it."""
        return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(self.home / "bytecode")}

    @contextlib.contextmanager
    def program(self, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
        """Run `python arguments…`, which prints a JSON line when it is ready; yield that and its `pid`."""
        program = Program(
            arguments[1], arguments, {**self.bytecode, **(env or {})}, ROOT, self.home / "programs.log"
        )
        try:
            yield {**program.start(), "pid": program.pid}
        finally:
            program.stop()

    def output(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """Return what `python arguments…` prints; raises CannotMeasure with its last words if it fails."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**os.environ, **self.bytecode, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=CHILD_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise CannotMeasure(f"{' '.join(arguments[:2])} failed: {done.stderr.strip()[-600:]}")
        return done.stdout


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Return once *condition()* holds; raises CannotMeasure after *seconds*."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise CannotMeasure(f"{what} took longer than {seconds:g} s")
        time.sleep(0.02)
