"""Numbers as people read them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.messages import units

AT = datetime(2013, 7, 4, 5, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (12.0, "12"),
        (15.03, "15.0"),
        (-5.6, "−5.6"),
        (0.641, "0.641"),
        (0.00123, "0.00123"),
        (336_776, "336,776"),
        (1234.5, "1,234"),
        (math.nan, "not a number"),
        (-math.inf, "−∞"),
    ],
)
def test_numbers_show_the_digits_that_matter(value: float, shown: str) -> None:
    """About three of them, with a real minus sign."""
    assert units.number(value) == shown


def test_a_rounded_zero_has_no_sign() -> None:
    """−0.0 would puzzle."""
    assert units.number(-0.04, 1) == "0.0"
    assert units.number(0.04, 1, signed=True) == "0.0"
    assert units.number(0.06, 1, signed=True) == "+0.1"


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=4))
def test_unequal_values_are_shown_unequal_where_four_decimals_can(values: list[float]) -> None:
    """Two versions that differ are never shown as equal for want of a digit."""
    places = units.decimals_to_tell_apart(*values)
    shown = {f"{value:.{places}f}" for value in values}

    assert (
        len(shown) == len(set(values)) or places in (0, 4) or len(shown) == len({f"{v:.4f}" for v in values})
    )


def test_decimals_follow_the_largest_value() -> None:
    """A bias of 0.5 beside one of −5.6 needs one decimal, not three; counts need none."""
    assert units.decimals_to_tell_apart(0.5, -5.6, 4.1) == 1
    assert units.decimals_to_tell_apart(14.92, 15.03, None) == 1
    assert units.decimals_to_tell_apart(14.921, 14.922) == 3
    assert units.decimals_to_tell_apart(1.09, 0.042) == 2  # a loss that is small is not none
    assert units.decimals_to_tell_apart(3.0, 4.0) == 0
    assert units.decimals_to_tell_apart() == 0


def test_shares_are_read_in_per_cent() -> None:
    """Whichever way a recipe gives them."""
    assert units.quantity(0.641, "share", 1) == "64.1 %"
    assert units.quantity(64.1, "%", 1) == "64.1 %"
    assert units.quantity(15.03, "min") == "15.0 min"
    assert units.quantity(0.5, None) == "0.500"


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (None, "unknown"),
        (0.0, "0 %"),
        (0.004, "under 1 %"),
        (0.42, "42 %"),
        (0.999, "over 99 %"),
        (1.0, "100 %"),
    ],
)
def test_a_share_is_never_rounded_to_none_or_all(share: float | None, shown: str) -> None:
    """A few failures are not "0 %"."""
    assert units.percent(share) == shown


@pytest.mark.parametrize(
    ("share", "bar"),
    [(0.0, "▱" * 10), (0.42, "▰" * 4 + "▱" * 6), (0.999, "▰" * 9 + "▱"), (1.0, "▰" * 10), (7.0, "▰" * 10)],
)
def test_only_a_finished_bar_is_full(share: float, bar: str) -> None:
    """Ten cells, rounded down."""
    assert units.bar(share) == bar


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.42, "0.4 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (86_400, "1 day"),
        (200_000, "2 days 7 h"),
        (-1, "0 s"),
        (math.inf, "0 s"),
    ],
)
def test_durations_have_two_units_at_most(seconds: float, shown: str) -> None:
    """Enough to judge by."""
    assert units.duration(seconds) == shown


def test_ages_and_moments_are_plain() -> None:
    """Ages are round; moments name their time zone."""
    assert units.between(AT, AT + timedelta(seconds=20)) == "under a minute"
    assert units.between(AT, AT + timedelta(hours=5, minutes=59)) == "5 h"
    assert units.between(AT, AT + timedelta(days=1)) == "1 day"
    assert units.between(AT, AT - timedelta(days=1)) == "under a minute"
    assert units.when(AT) == "4 Jul 2013 05:15 UTC"
    assert units.when(AT.astimezone(ZoneInfo("Asia/Tokyo"))) == "4 Jul 2013 14:15 JST"


def test_a_digest_is_shown_short_and_another_name_whole() -> None:
    """Eight characters tell two snapshots apart."""
    assert units.short_digest("sha256:" + "a1b2c3d4" * 8) == "a1b2c3d4"
    assert units.short_digest("flights-of-2013") == "flights-of-2013"
    assert units.short_digest(None) == "unknown"
