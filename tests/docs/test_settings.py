"""`.env.example` explains each environment variable that the code reads, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from bot.settings import DEFAULT_DATABASE_URL, DEFAULT_SLACK_API_URL, ENVIRONMENT
from bot.team_file import DEFAULT_CONFIG

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bot", "functions", "ml")


def explained() -> dict[str, str]:
    """Return the variables of `.env.example` with the comment above each."""
    found: dict[str, str] = {}
    comment: list[str] = []
    for line in (ROOT / ".env.example").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            comment.append(line.removeprefix("#").strip())
        elif "=" in line:
            found[line.partition("=")[0]] = " ".join(comment)
        else:
            comment = []
    return found


def read_by_code() -> set[str]:
    """Return every name of ours or Slack's that stands as a string in the code."""
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    return set(re.findall(r"""["']((?:TOBAN|SLACK)_[A-Z_]+)["']""", text))


def test_each_variable_is_explained() -> None:
    """What the code reads stands in `.env.example` with a sentence, and nothing else stands there."""
    assert set(explained()) == read_by_code() | set(ENVIRONMENT)
    assert [name for name, comment in explained().items() if len(comment) < 40] == []


def test_defaults_are_the_codes_own() -> None:
    """A default that `.env.example` names is the one that the code takes."""
    comments = explained()
    assert DEFAULT_DATABASE_URL in comments["TOBAN_DATABASE_URL"]
    assert DEFAULT_SLACK_API_URL in comments["SLACK_API_URL"]
    assert DEFAULT_CONFIG in comments["TOBAN_CONFIG"]


def test_example_holds_no_value() -> None:
    """The example is a form to fill in: no value that somebody could start with by mistake."""
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if re.match(r"[A-Z_]+=.", line)] == []
