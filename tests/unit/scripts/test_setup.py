"""Setting up the environment: what people are told when something is missing."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TOOLS = ("awk", "cat", "chmod", "grep", "mkdir", "rm", "tail", "tee")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder for PATH with the tools that every system has, and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (folder / tool).symlink_to(found)
    return folder


def a_python(folder: Path, script: str, name: str = "python3") -> Path:
    """Put a program called *name* into *folder* that behaves as *script* says."""
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def set_up(programs: Path, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the script in *folder* with nothing else on the path."""
    for name in ("scripts", "requirements"):
        shutil.copytree(ROOT / name, folder / name)
    return subprocess.run(
        ["/bin/sh", "scripts/setup.sh"],
        cwd=folder,
        env={"PATH": str(programs), "HOME": os.environ.get("HOME", "/"), **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


OLD = (
    'case "$1" in -c) exec '
    f"'{sys.executable}' -c 'import sys; sys.version_info = (3, 10, 13); exec(sys.argv[1])' "
    '"$2";; *) echo "Python 3.10.13";; esac'
)
WITHOUT_VENV = (
    'case "$*" in *"-m venv"*) echo "No module named venv" >&2; exit 1;; *) echo "Python 3.12.0";; esac'
)


def test_no_python_at_all(programs: Path, tmp_path: Path) -> None:
    """Without any Python the message names what is needed."""
    done = set_up(programs, tmp_path / "project with spaces")
    assert done.returncode == 1
    assert "needs Python 3.11 or newer; python3 here is missing" in done.stderr


def test_a_python_that_is_too_old(programs: Path, tmp_path: Path) -> None:
    """An old Python is named with its version, and how to name another."""
    a_python(programs, OLD)
    done = set_up(programs, tmp_path / "project")
    assert done.returncode == 1
    assert "python3 here is Python 3.10.13" in done.stderr
    assert "PYTHON=" in done.stderr


def test_a_newer_python_beside_an_old_one(programs: Path, tmp_path: Path) -> None:
    """Where python3 is too old, a newer one of another name is taken."""
    a_python(programs, OLD)
    a_python(programs, WITHOUT_VENV, "python3.12")
    assert "with Python 3.12.0" in set_up(programs, tmp_path / "project").stderr


def test_the_chosen_python_is_not_replaced(programs: Path, tmp_path: Path) -> None:
    """PYTHON= that is too old is refused, even where a newer one is found."""
    a_python(programs, WITHOUT_VENV)
    chosen = a_python(programs, OLD, "mine")
    done = set_up(programs, tmp_path / "project", PYTHON=str(chosen))
    assert done.returncode == 1
    assert f"PYTHON={chosen} is not a Python of 3.11 or newer" in done.stderr


def test_a_python_without_venv(programs: Path, tmp_path: Path) -> None:
    """Debian's Python without its venv package says which package to install."""
    a_python(programs, WITHOUT_VENV)
    done = set_up(programs, tmp_path / "project")
    assert done.returncode == 1
    assert "python3-venv" in done.stderr


def test_a_failing_installation_shows_its_end(programs: Path, tmp_path: Path) -> None:
    """When pip fails, the end of its log and the log's place are shown, and nothing counts as ready."""
    inner = r"""#!/bin/sh
case "$*" in *lock.txt*) echo "Collecting six==1"; echo "ERROR: no such package"; exit 1;; esac"""
    a_python(
        programs,
        'case "$*" in *"-m venv"*) for v; do :; done; mkdir -p "$v/bin"; '
        f"cat >\"$v/bin/python\" <<'END'\n{inner}\nEND\n"
        'chmod +x "$v/bin/python";; *) echo "Python 3.12.0";; esac',
    )
    done = set_up(programs, tmp_path / "project")
    assert done.returncode == 1
    assert "ERROR: no such package" in done.stderr
    assert ".venv/setup.log" in done.stderr
    assert "Ready" not in done.stderr
