"""The demo's world: what is committed in the team's folder is a push; one playground works in a folder."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from playground.__main__ import main
from playground.github.settings import Repository
from playground.github.under_test import GitHubUnderTest
from playground.programs import ProgramFailed
from playground.world import CLAIM, REPOSITORY, World, post_commit

NOBODY = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
CHECK = "on: push\njobs:\n  one: {runs-on: x, steps: [{run: 'true'}]}\n"


def test_a_commit_in_the_folder_is_a_push(
    make_repo: Callable[..., Repository], start_github: Callable[..., GitHubUnderTest]
) -> None:
    """The loopback GitHub hears of a commit at once and starts what waits for a push, at that commit."""
    repository = make_repo({".github/workflows/check.yml": CHECK})
    github = start_github(repositories={REPOSITORY: repository})
    hook = repository.path / ".git" / "hooks" / "post-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(post_commit(github.url))
    hook.chmod(0o755)
    (repository.path / "board.toml").write_text("rows = 12\n")
    for words in (
        ["add", "."],
        [*NOBODY, "-c", "core.hooksPath=.git/hooks", "commit", "-m", "Rows"],
    ):
        subprocess.run(["git", *words], cwd=repository.path, check=True, capture_output=True)
    (run,) = github.state()["runs"]
    github.wait_for_run(run["id"])
    shown = github.api("GET", f"/repos/{REPOSITORY}/actions/runs/{run['id']}").json()
    assert (shown["event"], shown["head_commit"]["message"].strip()) == ("push", "Rows")


def test_two_playgrounds_never_share_a_folder(tmp_path: Path) -> None:
    """The second is told where the first one is, and touches nothing; after it, it may have the folder."""
    home = tmp_path / "demo"
    first, second = World(home), World(home)
    first.claim()
    (home / CLAIM).write_text("http://127.0.0.1:4100")
    (home / "store").mkdir()
    (home / "story.txt").write_text("half told")
    with pytest.raises(ProgramFailed, match=r"at work in .*demo already, at http://127.0.0.1:4100; use that"):
        second.claim()
    assert main(["--home", str(home), "--once"]) == 1
    assert (home / "story.txt").read_text() == "half told"
    first.forget()
    assert [path.name for path in home.iterdir()] == [CLAIM]
    first.stop()
    second.claim()
    second.stop()


def test_a_claim_leaves_other_folders_alone(tmp_path: Path) -> None:
    """A folder with somebody's files in it is no playground's, and gets no lock."""
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ProgramFailed, match="not a playground's folder"):
        World(tmp_path).claim()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
