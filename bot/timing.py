"""How often the bot looks, and how long it takes silence for a hiccup."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """How often the bot looks for work and at runs, how long silence of another process or of the function
    app counts as a hiccup, and for how long a run that GitHub does not show may be a new one (seconds).

    After `away_seconds` without a look at a repository's runs, what happened meanwhile is told in short.
    `push_seconds` is how often it looks at branches, and `settle_seconds` how long after a commit its checks
    may still be on their way. `socket_seconds` is how often it asks over a silent connection to Slack whether
    it still stands; one that ends is noticed at once. `ack_seconds` is how long a request waits to be stored
    before its sender is told that it was not: Slack wants an ack within three.
    """

    poll_seconds: float = 0.1
    heartbeat_seconds: float = 5.0
    stale_seconds: float = 60.0
    watch_seconds: float = 0.5
    silence_seconds: float = 30.0
    work_seconds: float = 3.0
    unseen_seconds: float = 60.0
    push_seconds: float = 10.0
    settle_seconds: float = 30.0
    away_seconds: float = 600.0
    socket_seconds: float = 2.0
    ack_seconds: float = 2.5
