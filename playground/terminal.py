"""What the terminal shows: who says what, what people then see, and a line that moves meanwhile."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from typing import TextIO

# https://docs.slack.dev/messaging/formatting-message-text: asterisks around words, not within them
BOLD_TEXT = re.compile(r"(?<![\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])")
RESET, BOLD, DIM, GREEN, RED, BLUE = "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[34m"


class Terminal:
    """Writes the transcript. Colours and the moving line only where a person is looking."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._alive = out.isatty()
        self._moving = ""

    def chapter(self, title: str) -> None:
        """Begin a new part of the story."""
        self.line(f"\n{self._in(BOLD, f'── {title} ')}{self._in(DIM, '─' * max(0, 72 - len(title)))}")

    def said(self, person: str, channel: str, text: str) -> None:
        """Show what a person types or presses."""
        self.line(
            f"\n{self._in(BLUE + BOLD, f'{person}>')} {self._in(BOLD, text)} {self._in(DIM, f'#{channel}')}"
        )

    def seen(
        self, plain: str, *, only: str | None = None, edited: bool = False, thread: bool = False
    ) -> None:
        """Show a message as people see it; *only* names the one person who does."""
        notes = [
            f"only {only} sees this" if only else "",
            "edited" if edited else "",
            "in the thread" if thread else "",
        ]
        said = ", ".join(note for note in notes if note)
        if said:
            self.line(self._in(DIM, f"  ({said})"))
        for line in plain.rstrip().splitlines():
            self.line(f"  {self._in(DIM, '│')} {self._marked_up(line)}")

    def note(self, text: str) -> None:
        """Say something beside the story."""
        for line in textwrap.wrap(text, width=min(100, self._width())) or [""]:
            self.line(self._in(DIM, line))

    def checked(self, text: str) -> None:
        """Show a check that holds."""
        self.line(f"  {self._in(GREEN, '✓')} {text}")

    def failed(self, text: str) -> None:
        """Show a check that does not hold."""
        self.line(f"  {self._in(RED, '✗')} {text}")

    def moving(self, text: str) -> None:
        """Show *text* on the line that is overwritten; where nobody looks, each new text once."""
        flat = " ".join(text.split())
        if flat == self._moving:
            return
        if self._alive:
            self._out.write(f"\r\x1b[2K  {flat[: self._width() - 4]}")
        else:
            self._out.write(f"  {flat}\n")
        self._moving = flat
        self._out.flush()

    def line(self, text: str = "") -> None:
        """Write a line of its own."""
        if self._moving and self._alive:
            self._out.write("\r\x1b[2K")
        self._moving = ""
        self._out.write(f"{text}\n")
        self._out.flush()

    def _marked_up(self, line: str) -> str:
        """Show Slack's *bold* as bold; where nobody looks, without its asterisks."""
        return BOLD_TEXT.sub(lambda found: self._in(BOLD, found[1]), line)

    def _in(self, colour: str, text: str) -> str:
        return f"{colour}{text}{RESET}" if self._alive else text

    def _width(self) -> int:
        return shutil.get_terminal_size((100, 24)).columns
