"""Whether processes that a test did not start itself have ended."""

from __future__ import annotations

import threading
import time
from pathlib import Path

WAIT_SECONDS = 60.0


def has_ended(pid: str) -> None:
    """Wait until a process is gone, or waits only to be collected: who is killed still has to die."""
    pause, deadline = threading.Event(), time.monotonic() + WAIT_SECONDS
    while _state(pid) not in (None, "Z"):
        assert time.monotonic() < deadline, f"process {pid} goes on"
        pause.wait(0.01)


def _state(pid: str) -> str | None:
    """Return a process's letter in /proc, None when it is gone.

    Source: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return None
