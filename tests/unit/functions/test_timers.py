"""Running a program beside the function app: to its end, or until the app is told to stop."""

from __future__ import annotations

import sys
import threading

from functions.timers import run_until

SLEEP = "import time; time.sleep(60)"


def test_a_program_runs_to_its_end() -> None:
    """Its exit status is returned; it finds our own packages wherever it is started."""
    ours = "import ml.compaction, sys; sys.exit(3)"
    assert run_until([sys.executable, "-c", ours], threading.Event(), 60) == 3


def test_a_program_ends_with_the_app() -> None:
    """An app that is told to stop does not wait for it."""
    stopping = threading.Event()
    stopping.set()
    assert run_until([sys.executable, "-c", SLEEP], stopping, 60) is None


def test_a_program_may_not_take_for_ever() -> None:
    """After its time it is ended."""
    assert run_until([sys.executable, "-c", SLEEP], threading.Event(), 0) is None
