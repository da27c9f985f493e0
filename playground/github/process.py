"""One program of a step: started in a process group of its own, read line by line, ended for certain."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

CHUNK = 65_536
# How long output may still come after the program itself has ended.
DRAIN_SECONDS = 0.5


class Process:
    """A running program; ``lines`` gets its output."""

    def __init__(self, started: asyncio.subprocess.Process, lines: Callable[[str], None]) -> None:
        self._started = started
        self._lines = lines
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(
        cls, command: Sequence[str], folder: Path, env: Mapping[str, str], lines: Callable[[str], None]
    ) -> "Process":
        """Start *command* in *folder*. Raises OSError when it cannot be started."""
        started = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=dict(env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        return cls(started, lines)

    async def wait(self) -> int:
        """Return the exit code, once the program has ended and what it wrote has been read.

        A child that it leaves behind keeps running, as on a runner, until end() is called.
        """
        code = await self._started.wait()
        await asyncio.wait({self._reader}, timeout=DRAIN_SECONDS)
        return code

    async def interrupt(self, interrupt_seconds: float, terminate_seconds: float) -> None:
        """End the program as a runner does: SIGINT, then SIGTERM, then SIGKILL."""
        for number, seconds in ((signal.SIGINT, interrupt_seconds), (signal.SIGTERM, terminate_seconds)):
            self._signal(number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._started.wait(), seconds)
                return
        self._signal(signal.SIGKILL)
        await self._started.wait()

    async def end(self) -> None:
        """Kill what is left, children too, and close the pipe."""
        # As long as somebody holds the pipe open, the group still exists and its number is nobody else's.
        if self._started.returncode is None or not self._reader.done():
            self._signal(signal.SIGKILL)
        await self._started.wait()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._reader, DRAIN_SECONDS)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._started.pid, number)

    async def _read(self) -> None:
        assert self._started.stdout is not None
        rest = b""
        while chunk := await self._started.stdout.read(CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._lines(line.rstrip(b"\r").decode("utf-8", "replace"))
        if rest:
            self._lines(rest.decode("utf-8", "replace"))
