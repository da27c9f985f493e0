"""Starting the training process, hearing what it says, and ending it; what it means is decided elsewhere."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from ml.errors import Misconfigured
from ml.source import ROOT

THREADS_SETTING, MEMORY_SETTING = "TOBAN_TRAINING_THREADS", "TOBAN_TRAINING_MEMORY_MB"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
SECONDS_TO_END = 5.0
LAST_WORDS = 2_000
"""Bytes of stderr that are kept for the log when the process crashed."""


@dataclass(frozen=True)
class Limits:
    """What the training process may use, so that predictions beside it are not starved.

    `threads` defaults to half of the cores: the OpenMP threads of scikit-learn wait for each other actively,
    and on a busy small host one thread is ten times as fast as two.
    """

    threads: int
    memory_bytes: int | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Limits:
        """Read TOBAN_TRAINING_THREADS and TOBAN_TRAINING_MEMORY_MB.

        Raises:
            Misconfigured: One of them is no positive whole number.
        """
        threads = _positive(environment, THREADS_SETTING) or max(1, (os.cpu_count() or 1) // 2)
        megabytes = _positive(environment, MEMORY_SETTING)
        return cls(threads, megabytes * 1_000_000 if megabytes else None)


class Child:
    """A running training process; as a context manager it never outlives the block."""

    def __init__(self, job: Mapping[str, Any], limits: Limits) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(limits.threads))}
        # Sets are walked in one order, so equal trainings are equal bytes.
        environment["PYTHONHASHSEED"] = "0"
        environment["PYTHONPATH"] = os.pathsep.join(
            part for part in (str(ROOT), environment.get("PYTHONPATH")) if part
        )
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ml.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            start_new_session=True,  # a Ctrl-C meant for the parent is the parent's to answer
        )
        self._events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._send({**job, "memory_bytes": limits.memory_bytes})

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def next_event(self, timeout: float) -> dict[str, Any] | None:
        """Return the next event, None when the process has said its last.

        Raises:
            TimeoutError: It said nothing for *timeout* seconds.
        """
        try:
            return self._events.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError from None

    def wait(self) -> int:
        """Return the exit status of a process that has said its last; negative: the signal that ended it."""
        try:
            return self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self.end()
            return self._process.wait()

    def last_words(self) -> str:
        """Return the end of what it wrote to stderr."""
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - LAST_WORDS))
        return self._errors.read().decode(errors="replace").strip()

    def end(self) -> None:
        """End the process, politely first."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        self._process.wait()
        self._reader.join(SECONDS_TO_END)
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                _close(stream)

    def _send(self, job: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(job).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return  # it died at once; its exit status says why

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                self._events.put(json.loads(line))
            except ValueError:
                continue  # the half line of a process that was killed while it wrote
        self._events.put(None)


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Lay files into the folder that the process works in."""
    for name, data in files.items():
        (folder / name).write_bytes(data)


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except BrokenPipeError:
        return


def _positive(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name, "")
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise Misconfigured(f"{name} must be a positive whole number, not {text!r}")
    return int(text)
