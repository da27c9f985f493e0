"""The end of a test run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

SUITE = """
import pytest

@pytest.mark.parametrize("n", [1, 2])
def test_skipped(n):
    pytest.skip("no such part here")

@pytest.mark.slow
def test_slow():
    pass

def test_passes():
    pass
"""


def test_a_run_says_what_it_left_out(tmp_path: Path) -> None:
    """Skipped tests are counted by reason, and those not asked for are counted too."""
    (tmp_path / "test_suite.py").write_text(SUITE)
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-m",
                "not slow",
                "-p",
                "tests.conftest",
                "-p",
                "no:cacheprovider",
            ),
            *("--rootdir", str(ROOT), "--config-file", str(ROOT / "pyproject.toml"), str(tmp_path)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "left out, and why" in done.stdout
    assert "2 tests skipped: no such part here" in done.stdout
    assert "1 test not asked for" in done.stdout
