"""A proof that Slack takes a message: the limits that slack_sdk checks, and those that it misses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

from bot.messages.message import Message
from playground.slack.blocks import find_problems, view_problems

MENTION = re.compile(
    r"<(?:@[UW][A-Z0-9]+|#[CDG][A-Z0-9]+|!subteam\^S[A-Z0-9]+|https?://[^\s<>|]+\|[^<>\n]*)>"
)
"""What the bot may write between angle brackets: somebody, a channel, a group, and a link with its words."""
ENTITY = re.compile(r"&(?:amp|lt|gt);")
BROADCAST = re.compile(r"@(?:here|channel|everyone)\b|<!(?!subteam\^)", re.IGNORECASE)


def assert_fits(message: Message) -> None:
    """Fail unless Slack would take the message and show nobody anything but what is meant."""
    assert 0 < len(message.text) <= 4000
    assert_markup(message.text)
    blocks = list(message.blocks)
    assert 0 < len(blocks) <= 50
    for parsed in Block.parse_all(blocks):
        parsed.validate_json()
    assert find_problems(blocks) == []
    assert len({block["block_id"] for block in blocks}) == len(blocks)
    assert all(len(block["block_id"]) <= 255 for block in blocks)
    assert sum(block["type"] == "table" for block in blocks) <= 1
    assert sum(len(text) for block in blocks for text in strings(block)) <= 13_000
    for block in blocks:
        _assert_block(block)
    _assert_actions(blocks)
    _assert_calm(blocks)


def assert_view_fits(view: dict[str, Any]) -> None:
    """Fail unless Slack would take the modal or Home tab and show nobody anything but what is meant."""
    View(**view).validate_json()
    assert view_problems(view) == []
    blocks = view["blocks"]
    assert 0 < len(blocks) <= 100
    for block in blocks:
        if block["type"] != "input":
            _assert_block(block)
    _assert_calm(blocks)
    # https://docs.slack.dev/reference/methods/views.open: view_too_large
    assert len(json.dumps(view).encode()) <= 250_000


def _assert_calm(blocks: list[dict[str, Any]]) -> None:
    """Fail if a text cannot be sent, or would ring phones."""
    for text in strings(blocks):
        text.encode()
    for text in strings(blocks, unseen=("value", "url")):
        assert not BROADCAST.search(MENTION.sub("", text)), text


def assert_markup(text: str) -> None:
    """Fail unless mrkdwn is fully escaped, with every code span and fence closed."""
    assert "<" not in MENTION.sub("", text), text
    assert ">" not in MENTION.sub("", text), text
    assert "&" not in ENTITY.sub("", text), text
    assert text.count("```") % 2 == 0, text
    assert text.replace("```", "").count("`") % 2 == 0, text


def _assert_block(block: dict[str, Any]) -> None:
    kind = block["type"]
    assert kind in {"header", "section", "context", "actions", "divider", "table", "markdown"}
    if kind == "header":
        assert 0 < len(block["text"]["text"]) <= 150
        assert "\n" not in block["text"]["text"]
    elif kind == "section":
        assert 0 < len(block["text"]["text"]) <= 3000
        assert_markup(block["text"]["text"])
    elif kind == "context":
        assert 0 < len(block["elements"]) <= 10
        for element in block["elements"]:
            assert 0 < len(element["text"]) <= 3000
            assert_markup(element["text"])
    elif kind == "table":
        _assert_table(block)
    elif kind == "markdown":
        assert 0 < len(block["text"]) <= 12_000


def _assert_table(block: dict[str, Any]) -> None:
    rows = block["rows"]
    assert 0 < len(rows) <= 100
    assert 0 < len(rows[0]) <= 20
    assert len({len(row) for row in rows}) == 1
    assert len(block["column_settings"]) == len(rows[0])
    assert all(cell["type"] == "raw_text" and cell["text"] for row in rows for cell in row)


def _assert_actions(blocks: list[dict[str, Any]]) -> None:
    buttons = [one for block in blocks if block["type"] == "actions" for one in block["elements"]]
    assert all(0 < len(block["elements"]) <= 25 for block in blocks if block["type"] == "actions")
    assert len({one["action_id"] for one in buttons}) == len(buttons)
    for one in buttons:
        assert 0 < len(one["text"]["text"]) <= 75
        assert len(one["value"]) <= 2000
        assert len(one.get("confirm", {}).get("text", {}).get("text", "")) <= 300


def strings(part: object, unseen: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield every text in a block but those under a key in *unseen*: what a button carries is not shown."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key not in ("type", "block_id", *unseen):
                yield from strings(value, unseen)
    elif isinstance(part, list | tuple):
        for one in part:
            yield from strings(one, unseen)
    elif isinstance(part, str):
        yield part


def everything(message: Message) -> str:
    """Return all that a person can read of a message: text, blocks and files."""
    files = [
        file.content.decode("utf-8", "replace") for file in message.files if not file.filename.endswith("png")
    ]
    return "\n".join((message.text, *strings(list(message.blocks)), *files))
