"""What ends a process by SIGKILL at each moment that it passes, at each of them once."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

DEATHS = "TOBAN_TEST_DEATHS"
"""Names the file that holds where the process has died before: a moment on each line."""


class Reaper:
    """Ends this process at each moment that it has not ended at before."""

    def __init__(self, deaths: Path) -> None:
        self._deaths = deaths
        self._known = set(deaths_in(deaths))
        self._lock = threading.Lock()

    def pass_by(self, moment: str) -> None:
        """Die, unless it has died at *moment* before."""
        with self._lock:  # held for ever: one death a process
            if moment in self._known:
                return
            with self._deaths.open("a", encoding="utf-8") as deaths:
                deaths.write(f"{moment}\n")
                deaths.flush()
                os.fsync(deaths.fileno())
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()


def deaths_in(file: Path) -> list[str]:
    """Return the moments at which processes have died."""
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
