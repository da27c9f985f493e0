"""The source archive: the same files, the same bytes; in a clean checkout those of the commit."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from ml.source import PARTS, ROOT, archive_commit, archive_source, find_revision

GIT = {**os.environ, "GIT_AUTHOR_NAME": "owner", "GIT_AUTHOR_EMAIL": "owner@example.org",
       "GIT_COMMITTER_NAME": "owner", "GIT_COMMITTER_EMAIL": "owner@example.org",
       "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}  # fmt: skip


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clean checkout of a small repository."""
    for name, text in (
        ("ml/a.py", "a = 1\n"),
        ("recipes/b.py", "b = 2\n"),
        ("toban.toml", ""),
        ("other", "x"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "Begin"]):
        subprocess.run(["git", *command], cwd=tmp_path, env=GIT, check=True)
    return tmp_path


def test_a_clean_checkout_is_the_tree_of_its_commit(checkout: Path) -> None:
    """The archive of the files equals the archive of the commit, and the commit is recorded."""
    archive = archive_source(checkout)
    assert archive == archive_commit("HEAD", checkout)
    revision = find_revision(archive, checkout)
    assert revision is not None
    assert len(revision) == 40


def test_a_changed_file_is_of_no_commit(checkout: Path) -> None:
    """One byte more and the revision is not claimed any more."""
    (checkout / "recipes/b.py").write_text("b = 3\n")
    assert find_revision(archive_source(checkout), checkout) is None


def test_times_places_and_caches_leave_no_trace(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A copy elsewhere, touched and compiled, gives the same bytes."""
    copy = tmp_path_factory.mktemp("copy") / "tree"
    shutil.copytree(checkout, copy, ignore=shutil.ignore_patterns(".git"))
    os.utime(copy / "ml/a.py", (0, 0))
    (copy / "ml/__pycache__").mkdir()
    (copy / "ml/__pycache__/a.cpython-311.pyc").write_bytes(b"compiled")
    assert archive_source(copy) == archive_source(checkout)


def test_the_archive_holds_what_trains() -> None:
    """This tree's own archive: the package, the recipes and the settings, by relative names."""
    with tarfile.open(fileobj=io.BytesIO(archive_source())) as archive:
        names = archive.getnames()
    assert {"ml/child.py", "recipes/arrival_delay.py", "toban.toml"} <= set(names)
    assert all(name.split("/")[0] in PARTS for name in names)
    assert names == sorted(names)


def test_without_a_repository_there_is_no_revision(checkout: Path) -> None:
    """A deployed function app has no git; the archive alone says what trained."""
    shutil.rmtree(checkout / ".git")
    assert find_revision(archive_source(checkout), checkout) is None
    assert ROOT.joinpath("ml").is_dir()
