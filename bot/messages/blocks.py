"""Builders for the few Slack blocks that we use, and tables as a block or as text.

Source: https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from tabulate import tabulate

from bot.messages.text import escape, plain

Block = dict[str, Any]

MAX_BUTTON_VALUE = 2000
MAX_BUTTON_TEXT = 75
MAX_CONFIRM_TEXT = 300
WIDEST_WHOLE = 24
"""Columns of text up to this width are not wrapped."""
_NUMBER = re.compile(r"^[+\-\u2212]?[\d,]*\.?\d+(?:e[+-]?\d+)?(?: ?%)?(?: \((?:better|worse|equal)\))?$")
_EMPTY = frozenset({"", "–", "—"})


def header(text: str) -> Block:
    """Return a headline; Slack reads no markup in it."""
    return {"type": "header", "text": {"type": "plain_text", "text": " ".join(plain(text).split()) or "–"}}


def section(markup: str) -> Block:
    """Return a paragraph of mrkdwn, already escaped."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": markup or "–"}}


def context(*markup: str) -> Block:
    """Return small grey lines of mrkdwn, already escaped."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": line or "–"} for line in markup]}


def markdown(text: str) -> Block:
    """Return standard Markdown, for a card; Slack shows its headings, lists and tables."""
    return {"type": "markdown", "text": plain(text) or "–"}


def divider() -> Block:
    """Return a thin line."""
    return {"type": "divider"}


def actions(*buttons: Block) -> Block:
    """Return a row of buttons."""
    return {"type": "actions", "elements": list(buttons)}


def button(
    label: str,
    action_id: str,
    value: str,
    style: Literal["primary", "danger"] | None = None,
    confirm: Block | None = None,
) -> Block:
    """Return a button; raises ValueError for a value over Slack's limit, which must never be cut."""
    if len(value) > MAX_BUTTON_VALUE:
        raise ValueError(
            f"the value of button {action_id} has {len(value)} characters, over {MAX_BUTTON_VALUE}"
        )
    built: Block = {
        "type": "button",
        "text": {"type": "plain_text", "text": _label(label, MAX_BUTTON_TEXT)},
        "action_id": action_id,
        "value": value,
    }
    if style:
        built["style"] = style
    if confirm:
        built["confirm"] = confirm
    return built


def confirm(title: str, text: str, yes: str, no: str) -> Block:
    """Return a question asked before a button acts.

    Source: https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object
    """
    return {
        "title": {"type": "plain_text", "text": _label(title, 100)},
        "text": {"type": "plain_text", "text": _label(text, MAX_CONFIRM_TEXT)},
        "confirm": {"type": "plain_text", "text": _label(yes, 30)},
        "deny": {"type": "plain_text", "text": _label(no, 30)},
    }


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Block:
    """Return a table block of raw text; a column of nothing but numbers is set to the right.

    Cells are wrapped only in columns of long text: names and times stay in one line.

    Source: https://docs.slack.dev/reference/block-kit/blocks/table-block
    """
    body = [[_cell_text(cell) for cell in row] for row in rows]
    sides = [_side([row[at] for row in body if at < len(row)]) for at in range(len(head))]
    lines = [[_cell_text(name) for name in head], *body]
    widest = [max(len(line[at]) for line in lines if at < len(line)) for at in range(len(head))]
    return {
        "type": "table",
        "rows": [[{"type": "raw_text", "text": cell} for cell in line] for line in lines],
        "column_settings": [
            {"align": side, "is_wrapped": side == "left" and width > WIDEST_WHOLE}
            for side, width in zip(sides, widest, strict=True)
        ],
    }


def text_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return the same table as aligned plain text, also for wide characters; not escaped, not fenced."""
    return table_text(table(head, rows))


def table_text(block: Block) -> str:
    """Return a table block as aligned plain text."""
    lines = [[" ".join(cell["text"].split()) for cell in row] for row in block["rows"]]
    sides = [column["align"] for column in block.get("column_settings", ())]
    return tabulate(
        lines[1:],
        headers=lines[0],
        tablefmt="simple",
        disable_numparse=True,
        colalign=sides if lines[1:] else None,
    )


def fenced(text: str) -> str:
    """Return plain text escaped and set in a fixed-width block."""
    return f"```\n{escape(text)}\n```"


def _label(text: str, most: int) -> str:
    """Return text for a place that must not be empty, and takes no more than *most* characters."""
    return plain(text).strip()[:most] or "–"


def _cell_text(cell: object) -> str:
    return plain("–" if cell is None else cell).strip() or "–"


def _side(cells: Sequence[str]) -> str:
    shown = [cell for cell in cells if cell not in _EMPTY]
    return "right" if shown and all(_NUMBER.match(cell) for cell in shown) else "left"
