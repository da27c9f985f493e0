"""A message as data, and the one place that proves it inside Slack's limits.

`compose` is how every renderer ends: the fallback text is derived from the blocks, so both always say the
same, and what does not fit into Slack goes whole into a file, with a line that says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from bot.messages.blocks import Block, context, fenced, section, table, table_text, text_table
from bot.messages.text import cut, escape, mention, split, unescape

__all__ = [
    "Attachment",
    "Message",
    "bounded",
    "compose",
    "escape",
    "file_note",
    "mention",
    "table",
    "text_table",
    "without_files",
]

# https://docs.slack.dev/reference/block-kit/blocks and the pages of each block
MAX_BLOCKS = 50
MAX_HEADER = 150
MAX_SECTION = 3000
MAX_CONTEXT_ELEMENTS = 10
MAX_TABLE_ROWS = 100
MAX_TABLE_COLUMNS = 20
MAX_MARKDOWN = 10_000  # Slack takes 12,000 in all; some room is left for what stands around it
# https://docs.slack.dev/reference/methods/chat.postMessage: text beyond this is cut by clients
MAX_TEXT = 4000
# Slack documents no limit for all blocks together; it answers msg_blocks_too_long near 13,200 characters.
MAX_ALL_TEXT = 12_000
MAX_CONTEXT_TEXT = 2000
MAX_CELL = 250
MAX_ALT_TEXT = 1000

OVERFLOW_NAME = "whole-message.txt"
_FILE_MARK = ":page_facing_up:"
_OVERFLOW_NOTE = f"{_FILE_MARK} Shortened to fit Slack: the whole text is in the file *{OVERFLOW_NAME}*."
_NO_FILE_NOTE = ":scissors: Shortened to fit Slack."
_TEXT_CUT = "\n… the rest is in the message itself."


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a message; `alt_text` describes a picture to those who cannot see it."""

    filename: str
    content: bytes
    title: str
    alt_text: str | None = None


@dataclass(frozen=True)
class Message:
    """What Slack is sent: the text that stands alone (notifications, screen readers), blocks, files."""

    text: str
    blocks: tuple[Block, ...]
    files: tuple[Attachment, ...] = ()


def compose(*blocks: Block | None, files: tuple[Attachment, ...] = ()) -> Message:
    """Return a bounded message of these blocks (None is left out), with the same content as text."""
    present = tuple(block for block in blocks if block is not None)
    return bounded(Message(fallback_text(present), present, files))


def fallback_text(blocks: tuple[Block, ...]) -> str:
    """Return everything the blocks say, as text that reads well alone; buttons are left out."""
    return "\n".join(filter(None, map(_block_text, blocks)))


def bounded(message: Message) -> Message:
    """Return the message within every limit of Slack, and with a block_id for each block.

    Long sections are split; what still does not fit is cut at its end, and then the whole text goes with the
    message as a file and a line says so. Buttons are never dropped. An id changes with the block's content,
    because Slack wants a new one when a message is edited.
    """
    fitted, cut_some = _fit_blocks(message.blocks)
    files = message.files
    if cut_some:
        whole = Attachment(OVERFLOW_NAME, unescape(message.text).encode(), "The whole message")
        files = (*(file for file in files if file.filename != OVERFLOW_NAME), whole)
    return replace(message, text=_fit_text(message.text, cut_some), blocks=_with_ids(fitted), files=files)


def file_note(sentence: str) -> Block:
    """Return a line that points to a file of the message."""
    return context(f"{_FILE_MARK} {sentence}")


def without_files(message: Message) -> Message:
    """Return the message for a private answer, which cannot carry files: no line promises one any more."""
    if not message.files:
        return message
    blocks = [context(_NO_FILE_NOTE) if _points_to_file(block) else block for block in message.blocks]
    lines = [_NO_FILE_NOTE if line.startswith(_FILE_MARK) else line for line in message.text.split("\n")]
    return Message("\n".join(lines), _with_ids(blocks))


def _points_to_file(block: Block) -> bool:
    return block["type"] == "context" and str(block["elements"][0]["text"]).startswith(_FILE_MARK)


def _fit_text(text: str, in_file: bool) -> str:
    if len(text) <= MAX_TEXT:
        return text or "–"
    note = f"\n{_OVERFLOW_NOTE}" if in_file else _TEXT_CUT
    return cut(text, MAX_TEXT - len(note)) + note


def _fit_blocks(blocks: tuple[Block, ...]) -> tuple[list[Block], bool]:
    """Return blocks that fit one by one and together, and whether anything was left out."""
    pieces: list[tuple[Block, bool]] = []
    tables = 0
    for block in blocks:
        tables += block["type"] == "table"
        # Slack takes one table per message; any further one is set as fixed-width text.
        later_table = block["type"] == "table" and tables > 1
        pieces.extend(_fit(section(fenced(table_text(block))) if later_table else block))
    cut_some = any(was_cut for _, was_cut in pieces)
    fitted = [block for block, _ in pieces]
    if not cut_some and len(fitted) <= MAX_BLOCKS and sum(map(_size, fitted)) <= MAX_ALL_TEXT:
        return fitted, False
    note = context(_OVERFLOW_NOTE)
    return [*_drop_to_budget(fitted, MAX_ALL_TEXT - _size(note)), note], True


def _drop_to_budget(blocks: list[Block], budget: int) -> list[Block]:
    """Keep buttons always, and other blocks in order while there is room."""
    keep = [block["type"] == "actions" for block in blocks]
    slots = MAX_BLOCKS - 1 - sum(keep)
    room = budget - sum(_size(block) for block, kept in zip(blocks, keep, strict=True) if kept)
    for at, block in enumerate(blocks):
        if not keep[at] and slots > 0 and _size(block) <= room:
            keep[at] = True
            slots, room = slots - 1, room - _size(block)
    return [block for block, kept in zip(blocks, keep, strict=True) if kept]


def _fit(block: Block) -> Iterator[tuple[Block, bool]]:
    """Yield the block, or several in its place, each within its own limits; True marks a cut."""
    kind = block["type"]
    if kind == "header":
        yield _fit_header(block)
    elif kind == "section":
        for piece in split(block["text"]["text"], MAX_SECTION):
            yield section(piece), False
    elif kind == "context":
        yield _fit_context(block)
    elif kind == "table":
        yield _fit_table(block)
    elif kind == "markdown":
        yield (
            {**block, "text": _cut_plain(block["text"], MAX_MARKDOWN)},
            len(block["text"]) > MAX_MARKDOWN,
        )
    else:
        yield block, False


def _fit_header(block: Block) -> tuple[Block, bool]:
    text = block["text"]["text"]
    return {**block, "text": {**block["text"], "text": _cut_plain(text, MAX_HEADER)}}, len(text) > MAX_HEADER


def _fit_context(block: Block) -> tuple[Block, bool]:
    lines = [element["text"] for element in block["elements"]]
    short = [cut(line, MAX_CONTEXT_TEXT) for line in lines[:MAX_CONTEXT_ELEMENTS]]
    return context(*short), short != lines


def _fit_table(block: Block) -> tuple[Block, bool]:
    rows = [
        [{**cell, "text": _cut_plain(cell["text"], MAX_CELL)} for cell in row[:MAX_TABLE_COLUMNS]]
        for row in block["rows"][:MAX_TABLE_ROWS]
    ]
    fitted = {**block, "rows": rows, "column_settings": block["column_settings"][:MAX_TABLE_COLUMNS]}
    while len(rows) > 2 and _size(fitted) > MAX_ALL_TEXT * 3 // 4:
        rows.pop()
    return fitted, rows != block["rows"]


def _cut_plain(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _size(part: Any) -> int:
    """Count the characters of all text in a block, as Slack does (with what it stores for each)."""
    if isinstance(part, dict):
        return sum(_size(value) for key, value in part.items() if key not in ("type", "block_id"))
    if isinstance(part, list | tuple):
        return sum(map(_size, part))
    return len(part) if isinstance(part, str) else 0


def _with_ids(blocks: list[Block]) -> tuple[Block, ...]:
    """Give each block an id that is unique in its message and changes with what the block says."""
    return tuple({**block, "block_id": f"{at}-{_content_hash(block)}"} for at, block in enumerate(blocks))


def _content_hash(block: Block) -> str:
    bare = {key: value for key, value in block.items() if key != "block_id"}
    return hashlib.sha256(json.dumps(bare, sort_keys=True).encode()).hexdigest()[:12]


def _block_text(block: Block) -> str:
    kind = block["type"]
    if kind == "header":
        return f"*{escape(block['text']['text'])}*"
    if kind == "section":
        return str(block["text"]["text"])
    if kind == "context":
        return "\n".join(element["text"] for element in block["elements"])
    if kind == "table":
        return fenced(table_text(block))
    return escape(block["text"]) if kind == "markdown" else ""
