"""Our programs in processes of their own, forked from one that has imported what they import.

A third of what the tests compute would otherwise be those imports, again for each bot. All else is as with
`python -m PROGRAM`: a process to be killed and frozen, with environment, arguments, standard output and a log
of its own. The demo, the upgrade and the tests of the command line start programs by `python -m` itself.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from subprocess import TimeoutExpired
from typing import TextIO

PRELOADED = ["bot.ways_in", "bot.settings", "bot.questions", __name__]
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(PRELOADED)


class Forked:
    """One process; as much of `subprocess.Popen` as is asked of it here."""

    def __init__(self, program: Sequence[str], env: Mapping[str, str], folder: Path, log: Path) -> None:
        reader, writer = _processes.Pipe(duplex=False)
        with reader, writer:
            given = (list(program), dict(env), str(folder), str(log), writer)
            self._process = _processes.Process(target=_run, args=given, daemon=True)
            self._process.start()
            self.stdout: TextIO = os.fdopen(os.dup(reader.fileno()), encoding="utf-8")

    @property
    def pid(self) -> int:
        """The id of the process."""
        return int(self._process.pid or 0)

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs; negative: the signal that ended it."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """Wait until it has ended and return the exit status; raises TimeoutExpired."""
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            raise TimeoutExpired(self._process.name, timeout)
        return status

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it ended between the look and the signal
                os.kill(self.pid, number)


def _run(program: list[str], env: dict[str, str], folder: str, log: str, out: Connection) -> None:
    """Be `python -m PROGRAM`, in the process that was forked for it."""
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    os.chdir(folder)
    with Path(log).open("a", encoding="utf-8") as errors:
        os.dup2(errors.fileno(), 2)
    os.dup2(out.fileno(), 1)
    out.close()
    sys.argv = list(program)
    runpy.run_module(program[0], run_name="__main__", alter_sys=True)
