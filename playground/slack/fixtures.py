"""pytest fixtures around the loopback Slack; use them with ``pytest_plugins = ["playground.slack.fixtures"]``."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from playground.slack.client import Playground
from playground.slack.server import RunningSlack, start
from playground.slack.settings import Settings


class SlackUnderTest(Playground):
    """A client of a running loopback Slack that also knows its tokens."""

    def __init__(self, running: RunningSlack) -> None:
        super().__init__(running.url)
        self.running = running
        self.signing_secret = running.settings.signing_secret.get_secret_value()
        self.bot_token = running.settings.bot_token.get_secret_value()
        self.app_token = running.settings.app_token.get_secret_value()


@pytest.fixture
def start_slack() -> Iterator[Callable[..., SlackUnderTest]]:
    """Start loopback Slacks with settings of the test's own; all are stopped at its end."""
    with ExitStack() as stack:

        def begin(**settings: Any) -> SlackUnderTest:
            running = start(Settings(**settings))
            stack.callback(running.stop)
            return stack.enter_context(SlackUnderTest(running))

        yield begin


@pytest.fixture
def slack(start_slack: Callable[..., SlackUnderTest]) -> SlackUnderTest:
    """A loopback Slack with the default workspace and no app yet; point it at one with ``point_at``."""
    return start_slack()
