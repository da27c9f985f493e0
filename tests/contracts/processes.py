"""Whether processes that a test did not start itself have ended."""

from __future__ import annotations

from pathlib import Path

from tests.function_hosts import wait_until


def has_ended(pid: str) -> None:
    """Wait until a process is gone, or waits only to be collected: who is killed still has to die."""
    wait_until(lambda: _state(pid) in (None, "Z"))


def _state(pid: str) -> str | None:
    """Return a process's letter in /proc, None when it is gone.

    Source: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return None
