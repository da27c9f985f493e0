"""docs/github.md: its table of what goes wrong says what people are told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.messages.errors import REASONS, sentence

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "github.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## What goes wrong")[2]
ROWS = re.findall(r"^\| (.+) \| (.+) \| `(\w+)` \|$", TABLE, flags=re.MULTILINE)
OWN_WORDS = {"invalid_inputs"}


@pytest.mark.parametrize(("what", "said", "code"), ROWS)
def test_each_code_is_quoted_in_its_own_words(what: str, said: str, code: str) -> None:
    """The sentence that the table quotes is the one that the card shows."""
    assert code in REASONS, what
    assert code in OWN_WORDS or sentence(code).rstrip(".") in said


def test_the_table_was_read() -> None:
    """The rows above are those of the page."""
    assert len(ROWS) > 15
