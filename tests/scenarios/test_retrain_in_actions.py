"""The real training by this repository's own `retrain.yml`, from the command in Slack to the champion."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from playground.github.settings import Environment, Repository
from playground.github.under_test import GitHubUnderTest
from tests.function_hosts import KEY, ROOT, Home
from tests.stand_ins.team import OVER_ALL, Team, over

pytestmark = over(OVER_ALL)

NAME = "acme/models"
TOML = f"""
[github]
repositories = ["{NAME}"]

[models.sums]
recipe = "tests.stand_ins.sums:Sums"

[models.sums.retrain]
repository = "{NAME}"
workflow = "retrain.yml"
"""


def test_trained_on_a_runner_and_promoted(
    new_team: Callable[..., Team],
    make_repo: Callable[..., Repository],
    start_github: Callable[..., GitHubUnderTest],
    tmp_path: Path,
) -> None:
    """The workflow trains into the registry that the function app serves; evidence and buttons follow."""
    home = Home(tmp_path / "home")
    workflow = (ROOT / ".github" / "workflows" / "retrain.yml").read_text(encoding="utf-8")
    repository = make_repo(
        {".github/workflows/retrain.yml": workflow, "Makefile": "setup:\n\t@echo it is set up\n"},
        variables={"TOBAN_STORE_URL": str(home.store)},
        environments={"training": Environment()},
    )
    github = start_github(
        repositories={NAME: repository},
        links={".venv": Path(sys.prefix)},
        environ={"PYTHONPATH": str(ROOT), "TOBAN_CONFIG": str(home.folder / "toban.toml")},
    )
    with home.host() as functions:
        team = new_team(more=TOML)
        team.more_env = {
            "TOBAN_FUNCTIONS_URL": functions.url,
            "TOBAN_FUNCTIONS_KEY": KEY,
            "GITHUB_API_URL": github.url,
            "GITHUB_TOKEN": github.token_text,
        }
        team.start_bot("--work-seconds", "0.2")
        before = team.say("operator", "/ml retrain sums")
        decision = team.state(before, "decision")
        assert "sums: promote v1? (no champion yet)" in decision["plain"]
        assert "how far off v1 is" in team.seen(before, "how far off")["plain"]
        said = team.seen(before, "by retrain.yml in acme/models is done")
        assert "data `sha256:" in said["plain"]
        team.slack.press("owner", decision, "version.promote")
        assert "v1 was promoted* by @owner" in team.state(decision["seq"], "done")["plain"]
        champion = functions.get("models/sums").json()["champion"]
        assert (champion["version"], champion["evidence"].startswith("sha256:")) == (1, True)
        assert len(team.cards()) == 1
