"""The bot with its doors open and its flows parked: requests are persisted and acked, and nothing runs them.

It tells what an ack costs by itself from what the flows of the same process take away from it.
"""

from __future__ import annotations

import json
import os
import signal
import threading

from dbos import DBOS

from bot.app import build_bot
from bot.settings import load_settings
from bot.ways_in import HttpDoor

if __name__ == "__main__":
    bot = build_bot(load_settings(os.environ, "http"))
    DBOS.listen_queues([])
    bot.start()
    door = HttpDoor(bot, "127.0.0.1", 0)
    door.start()
    print(json.dumps({"address": door.address}), flush=True)
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    stopped.wait()
    os._exit(0)
