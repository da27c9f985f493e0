"""Every command is on its page, with its usage, its examples and who may use it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.commands import COMMANDS, Command
from bot.parsing import parse

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")


def section_of(verb: str) -> str:
    """Return what the page says under the command's heading."""
    found = re.search(rf"^## {re.escape(verb)}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    return found[1] if found else ""


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_each_command_is_documented(command: Command) -> None:
    """Summary, usage, every example, roles, and who sees the answer stand under the command's own heading."""
    text = section_of(command.verb)

    assert command.summary in text
    for typed in (*command.usage.split(" · "), *command.examples):
        assert f"/ml {typed}" in text
    who = "everybody" if "viewer" in command.roles else " or ".join(command.roles)
    sees = "you only" if command.private else "the channel"
    assert f"For {who}. Seen by {sees}." in text


def test_no_command_is_made_up() -> None:
    """Headings and examples of the page name commands that there are."""
    headings = set(re.findall(r"^## (\w+)$", PAGE, re.MULTILINE))

    assert set(COMMANDS) <= headings
    assert headings - set(COMMANDS) <= {"Typing"}
    for typed in re.findall(r"^/ml (.+)$", PAGE, re.MULTILINE):
        assert parse(typed).verb in COMMANDS
