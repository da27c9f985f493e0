"""Turns at Slack's methods: within limits by themselves, shared after a refusal; on the test's own clock."""

from __future__ import annotations

import threading
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import SlackBusy
from bot.slack_turns import IN_A_CHANNEL, METHODS, MINUTE, Turns, waiting_at_most
from playground.slack.rates import METHOD_TIERS, TIERS

UPDATE, POST, WHISPER = "chat.update", "chat.postMessage", "chat.postEphemeral"


class Clock:
    """Time that passes when somebody waits."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Return the moment."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    """A clock."""
    return Clock()


@pytest.fixture
def turns(clock: Clock) -> Turns:
    """Turns by that clock."""
    return Turns(clock, clock.sleep)


def taken(turns: Turns, clock: Clock, count: int, method: str, channel: str | None = None) -> list[float]:
    """Return when so many calls in a row went."""
    found = []
    for _ in range(count):
        turns.wait(method, channel)
        found.append(clock.now)
    return found


def test_limits_are_not_above_slacks() -> None:
    """No tier is taken for a higher one than the loopback Slack gives the method."""
    for method, limit in METHODS.items():
        if method in METHOD_TIERS and method != "apps.connections.open":
            assert (limit.calls, limit.seconds) == (TIERS[METHOD_TIERS[method]], MINUTE), method


@pytest.mark.parametrize("method", METHODS)
def test_no_window_holds_more_than_the_limit(method: str, clock: Clock, turns: Turns) -> None:
    """What the limit allows goes at once; the rest as soon as it may, in any minute not more than that."""
    limit = METHODS[method].calls
    at = taken(turns, clock, 3 * limit, method)
    assert at[limit - 1] == at[0]
    assert all(later - earlier >= MINUTE for earlier, later in zip(at, at[limit:], strict=False))
    assert at[-1] - at[0] < 2.1 * MINUTE


def test_a_channel_takes_short_bursts(clock: Clock, turns: Turns) -> None:
    """Some posts of a channel go at once, then about one a second; another channel does not wait for it."""
    burst = IN_A_CHANNEL[POST].calls
    at = taken(turns, clock, 10 * burst, POST, "C1")
    assert at[burst - 1] == at[0]
    assert at[-1] - at[0] == pytest.approx(9 * IN_A_CHANNEL[POST].seconds)
    with waiting_at_most(0.0):
        turns.wait(POST, "C2")


def test_who_cannot_wait_is_told(clock: Clock, turns: Turns) -> None:
    """Beyond the limit a hasty caller hears at once for how long it would be, and uses up nothing."""
    taken(turns, clock, METHODS[WHISPER].calls, WHISPER)
    with waiting_at_most(0.0):
        for _ in range(5):
            with pytest.raises(SlackBusy) as busy:
                turns.wait(WHISPER)
    assert 60 <= busy.value.seconds <= 62
    begun = clock.now
    turns.wait(WHISPER)
    assert clock.now - begun == pytest.approx(busy.value.seconds)


def test_a_refusal_is_shared(clock: Clock, turns: Turns) -> None:
    """After one refusal nobody calls that method before its time is over, and then they come one by one."""
    turns.hold(UPDATE, None, 30)
    turns.wait(WHISPER)
    begun = clock.now
    at = taken(turns, clock, 5, UPDATE)
    assert at[0] - begun == 30
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(at))


def test_a_refused_post_is_about_its_channel(clock: Clock, turns: Turns) -> None:
    """A channel that takes no more posts holds up no other."""
    turns.hold(POST, "C1", 30)
    with waiting_at_most(0.0):
        turns.wait(POST, "C2")
        with pytest.raises(SlackBusy):
            turns.wait(POST, "C1")


def test_who_waits_for_a_channel_holds_up_no_other() -> None:
    """While somebody waits for the turn of one channel, posts to another go at once."""
    clock = Clock()
    asked: list[float] = []

    def sleep(seconds: float) -> None:
        if not asked:
            asked.append(seconds)
            with waiting_at_most(0.0):
                turns.wait(POST, "C2")
        clock.sleep(seconds)

    turns = Turns(clock, sleep)
    turns.hold(POST, "C1", 30)
    turns.wait(POST, "C1")
    assert asked == [30]


def test_who_had_a_turn_lines_up_again_after_a_refusal() -> None:
    """Somebody is refused while others wait for their turns: none of them goes during that time."""
    clock = Clock()
    refused = threading.Event()

    def sleep(seconds: float) -> None:
        if not refused.is_set():
            refused.set()
            turns.hold(UPDATE, None, 100)
        clock.sleep(seconds)

    turns = Turns(clock, sleep)
    taken(turns, clock, METHODS[UPDATE].calls, UPDATE)
    begun = clock.now
    turns.wait(UPDATE)
    assert clock.now - begun >= 100


def test_progress_leaves_room_for_results(clock: Clock, turns: Turns) -> None:
    """However long progress is drawn, a good part of what a minute allows can go at once."""
    drawn = 0
    for _ in range(600):
        if turns.progress_seconds(UPDATE) <= 0:
            turns.wait(UPDATE)
            drawn += 1
        clock.sleep(0.5)
    assert 30 <= drawn / 5 <= 35
    begun = clock.now
    taken(turns, clock, 15, UPDATE)
    assert clock.now == begun
    assert turns.progress_seconds(UPDATE) > 10


def test_progress_is_spread_over_the_minute(clock: Clock, turns: Turns) -> None:
    """It does not use up its share at once, to stand still for the rest of the minute."""
    at = []
    for _ in range(1200):
        if turns.progress_seconds(UPDATE) <= 0:
            turns.wait(UPDATE)
            at.append(clock.now)
        clock.sleep(0.1)
    assert max(later - earlier for earlier, later in pairwise(at)) < 17


def test_channels_at_rest_are_forgotten(clock: Clock, turns: Turns) -> None:
    """However many channels and people are posted to, few are remembered."""
    for number in range(5_000):
        turns.wait(POST, f"C{number}")
        clock.sleep(10)
    assert len(turns._channels) <= 1_000


def test_each_method_is_known(turns: Turns) -> None:
    """A method without a limit of ours is not called at all."""
    with pytest.raises(KeyError):
        turns.wait("chat.delete")


@given(
    st.lists(
        st.tuples(st.sampled_from(["call", "hasty", "refusal"]), st.floats(0, 40, allow_nan=False)),
        max_size=120,
    )
)
def test_nothing_goes_while_slack_refuses(acts: list[tuple[str, float]]) -> None:
    """Whatever happens in which order, no call falls into a Retry-After or is one too many in a minute."""
    clock = Clock()
    turns = Turns(clock, clock.sleep)
    went: list[float] = []
    held_until = 0.0
    for act, seconds in acts:
        clock.sleep(seconds / 20)
        if act == "refusal":
            turns.hold(UPDATE, None, seconds)
            held_until = max(held_until, clock.now + seconds)
            continue
        with waiting_at_most(0.0 if act == "hasty" else 1e9), suppress(SlackBusy):
            turns.wait(UPDATE)
            went.append(clock.now)
            assert clock.now >= held_until
    assert all(b - a >= MINUTE for a, b in zip(went, went[METHODS[UPDATE].calls :], strict=False))


def test_many_threads_share_the_turns() -> None:
    """Of a hundred threads that call at once, no more go than the limit allows."""
    turns = Turns()
    went: list[int] = []

    def call() -> None:
        with waiting_at_most(0.0), suppress(SlackBusy):
            turns.wait(UPDATE)
            went.append(1)

    threads = [threading.Thread(target=call) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(went) == METHODS[UPDATE].calls
