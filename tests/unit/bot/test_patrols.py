"""Patrols: the first look comes at once, and a look that fails does not end them."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import cast

from bot.patrols import Patrol
from bot.records import Records
from bot.timing import Timing

WAIT_SECONDS = 60.0
AN_HOUR = 3600.0


class Leases:
    """Records of which only the leases are asked for; everybody has theirs."""

    def hold_lease(self, name: str, holder: str, span: timedelta) -> bool:
        """Return that the lease is held."""
        return True


class Looking(Patrol):
    """A patrol that tells of each look and fails at the first."""

    def __init__(self) -> None:
        super().__init__("looking", cast(Records, Leases()), "bot", Timing(), AN_HOUR)
        self.first, self.second = threading.Event(), threading.Event()

    def look(self) -> None:
        """Fail the first time."""
        if not self.first.is_set():
            self.first.set()
            raise ValueError("not now")
        self.second.set()


def test_the_first_look_comes_at_once_and_may_fail() -> None:
    """What there is at the start is seen then, not an hour later; a look that fails is not the last."""
    patrol = Looking()
    patrol.start()
    try:
        assert patrol.first.wait(WAIT_SECONDS)
        patrol.look_soon()
        assert patrol.second.wait(WAIT_SECONDS)
    finally:
        patrol.stop()
