"""Write the lock files from `pyproject.toml`, or say (`--check`) that they no longer follow from it.

Five files come out, all with hashes and without any address: `requirements/build.txt` (what builds packages),
`requirements/lock.txt` (everything, for Python 3.11 to 3.13 on every platform), `requirements/bot.txt` (the
bot's container image), `requirements.txt` (the function app's deployment: what serves and what trains,
nothing of the bot) and `requirements/audit.txt` (what `make audit` runs). Each begins with a digest of itself
and of what it was made from, so that checking needs no network and a package released elsewhere today does
not turn a build red.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "lock.txt"
BOT = ROOT / "requirements" / "bot.txt"
BUILD = ROOT / "requirements" / "build.txt"
AUDIT = ROOT / "requirements" / "audit.txt"
DEPLOYMENT = ROOT / "requirements.txt"
DEPLOYED_EXTRAS = ("functions", "train")
OLDEST_PYTHON = "3.11"
HEADER = "# Written by `make lock` from pyproject.toml; do not edit. Made from: sha256:"


@dataclass(frozen=True)
class LockFile:
    """One file to write: what is asked for, and the lock whose versions it must keep (None: its own)."""

    path: Path
    requirements: tuple[str, ...]
    within: Path | None = None

    def digest(self) -> str:
        """Return a digest of everything the file follows from."""
        inputs: list[str] = [OLDEST_PYTHON, *sorted(self.requirements)]
        if self.within is not None:
            inputs.append(self.within.read_text(encoding="utf-8"))
        return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()

    def is_current(self) -> bool:
        """Tell whether the file was made from what `pyproject.toml` says now and was not edited since."""
        if not self.path.exists():
            return False
        first, _, body = self.path.read_text(encoding="utf-8").partition("\n")
        return first == self.header(body)

    def header(self, body: str) -> str:
        """Return the first line that belongs above *body*."""
        return f"{HEADER}{hashlib.sha256((self.digest() + body).encode()).hexdigest()}"


def lock_files(project: dict[str, Any]) -> tuple[LockFile, ...]:
    """Return the files that follow from a parsed `pyproject.toml`, in the order in which to write them."""
    extras: dict[str, list[str]] = dict(project["project"]["optional-dependencies"])
    audit = extras.pop("audit")
    everything = [*project["project"]["dependencies"], *(line for lines in extras.values() for line in lines)]
    deployed = [line for name in DEPLOYED_EXTRAS for line in extras[name]]
    return (
        LockFile(BUILD, tuple(project["build-system"]["requires"])),
        LockFile(LOCK, tuple(dict.fromkeys(everything))),
        LockFile(BOT, tuple(project["project"]["dependencies"]), within=LOCK),
        LockFile(DEPLOYMENT, tuple(dict.fromkeys(deployed)), within=LOCK),
        LockFile(AUDIT, tuple(audit)),
    )


def resolve(file: LockFile, upgrade: bool) -> str:
    """Return the body of *file*: every package with version, marker and hashes; present versions are kept.

    Raises:
        subprocess.CalledProcessError: uv found no solution, or the package index could not be reached.
    """
    # One file for all platforms, one version of each package where possible:
    # https://docs.astral.sh/uv/concepts/resolution/
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", "-", "--quiet", "--no-header", "--no-annotate"),
        *("--universal", "--python-version", OLDEST_PYTHON, "--fork-strategy", "fewest"),
        *("--generate-hashes", "--no-emit-index-url", "--no-emit-find-links"),
        # pip before 23.3 takes a dependency on `name[extra]` for unpinned unless the extra stands here.
        "--no-strip-extras",
    ]
    preferred = file.path.with_suffix(".new")
    preferred.write_text("" if upgrade or not file.path.exists() else file.path.read_text(encoding="utf-8"))
    try:
        if file.within is not None:
            command += ["--constraints", str(file.within)]
        subprocess.run(
            [*command, "--output-file", str(preferred)],
            input="\n".join(file.requirements),
            text=True,
            check=True,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "UV_NO_PROGRESS": "1"},
        )
        return re.sub(r"^#.*\n", "", preferred.read_text(encoding="utf-8"), flags=re.MULTILINE)
    finally:
        preferred.unlink()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files and return 0, or with `--check` return 1 where one is out of date."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 where a file is out of date"
    )
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions allowed")
    options = parser.parse_args(arguments)
    files = lock_files(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    if options.check:
        stale = [str(file.path.relative_to(ROOT)) for file in files if not file.is_current()]
        if stale:
            print(f"out of date: {', '.join(stale)}; run `make lock`", file=sys.stderr)
        return 1 if stale else 0
    for file in files:
        body = resolve(file, options.upgrade)
        file.path.write_text(f"{file.header(body)}\n{body}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
