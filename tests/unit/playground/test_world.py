"""The demo's world: what is committed in the team's folder is a push."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from playground.github.settings import Repository
from playground.github.under_test import GitHubUnderTest
from playground.world import REPOSITORY, post_commit

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
