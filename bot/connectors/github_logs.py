"""The first line of a job's log that says what went wrong in a step.

Each line begins with its time; errors that a tool or the runner marks begin with `##[error]`
(https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-error-message).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

MOST_LINE = 300
KEPT_BYTES = 1 << 20
"""So much of a log's end is read for the error."""

_LINE = re.compile(r"^\ufeff?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z ?(.*)$")
_EXIT = re.compile(r"^Process completed with exit code \d+")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LIKELY = re.compile(
    r"^(?:error|fatal|[\w.]*(?:error|exception))\b\W|^E   |\berror:|^FAILED |^npm ERR!", re.IGNORECASE
)
_GROUP = re.compile(r"^##\[(?:group|endgroup|command|debug|section)\]")
_SLACK_SECONDS = timedelta(seconds=1)  # a step's times are whole seconds


def tail(pieces: Iterable[bytes]) -> str:
    """Return the end of a log, of whatever length it is, as text."""
    kept = bytearray()
    for piece in pieces:
        kept += piece
        if len(kept) > 2 * KEPT_BYTES:
            del kept[:-KEPT_BYTES]
    return kept[-KEPT_BYTES:].decode("utf-8", "replace")


def first_error(log: str, began: datetime | None, ended: datetime | None) -> str | None:
    """Return the first error line that a step wrote between *began* and *ended*, or None where it wrote none.

    A marked error counts first; that a process ended with an exit code says nothing, so then a line that
    looks like an error counts, and at last the last line before it.
    """
    lines = [line for at, line in _lines(log) if _within(at, began, ended)]
    marked = [line.removeprefix("##[error]").strip() for line in lines if line.startswith("##[error]")]
    telling = [line for line in marked if line and not _EXIT.match(line)]
    if telling:
        return telling[0][:MOST_LINE]
    spoken = [line for line in lines if line and not line.startswith("##[error]") and not _GROUP.match(line)]
    likely = [line for line in spoken if _LIKELY.search(line)]
    found = next(iter([*likely, *reversed(spoken), *marked]), None)
    return found[:MOST_LINE] if found else None


def _lines(log: str) -> Iterable[tuple[datetime | None, str]]:
    at: datetime | None = None
    for raw in log.splitlines():
        found = _LINE.match(raw)
        if found:
            at = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
        yield at, _COLOUR.sub("", found[2] if found else raw).rstrip()


def _within(at: datetime | None, began: datetime | None, ended: datetime | None) -> bool:
    if at is None:
        return began is None
    return (began is None or at >= began) and (ended is None or at <= ended + _SLACK_SECONDS)
