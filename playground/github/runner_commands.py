"""What steps tell their runner: by lines such as ``::error::…``, and by files such as GITHUB_OUTPUT.

https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

LINE = re.compile(r"^\s*::(?P<name>[a-z-]+)(?:\s+(?P<about>[^:]*(?:%3A[^:]*)*))?::(?P<text>.*)$")
LEVELS = {"error": "failure", "warning": "warning", "notice": "notice"}
ESCAPES = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}
FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_STATE")
MASK = "***"


class BadFile(Exception):
    """A step wrote something into a file that its runner cannot read."""


class Log:
    """Turns a step's output into log lines: commands obeyed, secrets masked."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.annotations: list[dict[str, Any]] = []
        self._masks: set[str] = set()
        self._stopped_by: str | None = None
        for secret in secrets:
            self.mask(secret)

    def mask(self, secret: str) -> None:
        """Hide *secret*, and each of its lines, from now on."""
        self._masks.update(line for line in [secret, *secret.splitlines()] if line.strip())

    def masked(self, line: str) -> str:
        """Return a line without its secrets."""
        for secret in sorted(self._masks, key=len, reverse=True):
            line = line.replace(secret, MASK)
        return line

    def read(self, line: str) -> str | None:
        """Obey a line if it is a command; return what the log shows of it, None for nothing."""
        found = LINE.match(line)
        if self._stopped_by is not None:
            if line.strip() == f"::{self._stopped_by}::":
                self._stopped_by = None
            return self.masked(line)
        return self.masked(line) if found is None else self._obey(found, line)

    def _obey(self, found: re.Match[str], line: str) -> str | None:
        name, text = found["name"], unescape(found["text"])
        if name in LEVELS:
            self._annotate(LEVELS[name], found["about"] or "", text)
            return self.masked(f"##[{name}]{text}")
        if name == "add-mask":
            self.mask(text)
            return None
        if name == "stop-commands":
            self._stopped_by = text
            return None
        if name in ("group", "endgroup", "debug"):
            return self.masked(f"##[{name}]{text}")
        return self.masked(line)

    def _annotate(self, level: str, about: str, text: str) -> None:
        pairs = (pair.partition("=") for pair in about.split(",") if "=" in pair)
        fields = {name.strip(): unescape(value) for name, _, value in pairs}
        line = int(fields["line"]) if fields.get("line", "").isdigit() else 1
        end = int(fields["endLine"]) if fields.get("endLine", "").isdigit() else line
        where = {"path": fields.get("file", ".github"), "start_line": line, "end_line": end}
        title = self.masked(fields.get("title", ""))
        self.annotations.append({**annotation(level, self.masked(text)), **where, "title": title})


def annotation(level: str, message: str) -> dict[str, Any]:
    """Return what a check run says about no line in particular."""
    return {
        "path": ".github",
        "blob_href": "",
        "start_line": 1,
        "start_column": None,
        "end_line": 1,
        "end_column": None,
        "annotation_level": level,
        "title": "",
        "message": message,
        "raw_details": "",
    }


def unescape(text: str) -> str:
    """Return the text that a command carries."""
    return re.sub("|".join(ESCAPES), lambda found: ESCAPES[found[0]], text)


def read_pairs(path: Path) -> dict[str, str]:
    """Return what was written into GITHUB_OUTPUT or GITHUB_ENV: ``name=value``, or ``name<<END`` blocks."""
    pairs: dict[str, str] = {}
    lines = iter(path.read_text(encoding="utf-8", errors="replace").splitlines())
    for line in lines:
        block = re.match(r"^([^=]+?)<<(.+)$", line)
        if block:
            pairs[block[1].strip()] = "\n".join(_until(lines, block[2].strip()))
        elif "=" in line:
            name, _, value = line.partition("=")
            pairs[name.strip()] = value
        elif line.strip():
            raise BadFile(f"Invalid format '{line}'")
    return pairs


def _until(lines: Iterable[str], end: str) -> list[str]:
    taken: list[str] = []
    for line in lines:
        if line == end:
            return taken
        taken.append(line)
    raise BadFile(f"Invalid value. Matching delimiter not found '{end}'")
