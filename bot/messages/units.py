"""Numbers as people read them: with units, a real minus sign, and no more digits than help."""

from __future__ import annotations

import math
from datetime import datetime

from bot.messages.text import inline

MINUS = "\u2212"
BAR_CELLS = 10
# A recipe may give a share as 0-1 (unit "share") or as per cent (unit "%"); people always read per cent.
_SHARE_UNITS = frozenset({"share", "fraction"})


def number(value: float, decimals: int | None = None, signed: bool = False) -> str:
    """Return a number with thousands separators; without *decimals*, about three digits that matter."""
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else f"{MINUS}∞")
    places = _decimals(value) if decimals is None else decimals
    shown = f"{abs(value):,.{places}f}"
    if decimals is None and float(value).is_integer() and abs(value) < 1e15:
        shown = f"{abs(value):,.0f}"
    zero = not any(digit in shown for digit in "123456789")
    sign = "" if zero else MINUS if value < 0 else "+" if signed else ""
    return sign + shown


def _decimals(value: float) -> int:
    size = abs(value)
    if size >= 100 or size == 0:
        return 0
    if size >= 1:
        return 1
    return min(2 - math.floor(math.log10(size)), 9)


def decimals_to_tell_apart(*values: float | None, most: int = 4) -> int:
    """Return how many decimals show the values in a row alike.

    As far as *most* allows, unequal ones look unequal and none that is not zero looks like zero.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if all(float(value).is_integer() for value in known):
        return 0
    least = min(_decimals(max(map(abs, known))), 3)
    for places in range(max(least, 1), most + 1):
        distinct = len({f"{value:.{places}f}" for value in known}) == len(set(known))
        if distinct and all(value == 0 or round(value, places) != 0 for value in known):
            return places
    return most


def scaled(value: float, unit: str | None) -> float:
    """Return the value as shown: a share becomes per cent, anything else stays."""
    return value * 100 if unit in _SHARE_UNITS else value


def unit_name(unit: str | None) -> str:
    """Return the unit as shown: "%" for shares, nothing for None."""
    return "%" if unit in _SHARE_UNITS else (unit or "")


def quantity(value: float, unit: str | None, decimals: int | None = None, signed: bool = False) -> str:
    """Return a value with its unit, escaped: "15.0 min", "64.1 %", "0.83"."""
    return f"{number(scaled(value, unit), decimals, signed)} {inline(unit_name(unit))}".strip()


def percent(share: float | None) -> str:
    """Return a share (0-1) in per cent, or "unknown" for None."""
    if share is None:
        return "unknown"
    if 0 < share < 0.01:
        return "under 1 %"
    return "over 99 %" if 0.99 < share < 1 else f"{share * 100:.0f} %"


def bar(share: float) -> str:
    """Return a progress bar of ten cells; only a finished one is full."""
    cells = min(max(math.floor(share * BAR_CELLS), 0), BAR_CELLS)
    return "▰" * cells + "▱" * (BAR_CELLS - cells)


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units: "0.4 s", "42 s", "3 min 20 s", "2 h 5 min"."""
    if seconds < 0 or not math.isfinite(seconds):
        return "0 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, name, smaller_size, smaller in (
        (86_400, "day", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            count, left = whole // size, whole % size // smaller_size
            plural = "s" if name == "day" and count != 1 else ""
            return f"{count} {name}{plural}" + (f" {left} {smaller}" if left else "")
    return f"{whole} s"


def between(earlier: datetime, later: datetime) -> str:
    """Return the time between two moments as one round figure: "3 min", "5 h", "12 days"."""
    seconds = max((later - earlier).total_seconds(), 0.0)
    for size, name in ((86_400, "day"), (3600, "h"), (60, "min")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count:,} {name}{'s' if name == 'day' and count != 1 else ''}"
    return "under a minute"


def when(at: datetime) -> str:
    """Return a moment in its own time zone: "4 Jul 2013 05:15 UTC"."""
    return f"{at.day} {at:%b %Y %H:%M} {at.tzname() or ''}".strip()


def short_digest(digest: str | None) -> str:
    """Return the first eight characters of a content digest, enough to tell two apart; "unknown" for None.

    Data that is named in another way keeps its whole name.
    """
    if not digest:
        return "unknown"
    return digest.removeprefix("sha256:")[:8] if digest.startswith("sha256:") else digest
