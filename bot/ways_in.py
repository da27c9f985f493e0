"""The ways in to a bot: Socket Mode, HTTP, and a page of health for whoever watches over the process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from slack_bolt.adapter.wsgi import SlackRequestHandler
from waitress.server import create_server

from bot.app import Bot
from bot.errors import ConfigurationError, SlackRefused
from bot.github_door import GITHUB_EVENTS, MOST_EVENT_BYTES
from bot.health import HEALTH, Wsgi, health_page
from bot.hooks import CALLBACKS, HOOKS
from bot.socket_mode import SocketMode
from bot.unreadable import readable_only
from bot.wsgi import refusal, send, without_bodies

HTTP_THREADS = 32
STOP_SECONDS = 3
SLACK_PATH = "/slack/events"
MOST_BODY_BYTES = 1024 * 1024
"""Slack's own payloads stay far below; anything larger is refused."""


class SocketDoor:
    """Socket Mode: no address of ours is needed, only outgoing connections."""

    def __init__(self, bot: Bot) -> None:
        token = bot.settings.slack.app_token
        if token is None:
            raise ConfigurationError(["SLACK_APP_TOKEN is not set: Socket Mode needs it"])
        open_address = partial(bot.desk.slack.open_socket, token.get_secret_value())
        self._lines = SocketMode(bot.slack_app, open_address, bot.engine.timing.socket_seconds)
        bot.is_connected = self._lines.is_connected

    def start(self) -> None:
        """Connect; what breaks later is connected again. Raises ConfigurationError where Slack says no."""
        try:
            self._lines.start()
        except SlackRefused as error:
            raise ConfigurationError(
                [f"SLACK_APP_TOKEN: Slack answered {error.code} to {error.method}"]
            ) from None

    def stop(self) -> None:
        """Answer what was taken, then close the connection."""
        self._lines.stop()

    @property
    def address(self) -> str:
        """What to print for people."""
        return "Socket Mode"


class HttpDoor:
    """HTTP by waitress: Slack posts to `/slack/events`, GitHub to `/github/events`, services to `/hooks/` and
    `/callbacks/`.
    """

    def __init__(self, bot: Bot, host: str, port: int) -> None:
        self._server: Any = create_server(
            _routes(bot),
            host=host,
            port=port,
            threads=HTTP_THREADS,
            max_request_body_size=MOST_EVENT_BYTES,
            ident="toban",
            clear_untrusted_proxy_headers=True,
        )
        # It warns of every request that finds all threads busy, which is how a burst is meant to be taken.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._host = host
        self._thread = threading.Thread(target=self._server.run, name="http", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Stop to serve, letting requests under way end."""
        self._server.task_dispatcher.shutdown(cancel_pending=False, timeout=STOP_SECONDS)

    @property
    def address(self) -> str:
        """Where Slack's requests are to be sent."""
        several = getattr(self._server, "effective_listen", None)  # a name may stand for two addresses
        port = several[0][1] if several else self._server.effective_port
        return f"http://{self._host}:{port}{SLACK_PATH}"


class HealthDoor:
    """`GET /healthz` on an address of its own, for a bot in Socket Mode, which has no other."""

    def __init__(self, bot: Bot, host: str, port: int) -> None:
        page = health_page(bot.problems)

        def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if environ.get("PATH_INFO") == HEALTH:
                return page(environ, start_response)
            start_response("404 Not Found", [("Content-Length", "0")])
            return [b""]

        self._server: Any = create_server(
            without_bodies(serve),
            host=host,
            port=port,
            threads=1,
            ident="toban",
            clear_untrusted_proxy_headers=True,
        )
        self._thread = threading.Thread(target=self._server.run, name="health", daemon=True)

    def start(self) -> None:
        """Begin to serve; it ends with the process."""
        self._thread.start()


def _routes(bot: Bot) -> Wsgi:
    """Return what answers each address: health, GitHub's and the services' doors, else Slack's."""
    slack: Wsgi = readable_only(SlackRequestHandler(bot.slack_app, path=SLACK_PATH))
    health = health_page(bot.problems)

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if path == HEALTH:
            return health(environ, start_response)
        if path == GITHUB_EVENTS:
            return bot.github_door(environ, start_response)
        if int(environ.get("CONTENT_LENGTH") or 0) > MOST_BODY_BYTES:
            return send(refusal(413, "body_too_large", "The body is too large."), start_response)
        return (bot.hooks if path.startswith((HOOKS, CALLBACKS)) else slack)(environ, start_response)

    return without_bodies(serve)
