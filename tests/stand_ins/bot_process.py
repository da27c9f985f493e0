"""The bot as people run it: `bot up` in a process of its own, to be killed, frozen and read."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.stand_ins.forked import Forked

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90.0
END_SECONDS = 60.0


class BotProcess:
    """One bot; ready when the constructor returns. *code* is the folder whose `bot` package it runs."""

    def __init__(
        self,
        env: Mapping[str, str],
        arguments: Sequence[str],
        log: Path,
        code: Path = ROOT,
        module: str = "bot",
    ) -> None:
        self.log = log
        self._process: Forked | subprocess.Popen[str] = (
            Forked([module, "up", *arguments], {**os.environ, **env}, ROOT, log)
            if code == ROOT
            else spawn_bot(["up", *arguments], env, log, code)
        )
        self.ready = json.loads(self._first_line())

    @property
    def address(self) -> str:
        """Where it takes Slack's requests."""
        return str(self.ready["address"])

    @property
    def said(self) -> str:
        """Everything it has written to stderr."""
        return self.log.read_text(encoding="utf-8")

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(END_SECONDS)

    def terminate(self) -> int:
        """Ask it to end and return its exit status."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(END_SECONDS)

    def terminate_by_newest_thread(self) -> int:
        """Ask it to end by a signal that the system gives to its newest thread; return its exit status."""
        signal_newest_thread(self._process.pid, signal.SIGTERM)
        return self._process.wait(END_SECONDS)

    def freeze(self) -> None:
        """Stop it in its tracks, as a stalled machine would."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def wait(self) -> int:
        """Wait until it ends by itself; return its exit status."""
        return self._process.wait(END_SECONDS)

    def close(self) -> None:
        """End it, if it still runs, and let go of its pipe."""
        if self._process.poll() is None:
            self.thaw()
            self.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _first_line(self) -> str:
        out = self._process.stdout
        assert out is not None
        deadline = time.monotonic() + START_SECONDS
        select.select([out], [], [], max(0.0, deadline - time.monotonic()))
        line = out.readline() if select.select([out], [], [], 0)[0] else ""
        if not line:
            self.close()
            raise AssertionError(f"the bot did not start:\n{self.said}")
        return line


def signal_newest_thread(process: int, number: signal.Signals) -> None:
    """Send a signal to the youngest thread of a process that lives long enough to take it."""
    threads = sorted(int(task.name) for task in Path(f"/proc/{process}/task").iterdir())
    for thread in reversed(threads):
        with suppress(ProcessLookupError):  # it ended between the look and the signal
            os.kill(thread, number)
            return
    raise AssertionError(f"process {process} has no threads")


def spawn_bot(
    arguments: Sequence[str], env: Mapping[str, str], log: Path, code: Path = ROOT
) -> subprocess.Popen[str]:
    """Start `python -m bot …` with stderr appended to *log*; *code* is the folder whose `bot` it runs."""
    with log.open("a", encoding="utf-8") as stderr:
        return subprocess.Popen(
            [sys.executable, "-m", "bot", *arguments],
            cwd=code,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )


def run_bot(arguments: Sequence[str], env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command of the bot to its end."""
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=ROOT,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=END_SECONDS,
        check=False,
    )
