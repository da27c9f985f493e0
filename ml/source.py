"""The code that trained a model, as one archive whose hash says whether it is the tree of a commit.

The archive holds the files of `ml/`, `recipes/` and `toban.toml`, in order, without times or owners: the same
files give the same bytes anywhere. In a clean checkout they are the files of the commit, and only then is its
revision recorded.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("ml", "recipes", "toban.toml")
NOT_SOURCE = {"__pycache__", ".mypy_cache", ".ruff_cache"}
GIT_SECONDS = 30


def archive_source(root: Path = ROOT) -> bytes:
    """Return the archive of the files under *root* as they are now."""
    paths = [path for part in PARTS for path in _files_below(root / part)]
    return _archive({path.relative_to(root).as_posix(): path.read_bytes() for path in paths})


def archive_commit(revision: str, root: Path = ROOT) -> bytes:
    """Return the archive of the files of a commit.

    Raises:
        OSError, subprocess.SubprocessError: There is no git, no repository, or no such commit.
    """
    tree = _git(root, "archive", "--format=tar", revision, "--", *PARTS)
    with tarfile.open(fileobj=io.BytesIO(tree)) as archive:
        files = {
            member.name: content.read()
            for member in archive.getmembers()
            if member.isfile() and (content := archive.extractfile(member)) is not None
        }
    return _archive(files)


def find_revision(archive: bytes, root: Path = ROOT) -> str | None:
    """Return the commit that is checked out, if *archive* holds exactly its files; None otherwise."""
    try:
        revision = _git(root, "rev-parse", "HEAD").decode().strip()
        return revision if archive_commit(revision, root) == archive else None
    except (OSError, subprocess.SubprocessError, tarfile.TarError):
        return None


def _files_below(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [
        found
        for found in path.rglob("*")
        if found.is_file() and found.suffix != ".pyc" and not NOT_SOURCE & set(found.parts)
    ]


def _archive(files: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(files[name]), 0o644
            archive.addfile(member, io.BytesIO(files[name]))
    return target.getvalue()


def _git(root: Path, *arguments: str) -> bytes:
    return subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, check=True, timeout=GIT_SECONDS
    ).stdout
