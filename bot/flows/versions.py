"""Which version a person means."""

from __future__ import annotations

import re

from bot.flows.refusals import refuse
from ml.contract import ModelView


def split_version(words: tuple[str, ...]) -> tuple[str, str | None]:
    """Return the name and the version in `arrival-delay v2`, `arrival-delay@v2` or `arrival-delay`."""
    name, at, version = words[0].partition("@")
    return name, (version if at else words[1] if len(words) > 1 else None)


def version_number(model: ModelView, word: str) -> int:
    """Return the number of the version written as `2`, `v2`, `latest` or `champion`; else raise Refused."""
    known = [summary.version for summary in model.versions]
    if word.casefold() == "latest" and known:
        return max(known)
    if word.casefold() == "champion" and model.champion is not None:
        return model.champion.version
    matched = re.fullmatch(r"[vV]?([0-9]{1,6})", word)
    number = int(matched[1]) if matched else 0
    if number not in known:
        listed = ", ".join(f"v{version}" for version in sorted(known)[-10:]) or "none yet"
        raise refuse("unknown_version", f"{model.name} has no version {word!r}; it has {listed}.")
    return number
