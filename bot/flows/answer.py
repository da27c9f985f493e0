"""An answer that needed no asking (help, a slip of the keyboard) where no ack can carry it: to a mention."""

from __future__ import annotations

from typing import Any

from bot.desk import Desk
from bot.jobs import Job
from bot.messages.message import Message


def answer(desk: Desk, job: Job, text: str, blocks: list[dict[str, Any]]) -> None:
    """Show it to the asker only, in the thread where they asked."""
    desk.tell(job, Message(text, tuple(blocks)))
