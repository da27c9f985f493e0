"""The report: figures as a Markdown table, printed, and kept in docs/performance.md between two markers."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from benchmarks.figures import Figure

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
HEAD = ("what", "measured", "beside it", "ratio (lowest–highest)", "budget", "met")

LOAD_BEFORE = os.getloadavg()[1]
"""How many programs wanted a core in the five minutes before; above the number of cores, ratios are rough."""


class PageBroken(RuntimeError):
    """docs/performance.md does not have the two markers of a section."""


def machine() -> str:
    """Return what must be known of this machine to read the figures, and nothing that names it."""
    busy = f"load {LOAD_BEFORE:.1f} before the run"
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, {busy}"


def write_table(figures: Iterable[Figure]) -> str:
    """Return the figures as a Markdown table with its notes below."""
    figures = list(figures)
    notes = list(dict.fromkeys(note for figure in figures for note in figure.notes))
    rows = [HEAD, tuple("---" for _ in HEAD), *(_row(figure, notes) for figure in figures)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines += ["", *(f"{number}. {note}" for number, note in enumerate(notes, 1))] if notes else []
    return "\n".join(lines)


def write_section(command: str, figures: Sequence[Figure], left_out: Mapping[str, str], day: date) -> str:
    """Return a whole section: command, day, machine, table, and what was left out and why."""
    lines = [f"`{command}` · {day.isoformat()} · {machine()}", "", write_table(figures)]
    if left_out:
        lines += ["", "Left out:", "", *(f"- {name}: {reason}" for name, reason in left_out.items())]
    return "\n".join(lines)


def put_section(page: str, name: str, section: str) -> str:
    """Return *page* with the section *name* replaced; raises PageBroken where its markers are missing."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise PageBroken(f"the page has no {begin} … {end}")
    return f"{before}{begin}\n{section}\n{end}{after}"


def _row(figure: Figure, notes: list[str]) -> tuple[str, ...]:
    marks = "".join(f" [{notes.index(note) + 1}]" for note in figure.notes)
    yardstick = figure.yardstick
    beside = f"{_number(yardstick.median)} {figure.unit}, {yardstick.name}" if yardstick else "–"
    ratio = "–"
    if figure.ratios:
        ratio = f"**{_share(figure.ratio)}** ({_share(figure.ratios[0])}–{_share(figure.ratios[-1])})"
    return (
        figure.what + marks,
        f"{_number(figure.measured.median)} {figure.unit}".rstrip(),
        beside,
        ratio,
        figure.limit or (str(figure.budget) if figure.budget else "–"),
        {True: "yes", False: "**no**", None: "–"}[figure.met],
    )


def _number(value: float) -> str:
    """Return *value* with three figures that count."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _share(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
