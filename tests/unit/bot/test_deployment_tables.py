"""`[github.deployments.…]` and `[github.people]`: what is taken, and what is refused with its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import ConfigurationError
from bot.team_file import GitHubTable, load_team

GITHUB = '[github]\nrepositories = ["acme/flights"]\n'
TARGET = GITHUB + '[github.deployments.api]\nrepository = "acme/flights"\nenvironment = "production"\n'
PEOPLE = GITHUB + "[github.people]\n"


def load(tmp_path: Path, text: str) -> GitHubTable:
    """Return `[github]` of a file with *text*."""
    path = tmp_path / "toban.toml"
    path.write_text(text, encoding="utf-8")
    return load_team(path).github


def test_least_that_is_needed(tmp_path: Path) -> None:
    """A repository and an environment are enough: owners deploy and decide, after all checks, unasked for."""
    table = load(tmp_path, TARGET).deployments["api"]
    assert (table.roles, table.approvers) == (("owner",), ("owner",))
    assert (table.checks, table.confirm, table.on_push) == ("all", False, False)
    assert table.values("abc") == {}


def test_inputs_of_the_workflow(tmp_path: Path) -> None:
    """The commit goes into the input that is named for it, beside those that are fixed."""
    more = 'workflow = "deploy.yml"\ncommit_input = "sha"\ninputs = { region = "north", dry = false }\n'
    table = load(tmp_path, TARGET + more).deployments["api"]
    assert table.values("abc") == {"region": "north", "dry": False, "sha": "abc"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TARGET.replace('environment = "production"\n', ""), "environment"),
        (TARGET.replace('"production"', '""'), "environment"),
        (TARGET.replace("deployments.api", "deployments.API"), "API"),
        (TARGET.replace('["acme/flights"]', '["acme/other"]'), "needs acme/flights in repositories"),
        (TARGET + 'workflow = "deploy"\n', "workflow"),
        (TARGET + 'workflow = "../deploy.yml"\n', "workflow"),
        (TARGET + 'inputs = { a = "b" }\n', "name the workflow, too"),
        (TARGET + 'commit_input = "sha"\n', "name the workflow, too"),
        (TARGET + 'workflow = "d.yml"\ncommit_input = "a"\ninputs = { a = "b" }\n', "take it out of inputs"),
        (TARGET + 'branch = "a b"\n', "branch"),
        (TARGET + 'checks = "some"\n', "checks"),
        (TARGET + "checks = []\n", "checks"),
        (TARGET + "check_minutes = 0\n", "check_minutes"),
        (TARGET + "check_minutes = 1441\n", "check_minutes"),
        (TARGET + "roles = []\n", "name at least one role"),
        (TARGET + "approvers = []\n", "name at least one role"),
        (TARGET + 'roles = ["viewer"]\n', "roles"),
        (TARGET + "on_push = true\n", "needs a branch to look at"),
        (TARGET + 'on_push = true\nbranch = "main"\n', "and a channel"),
        (TARGET + 'reviewers = ["octocat"]\n', "reviewers"),
        (PEOPLE + 'U01 = "-octocat"\n', "people"),
        (PEOPLE + 'octocat = "U0123"\n', "people"),
        (PEOPLE + 'U0123 = "octocat"\nU0456 = "Octocat"\n', "two people cannot be one login: octocat"),
    ],
)
def test_odd_tables_are_refused(tmp_path: Path, text: str, said: str) -> None:
    """At the start, by the name of what is wrong."""
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, text)
    assert said in str(refused.value)


def test_logins_are_found_whatever_their_case(tmp_path: Path) -> None:
    """GitHub takes `Octocat` and `octocat` for one; who is not named has none."""
    github = load(tmp_path, PEOPLE + 'U0123 = "Octocat"\nW0456 = "mona_acme"\n')
    assert github.login("U0123") == "Octocat"
    assert github.user("octoCAT") == "U0123"
    assert (github.login("U9999"), github.user("hubot")) == (None, None)
