"""Settings: every problem at once, each with where it was looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import ConfigurationError
from bot.settings import load_settings, load_team

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
