"""A loopback Slack and a Bolt app for one test; the fixtures around them are in fixtures.py."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import waitress.server
from slack_bolt import App
from slack_bolt.adapter.wsgi import SlackRequestHandler
from slack_sdk import WebClient
from waitress import wasyncore

from playground.slack.client import Playground
from playground.slack.server import RunningSlack

LOOK_SECONDS = 1.0
"""How long the loop of a served Bolt app sleeps when nothing wakes it."""
END_SECONDS = 60.0
"""How long listeners may take that are at work when the app is to end."""


class SlackUnderTest(Playground):
    """A client of a running loopback Slack that also knows its tokens."""

    def __init__(self, running: RunningSlack) -> None:
        super().__init__(running.url)
        self.running = running
        self.signing_secret = running.settings.signing_secret.get_secret_value()
        self.bot_token = running.settings.bot_token.get_secret_value()
        self.app_token = running.settings.app_token.get_secret_value()

    def web_client(self, **settings: Any) -> WebClient:
        """Return an unmodified slack_sdk client with the bot's token."""
        return WebClient(**{"token": self.bot_token, "base_url": self.api_url, **settings})

    def bolt_app(self, **settings: Any) -> App:
        """Return an unmodified Bolt app without listeners that knows this workspace."""
        chosen = {"process_before_response": True, "signing_secret": self.signing_secret, **settings}
        return App(client=self.web_client(), **chosen)


@contextmanager
def served(app: App) -> Iterator[str]:
    """Serve a Bolt app over HTTP on a free port; yield its address."""
    sockets: dict[int, Any] = {}
    handler = SlackRequestHandler(app)
    server: Any = waitress.server.create_server(handler, map=sockets, host="127.0.0.1", port=0, threads=8)
    ended = threading.Event()

    def loop() -> None:
        while not ended.is_set():
            wasyncore.loop(timeout=LOOK_SECONDS, map=sockets, count=1)

    thread = threading.Thread(target=loop, name="bolt-app")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}/slack/events"
    finally:
        # Workers and this thread wake the loop through its trigger, which so may close only after them.
        server.task_dispatcher.shutdown(timeout=END_SECONDS)
        ended.set()
        server.pull_trigger()
        thread.join()
        wasyncore.close_all(sockets)
