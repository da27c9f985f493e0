"""Clocks: how far this machine's is from another side's, read from the Date header of its answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from time import time as now

from bot.hops.hop import Said, fail, ok, warn

MOST_SECONDS = 300
"""Slack's signatures, and ours, are refused at more: https://docs.slack.dev/authentication/verifying-requests-from-slack"""
WARN_SECONDS = 30
FIX = "Set this machine's clock by NTP (timedatectl set-ntp true): at 5 minutes signatures are refused."


def compare_clock(whose: str, headers: Mapping[str, str]) -> Iterator[Said]:
    """Say how far our clock is from that of *whose* answer; nothing where the answer has no date.

    The header has whole seconds, and the answer was under way, so two seconds mean nothing.
    """
    given = {name.casefold(): value for name, value in headers.items()}.get("date")
    if given is None:
        return
    try:
        theirs = parsedate_to_datetime(given).timestamp()
    except ValueError:
        return
    off = now() - theirs
    text = f"this clock is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} {whose}'s"
    if abs(off) >= MOST_SECONDS:
        yield fail("clock", text, FIX)
    elif abs(off) >= WARN_SECONDS:
        yield warn("clock", text, FIX)
    else:
        yield ok("clock", f"within {max(abs(off), 1):.0f} s of {whose}'s")
