"""trigger_ids: three seconds in which one view may be opened.

https://docs.slack.dev/interactivity/handling-user-interaction#modal_responses
"""

from collections.abc import Callable
from dataclasses import dataclass

from playground.slack.ids import new_secret


class Refused(Exception):
    """The trigger cannot be used; the message is Slack's name for why."""


@dataclass
class Trigger:
    """Who did something, when, and in which channel or view."""

    id: str
    user: str
    issued: float
    channel: str | None = None
    view: str | None = None
    exchanged: bool = False


class Triggers:
    """Issues triggers and takes each of them once."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._issued: dict[str, Trigger] = {}

    def issue(self, user: str, channel: str | None = None, view: str | None = None) -> Trigger:
        """Return a new trigger for what *user* just did in a channel or view."""
        # Slack's are three parts with dots between; nobody should read them.
        trigger_id = f"{10**12 + len(self._issued)}.{10**11}.{new_secret(32).lower()}"
        trigger = Trigger(trigger_id, user, self._clock(), channel, view)
        self._issued[trigger_id] = trigger
        return trigger

    def exchange(self, trigger_id: str) -> Trigger:
        """Take a trigger, or raise Refused (invalid_trigger_id, expired_trigger_id, exchanged_trigger_id)."""
        trigger = self._issued.get(trigger_id)
        if trigger is None:
            raise Refused("invalid_trigger_id")
        if self._clock() - trigger.issued > self._seconds:
            raise Refused("expired_trigger_id")
        if trigger.exchanged:
            raise Refused("exchanged_trigger_id")
        trigger.exchanged = True
        return trigger
