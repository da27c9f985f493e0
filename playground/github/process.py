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

    def __init__(
        self,
        started: asyncio.subprocess.Process,
        pipe: asyncio.ReadTransport,
        output: asyncio.StreamReader,
        lines: Callable[[str], None],
    ) -> None:
        self._started = started
        self._pipe = pipe
        self._output = output
        self._lines = lines
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def start(
        cls, command: Sequence[str], folder: Path, env: Mapping[str, str], lines: Callable[[str], None]
    ) -> "Process":
        """Start *command* in *folder*. Raises OSError when it cannot be started."""
        # A pipe of our own: with asyncio's, wait() would wait for whoever else holds its end open.
        reading, writing = os.pipe()
        output = asyncio.StreamReader()
        pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(output), os.fdopen(reading, "rb", buffering=0)
        )
        try:
            started = await asyncio.create_subprocess_exec(
                *command,
                cwd=folder,
                env=dict(env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except BaseException:
            pipe.close()
            raise
        finally:
            os.close(writing)
        return cls(started, pipe, output, lines)

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
        await asyncio.wait({self._reader}, timeout=DRAIN_SECONDS)
        self._reader.cancel()
        self._pipe.close()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._started.pid, number)

    async def _read(self) -> None:
        rest = b""
        while chunk := await self._output.read(CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._lines(line.rstrip(b"\r").decode("utf-8", "replace"))
        if rest:
            self._lines(rest.decode("utf-8", "replace"))
