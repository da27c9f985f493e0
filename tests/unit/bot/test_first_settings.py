"""`toban init`: what is asked, what is written, and what is never overwritten."""

from __future__ import annotations

import io
import stat
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.env_file import read_env_file
from bot.errors import ConfigurationError
from bot.first_settings import NotATerminal, init
from bot.questions import ENV, QUESTIONS, TOML
from bot.settings import load_settings

BOT, APP = "xoxb-" + "test", "xapp-" + "test"
ANSWERS = {"bot_token": BOT, "app_token": APP, "owner": "U012AB3CD,@ml-owners"}


class Terminal(io.StringIO):
    """Somebody who types these lines."""

    def isatty(self) -> bool:
        return True


def run(
    folder: Path,
    typed: Sequence[str] | None = None,
    env: Mapping[str, str] | None = None,
    hidden: Sequence[str] = (),
    monkeypatch: pytest.MonkeyPatch | None = None,
    piped: Sequence[str] = (),
    **options: Any,
) -> str:
    """Run it in *folder* and return what it said; without *typed* no terminal, but a pipe."""
    said = io.StringIO()
    if monkeypatch is not None:
        secrets = iter(hidden)
        monkeypatch.setattr("bot.first_settings.getpass.getpass", lambda _prompt: next(secrets))
    lines = "".join(f"{line}\n" for line in (piped if typed is None else typed))
    stdin = io.StringIO(lines) if typed is None else Terminal(lines)
    given = {"folder": str(folder), "yes": False, "force": False, **options}
    assert init(given, env or {}, stdin, said) == 0
    return said.getvalue()


def test_options_alone_give_settings_that_load(tmp_path: Path) -> None:
    """Without a terminal the options are enough; keys and secrets of ours are made; the files load."""
    said = run(tmp_path, **ANSWERS, operator="@ml-operators", channel="C012AB3CD")
    env = read_env_file(tmp_path / ENV)
    settings = load_settings({**env, "TOBAN_CONFIG": str(tmp_path / TOML)}, "socket")
    assert settings.slack.bot_token.get_secret_value() == BOT
    assert settings.team.roles.owner == ("U012AB3CD", "@ml-owners")
    assert settings.team.digests[0].channel == "C012AB3CD"
    assert len(env["TOBAN_FUNCTIONS_KEY"]) > 30
    assert len(env["TOBAN_HOOKS_SECRET"]) == 64
    assert stat.S_IMODE((tmp_path / ENV).stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == [ENV, TOML]
    assert "toban check --env-file" in said
    assert BOT not in said


def test_http_asks_for_its_own_secrets(tmp_path: Path) -> None:
    """In HTTP mode the signing secret and the public address take the app token's place."""
    run(
        tmp_path,
        mode="http",
        bot_token=BOT,
        signing_secret="s" * 32,
        public_url="https://t.example",
        owner="U1A",
    )
    env = read_env_file(tmp_path / ENV)
    assert "SLACK_APP_TOKEN" not in env
    assert (
        load_settings({**env, "TOBAN_CONFIG": str(tmp_path / TOML)}, "http").public_url == "https://t.example"
    )


def test_the_environment_answers_too(tmp_path: Path) -> None:
    """A secret may come by its variable, so that it need not stand in a command line."""
    env = {"SLACK_BOT_TOKEN": BOT, "SLACK_APP_TOKEN": APP, "TOBAN_FUNCTIONS_URL": "https://f.example"}
    run(tmp_path, env=env, owner="U1A")
    assert read_env_file(tmp_path / ENV)["TOBAN_FUNCTIONS_URL"] == "https://f.example"


def test_a_person_is_asked_and_defaults_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Typed answers and empty ones give the files; secrets are unseen; what is needed is asked again."""
    typed = ["", "", "/models", "", "U012AB3CD", "", ""]
    said = run(tmp_path, typed, hidden=[BOT, APP, ""], monkeypatch=monkeypatch)
    assert tomllib.loads((tmp_path / TOML).read_text())["bot"]["command"] == "/models"
    assert read_env_file(tmp_path / ENV)["TOBAN_FUNCTIONS_URL"] == "http://127.0.0.1:7071"
    assert said.count("Who decides what goes into production") == 2
    assert BOT not in said


def test_answers_may_be_piped_in(tmp_path: Path) -> None:
    """Lines that are piped in answer the questions in their order, the secret ones too; none is shown."""
    said = run(tmp_path, piped=["", BOT, APP, "", "", "/models", "U012AB3CD", "@ml-operators"])
    settings = load_settings(
        {**read_env_file(tmp_path / ENV), "TOBAN_CONFIG": str(tmp_path / TOML)}, "socket"
    )
    assert settings.slack.bot_token.get_secret_value() == BOT
    assert (settings.team.bot.command, settings.team.roles.owner) == ("/models", ("U012AB3CD",))
    assert BOT not in said


@pytest.mark.parametrize("piped", [[], ["socket"], ["socket", BOT], ["", BOT, APP, "", "", "", ""]])
def test_too_few_piped_answers_name_what_is_missing(tmp_path: Path, piped: list[str]) -> None:
    """Where the lines end early, the options that are still needed are named, and nothing is written."""
    with pytest.raises(NotATerminal, match="--owner"):
        run(tmp_path, piped=piped)
    assert list(tmp_path.iterdir()) == []


def test_an_answer_that_cannot_be_used_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a terminal nothing is to be typed twice: what was right stands in brackets the second time."""
    typed = ["carrier-pigeon", "", "", "/models", "the boss", "", "", "", "", "", "U012AB3CD", "", ""]
    said = run(tmp_path, typed, hidden=[BOT, APP, "", "", "", ""], monkeypatch=monkeypatch)
    assert "'the boss'" in said
    assert "[/models]" in said
    wrote = tomllib.loads((tmp_path / TOML).read_text())
    assert (wrote["bot"]["command"], wrote["roles"]["owner"]) == ("/models", ["U012AB3CD"])
    assert read_env_file(tmp_path / ENV)["SLACK_BOT_TOKEN"] == BOT
    assert BOT not in said


def test_who_leaves_is_not_asked_again(tmp_path: Path) -> None:
    """Ctrl and D ends the questions; nothing is written."""
    with pytest.raises(EOFError):
        run(tmp_path, [])
    assert list(tmp_path.iterdir()) == []


def test_nobody_to_ask_names_every_missing_option(tmp_path: Path) -> None:
    """Without a terminal, what is missing is named by option and variable; nothing is written."""
    with pytest.raises(NotATerminal) as caught:
        run(tmp_path)
    assert [
        word for word in ("--bot-token", "SLACK_APP_TOKEN", "--owner") if word not in str(caught.value)
    ] == []
    assert "--signing-secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"mode": "carrier-pigeon"}, "--mode"),
        ({"slash": "ml"}, "bot.command"),
        ({"owner": "the boss"}, "'the boss'"),
        ({"bot_token": APP}, "SLACK_BOT_TOKEN"),
        ({"functions_url": "nowhere"}, "TOBAN_FUNCTIONS_URL"),
    ],
)
def test_answers_that_cannot_be_used_write_nothing(
    tmp_path: Path, options: dict[str, str], word: str
) -> None:
    """The bot's own rules judge the answers before anything is written; the error names which one."""
    with pytest.raises(ConfigurationError, match=word) as caught:
        run(tmp_path, **ANSWERS | options)
    assert BOT not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays_unless_somebody_says_otherwise(tmp_path: Path) -> None:
    """Files that are there are kept, asked about at a terminal, and written anew with --force."""
    (tmp_path / TOML).write_text('[roles]\nowner = ["U0OLD"]\n')
    said = run(tmp_path, bot_token=BOT, app_token=APP)
    assert "U0OLD" in (tmp_path / TOML).read_text()
    assert "kept, as it was" in said
    run(tmp_path, ["n", "n"])
    assert "U0OLD" in (tmp_path / TOML).read_text()
    run(tmp_path, ["y", "n", "/ml", "U0NEW", "", ""])
    assert "U0NEW" in (tmp_path / TOML).read_text()
    run(tmp_path, force=True, **ANSWERS)
    assert "U012AB3CD" in (tmp_path / TOML).read_text()


def test_env_written_anew_keeps_what_was_not_asked(tmp_path: Path) -> None:
    """Other settings of `.env` and the secrets that were made before stay when it is written again."""
    run(tmp_path, **ANSWERS)
    path = tmp_path / ENV
    path.write_text(path.read_text() + "GITHUB_TOKEN=" + "ghp_test\n")
    before = read_env_file(path)
    run(tmp_path, force=True, owner="U1A", app_token=APP + "-2")
    assert read_env_file(path) == before | {"SLACK_APP_TOKEN": APP + "-2"}


def test_every_variable_that_is_asked_for_is_explained() -> None:
    """A question about a variable names one that `.env.example` explains."""
    example = (Path(__file__).resolve().parents[3] / ".env.example").read_text("utf-8")
    names = [question.name for question in QUESTIONS if question.is_variable]
    assert [name for name in names if f"\n{name}=" not in example] == []
