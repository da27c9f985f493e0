"""Pictures: how far off candidate, champion and plain rule are in a comparison, and bars of a report.

Drawn with Pillow and its built-in font on a light card of its own, so that it reads on Slack's light and dark
backgrounds alike. The alt text says in words what the picture shows.
"""

from __future__ import annotations

import io
import math
import sys
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from bot.messages.message import MAX_ALT_TEXT, Attachment
from bot.messages.text import listed, plain
from ml.contract import Evidence, Histogram

WIDTH, HEIGHT, MARGIN = 1200, 640, 70
TOP, BOTTOM = 130, 110
BAR_ROW = 44
BINS = 12
CARD, INK, FAINT, EDGE = "#ffffff", "#1d1c1d", "#5e5d60", "#c9c9cc"
# Told apart by people who see colours differently, also in grey: dark, middle, light.
COLOURS = {"candidate": "#0b5fa5", "champion": "#e08a00", "rule": "#b5b8bd"}
Contender = Literal["candidate", "champion", "rule"]


def evidence_chart(evidence: Evidence) -> Attachment | None:
    """Return the chart as a PNG, or None where the evidence holds no histograms over the same edges."""
    charts = [one for one in evidence.histograms if len(one.edges) == len(one.shares) + 1 and one.shares]
    if not charts or any(one.edges != charts[0].edges for one in charts):
        return None
    picture = Image.new("RGB", (WIDTH, HEIGHT), CARD)
    _draw(ImageDraw.Draw(picture), evidence, charts)
    png = io.BytesIO()
    picture.save(png, format="PNG", optimize=True)
    title = f"{evidence.model}: how far off v{evidence.candidate} is"
    return Attachment(
        f"{evidence.model}-v{evidence.candidate}-errors.png",
        png.getvalue(),
        plain(title),
        _alt_text(evidence, charts),
    )


def bar_chart(title: str, bars: Sequence[tuple[str, float]], unit: str, filename: str) -> Attachment:
    """Return named numbers as lying bars, the largest as wide as the card; *bars* holds at least one."""
    height = TOP + len(bars) * BAR_ROW + MARGIN // 2
    picture = Image.new("RGB", (WIDTH, height), CARD)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, WIDTH - 1, height - 1), outline=EDGE, width=2)
    draw.text((MARGIN, 26), _ascii(f"{title}{f' ({unit})' if unit else ''}"), fill=INK, font=_font(34))
    largest = max(abs(size) for _, size in bars) or 1.0
    for at, (label, size) in enumerate(bars):
        _lying_bar(draw, TOP - 20 + at * BAR_ROW, _ascii(label)[:24], size, largest)
    png = io.BytesIO()
    picture.save(png, format="PNG", optimize=True)
    said = listed(f"{label} {size:g}" for label, size in bars)
    return Attachment(
        filename, png.getvalue(), plain(title), plain(f"Bars: {said} {unit}".strip())[:MAX_ALT_TEXT]
    )


def histogram(title: str, values: Sequence[float], unit: str, filename: str) -> Attachment:
    """Return how many of *values*, at least one, fall between round numbers, as standing bars."""
    edges = _round_edges(min(values), max(values))
    counts = [0] * (len(edges) - 1)
    for value in values:
        counts[min(max(bisect_right(edges, value) - 1, 0), len(counts) - 1)] += 1
    picture = Image.new("RGB", (WIDTH, HEIGHT), CARD)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, WIDTH - 1, HEIGHT - 1), outline=EDGE, width=2)
    draw.text((MARGIN, 26), _ascii(title), fill=INK, font=_font(34))
    slot, floor = (WIDTH - 2 * MARGIN) / len(counts), HEIGHT - BOTTOM
    for at, count in enumerate(counts):
        left = MARGIN + at * slot
        top = floor - count / max(counts) * (floor - TOP)
        draw.rectangle((left + 2, top, left + slot - 2, floor), fill=COLOURS["candidate"])
        if count:
            draw.text((left + slot / 2, top - 6), f"{count:,}", fill=INK, font=_font(20), anchor="mb")
    for at, edge in enumerate(edges):
        draw.text((MARGIN + at * slot, floor + 10), f"{edge:,.6g}", fill=INK, font=_font(20), anchor="ma")
    draw.line((MARGIN, floor, WIDTH - MARGIN, floor), fill=FAINT, width=2)
    below = f"{unit or 'value'}; number of {len(values):,} rows"
    draw.text((WIDTH / 2, HEIGHT - 46), _ascii(below), fill=FAINT, font=_font(22), anchor="ma")
    png = io.BytesIO()
    picture.save(png, format="PNG", optimize=True)
    said = listed(
        f"{count:,} from {edges[at]:g} to {edges[at + 1]:g}" for at, count in enumerate(counts) if count
    )
    alt = f"Histogram of {len(values):,} values{f' in {unit}' if unit else ''}: {said}."
    return Attachment(filename, png.getvalue(), plain(title), plain(alt)[:MAX_ALT_TEXT])


def _round_edges(low: float, high: float) -> list[float]:
    """Return 2 to 17 round numbers at even distances that hold *low* and *high* between them.

    Values too large, too small or too alike for round numbers have one bar, from the lowest to the highest.
    """
    span = high - low or abs(high) or 1.0
    if not math.isfinite(span) or span / BINS < sys.float_info.min:
        return [low, high]
    rough = 10.0 ** math.floor(math.log10(span / BINS))
    step = next(rough * factor for factor in (1, 2, 5, 10) if span / (rough * factor) <= BINS)
    first, last = math.floor(low / step), math.floor(high / step) + 1
    edges = [float(f"{at * step:.12g}") for at in range(first, last + 1)]
    told_apart = all(one < other for one, other in pairwise(edges))
    return edges if told_apart and edges[0] <= low and high <= edges[-1] else [low, high]


def _lying_bar(draw: ImageDraw.ImageDraw, top: float, label: str, size: float, largest: float) -> None:
    left, room = MARGIN + 300, WIDTH - 2 * MARGIN - 300 - 150
    end = left + max(abs(size) / largest * room, 2)
    colour = COLOURS["champion" if size < 0 else "candidate"]
    draw.text((left - 16, top + BAR_ROW / 2 - 12), label, fill=INK, font=_font(22), anchor="ra")
    draw.rectangle((left, top, end, top + BAR_ROW - 12), fill=colour)
    draw.text((end + 12, top + BAR_ROW / 2 - 12), f"{size:,.6g}", fill=INK, font=_font(22))


def _draw(draw: ImageDraw.ImageDraw, evidence: Evidence, charts: Sequence[Histogram]) -> None:
    draw.rectangle((0, 0, WIDTH - 1, HEIGHT - 1), outline=EDGE, width=2)
    draw.text(
        (MARGIN, 26), _ascii(f"{evidence.model}: how far off the answers are"), fill=INK, font=_font(34)
    )
    _legend(draw, evidence, charts)
    tallest = max(max(one.shares) for one in charts) or 1.0
    groups = len(charts[0].shares)
    slot = (WIDTH - 2 * MARGIN) / groups
    bar = slot * 0.8 / len(charts)
    floor = HEIGHT - BOTTOM
    for at in range(groups):
        left = MARGIN + at * slot
        for order, one in enumerate(charts):
            _bar(draw, one, at, left + slot * 0.1 + order * bar, bar, floor, (floor - TOP - 30) / tallest)
        draw.text(
            (left + slot / 2, floor + 10), _bin(charts[0].edges, at), fill=INK, font=_font(22), anchor="ma"
        )
    draw.line((MARGIN, floor, WIDTH - MARGIN, floor), fill=FAINT, width=2)
    unit = f" in {charts[0].unit}" if charts[0].unit else ""
    below = f"absolute error{unit}; per cent of {evidence.rows.count:,} rows"
    draw.text((WIDTH / 2, HEIGHT - 46), _ascii(below), fill=FAINT, font=_font(22), anchor="ma")


def _bar(
    draw: ImageDraw.ImageDraw, one: Histogram, at: int, left: float, width: float, floor: float, scale: float
) -> None:
    top = floor - one.shares[at] * scale
    draw.rectangle((left, top, left + width - 3, floor), fill=COLOURS[one.contender])
    if width >= 34:
        draw.text(
            (left + width / 2, top - 6), f"{one.shares[at] * 100:.0f}", fill=INK, font=_font(20), anchor="mb"
        )


def _legend(draw: ImageDraw.ImageDraw, evidence: Evidence, charts: Sequence[Histogram]) -> None:
    left = float(MARGIN)
    for one in charts:
        draw.rectangle((left, 84, left + 26, 110), fill=COLOURS[one.contender])
        label = _name(evidence, one.contender)
        draw.text((left + 36, 84), _ascii(label), fill=INK, font=_font(24))
        left += 36 + draw.textlength(_ascii(label), font=_font(24)) + 40


def _name(evidence: Evidence, contender: Contender) -> str:
    names = {
        "candidate": f"candidate v{evidence.candidate}",
        "champion": f"champion v{evidence.champion}",
        "rule": "plain rule",
    }
    return names[contender]


def _bin(edges: Sequence[float], at: int) -> str:
    last = at == len(edges) - 2
    return f"{edges[at]:g} +" if last else f"{edges[at]:g}-{edges[at + 1]:g}"


def _ascii(text: str) -> str:
    """The built-in font knows Latin letters only; what it lacks is shown as "?"."""
    return plain(text).encode("latin-1", "replace").decode("latin-1")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _alt_text(evidence: Evidence, charts: Sequence[Histogram]) -> str:
    first = f"{charts[0].edges[0]:g} to {charts[0].edges[1]:g} {charts[0].unit}"
    said = listed(f"{one.shares[0] * 100:.0f} % for {_name(evidence, one.contender)}" for one in charts)
    text = (
        f"Bar chart of absolute errors on {evidence.rows.count:,} rows. Within {first} of the truth: {said}."
    )
    return plain(text)[:MAX_ALT_TEXT]
