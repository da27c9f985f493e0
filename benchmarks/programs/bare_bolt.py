"""The yardstick of acks: a Bolt app on waitress, set up like the bot's, whose listener makes one insert.

`python -m benchmarks.programs.bare_bolt DATABASE COMMAND`; SLACK_SIGNING_SECRET holds the signing secret.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import sys
import threading
from typing import Any

from slack_bolt import Ack, App
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_bolt.authorization import AuthorizeResult
from waitress.server import create_server

THREADS = 32

_connections = threading.local()


def connect(path: str) -> sqlite3.Connection:
    """Return this thread's connection, with the settings of the bot's own (`bot.records.make_engine`)."""
    connection: sqlite3.Connection | None = getattr(_connections, "one", None)
    if connection is None:
        connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        _connections.one = connection
    return connection


def insert(path: str, key: str, body: str) -> None:
    """Store one request for good."""
    connect(path).execute("INSERT OR IGNORE INTO requests (id, body) VALUES (?, ?)", (key, body))


def create(path: str) -> None:
    """Create the one table."""
    connect(path).execute("CREATE TABLE IF NOT EXISTS requests (id TEXT PRIMARY KEY, body TEXT NOT NULL)")


def build(path: str, command: str) -> App:
    """Return the app."""
    create(path)
    known = AuthorizeResult(
        enterprise_id=None, team_id="T1", bot_id="B1", bot_user_id="U1", bot_token="xoxb-" + "bench"
    )
    app = App(
        authorize=lambda **_: known,
        signing_secret=os.environ["SLACK_SIGNING_SECRET"],
        process_before_response=True,
        token_verification_enabled=False,
    )

    @app.command(command)
    def take(ack: Ack, body: dict[str, Any]) -> None:
        insert(path, f"{body['trigger_id']}{body['user_id']}", json.dumps(body))
        ack()

    return app


if __name__ == "__main__":
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server: Any = create_server(
        SlackRequestHandler(build(*sys.argv[1:3])), host="127.0.0.1", port=0, threads=THREADS
    )
    print(json.dumps({"address": f"http://127.0.0.1:{server.effective_port}/slack/events"}), flush=True)
    server.run()
