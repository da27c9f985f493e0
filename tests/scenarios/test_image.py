"""The container image's steps, done without an engine, and the bot that comes of them at work."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.stand_ins.dockerfile import Image, read_dockerfile
from tests.stand_ins.ports import free_port
from tests.stand_ins.team import Team

ROOT = Path(__file__).resolve().parents[2]
END_SECONDS = 60.0
TAKEN_ALONG = {"TOBAN_CONFIG", "TOBAN_DATABASE_URL"}


@pytest.fixture
def image() -> Iterator[Image]:
    """The image, built in a folder that its own user can enter."""
    root = Path(tempfile.mkdtemp(prefix="toban-image-"))
    root.chmod(0o755)
    made = Image(root, ROOT)
    try:
        made.build(read_dockerfile(ROOT / "Dockerfile"))
        yield made
    finally:
        shutil.rmtree(root)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_image_runs_answers_is_well_and_ends(image: Image, new_team: Callable[..., Team]) -> None:
    """From nothing but the Dockerfile's steps comes a bot that answers, is well, and ends in order."""
    team = new_team()
    env = {name: value for name, value in team.env.items() if name not in TAKEN_ALONG}
    port = free_port()
    command = [word.replace("0.0.0.0:3000", f"127.0.0.1:{port}") for word in image.command]
    health = image.argv([*image.health, f"127.0.0.1:{port}"])
    around = {"cwd": image.inside(image.folder), "env": image.environment(), "capture_output": True}

    def is_well() -> bool:
        return subprocess.run(health, check=False, **around).returncode == 0  # type: ignore[call-overload, no-any-return]

    assert not is_well()
    with image.start(command, env) as bot:
        try:
            assert bot.stdout is not None
            line = bot.stdout.readline()
            assert line, bot.stderr and bot.stderr.read()
            assert json.loads(line)["address"] == "Socket Mode"
            assert "Arrival delay" in team.told("viewer", "/ml models")
            assert is_well()
            bot.send_signal(signal.SIGTERM)
            assert bot.wait(END_SECONDS) == 0
        finally:
            bot.kill()
    assert not is_well()
    kept = image.inside("/data") / "bot.sqlite3"
    assert kept.exists()
    if image.uid is not None:
        assert kept.stat().st_uid == image.uid != os.getuid()
