"""The programs that the playground runs: each with a log, ready when it says so, ended by its handle."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

READY_SECONDS = 90.0
STOP_SECONDS = 60.0
LOG_LINES_SHOWN = 15
PORTS_TRIED = 50
MOST_PORT = 65_535


class ProgramFailed(Exception):
    """A program did not start; the message holds the end of its log."""


class Program:
    """A child process that prints one JSON line when it is ready."""

    def __init__(
        self, name: str, arguments: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path
    ) -> None:
        self.name = name
        self._command = [sys.executable, *arguments]
        self._env = {**os.environ, **env}
        self._cwd = cwd
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._drainer: threading.Thread | None = None

    def start(self) -> dict[str, Any]:
        """Start it and return the JSON line that it prints when ready; ProgramFailed if it ends first."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._cwd,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                # Ctrl-C in the terminal is for the prompt; each program is ended in its turn.
                start_new_session=True,
            )
        return self._ready_line()

    @property
    def pid(self) -> int:
        """The number of the process; only once it was started."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """Ask it to end, and end it if it does not."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._close()

    def _close(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        if self._drainer is not None:
            self._drainer.join()
        self._process.stdout.close()

    def _ready_line(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        # The timer only bounds the wait for a line; a program that hangs is ended and its log shown.
        timer = threading.Timer(READY_SECONDS, self._process.kill)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        try:
            ready: dict[str, Any] = json.loads(line)
        except ValueError:
            self.stop()
            raise ProgramFailed(
                f"{self.name} did not start; the end of {self._log}:\n{self._tail()}"
            ) from None
        self._drainer = threading.Thread(target=self._drain, name=f"{self.name}-output", daemon=True)
        self._drainer.start()
        return ready

    def _drain(self) -> None:
        """Keep the program's output flowing into its log."""
        assert self._process is not None
        assert self._process.stdout is not None
        with self._log.open("ab") as log:
            for line in self._process.stdout:
                log.write(line)

    def _tail(self) -> str:
        with self._log.open(encoding="utf-8", errors="replace") as log:
            return "".join(deque(log, LOG_LINES_SHOWN)) or "(it is empty)"


def free_port(preferred: int) -> int:
    """Return *preferred* on loopback, or the next port that is free, or any free one."""
    for port in [*range(preferred, min(preferred + PORTS_TRIED, MOST_PORT + 1)), 0]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ProgramFailed("no port is free on 127.0.0.1")
