"""The local host with its prediction log closed: every answer says `"logged": false`, all else is as ever.

It tells what the log costs from what the rest costs; no setting of the product does this.
"""

from __future__ import annotations

import sys

from functions import local
from functions.state import state

if __name__ == "__main__":
    state.predictions.close()
    sys.exit(local.main())
