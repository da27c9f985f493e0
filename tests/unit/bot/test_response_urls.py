"""Answers go to Slack's own addresses, wherever a request says they should go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.response_urls import HOSTS, respond
from bot.slack_addresses import is_slacks
from tests.stand_ins.endpoint import TeamEndpoint

SLACK, LOOPBACK, PROXY = "https://slack.com/api/", "http://127.0.0.1:4000/api/", "https://slack.example/api/"


@pytest.mark.parametrize(
    ("url", "api_url", "expected"),
    [
        ("https://hooks.slack.com/commands/T1/2/x", SLACK, True),
        ("https://hooks.slack-gov.com/actions/T1/2/x", SLACK, True),
        ("https://hooks.slack.com:443/commands/T1/2/x", SLACK, True),
        ("https://hooks.slack.com/commands/T1/2/x", PROXY, True),
        ("https://slack.example/hooks/x", PROXY, True),
        ("http://127.0.0.1:4001/commands/x", LOOPBACK, True),
        ("http://localhost:4000/commands/x", LOOPBACK, True),
        ("http://[::1]:4000/commands/x", LOOPBACK, True),
        ("http://hooks.slack.com/commands/T1/2/x", SLACK, False),
        ("https://hooks.slack.com:8443/commands/x", SLACK, False),
        ("https://hooks.slack.com.example.org/commands/x", SLACK, False),
        ("https://example.org/hooks.slack.com", SLACK, False),
        ("https://hooks.slack.com@example.org/commands/x", SLACK, False),
        ("https://someone:x@hooks.slack.com/commands/x", SLACK, False),
        ("http://169.254.169.254/latest/meta-data", SLACK, False),
        ("http://169.254.169.254/latest/meta-data", LOOPBACK, False),
        ("http://127.0.0.1:4001/commands/x", SLACK, False),
        ("https://127.0.0.1:4001/commands/x", LOOPBACK, False),
        ("http://10.0.0.1/x", PROXY, False),
        ("file:///etc/passwd", SLACK, False),
        ("https://hooks.slack.com:port/x", SLACK, False),
        ("https://[::1/x", SLACK, False),
        ("", SLACK, False),
    ],
)
def test_only_slacks_own_addresses_are_answered(url: str, api_url: str, expected: bool) -> None:
    """Slack's own host by https, or the server that the settings name; nothing that looks like it."""
    assert is_slacks(url, api_url, HOSTS) is expected


@pytest.fixture
def elsewhere() -> Iterator[TeamEndpoint]:
    """A server that nobody should ask."""
    server = TeamEndpoint()
    yield server
    server.stop()


def test_another_address_is_never_called(elsewhere: TeamEndpoint) -> None:
    """An address that is not Slack's gets no request, and the answer has to go another way."""
    assert respond(f"{elsewhere.url}/now", {"text": "secret"}, SLACK) is False
    assert elsewhere.asked == []


def test_a_redirect_is_not_followed(elsewhere: TeamEndpoint) -> None:
    """What Slack's address redirects to gets nothing."""
    elsewhere.refuse = (307, {})
    assert respond(f"{elsewhere.url}/commands/x", {"text": "secret"}, elsewhere.url) is False
    assert [one["path"] for one in elsewhere.asked] == ["/commands/x"]
