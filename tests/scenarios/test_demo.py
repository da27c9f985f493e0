"""The demo as a newcomer runs it: the story plays and checks itself, then a prompt, then a second start."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def demo(home: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run the playground on *home* as its own program, with *typed* at its prompt."""
    return subprocess.run(
        [sys.executable, "-m", "playground", "--home", str(home), *arguments],
        cwd=ROOT,
        env=os.environ,
        input=typed,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.mark.timeout(1200)
def test_the_story_plays_and_a_second_start_reuses_it(tmp_path: Path) -> None:
    """The story's checks hold; started again, the same data answers at a prompt that people use."""
    home = tmp_path / "demo"

    first = demo(home, "--once")
    assert first.returncode == 0, first.stdout[-4000:] + first.stderr[-2000:]
    assert "The story did what it says" in first.stdout
    assert "✗" not in first.stdout
    timings = json.loads((home / "story-played.json").read_text())
    assert timings.keys() == {
        "first training",
        "first prediction",
        "retraining",
        "retraining on GitHub",
        "push to approval",
        "whole story",
    }

    typed = "as nobody\n/ml models\nin random\nas viewer\nhelp\nquit\n"
    second = demo(home, typed=typed)
    assert second.returncode == 0, second.stdout[-4000:] + second.stderr[-2000:]
    assert "The data of the last start is reused" in second.stdout
    assert "there is no person 'nobody'" in second.stdout
    assert "A first version" not in second.stdout
    assert "-m bot say --as operator" in second.stdout


def test_a_folder_that_is_not_a_playground_is_left_alone(tmp_path: Path) -> None:
    """`--once` begins afresh, but never by deleting somebody else's files."""
    (tmp_path / "thesis.txt").write_text("years of work")

    refused = demo(tmp_path, "--once")

    assert refused.returncode == 1
    assert "is not a playground's folder" in refused.stdout
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
