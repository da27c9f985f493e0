"""Files behind an address that is good for a short time and needs no token, as GitHub's storage has them."""

import secrets
from dataclasses import dataclass

from playground.github.answer import Answer
from playground.github.settings import Clock

# https://docs.github.com/en/rest/actions/workflow-runs
# the address of a log is good for a minute
GOOD_SECONDS = 60.0


@dataclass(frozen=True)
class Download:
    """One file to hand over."""

    content: bytes
    media_type: str
    name: str


class Downloads:
    """Tickets and the files behind them. *base_url* is another host than the API's, as it is on GitHub."""

    def __init__(self, base_url: str, clock: Clock) -> None:
        self._base_url = base_url
        self._clock = clock
        self._tickets: dict[str, tuple[float, Download]] = {}

    def redirect(self, download: Download) -> Answer:
        """Return the answer that leads to a file."""
        now = self._clock()
        self._tickets = {name: kept for name, kept in self._tickets.items() if kept[0] > now}
        ticket = secrets.token_urlsafe(24)
        self._tickets[ticket] = (now + GOOD_SECONDS, download)
        return Answer(status=302, headers={"location": f"{self._base_url}/_storage/{ticket}"})

    def take(self, ticket: str) -> Download | None:
        """Return the file behind a ticket, as often as it is asked for while the ticket is good."""
        until, download = self._tickets.get(ticket, (0.0, None))
        return download if until > self._clock() else None
