"""The page with the figures."""

from __future__ import annotations

import platform
import re
from datetime import date
from pathlib import Path

import pytest

from benchmarks.figures import Budget, Figure, Side
from benchmarks.report import PAGE, PageBroken, put_section, write_section, write_table

FAST = Figure(
    what="ack",
    unit="acks/s",
    measured=Side("the bot", (1700.0, 1600.0, 1800.0)),
    yardstick=Side("bare", (3400.0, 3400.0, 3400.0)),
    budget=Budget(0.5, "higher"),
)
SLOW = Figure("answer", "ms", Side("the bot", (212.4,)), limit="≤ 150 ms", within_limit=False)


def test_a_row_tells_values_ratio_budget_and_verdict() -> None:
    """The ratio is told with its lowest and highest."""
    row = write_table([FAST]).splitlines()[2]
    assert row == ("| ack | 1,700 acks/s | 3,400 acks/s, bare | **0.50** (0.47–0.53) | ≥ 0.5 × | yes |")


def test_a_missed_limit_is_told_in_bold() -> None:
    """A figure without a yardstick has no ratio."""
    assert write_table([SLOW]).splitlines()[2] == "| answer | 212 ms | – | – | ≤ 150 ms | **no** |"


def test_a_section_names_command_day_machine_and_what_was_left_out() -> None:
    """It says enough to judge the figures, and neither the machine's name nor a path of it."""
    text = write_section("make bench", [FAST], {"azurite": "not installed"}, date(2026, 1, 2))
    first = text.splitlines()[0]
    assert first.startswith("`make bench` · 2026-01-02 · ")
    assert re.search(r"\d+ cores, \w+, Python 3\.", first)
    assert "- azurite: not installed" in text
    assert platform.node() not in text
    assert str(Path.home()) not in text


def test_a_section_is_replaced_and_the_rest_stays() -> None:
    """Writing it twice leaves one."""
    page = "before\n<!-- begin figures -->\nold\n<!-- end figures -->\nafter\n"
    once = put_section(page, "figures", "new")
    assert once == "before\n<!-- begin figures -->\nnew\n<!-- end figures -->\nafter\n"
    assert put_section(once, "figures", "new") == once


def test_a_page_without_its_markers_is_not_touched() -> None:
    """There is no guessing where the figures belong."""
    with pytest.raises(PageBroken, match="begin figures"):
        put_section("<!-- end figures -->", "figures", "new")


@pytest.mark.parametrize("section", ["figures", "floods", "peers"])
def test_the_page_has_both_sections(section: str) -> None:
    """`make bench` finds where to write."""
    page = PAGE.read_text("utf-8")
    assert "new" in put_section(page, section, "new")
