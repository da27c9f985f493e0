"""A process that puts flows of one partition on a queue at once, and prints the order in which they ran.

`python -m tests.stand_ins.lined_up sqlite:///FILE` prints JSON.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import uuid

from bot.engine import FLOW_VERSION, INCIDENTS, Engine, register
from bot.timing import Timing

FLOWS, SECONDS = 8, 60


def main(url: str) -> None:
    """Run the flows and print their numbers."""
    engine = Engine(url, Timing(poll_seconds=0.02))
    ran: queue.SimpleQueue[int] = queue.SimpleQueue()

    def number_of(number: int) -> None:
        ran.put(number)

    register("number", number_of)
    engine.launch()
    for number in range(FLOWS):
        engine.client.enqueue(
            engine.line.add_to(
                {
                    "workflow_name": "number",
                    "queue_name": INCIDENTS,
                    "workflow_id": uuid.uuid4().hex,
                    "app_version": FLOW_VERSION,
                    "queue_partition_key": "one",
                }
            ),
            number,
        )
    sys.stdout.write(json.dumps([ran.get(timeout=SECONDS) for _ in range(FLOWS)]))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
