"""How often the bot looks, and how long it takes silence for a hiccup."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """How often the bot looks for work and at runs, how long silence of another process or of the function
    app counts as a hiccup, and for how long a run that GitHub does not show may be a new one (seconds).
    """

    poll_seconds: float = 0.1
    heartbeat_seconds: float = 5.0
    stale_seconds: float = 60.0
    watch_seconds: float = 0.5
    silence_seconds: float = 30.0
    work_seconds: float = 3.0
    unseen_seconds: float = 60.0
