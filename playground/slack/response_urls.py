"""Response URLs: a few answers to one command or button, within half an hour.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from playground.slack.ids import new_secret


class Refused(Exception):
    """The URL cannot be used; the message is Slack's name for why."""


@dataclass
class ResponseUrl:
    """One URL: for whom, where, and which message counts as the original."""

    path: str
    channel: str
    user: str
    original_ts: str | None
    thread_ts: str | None
    issued: float
    uses: int = 0
    posted: list[str] = field(default_factory=list)

    def target(self) -> str | None:
        """Return what replace_original and delete_original mean: the button's message, or the last answer."""
        return self.original_ts or (self.posted[-1] if self.posted else None)


class ResponseUrls:
    """Issues URLs and keeps their budgets."""

    def __init__(self, clock: Callable[[], float], seconds: float, uses: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self._uses = uses
        self._issued: dict[str, ResponseUrl] = {}

    def issue(
        self,
        kind: str,
        team: str,
        channel: str,
        user: str,
        original_ts: str | None = None,
        thread_ts: str | None = None,
    ) -> ResponseUrl:
        """Return a new URL; *kind* is “commands”, “actions” or “app”, as in Slack's paths."""
        path = f"/{kind}/{team}/{self._serial()}/{new_secret()}"
        issued = ResponseUrl(path, channel, user, original_ts, thread_ts, self._clock())
        self._issued[path] = issued
        return issued

    def spend(self, path: str) -> ResponseUrl:
        """Count one use and return the URL, or raise Refused (expired_url, used_url)."""
        found = self._issued.get(path)
        if found is None or self._clock() - found.issued > self._seconds:
            raise Refused("expired_url")
        if found.uses >= self._uses:
            raise Refused("used_url")
        found.uses += 1
        return found

    def _serial(self) -> str:
        return str(10**12 + len(self._issued))
