"""The README's way from zero to the first answer, walked with its own commands on loopback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.manifest import SCOPES
from playground.slack.under_test import SlackUnderTest
from tests.stand_ins.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 60.0
END_SECONDS = 60.0


def walk() -> str:
    """Return the section that leads to the first answer."""
    readme = (ROOT / "README.md").read_text("utf-8")
    return readme.split("\n## From zero to the first answer", 1)[1].split("\n## ", 1)[0]


def blocks() -> list[str]:
    """Return the code blocks of that section, in order."""
    found = re.findall(r"^ *```\n(.*?)^ *```", walk(), re.DOTALL | re.MULTILINE)
    return [re.sub(r"^ +", "", block, flags=re.MULTILINE).strip() for block in found]


class Shell:
    """A folder in which somebody types the README's lines; `toban` and `python` are this clone's."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder = folder
        programs = folder / "bin"
        programs.mkdir()
        self._program(programs / "toban", f'exec {sys.executable} -m bot "$@"')
        self._program(programs / "python", f'exec {sys.executable} "$@"')
        path = f"{programs}:{os.environ['PATH']}"
        self.env = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **env}

    def type(self, line: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Type a line and wait for its end."""
        return subprocess.run(
            ["sh", "-c", line], **self._around(env), capture_output=True, timeout=WAIT_SECONDS, check=False
        )

    @contextmanager
    def running(self, line: str) -> Iterator[dict[str, Any]]:
        """Type a line that goes on; yield its first line, which is JSON, and end it afterwards."""
        *before, last = line.rsplit("\n", 1)
        whole = "\n".join([*before, f"exec {last}" if "exec" not in last else last])
        with subprocess.Popen(["sh", "-c", whole], **self._around({}), stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                yield json.loads(process.stdout.readline())
            finally:
                process.terminate()
                process.wait(END_SECONDS)

    def _around(self, env: dict[str, str]) -> dict[str, Any]:
        return {
            "cwd": self.folder,
            "env": self.env | env,
            "stdin": subprocess.DEVNULL,
            "text": True,
        }

    @staticmethod
    def _program(path: Path, line: str) -> None:
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)


@pytest.mark.timeout(400)
def test_the_walk_ends_with_an_answer(tmp_path: Path, start_slack: Callable[..., SlackUnderTest]) -> None:
    """Typed one after the other, the README's lines lead to a prediction in the channel."""
    setup, manifest, init, functions, check, up = blocks()
    assert setup == "make setup\n. .venv/bin/activate"
    slack = start_slack(scopes=tuple(SCOPES))
    shell = Shell(tmp_path, SLACK_API_URL=slack.api_url, TOBAN_CONFIG=str(tmp_path / "toban.toml"))
    printed = subprocess.run(
        ["sh", "-c", manifest],
        cwd=ROOT,
        env=shell.env | {"TOBAN_CONFIG": ""},
        capture_output=True,
        check=True,
    )
    assert printed.stdout.startswith(b"https://api.slack.com/apps?new_app=1&manifest_json=")
    port = free_port()
    made = shell.type(
        f"{init} --owner @ml-owners --channel C01ARRIVALS --functions-url http://127.0.0.1:{port}",
        SLACK_BOT_TOKEN=slack.bot_token,
        SLACK_APP_TOKEN=slack.app_token,
    )
    assert made.returncode == 0, made.stderr
    assert functions.splitlines()[0] in made.stdout
    with ExitStack() as stack:
        stack.enter_context(shell.running(f"{functions} --port {port}"))
        checked = shell.type(check)
        assert checked.returncode == 0, checked.stdout
        assert "FAIL" not in checked.stdout
        assert stack.enter_context(shell.running(up))["ready"] is True
        command = re.search(r"^ *> (/ml predict .+)$", walk(), re.MULTILINE)
        assert command
        before = slack.seq()
        slack.say("owner", "ml-arrivals", command.group(1))
        answer = slack.wait_for_text("Arrival delay for flight", WAIT_SECONDS, before)["plain"]
    assert "plain rule" in answer


def test_every_command_in_the_pages_is_understood() -> None:
    """Each `toban …` line of the README and of the pages names a command, and options that it takes."""
    from bot.__main__ import _parser

    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    lines = {
        line.strip()
        for page in pages
        for block in re.findall(r"^ *```\w*\n(.*?)^ *```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
        for line in re.findall(r"(?:^|/bin/)\s*(toban \w.*?)(?:#.*)?$", block, re.MULTILINE)
    }
    assert len(lines) >= 5
    for line in sorted(lines):
        words = line.split()[1:]
        if words[0] != "playground":
            _parser().parse_args(words)
