"""Each fault on the page of reliability names tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`( †)?")
SLOW = "pytest.mark.slow"


@cache
def long_ones(file: str) -> dict[str, bool]:
    """Return the tests in a file, each with whether all of it is slow; nothing where there is no file."""
    path = ROOT / file
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
    assigned = {
        ast.unparse(node.targets[0]): ast.unparse(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
    }
    slow = {SLOW, *(name for name, value in assigned.items() if value == SLOW)}
    module = SLOW in assigned.get("pytestmark", "")
    return {
        one.name: module or not slow.isdisjoint(map(ast.unparse, one.decorator_list))
        for one in ast.walk(tree)
        if isinstance(one, ast.FunctionDef)
    }


def test_named_tests_exist() -> None:
    """A test that was renamed or removed takes its line on the page with it."""
    named = NAMED.findall(PAGE)
    assert len(named) > 50
    assert [f"{file}::{name}" for file, name, _ in named if name not in long_ones(file)] == []


def test_long_tests_are_marked() -> None:
    """A dagger stands at those tests, and only those, of which `make test` runs no case."""
    wrong = [
        f"{file}::{name}"
        for file, name, dagger in NAMED.findall(PAGE)
        if long_ones(file).get(name) is not bool(dagger)
    ]
    assert wrong == []
    assert PAGE.count(" †") > 3


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
