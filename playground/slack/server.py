"""The loopback Slack as a server on 127.0.0.1, in a thread of its own."""

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.types import ASGIApp

import playground.page.server
import playground.slack.methods  # registers the Web API methods
from playground.browsers import guards
from playground.serving import RunningServer, with_transport
from playground.slack.control import Control
from playground.slack.doors import Doors
from playground.slack.loopback import Loopback
from playground.slack.settings import Settings


def build_app(slack: Loopback) -> ASGIApp:
    """Return the ASGI application of one workspace."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        slack.close()

    app = Starlette(
        routes=[
            *Doors(slack).routes(),
            *Control(slack).routes(),
            *playground.page.server.routes(),
        ],
        middleware=guards(),
        lifespan=lifespan,
    )
    return with_transport(app)


class RunningSlack(RunningServer):
    """A loopback Slack that listens; ``url`` is its address, ``stop()`` ends it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        super().__init__("loopback-slack", settings.port, self._build)
        self.api_url = f"{self.url}/api/"

    def _build(self, url: str) -> tuple[Loopback, ASGIApp]:
        slack = Loopback(self.settings, url)
        return slack, build_app(slack)


def start(settings: Settings | None = None) -> RunningSlack:
    """Start a loopback Slack and return when it takes connections.

    Raises OSError when the port asked for is taken.
    """
    return RunningSlack(settings or Settings())
