"""slack_sdk's client as the bot uses it: each call waits for its turn; one that is refused lines up again."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry import RetryHandler
from slack_sdk.web import SlackResponse

from bot.settings import SlackSettings
from bot.slack_turns import Turns

TIMEOUT_SECONDS = 15
MOST_REFUSALS = 5
"""So often a call is refused for its rate before its caller hears of it."""


class SlackClient(WebClient):
    """Calls methods within the turns that it shares with others. Thread-safe."""

    def __init__(self, settings: SlackSettings, turns: Turns, handlers: Sequence[RetryHandler]) -> None:
        super().__init__(
            token=settings.bot_token.get_secret_value(),
            base_url=settings.api_url,
            timeout=TIMEOUT_SECONDS,
            retry_handlers=list(handlers),
        )
        self._turns = turns

    def api_call(self, api_method: str, **request: Any) -> SlackResponse:
        """Call a method when it is its turn.

        Raises SlackBusy where that would be later than the caller waits (`bot.slack_turns.waiting_at_most`).
        """
        channel = (request.get("json") or {}).get("channel")
        refusals = 0
        while True:
            self._turns.wait(api_method, channel)
            try:
                return super().api_call(api_method, **request)
            except SlackApiError as error:
                if not is_refused_for_its_rate(error.response):
                    raise
                self._turns.hold(api_method, channel, retry_after(error.response))
                refusals += 1
                if refusals > MOST_REFUSALS:
                    raise


def is_refused_for_its_rate(response: Any) -> bool:
    """Return whether Slack takes no more of these calls for now, and did not take this one."""
    data = response.data if isinstance(response.data, dict) else {}
    return response.status_code == HTTPStatus.TOO_MANY_REQUESTS or data.get("error") == "ratelimited"


def retry_after(response: Any) -> float:
    """Return for how many seconds Slack wants to be left alone.

    Source: https://docs.slack.dev/apis/web-api/rate-limits
    """
    told = {name.lower(): value for name, value in response.headers.items()}.get("retry-after", "")
    return float(told) if str(told).isdigit() else 1.0
