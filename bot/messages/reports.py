"""What a run of a team's own command reports, shown as its report template says: text, table, chart or file.

A part that finds nothing, or something that cannot be shown so, says that in its place; the others stand.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from bot.command_tables import ReportPart
from bot.connectors.connector import Report
from bot.csv_files import write_table
from bot.messages.blocks import Block, section, table
from bot.messages.charts import bar_chart
from bot.messages.message import Attachment, file_note
from bot.messages.text import escape, inline
from bot.messages.units import number, quantity

MOST_ROWS = 50
MOST_BARS = 24
MOST_TEXT = 2000


def report_blocks(
    parts: Sequence[ReportPart], report: Report | None
) -> tuple[tuple[Block, ...], tuple[Attachment, ...]]:
    """Return the blocks and files of a report by its template; without a template, what it holds in short."""
    facts = _facts(report)
    if not parts:
        return _plainly(report.fields if report else {}), ()
    blocks: list[Block] = []
    files: list[Attachment] = []
    for part in parts:
        block, file = _part(part, facts)
        blocks.append(block)
        if file is not None:
            files.append(file)
    return tuple(blocks), tuple(files)


def _facts(report: Report | None) -> dict[str, Any]:
    """Return what expressions look into: the report's own fields, and the named ones that are there."""
    if report is None:
        return {}
    named = report.model_dump(mode="json", exclude={"fields", "problems"}, exclude_none=True)
    return {name: value for name, value in named.items() if value} | report.fields


def _plainly(facts: Mapping[str, Any]) -> tuple[Block, ...]:
    lines = [
        f"*{inline(name)}*: {_said(value)}"
        for name, value in facts.items()
        if not isinstance(value, dict | list)
    ]
    return (section("\n".join(lines)),) if lines else ()


def _part(part: ReportPart, facts: Mapping[str, Any]) -> tuple[Block, Attachment | None]:
    try:
        value = jmespath.search(part.value, facts)
    except JMESPathError:
        return _missing(part, "it does not fit what was reported"), None
    if value is None or value in ([], {}, ""):
        return _missing(part, "nothing was reported"), None
    if part.show == "table":
        return _table(part, value), None
    if part.show == "chart":
        return _chart(part, value)
    if part.show == "file":
        return _file(part, value)
    return section(f"*{inline(part.title)}*: {_said(value, part.unit)}"), None


def _missing(part: ReportPart, why: str) -> Block:
    return section(f"*{inline(part.title)}*: –  ({why})")


def _said(value: Any, unit: str = "") -> str:
    """Return a value as text: numbers as people read them, lists with commas, the rest as it is."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return quantity(value, unit)
    if isinstance(value, list) and not any(isinstance(one, dict | list) for one in value):
        return ", ".join(_said(one, unit) for one in value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    short = text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"
    return f"{escape(short)} {inline(unit)}".strip()


def _table(part: ReportPart, value: Any) -> Block:
    rows = list(_rows(value))
    if not rows:
        return _missing(part, "what was reported is no table")
    names = list(dict.fromkeys(name for row in rows for name in row))
    # The first column says whose rows they are: Slack's table has no title of its own.
    shown = [[_cell(row.get(name)) for name in names] for row in rows[:MOST_ROWS]]
    head = [f"{part.title}: {names[0]}", *names[1:]]
    if len(rows) > MOST_ROWS:
        shown.append([f"and {len(rows) - MOST_ROWS:,} more", *[""] * (len(names) - 1)])
    return table(head, shown)


def _rows(value: Any) -> Iterable[dict[str, Any]]:
    """Yield the rows of a list of objects or of lists, or of one object (name and value)."""
    if isinstance(value, dict):
        yield from ({"name": name, "value": one} for name, one in value.items())
    for row in value if isinstance(value, list) else ():
        if isinstance(row, dict):
            yield {str(name): one for name, one in row.items()}
        elif isinstance(row, list):
            yield {str(at): one for at, one in enumerate(row, start=1)}
        else:
            yield {"value": row}


def _cell(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return "–" if value is None else "yes" if value else "no"
    if isinstance(value, int | float):
        return number(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _chart(part: ReportPart, value: Any) -> tuple[Block, Attachment | None]:
    bars = list(_bars(value))
    if not bars:
        return _missing(part, "what was reported is no list of names and numbers"), None
    chart = bar_chart(part.title, bars[:MOST_BARS], part.unit, f"{_name(part)}.png")
    more = f" (the first {MOST_BARS} of {len(bars):,})" if len(bars) > MOST_BARS else ""
    return file_note(f"*{inline(part.title)}* is drawn in *{chart.filename}*{more}."), chart


def _bars(value: Any) -> Iterable[tuple[str, float]]:
    """Yield names and finite numbers, from an object, or from objects or pairs that hold one of each."""
    pairs = value.items() if isinstance(value, dict) else map(_pair, value if isinstance(value, list) else ())
    for label, size in pairs:
        if isinstance(size, int | float) and not isinstance(size, bool) and math.isfinite(size):
            yield str(label), float(size)


def _pair(row: Any) -> tuple[Any, Any]:
    cells = list(row.values()) if isinstance(row, dict) else row if isinstance(row, list) else []
    return (cells[0], cells[1]) if len(cells) == 2 else ("", None)


def _file(part: ReportPart, value: Any) -> tuple[Block, Attachment]:
    """Return a file: text as it is, a list of objects as CSV, everything else as JSON."""
    if isinstance(value, str):
        kind, content = "txt", value.encode("utf-8", "replace")
    elif isinstance(value, list) and all(isinstance(row, dict) for row in value):
        kind, content = "csv", _csv(value)
    else:
        kind, content = "json", json.dumps(value, ensure_ascii=False, indent=2).encode("utf-8", "replace")
    attachment = Attachment(f"{_name(part)}.{kind}", content, part.title)
    return file_note(f"*{inline(part.title)}* is in the file *{attachment.filename}*."), attachment


def _csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return write_table(names, ([_one_cell(row.get(name)) for name in names] for row in rows))


def _one_cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _name(part: ReportPart) -> str:
    return re.sub(r"[^a-z0-9]+", "-", part.title.casefold()).strip("-") or "report"
