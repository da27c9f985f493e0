"""What a hop is: one side of the set-up, asked on its own, that tells what it found and how to mend it.

Hops run side by side, and none hides another: one that breaks is a finding itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from bot.errors import BotError

log = logging.getLogger(__name__)

Level = Literal["ok", "warn", "fail"]

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
"""So long a hop waits for an answer; a function app that sleeps may need most of it."""
MOST_SAID = 400
"""Characters that are shown of what the other side said."""


@dataclass(frozen=True)
class Said:
    """What a hop says of one thing: how it stands, and the sentence that mends it."""

    level: Level
    about: str
    text: str
    fix: str | None = None


@dataclass(frozen=True)
class Finding:
    """One line of the result; `seconds` is how long it took to find out."""

    hop: str
    level: Level
    about: str
    text: str
    fix: str | None
    seconds: float


@dataclass(frozen=True)
class Hop:
    """One side of the set-up and what asks it."""

    name: str
    ask: Callable[[], Iterator[Said]]


def ok(about: str, text: str) -> Said:
    """Say that something is as it should be."""
    return Said("ok", about, text)


def warn(about: str, text: str, fix: str) -> Said:
    """Say that something works, or may, but is not as it should be."""
    return Said("warn", about, text, fix)


def fail(about: str, text: str, fix: str) -> Said:
    """Say that something does not work, and the sentence that mends it."""
    return Said("fail", about, text, fix)


def run_hops(hops: Sequence[Hop]) -> list[Finding]:
    """Ask every hop, side by side; return all findings in the order of *hops*."""
    with ThreadPoolExecutor(max_workers=max(len(hops), 1), thread_name_prefix="check") as pool:
        return [finding for found in pool.map(_findings, hops) for finding in found]


def without_secrets(findings: Iterable[Finding], secrets: Sequence[str]) -> list[dict[str, Any]]:
    """Return *findings* as plain records in which no secret stands, whoever said it."""
    # The longest first: one secret may be the beginning of another.
    struck = sorted((secret for secret in secrets if secret), key=len, reverse=True)

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            for secret in struck:
                value = value.replace(secret, "[secret]")
        return value

    return [{name: clean(value) for name, value in vars(finding).items()} for finding in findings]


def _findings(hop: Hop) -> list[Finding]:
    found: list[Finding] = []
    began = time.perf_counter()
    try:
        for said in hop.ask():
            now = time.perf_counter()
            found.append(_finding(hop, said, now - began))
            began = now
    except Exception as error:  # whatever breaks here must not hide the other hops
        log.info("hop broke", extra={"hop": hop.name}, exc_info=True)
        text = str(error) if isinstance(error, BotError) else f"{type(error).__name__} while asking"
        fix = "Run it again with TOBAN_LOG=INFO, which says more, and report it if it stays."
        found.append(_finding(hop, fail("answer", text, fix), time.perf_counter() - began))
    return found


def _finding(hop: Hop, said: Said, seconds: float) -> Finding:
    return Finding(hop.name, said.level, said.about, said.text[:MOST_SAID], said.fix, round(seconds, 3))
