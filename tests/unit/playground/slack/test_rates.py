"""Counting calls against Slack's tiers, on a clock of the test's own."""

from playground.slack.rates import Rates


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_tier_is_enforced_by_the_minute() -> None:
    """The 50th chat.update of a minute passes, the 51st waits until the first is a minute old."""
    clock = Clock()
    rates = Rates(clock)
    assert [rates.count("chat.update", "C1", enforce=True) for _ in range(50)] == [None] * 50
    clock.now += 20
    assert rates.count("chat.update", "C1", enforce=True) == 40
    clock.now += 40
    assert rates.count("chat.update", "C1", enforce=True) is None


def test_posts_are_one_a_second_and_channel() -> None:
    """A second post to the same channel waits a second; another channel does not."""
    clock = Clock()
    rates = Rates(clock)
    assert rates.count("chat.postMessage", "C1", enforce=True) is None
    assert rates.count("chat.postMessage", "C1", enforce=True) == 1
    assert rates.count("chat.postMessage", "C2", enforce=True) is None
    clock.now += 1
    assert rates.count("chat.postMessage", "C1", enforce=True) is None


def test_without_enforcement_excess_is_only_counted() -> None:
    """The table tells calls, those over the tier, and the busiest window."""
    rates = Rates(Clock())
    for _ in range(21):
        assert rates.count("users.list", None, enforce=False) is None
    assert rates.table()["methods"]["users.list"] == {
        "calls": 21,
        "over": 1,
        "refused": 0,
        "busiest_window": 21,
        "limit_per_minute": 20,
    }


def test_a_method_without_a_tier_is_counted_too() -> None:
    """auth.test is counted and never refused."""
    rates = Rates(Clock())
    assert [rates.count("auth.test", None, enforce=True) for _ in range(200)] == [None] * 200
    assert rates.table()["methods"]["auth.test"]["calls"] == 200
