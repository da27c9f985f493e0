"""Response URLs and triggers: how often and how long."""

import pytest

from playground.slack import response_urls, triggers
from playground.slack.response_urls import ResponseUrls
from playground.slack.triggers import Triggers


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_response_url_is_good_for_five_uses() -> None:
    """The sixth use is refused with used_url."""
    urls = ResponseUrls(Clock(), 1_800, 5)
    issued = urls.issue("commands", "T1", "C1", "U1")
    for _ in range(5):
        assert urls.spend(issued.path) is issued
    with pytest.raises(response_urls.Refused, match="used_url"):
        urls.spend(issued.path)


def test_a_response_url_lives_half_an_hour() -> None:
    """It works at 30 minutes sharp and not a second later; an unknown one is as good as expired."""
    clock = Clock()
    urls = ResponseUrls(clock, 1_800, 5)
    issued = urls.issue("commands", "T1", "C1", "U1")
    clock.now += 1_800
    urls.spend(issued.path)
    clock.now += 1
    for path in (issued.path, "/commands/T1/1/nobody"):
        with pytest.raises(response_urls.Refused, match="expired_url"):
            urls.spend(path)


def test_a_trigger_opens_one_view_within_three_seconds() -> None:
    """It is taken once, and not after its time."""
    clock = Clock()
    made = Triggers(clock, 3)
    first, second = made.issue("U1"), made.issue("U1")
    clock.now += 3
    assert made.exchange(first.id).user == "U1"
    clock.now += 0.5
    for trigger_id, error in ((first.id, "expired"), (second.id, "expired"), ("1.2.x", "invalid")):
        with pytest.raises(triggers.Refused, match=f"{error}_trigger_id"):
            made.exchange(trigger_id)
    third = made.issue("U1")
    made.exchange(third.id)
    with pytest.raises(triggers.Refused, match="exchanged_trigger_id"):
        made.exchange(third.id)
