"""pytest fixtures around the loopback Slack: ``pytest_plugins = ["playground.slack.fixtures"]``."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from slack_bolt import App

from playground.slack.server import start
from playground.slack.settings import Settings
from playground.slack.under_test import SlackUnderTest, served

Json = dict[str, Any]


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
def say(slack: SlackUnderTest) -> Callable[..., Json]:
    """Type as a person: ``say("owner", "ml-arrivals", "/ml status")``."""
    return slack.say


@pytest.fixture
def press(slack: SlackUnderTest) -> Callable[..., Json]:
    """Press as a person: ``press("owner", message, "version.promote")``; None means the form in front."""
    return slack.press


@pytest.fixture
def submit(slack: SlackUnderTest) -> Callable[..., Json]:
    """Fill in and send off the form in front of a person: ``submit("owner", {"Flight": "UA580"})``."""
    return slack.submit


@pytest.fixture
def messages(slack: SlackUnderTest) -> Callable[..., list[Json]]:
    """Read what a person sees: ``messages("ml-arrivals", "owner")``, each with ``plain``."""
    return slack.messages


@pytest.fixture
def serve() -> Iterator[Callable[[App], str]]:
    """Serve Bolt apps on waitress; each call returns the address that Slack delivers to."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(served(app))
