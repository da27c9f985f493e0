"""pytest fixtures around the loopback Slack: ``pytest_plugins = ["playground.slack.fixtures"]``."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from slack_bolt import App

from playground.slack.server import start
from playground.slack.settings import Settings
from playground.slack.under_test import SlackUnderTest, served


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


@pytest.fixture
def serve() -> Iterator[Callable[[App], str]]:
    """Serve Bolt apps on waitress; each call returns the address that Slack delivers to."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(served(app))
