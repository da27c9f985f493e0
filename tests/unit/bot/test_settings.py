"""Settings: every problem at once, each with where it was looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import ConfigurationError
from bot.settings import load_settings
from bot.team_file import load_team

GOOD = {
    "SLACK_BOT_TOKEN": "xoxb-" + "test",
    "SLACK_APP_TOKEN": "xapp-" + "test",
    "SLACK_SIGNING_SECRET": "test-secret",
    "TOBAN_FUNCTIONS_URL": "http://127.0.0.1:7071/",
    "TOBAN_FUNCTIONS_KEY": "test-key",
}


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment in which all is well."""
    path = tmp_path / "toban.toml"
    path.write_text("", encoding="utf-8")
    return {**GOOD, "TOBAN_CONFIG": str(path)}


def problems(env: dict[str, str], mode: str = "http") -> tuple[str, ...]:
    """Return what is wrong."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(env, mode)  # type: ignore[arg-type]
    return caught.value.problems


@pytest.mark.parametrize("mode", ["http", "socket", None])
def test_complete_settings_load(env: dict[str, str], mode: str | None) -> None:
    """Addresses are brought into one form, defaults are filled in, and no secret shows."""
    settings = load_settings(env, mode)  # type: ignore[arg-type]
    assert settings.functions.url == "http://127.0.0.1:7071"
    assert settings.slack.api_url == "https://slack.com/api/"
    assert settings.database_url.get_secret_value().startswith("sqlite:///")
    assert settings.team.bot.command == "/ml"
    assert [value for name, value in GOOD.items() if "URL" not in name and value in repr(settings)] == []


@pytest.mark.parametrize(
    ("mode", "needed"),
    [
        ("socket", {"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "TOBAN_FUNCTIONS_URL"}),
        ("http", {"SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "TOBAN_FUNCTIONS_URL"}),
    ],
)
def test_each_mode_names_what_it_lacks(env: dict[str, str], mode: str, needed: set[str]) -> None:
    """An empty environment gives one sentence for each variable that the mode needs."""
    found = problems({"TOBAN_CONFIG": env["TOBAN_CONFIG"]}, mode)
    assert {sentence.split(" ", 1)[0] for sentence in found} == needed
    assert all("looked in" in sentence for sentence in found)


def test_problems_of_file_and_environment_come_together(env: dict[str, str]) -> None:
    """Whoever mends the settings sees all of it at once."""
    Path(env["TOBAN_CONFIG"]).write_text(
        '[bot]\ncommand = "ML"\n[roles]\nowner = ["me"]\n[extra]\n'
        + '[[digests]]\nname = "a"\ncron = "x"\nchannel = "C"\ntime_zone = "Mars"\n' * 2,
        encoding="utf-8",
    )
    found = "\n".join(problems(env | {"TOBAN_DATABASE_URL": "oracle://x", "SLACK_API_URL": "x"}))
    for word in ("bot.command", "'Mars'", "'me'", "extra", "digests.0.cron", "oracle", "SLACK_API_URL"):
        assert word in found
    assert env["TOBAN_CONFIG"] in found


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_BOT_TOKEN", "xapp-" + "mixed-up"),
        ("SLACK_API_URL", "slack.com"),
        ("TOBAN_FUNCTIONS_URL", "localhost:7071"),
        ("TOBAN_DATABASE_URL", "sqlite:///:memory:"),
        ("TOBAN_DATABASE_URL", "mysql://user:hunter2@host/name"),
    ],
)
def test_wrong_value_is_named_and_secrets_are_not_shown(env: dict[str, str], name: str, value: str) -> None:
    """A value that cannot be used is named by its variable; tokens and passwords are not repeated."""
    (found,) = problems(env | {name: value})
    assert name in found
    assert "mixed-up" not in found
    assert "hunter2" not in found


@pytest.mark.parametrize(
    "text",
    [
        '[commands.x]\nsummary = "s"\n[commands.x.http]\nheaders = { X-Corp = "hunter2" }\nurl = "https://x/y"',
        '[commands.x]\nsummary = "s"\n[commands.x.http]\nurl = "x.example/fill?code=hunter2"',
        '[[webhooks]]\nname = "glue"\nurl = "hooks.example/services/hunter2"\nsecret_from = "GLUE"',
    ],
)
def test_what_may_hold_a_secret_is_not_repeated(env: dict[str, str], text: str) -> None:
    """Addresses and whole tables are named and not shown: keys stand in them, by mistake or not."""
    Path(env["TOBAN_CONFIG"]).write_text(text, encoding="utf-8")
    found = "\n".join(problems(env))
    assert "commands.x" in found or "webhooks.0" in found
    assert "hunter2" not in found


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (None, "does not exist"),
        ("[bot", "cannot be read"),
        ('[[digests]]\nname = "a"\ncron = "0 9 * * *"\nchannel = "C"\n' * 2, "used twice: a"),
        ('[[digests]]\ncron = "0 9 * * * *"\nchannel = "C"\n', "five fields"),
        ('[roles]\nviewer = ["#general"]\n', "user group @handle"),
    ],
)
def test_file_at_fault_is_explained(tmp_path: Path, text: str | None, word: str) -> None:
    """A settings file that is missing, broken or contradictory is named with what is wrong in it."""
    path = tmp_path / "toban.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"toban\.toml") as caught:
        load_team(path)
    assert word in str(caught.value)


GITHUB = '[github]\nrepositories = ["acme/flights"]\n'
APP = ("GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY", "GITHUB_APP_INSTALLATION_ID")


def with_github(env: dict[str, str], **more: str) -> dict[str, str]:
    """Return the environment of a team that names a repository."""
    Path(env["TOBAN_CONFIG"]).write_text(GITHUB, encoding="utf-8")
    return env | more


def test_github_is_reached_by_token_or_app(env: dict[str, str]) -> None:
    """A GitHub App goes before a token; a key may stand on one line; nothing shows in the open."""
    assert load_settings(env, "http").github is None
    by_token = load_settings(with_github(env, GITHUB_TOKEN="test-token"), "http").github
    assert by_token is not None
    assert by_token.token is not None
    assert by_token.api_url == "https://api.github.com"
    app = dict.fromkeys(APP, "a\\nb") | {"GITHUB_API_URL": "https://git.example/api/v3/"}
    by_app = load_settings(with_github(env, GITHUB_TOKEN="test-token", **app), "http").github
    assert by_app is not None
    assert by_app.app is not None
    assert by_app.app.private_key.get_secret_value() == "a\nb"
    assert (by_app.token, by_app.api_url) == (None, "https://git.example/api/v3")
    assert "test-token" not in repr(by_token)


def test_github_without_a_way_in_is_said(env: dict[str, str]) -> None:
    """Repositories need a token or a whole GitHub App; what is missing is named."""
    assert "GITHUB_TOKEN is not set" in problems(with_github(env))[0]
    said = problems(with_github(env, GITHUB_APP_ID="1"))
    assert [one.split(" ", 1)[0] for one in said] == ["GITHUB_APP_PRIVATE_KEY", "GITHUB_APP_INSTALLATION_ID"]


@pytest.mark.parametrize(
    "text",
    [
        '[github]\nrepositories = ["flights"]',
        '[github]\nrepositories = ["a/b/c"]',
        '[[github.workflows]]\nfile = "deploy"',
        '[[github.workflows]]\nfile = "d.yml"\nroles = []',
        '[[github.workflows]]\nfile = "d.yml"\nroles = ["viewer"]',
    ],
)
def test_odd_github_tables_are_refused(tmp_path: Path, text: str) -> None:
    """Names that GitHub would not know, and roles that may not start anything, are told at the start."""
    path = tmp_path / "toban.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="github"):
        load_team(path)


RETRAIN = '[models.m]\nrecipe = "a:B"\nretrain = { repository = "acme/flights", workflow = "r.yml"'


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (RETRAIN + " }", "models.m.retrain needs acme/flights in [github] repositories"),
        (GITHUB + RETRAIN + ", branch = 'main' }", "branch"),
        (GITHUB + RETRAIN + ", ref = '' }", "ref"),
        (GITHUB + RETRAIN.replace("r.yml", "r") + " }", "workflow"),
    ],
)
def test_odd_retrain_tables_are_refused(tmp_path: Path, text: str, word: str) -> None:
    """A repository that is not named, a key that nobody knows, and names that GitHub would not know."""
    path = tmp_path / "toban.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as said:
        load_team(path)
    assert word in str(said.value)


def test_own_table_of_a_workflow_goes_first(tmp_path: Path) -> None:
    """What is set for one repository goes before what is set for all; else operators may, unasked."""
    path = tmp_path / "toban.toml"
    table = '[[github.workflows]]\nfile = "d.yml"\n'
    path.write_text(
        f'{table}confirm = true\n{table}repository = "a/b"\nroles = ["owner"]\n', encoding="utf-8"
    )
    github = load_team(path).github
    assert github.workflow("a/b", "d.yml").roles == ("owner",)
    assert github.workflow("a/c", "d.yml").confirm
    assert github.workflow("a/c", "e.yml").roles == ("operator",)
