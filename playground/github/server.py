"""The loopback GitHub as a server on 127.0.0.1, in a thread of its own."""

import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.types import ASGIApp

from playground.browsers import guards
from playground.github.control import Control
from playground.github.doors import Doors
from playground.github.events import Events
from playground.github.loopback import Loopback
from playground.github.rest import Server
from playground.github.runner import Runner
from playground.github.settings import Settings
from playground.serving import RunningServer, with_transport


def build_app(server: Server) -> ASGIApp:
    """Return the ASGI application of one GitHub."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        server.github.close()
        await server.runner.close()
        await server.github.deliveries.close()

    app = Starlette(
        routes=[*Control(server).routes(), *Doors(server).routes()],
        middleware=guards(),
        lifespan=lifespan,
    )
    return with_transport(app)


class RunningGitHub(RunningServer):
    """A loopback GitHub that listens; ``url`` is the root of its REST API, ``stop()`` ends it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        super().__init__("loopback-github", settings.port, self._build)

    def _build(self, url: str) -> tuple[Loopback, ASGIApp]:
        github = Loopback(self.settings, url)
        events = Events(github)
        return github, build_app(Server(github, Runner(github, events), events))


def start(settings: Settings | None = None) -> RunningGitHub:
    """Start a loopback GitHub and return when it takes connections.

    Raises OSError when the port asked for is taken, NotPossible when a folder holds no repository.
    """
    return RunningGitHub(settings or Settings())
