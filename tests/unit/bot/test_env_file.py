"""`.env`: lines of settings, read and written as a shell would."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.env_file import env_line, read_env_file, take_env_file
from bot.errors import ConfigurationError

VALUES = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), max_size=40)


@given(VALUES)
def test_a_value_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    """Whatever a value holds on one line, it comes back."""
    path = tmp_path_factory.getbasetemp() / "round.env"
    path.write_text(env_line("TOBAN_X", value) + "\n", encoding="utf-8")
    assert read_env_file(path) == {"TOBAN_X": value}


def test_a_shell_reads_the_same(tmp_path: Path) -> None:
    """`set -a; . ./.env` gives what we read, quotes, dollars and all."""
    values = {
        "A": "plain-1.2_3",
        "B": "two words",
        "C": 'it\'s $HOME `x` "q" #1 & ;',
        "D": "",
        "E": "a#b?c&d=e",
    }
    path = tmp_path / ".env"
    path.write_text("# note\n\n" + "\n".join(env_line(*pair) for pair in values.items()) + "\n")
    script = f'. {path}; for v in A B C D E; do eval "printf \'%s\\n\' \\"\\$$v\\""; done'
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == list(values.values())
    assert read_env_file(path) == values


def test_lines_that_are_none_are_named_without_their_value(tmp_path: Path) -> None:
    """Each wrong line is named by its number; what it holds may be a secret and is not shown."""
    path = tmp_path / ".env"
    path.write_text("GOOD=1\nexport ALSO=2\nhush hush\nB=two words\n9=x\nC='open\n")
    with pytest.raises(ConfigurationError) as caught:
        read_env_file(path)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        f"{path}, line {number}" for number in (3, 4, 5, 6)
    ]
    assert "hush" not in str(caught.value)


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    """What is set already stays; the file adds the rest."""
    path = tmp_path / ".env"
    path.write_text("A=file\nB=file\n")
    env = {"A": "set"}
    take_env_file(path, env)
    assert env == {"A": "set", "B": "file"}


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """A missing file is an error of the settings."""
    with pytest.raises(ConfigurationError, match="No such file"):
        read_env_file(tmp_path / "no.env")
