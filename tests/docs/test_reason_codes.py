"""Every reason code of the product has words for people, and stands in the list on its page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.messages.errors import REASONS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
# A team's recipes bring codes of their own, with a sentence each: these are shown by that sentence.
SOURCES = sorted(path for package in ("bot", "functions", "ml") for path in (ROOT / package).rglob("*.py"))
CODE = re.compile(r"^[a-z]+(?:_[a-z]+)*$")
MADE_BY = {"Refused", "Refuse", "refuse", "TrainingFailed", "RungMissing"}
"""Calls whose first argument is a reason code."""
NAMED = {"reason", "reason_code", "trouble"}
"""Names that hold a reason code."""


def codes(path: Path) -> Iterator[str]:
    """Yield the reason codes that a module makes."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            yield from texts([one.value for one in node.keywords if one.arg == "reason_code"])
            if name in MADE_BY:
                yield from texts(node.args[:1])
            if name == "Reason":
                yield from texts([one.value for one in node.keywords if one.arg == "code"])
        elif (
            isinstance(node, ast.Assign)
            and {getattr(one, "id", getattr(one, "attr", "")) for one in node.targets} & NAMED
        ):
            yield from texts([node.value])


def texts(nodes: list[ast.expr]) -> Iterator[str]:
    """Yield the texts that an expression may have as its value."""
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.match(node.value):
            yield node.value
        elif isinstance(node, ast.IfExp):
            yield from texts([node.body, node.orelse])
        elif isinstance(node, ast.BoolOp):
            yield from texts(node.values)


def test_each_reason_code_has_words() -> None:
    """Whatever is refused or fails, a person reads a sentence about it."""
    unworded = {(path.name, code) for path in SOURCES for code in codes(path) if code not in REASONS}

    assert unworded == set()


@pytest.mark.parametrize("code", REASONS)
def test_each_reason_code_is_used_and_documented(code: str) -> None:
    """The list holds no code that nothing makes, and the page shows code and words as they are."""
    made = any(
        f'"{code}"' in path.read_text(encoding="utf-8") for path in SOURCES if path.name != "errors.py"
    )

    assert made
    assert f"| `{code}` | {REASONS[code]} |" in PAGE


def test_the_page_lists_no_other_codes() -> None:
    """What was taken out of the code is taken out of the page."""
    assert set(re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE)) == set(REASONS)
