"""How the findings of `toban check` are shown: a table and what to mend for people, JSON for programs."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from typing import Any

from tabulate import tabulate

WIDTH = 72
"""Characters of a finding's text in the table."""
WORDS = {"ok": "ok", "warn": "warn", "fail": "FAIL"}
COLOURS = {"ok": "\x1b[32m", "warn": "\x1b[33m", "fail": "\x1b[31m"}
PLAIN = "\x1b[0m"


def as_text(findings: Sequence[dict[str, Any]], colours: bool = False) -> str:
    """Return a table of all findings, then how to mend what is not well, the gravest first."""
    rows = [
        (
            _word(one["level"], colours),
            f"{one['hop']}: {one['about']}",
            textwrap.fill(one["text"], WIDTH),
            f"{one['seconds'] * 1000:.0f} ms",
        )
        for one in findings
    ]
    aligned = ("left", "left", "left", "right")
    table = tabulate(rows, headers=("", "what", "found", "took"), tablefmt="simple", colalign=aligned)
    return "\n".join([table, "", *_mending(findings), _summary(findings)])


def as_json(findings: Sequence[dict[str, Any]]) -> str:
    """Return the findings as JSON; `ok` is false where something does not work."""
    works = all(one["level"] != "fail" for one in findings)
    return json.dumps({"ok": works, "findings": list(findings)}, indent=2, ensure_ascii=False)


def _word(level: str, colours: bool) -> str:
    return f"{COLOURS[level]}{WORDS[level]}{PLAIN}" if colours else WORDS[level]


def _mending(findings: Sequence[dict[str, Any]]) -> list[str]:
    """Return the fixes, each once, with what each is for."""
    lines: list[str] = []
    for level in ("fail", "warn"):
        fixes: dict[str, list[str]] = {}
        for one in findings:
            if one["level"] == level and one["fix"]:
                fixes.setdefault(one["fix"], []).append(f"{one['hop']}: {one['about']}")
        for fix, whats in fixes.items():
            lines += [
                f"{WORDS[level]}  {', '.join(whats)}",
                textwrap.indent(textwrap.fill(fix, 100), "      "),
            ]
    return [*lines, ""] if lines else []


def _summary(findings: Sequence[dict[str, Any]]) -> str:
    count = {level: sum(one["level"] == level for one in findings) for level in WORDS}
    if count["fail"]:
        return f"{count['fail']} of {len(findings)} do not work; {count['warn']} to look at."
    looks = f"; {count['warn']} to look at" if count["warn"] else ""
    return f"All {len(findings)} work{looks}."
