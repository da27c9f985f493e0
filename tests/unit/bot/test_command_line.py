"""The command line itself: its help, and what it says of a slip of the keyboard."""

from __future__ import annotations

import argparse
import json
import re

import pytest

from bot.__main__ import _parser, main

COMMANDS = ("up", "check", "init", "manifest", "health", "digest", "say", "playground")


def commands() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command."""
    actions = [one for one in _parser()._actions if isinstance(one, argparse._SubParsersAction)]
    return dict(actions[0].choices)


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`toban --help` names each command with a line, the first steps, and what the exit status means."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert tuple(commands()) == COMMANDS
    assert [name for name in COMMANDS if not re.search(rf"^    {name}\s+\w", text, re.MULTILINE)] == []
    assert "toban check --env-file .env" in text
    assert "Exit status" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(name: str) -> None:
    """A command says what it does in a sentence, and each of its options what it is for."""
    parser = commands()[name]
    assert parser.description
    assert parser.description.endswith(".")
    unexplained = [one.dest for one in parser._actions if not one.help]
    assert unexplained == []


@pytest.mark.parametrize(("typed", "meant"), [("chek", "check"), ("manifset", "manifest"), ("UP", "up")])
def test_a_slip_names_the_nearest_command(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown command is answered by the one that was probably meant, with status 2."""
    with pytest.raises(SystemExit) as ended:
        main([typed])
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"toban: there is no command {typed!r}; did you mean `toban {meant}`?\n"


def test_a_word_like_none_points_to_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing is near, the list is named instead."""
    with pytest.raises(SystemExit):
        main(["xyzzy"])
    assert "`toban --help` lists them" in capsys.readouterr().err


def test_a_wrong_option_is_still_argparses(capsys: pytest.CaptureFixture[str]) -> None:
    """A slip in an option of a known command is named as such."""
    with pytest.raises(SystemExit) as ended:
        main(["manifest", "--htpp", "x"])
    assert ended.value.code == 2
    assert "--htpp" in capsys.readouterr().err


def test_manifest_variants_by_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Address, command, suffix and optional scopes of the command line arrive in what is printed."""
    assert main(["manifest", "--slash", "/models", "--suffix", "dev", "--with", "channels"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["features"]["slash_commands"][0]["command"] == "/models-dev"
    assert "groups:read" in made["oauth_config"]["scopes"]["bot"]
    assert main(["manifest", "--http", "http://x"]) == 2
    assert "https://HOST" in capsys.readouterr().err
    assert main(["manifest", "--explain"]) == 0
    assert "usergroups:read" in capsys.readouterr().out


@pytest.mark.parametrize("ending", [KeyboardInterrupt, EOFError])
def test_what_is_interrupted_ends_without_a_trace(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, ending: type[BaseException]
) -> None:
    """Ctrl and C, or D, at a question ends the program with the status that shells know."""

    def interrupt(*_: object) -> int:
        raise ending

    monkeypatch.setattr("bot.__main__._init", interrupt)
    assert main(["init"]) == 130
    assert capsys.readouterr().err == "\n"
