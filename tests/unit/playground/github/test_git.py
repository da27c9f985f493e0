"""What the loopback writes into a folder, and what it leaves alone."""

import subprocess
from pathlib import Path

import pytest

from playground.github.git import Git, GitFailed, make_repository


def git(folder: Path, *arguments: str) -> str:
    """Ask git itself."""
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with two files and a tag."""
    made = make_repository(tmp_path, {"a.txt": "1", "sub/Grüße.txt": "2"})
    git(made, "-c", "user.name=x", "-c", "user.email=x@example.invalid", "tag", "-a", "v1", "-m", "One")
    return made


def test_a_commit_on_the_branch_that_is_checked_out_moves_the_files(folder: Path) -> None:
    """As a fast-forward would: the folder is clean afterwards."""
    sha = Git(folder).write_commit("main", {"a.txt": None, "sub/new.txt": "3"}, "Change", "developer")
    assert not (folder / "a.txt").exists()
    assert (folder / "sub/new.txt").read_text() == "3"
    assert git(folder, "status", "--porcelain") == ""
    assert git(folder, "log", "-1", "--format=%H %an %s").strip() == f"{sha} developer Change"


def test_local_changes_are_never_overwritten(folder: Path) -> None:
    """A file in the way makes the commit fail, and the branch stays."""
    before = git(folder, "rev-parse", "main")
    (folder / "a.txt").write_text("mine")
    with pytest.raises(GitFailed):
        Git(folder).write_commit("main", {"a.txt": "theirs"}, "Change", "developer")
    assert (folder / "a.txt").read_text() == "mine"
    assert git(folder, "rev-parse", "main") == before


def test_a_new_branch_begins_at_the_default_one(folder: Path) -> None:
    """And the folder stays as it was."""
    repository = Git(folder)
    sha = repository.write_commit("feature/x", {"a.txt": "2"}, "Change", "developer")
    assert repository.resolve("feature/x") == ("refs/heads/feature/x", sha)
    assert (folder / "a.txt").read_text() == "1"
    assert [entry.path for entry in repository.folder_at(sha, "sub")] == ["sub/Grüße.txt"]
    assert repository.changed(repository.commit(sha).parents[0], sha) == {"a.txt": "M"}


def test_a_hook_that_runs_us_leads_nowhere_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIT_DIR of the surroundings does not choose the repository."""
    monkeypatch.setenv("GIT_DIR", str(folder / "elsewhere"))
    assert Git(folder).resolve("main") is not None


def test_names_lead_to_commits(folder: Path) -> None:
    """Branches, annotated tags and hashes do; anything else, options too, leads nowhere."""
    repository = Git(folder)
    head = git(folder, "rev-parse", "HEAD").strip()
    assert repository.resolve("v1") == ("refs/tags/v1", head)
    assert repository.resolve(head[:8]) == (head, head)
    assert repository.refs("refs/tags/")["refs/tags/v1"][1:] == ("tag", head)
    for name in ("none", "--all", "main..v1", "HEAD~1", "", "0123456"):
        assert repository.resolve(name) is None


def test_a_checkout_is_cut_off_from_its_source(folder: Path, tmp_path: Path) -> None:
    """Its files are there with their history; what is committed there moves no branch of the source."""
    source = Git(folder)
    head = git(folder, "rev-parse", "HEAD").strip()
    place = tmp_path / "place"
    source.check_out(head, place)
    assert (place / "sub/Grüße.txt").read_text() == "2"
    git(
        place,
        "-c",
        "user.name=x",
        "-c",
        "user.email=x@example.invalid",
        "commit",
        "--allow-empty",
        "-m",
        "Theirs",
    )
    git(place, "branch", "-f", "main")
    assert git(folder, "rev-parse", "main").strip() == head
