"""The announcement of a deployment."""

from __future__ import annotations

import pytest

from playground.slack.under_test import SlackUnderTest
from scripts.announce import REQUIRED, SENTENCES, main, sentence

DEPLOYED = {
    "RESULT": "success",
    "FUNCTION_APP": "toban-example",
    "GITHUB_SERVER_URL": "https://github.example",
    "GITHUB_REPOSITORY": "example/operations",
    "GITHUB_SHA": "0123456789abcdef0123456789abcdef01234567",
    "GITHUB_RUN_ID": "42",
    "GITHUB_ACTOR": "mika",
}


def to(slack: SlackUnderTest, **changes: str) -> dict[str, str]:
    """Return the environment of a deployment that is announced in *slack*."""
    place = {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_CHANNEL": slack.workspace()["channels"][0]["id"],
        "SLACK_API_URL": slack.api_url,
    }
    return DEPLOYED | place | changes


@pytest.mark.parametrize("result", SENTENCES)
def test_each_result_is_said_in_words(result: str) -> None:
    """Whatever a job can end with is announced with app, commit and a link to the run."""
    said = sentence(DEPLOYED | {"RESULT": result})
    assert "toban-example" in said
    assert "|0123456>" in said
    assert "https://github.example/example/operations/actions/runs/42" in said
    assert ("not deployed" in said) == (result != "success")


def test_text_from_outside_cannot_call_everybody() -> None:
    """A name with Slack's control characters is shown, not obeyed."""
    assert "<!channel>" not in sentence(DEPLOYED | {"GITHUB_ACTOR": "<!channel>"})


def test_the_channel_hears_of_it(slack: SlackUnderTest) -> None:
    """The announcement arrives in the channel as one message."""
    assert main(to(slack)) == 0
    assert "now runs" in slack.wait_for_text("toban-example")["plain"]


def test_slacks_refusal_is_named(slack: SlackUnderTest, capsys: pytest.CaptureFixture[str]) -> None:
    """A channel that does not exist fails the job with Slack's own word for it."""
    assert main(to(slack, SLACK_CHANNEL="C0NOWHERE")) == 1
    assert "channel_not_found" in capsys.readouterr().err


@pytest.mark.parametrize("name", REQUIRED)
def test_what_is_missing_is_named(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without one of its settings nothing is sent and the setting is named."""
    env = DEPLOYED | {"SLACK_BOT_TOKEN": "xoxb-" + "test", "SLACK_CHANNEL": "C1"}
    del env[name]
    assert main(env) == 1
    assert name in capsys.readouterr().err
