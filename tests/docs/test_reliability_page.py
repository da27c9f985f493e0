"""Each fault on the page of reliability names tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@cache
def names_in(file: str) -> frozenset[str]:
    """Return the names of the tests in a file; nothing where there is no such file."""
    path = ROOT / file
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_named_tests_exist() -> None:
    """A test that was renamed or removed takes its line on the page with it."""
    named = NAMED.findall(PAGE)
    assert len(named) > 50
    assert [f"{file}::{name}" for file, name in named if name not in names_in(file)] == []


def test_each_fault_has_a_test() -> None:
    """A line of the matrix without a test is a claim."""
    matrix = PAGE.partition("## Faults")[2]
    lines = [line for line in matrix.splitlines() if line.startswith("| ") and "---" not in line]
    claims = [line for line in lines if not line.startswith("| Fault |") and not NAMED.search(line)]
    assert claims == []


def test_figures_are_there() -> None:
    """The page holds the figures of at least two hundred kills, written by the program that killed."""
    written = PAGE.partition("<!-- begin kills -->")[2].partition("<!-- end kills -->")[0]
    kills = re.search(r"The bot was killed (\d+) times", written)
    assert kills is not None
    assert int(kills[1]) >= 200
    assert "**no**" not in written
