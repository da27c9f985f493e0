"""A Dockerfile read, and its steps done without a container engine, in a folder of their own.

What an engine would do as the root of an image is done here below one folder: `/app` becomes FOLDER/app, and
the interpreter of the base image a fresh virtual environment. Source: https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

INSTALL_SECONDS = 600.0


@dataclass(frozen=True)
class Instruction:
    """One instruction with its text, continuation lines joined."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """The arguments: of the JSON form, or as a shell splits them."""
        found = json.loads(self.text) if self.text.startswith("[") else shlex.split(self.text)
        return [str(word) for word in found]


def read_dockerfile(path: Path) -> list[Instruction]:
    """Return the instructions of *path* in order."""
    text = re.sub(r"\\\n\s*", "", re.sub(r"^\s*#.*\n", "", path.read_text("utf-8"), flags=re.MULTILINE))
    parts = [line.strip().partition(" ") for line in text.splitlines() if line.strip()]
    return [Instruction(name.upper(), rest.strip()) for name, _, rest in parts]


@dataclass
class Image:
    """What the steps make below *root* of the files in *context*."""

    root: Path
    context: Path
    env: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = ""
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def build(self, instructions: Sequence[Instruction]) -> None:
        """Do every step in order."""
        subprocess.run([sys.executable, "-m", "venv", str(self.root / "venv")], check=True)
        for one in instructions:
            self._do(one)

    def _do(self, one: Instruction) -> None:
        match one.name:
            case "ENV":
                self.env |= dict(word.split("=", 1) for word in one.words)
            case "WORKDIR":
                self.folder = one.text
                self.inside(self.folder).mkdir(parents=True, exist_ok=True)
            case "COPY":
                self._copy(one.words)
            case "RUN":
                self._run(one.text)
            case "USER":
                self.user = one.text
            case "ENTRYPOINT":
                self.entrypoint = one.words
            case "CMD":
                self.command = one.words
            case "HEALTHCHECK":
                self.health = [str(word) for word in json.loads(one.text.partition(" CMD ")[2])]
            case "FROM" | "EXPOSE" | "VOLUME" | "STOPSIGNAL":
                pass
            case _:
                raise AssertionError(f"{one.name} is not known here")

    def inside(self, path: str) -> Path:
        """Return where a path of the image is on this machine."""
        return self.root / (path if path.startswith("/") else f"{self.folder}/{path}").strip("/")

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment of a program of the image: of ours only what pip needs."""
        kept = {
            name: value for name, value in os.environ.items() if name.upper().startswith(("PIP_", "SSL_"))
        }
        own = {name: self._mapped(value) for name, value in self.env.items()}
        return {"PATH": f"{self.root}/venv/bin:/usr/bin:/bin", **kept, **own, **(more or {})}

    def start(self, arguments: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[str]:
        """Start the entrypoint with *arguments*, as the image's user where we may."""
        return subprocess.Popen(
            self.argv([*self.entrypoint, *arguments]),
            cwd=self.inside(self.folder),
            env=self.environment(env),
            user=self.uid,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def argv(self, words: Sequence[str]) -> list[str]:
        """Return a command with the environment's own interpreter."""
        return [str(self.root / "venv" / "bin" / words[0]), *words[1:]]

    @property
    def uid(self) -> int | None:
        """The image's user, where we are root and it can run our interpreter; else None."""
        if os.getuid() != 0 or not self.user:
            return None
        uid = int(self.user.partition(":")[0])
        try:
            done = subprocess.run(self.argv(["python", "-c", ""]), user=uid, capture_output=True, check=False)
        except OSError:
            return None
        return uid if done.returncode == 0 else None

    def _copy(self, words: Sequence[str]) -> None:
        *sources, target = words
        for source in sources:
            found, place = self.context / source, self.inside(target)
            if found.is_dir():
                shutil.copytree(found, place, dirs_exist_ok=True)
                continue
            if target.endswith("/"):
                place.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found, place / found.name if place.is_dir() else place)

    def _run(self, text: str) -> None:
        if os.getuid() != 0:
            text = re.sub(r" -[og] \d+", "", text)  # giving files away is root's right, which the engine has
        subprocess.run(
            ["sh", "-ec", self._mapped(text)],
            cwd=self.inside(self.folder),
            env=self.environment(),
            check=True,
            capture_output=True,
            timeout=INSTALL_SECONDS,
        )

    def _mapped(self, text: str) -> str:
        """Return *text* with the image's folders where they are here."""
        return re.sub(r"(?<![\w.])/(data|app)\b", lambda found: str(self.inside(found.group(0))), text)
