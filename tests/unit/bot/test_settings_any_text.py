"""Whatever stands in settings file or environment is read or refused in sentences, which show no secret."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from bot.errors import ConfigurationError
from bot.settings import ENVIRONMENT, SECRETS, Settings, find_settings
from bot.team_file import TobanFile, load_team
from ml.catalog import load_catalog
from ml.errors import Misconfigured

CANARY = "canary-" + "0123456789abcdef"
TABLES = [*TobanFile.model_fields, "unknown", ""]
PLAIN = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["owner", "arrival-delay", "0 9 * * *", "https://example.org/x", "C01ARRIVALS"])
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["models", "recipe", "channel", "http", "url", "headers_from", "cron", "inputs"])
            | st.text(max_size=6),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


def toml(value: Any) -> str:
    """Return *value* as TOML writes it, inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(name)} = {toml(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return _quoted(value) if isinstance(value, str) else str(value)


def _quoted(text: str) -> str:
    return '"' + "".join(f"\\U{ord(letter):08X}" for letter in text) + '"'


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A settings file to write into."""
    return tmp_path_factory.mktemp("team") / "toban.toml"


def read(path: Path) -> None:
    """Read a settings file by both programs; what they refuse must be sentences."""
    problems: tuple[str, ...] = ()
    try:
        load_team(path)
    except ConfigurationError as error:
        problems = error.problems or ("",)
    try:
        load_catalog(path)
    except Misconfigured as error:
        problems += (str(error),)
    assert [problem[:500] for problem in problems if str(path) not in problem or len(problem) > 2_000] == []


@given(tables=st.dictionaries(st.sampled_from(TABLES), VALUES, max_size=3))
def test_any_table_is_read_or_refused(path: Path, tables: dict[str, Any]) -> None:
    """No value of any type in any place is more than a sentence."""
    text = "\n".join(f"{_quoted(name)} = {toml(value)}" for name, value in tables.items())
    assert tomllib.loads(text).keys() == tables.keys()
    path.write_text(text, encoding="utf-8")
    read(path)


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(path: Path, content: bytes) -> None:
    """A file that is no TOML, or no text, is named with what is wrong."""
    path.write_bytes(content)
    read(path)


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "[bot]\nname = " + "9" * 5_000, "x" * 100_000])
def test_a_file_made_to_hurt_is_refused(path: Path, text: str) -> None:
    """Depth, length and huge numbers end in a sentence, too."""
    path.write_text(text, encoding="utf-8")
    read(path)


@given(
    env=st.dictionaries(
        st.sampled_from(sorted(set(ENVIRONMENT) - {"TOBAN_CONFIG"})),
        st.text(max_size=30)
        | st.sampled_from(["http://", "postgresql://u:p@h/x", "sqlite:///", "xoxb-" + "x"]),
    ),
    mode=st.sampled_from(["socket", "http", None]),
)
def test_any_environment_is_read_or_refused(path: Path, env: dict[str, str], mode: Any) -> None:
    """No value of a variable is a fault; each that cannot be used is named."""
    path.write_text("", encoding="utf-8")
    found = find_settings({**env, "TOBAN_CONFIG": str(path)}, mode)
    assert all(isinstance(problem, str) for problem in found.problems)


@pytest.mark.parametrize("mode", ["socket", "http"])
@pytest.mark.parametrize("value", [CANARY, f"xoxb-{CANARY}", f"postgres:u:{CANARY}@host/x", "\n" + CANARY])
def test_no_secret_shows_in_problems_or_settings(path: Path, value: str, mode: Any) -> None:
    """A secret that cannot be used is named, not shown; one that can be used stays hidden."""
    path.write_text('[github]\nrepositories = ["toban/models"]\n', encoding="utf-8")
    env = dict.fromkeys(SECRETS, value)
    found = find_settings({**env, "TOBAN_CONFIG": str(path), "TOBAN_FUNCTIONS_URL": "http://127.0.0.1"}, mode)
    shown = [found.slack, found.functions, found.github, found.mlflow, found.hooks, found.secrets]
    assert CANARY not in repr((found.problems, shown))
    assert CANARY not in "".join(one.model_dump_json() for one in shown if isinstance(one, BaseModel))


@pytest.mark.parametrize(
    "table",
    [
        'url = "https://u:{0}@example.org/"',
        'url = "https://example.org/"\nheaders_from = {{ authorization = "Bearer {0}" }}',
        'url = "https://example.org/"\nheaders = {{ authorization = "Bearer {0}" }}',
    ],
)
def test_a_secret_in_a_wrong_place_is_not_repeated(path: Path, table: str) -> None:
    """Who writes a secret into the settings file is told that it does not belong there, without it."""
    path.write_text(
        '[commands.x]\nsummary = "x"\n[commands.x.http]\n' + table.format(CANARY), encoding="utf-8"
    )
    with pytest.raises(ConfigurationError) as caught:
        load_team(path)
    assert "commands.x.http" in str(caught.value)
    assert CANARY not in str(caught.value)


def test_every_secret_is_kept_as_one() -> None:
    """Each secret of the environment is a SecretStr of the settings, and nothing else is called so."""
    kept = {name for name, kind in _fields(Settings) if "SecretStr" in kind}
    assert kept == {
        *("slack.bot_token", "slack.app_token", "slack.signing_secret", "functions.key"),
        *("github.token", "github.review_token", "github.webhook_secret", "github.app.private_key"),
        *("mlflow.token", "database_url", "hooks_secret", "secrets"),
    }
    assert len(kept) == len(SECRETS) + 1  # and those that toban.toml names
    secret_words = ("token", "secret", "password", "private_key")
    named = {name for name, _ in _fields(Settings) if name.rpartition(".")[2].endswith(secret_words)}
    assert named - kept == set()


def _fields(model: type[BaseModel], place: str = "") -> list[tuple[str, str]]:
    """Return every setting below *model* with its type, but for those of the settings file."""
    found: list[tuple[str, str]] = []
    for name, field in model.model_fields.items():
        inner = [kind for kind in _classes(field.annotation) if issubclass(kind, BaseModel)]
        if inner and inner[0] is not TobanFile:
            found += _fields(inner[0], f"{place}{name}.")
        elif not inner:
            found.append((f"{place}{name}", str(field.annotation)))
    return found


def _classes(annotation: Any) -> list[type]:
    parts = getattr(annotation, "__args__", (annotation,))
    return [part for part in parts if isinstance(part, type) and part is not SecretStr]
