"""The page of threats names tests that exist, and the way to report a weakness leads to it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "threats.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def names_in(path: str) -> set[str]:
    """Return the names of the tests in a file; none where there is no such file."""
    file = ROOT / path
    if not file.is_file():
        return set()
    return {
        node.name
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
    }


def test_each_named_test_exists() -> None:
    """What is said to be shown by a test is shown by one that runs."""
    named = NAMED.findall(PAGE)
    assert len(named) > 40
    assert [f"{path}::{name}" for path, name in named if name not in names_in(path)] == []


def test_each_threat_has_its_test() -> None:
    """No row claims a protection without showing it."""
    rows = [line.split("|") for line in PAGE.splitlines() if line.startswith("| ") and line.count("|") == 4]
    heads = ("They want to", "What could slip out")
    claims = [row for row in rows if row[1].strip() not in heads]
    assert len(claims) > 25
    assert [row[1].strip() for row in claims if not NAMED.search(row[3])] == []


def test_a_weakness_can_be_reported() -> None:
    """GitHub finds SECURITY.md at the top, and it leads to the page."""
    assert "docs/threats.md" in (ROOT / "SECURITY.md").read_text("utf-8")
