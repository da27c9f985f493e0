"""A process that tidies up a store's prediction log and kills itself at a given write."""

from __future__ import annotations

import os
import signal
import sys
from datetime import datetime

from ml.objects import open_store
from tests.contracts.archived import CuttingStore, compact


def die() -> None:
    """End as SIGKILL ends: at once, and nothing is tidied up."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    store = CuttingStore(open_store(sys.argv[1]), int(sys.argv[3]), after=sys.argv[4] == "after", then=die)
    compact(store, datetime.fromisoformat(sys.argv[2]))
