"""`.env`: the settings of one machine as lines NAME=value, read and written as a shell would.

The same file is taken by `toban … --env-file`, by `set -a; . ./.env`, and by a container's `--env-file`, as
long as no value needs quotes (containers take quotes as part of the value).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import MutableMapping
from pathlib import Path

from bot.errors import ConfigurationError

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def read_env_file(path: Path) -> dict[str, str]:
    """Return the settings in *path*; raise ConfigurationError for lines that are none, not showing them."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError([f"{path} cannot be read: {reason}"]) from None
    found: dict[str, str] = {}
    wrong: list[str] = []
    for number, line in enumerate(lines, start=1):
        pair = _pair(line)
        if pair is not None:
            found[pair[0]] = pair[1]
        elif line.strip() and not line.lstrip().startswith("#"):
            wrong.append(f"{path}, line {number}: allowed is NAME=value, a value with spaces in 'quotes'")
    if wrong:
        raise ConfigurationError(wrong)
    return found


def take_env_file(path: Path, env: MutableMapping[str, str]) -> None:
    """Add what *path* says to *env*; what is set there already stays."""
    for name, value in read_env_file(path).items():
        env.setdefault(name, value)


def env_line(name: str, value: str) -> str:
    """Return the line that gives *name* its value, quoted where a shell needs it."""
    return f"{name}={shlex.quote(value) if value else ''}"


def _pair(line: str) -> tuple[str, str] | None:
    """Return name and value of a line, or None where it is none."""
    stripped = line.strip()
    if not stripped or stripped.startswith("#"):
        return None
    try:
        words = shlex.split(stripped.removeprefix("export "))
    except ValueError:  # a quote that never ends
        return None
    name, equals, value = words[0].partition("=") if len(words) == 1 else ("", "", "")
    return (name, value) if equals and NAME.fullmatch(name) else None
