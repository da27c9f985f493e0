"""A sample: one message as people meet it, made by the bot's own code from everyday records."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.messages.blocks import Block
from bot.messages.message import Message
from playground.slack.transcript import plain_message
from playground.slack.workspace import Workspace

Seen = Literal["channel", "thread", "private", "home", "form"]
Look = Literal["light", "dark", "phone"]
View = dict[str, Any]
Made = Message | tuple[Block, ...] | View
"""A message; the blocks of a Home tab; a modal."""


@dataclass(frozen=True)
class Sample:
    """When a message is sent, where it is seen, and the call that makes it.

    `make` is a function of `bot` or a few lines around one; its parameters are annotated, so that tests can
    put other texts into `args`.
    """

    when: str
    make: Callable[..., Made]
    args: tuple[Any, ...] = ()
    seen: Seen = "channel"

    def made(self) -> Made:
        """Return what is sent to Slack."""
        return self.make(*self.args)


@dataclass(frozen=True)
class Chapter:
    """Samples about one thing, under one heading."""

    title: str
    about: str
    samples: tuple[Sample, ...]
    looks: tuple[Look, ...] = ("light", "dark")

    @property
    def name(self) -> str:
        """The chapter in names of files."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower().replace("'", ""))


def blocks_of(made: Made) -> Sequence[Block]:
    """Return the blocks of a message, a Home tab or a modal."""
    if isinstance(made, Message):
        return made.blocks
    if isinstance(made, dict):
        blocks: list[Block] = made["blocks"]
        return blocks
    return made


def words(made: Made, workspace: Workspace) -> str:
    """Return what people read, as plain text: the blocks, buttons in brackets, and the files beside them."""
    files = made.files if isinstance(made, Message) else ()
    shown = {
        "blocks": blocks_of(made),
        "files": [{"title": file.filename, "alt_txt": file.alt_text} for file in files],
    }
    if not isinstance(made, dict):
        return plain_message(shown, workspace)
    title, submit, close = (made.get(name, {}).get("text", "") for name in ("title", "submit", "close"))
    foot = "  ".join(f"[{name}]" for name in (close, submit) if name)
    return f"━━ {title} ━━\n{plain_message(shown, workspace)}\n{foot}"
