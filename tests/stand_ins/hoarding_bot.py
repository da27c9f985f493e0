"""The bot, which stores and acks requests and begins the flow of none.

`python -m tests.stand_ins.hoarding_bot up …`; another bot on the same database begins them.
"""

from __future__ import annotations

import sys

from bot.__main__ import main
from bot.inbox import Inbox


def hoard(self: Inbox, most: int) -> int:
    """Begin nothing."""
    return 0


if __name__ == "__main__":
    Inbox.begin_flows = hoard  # type: ignore[method-assign]
    sys.exit(main())
