"""What steps tell their runner."""

from pathlib import Path

import pytest

from playground.github.runner_commands import BadFile, Log, read_pairs


def test_secrets_are_masked_whole_and_by_line() -> None:
    """A secret never shows, nor does a line of it, nor what was masked later; longer ones go first."""
    log = Log(["abc", "abcdef", "first\nsecond", ""])
    assert log.read("abcdef abc second") == "*** *** ***"
    assert log.read("::add-mask::later") is None
    assert log.read("sooner or later") == "sooner or ***"


def test_errors_become_log_lines_and_annotations() -> None:
    """The command's fields and escapes are read; the message is masked."""
    log = Log(["key"])
    assert (
        log.read("::error file=a/b.py,line=3,endLine=4,title=Bad%2C really::no key%0Ahere")
        == "##[error]no ***\nhere"
    )
    assert log.read("::warning::careful") == "##[warning]careful"
    first, second = log.annotations
    assert {
        name: first[name] for name in ("path", "start_line", "end_line", "title", "annotation_level")
    } == {
        "path": "a/b.py",
        "start_line": 3,
        "end_line": 4,
        "title": "Bad, really",
        "annotation_level": "failure",
    }
    assert (first["message"], second["path"]) == ("no ***\nhere", ".github")


def test_commands_can_be_stopped() -> None:
    """Between stop-commands and its end mark, lines are lines."""
    log = Log([])
    log.read("::stop-commands::xyz")
    assert log.read("::error::no") == "::error::no"
    log.read("::xyz::")
    assert log.read("::error::yes") == "##[error]yes"
    assert len(log.annotations) == 1


def test_pairs_and_blocks_are_read(tmp_path: Path) -> None:
    """A value may hold =, and a block several lines."""
    file = tmp_path / "output"
    file.write_text("a=1=2\nb<<END\nx\ny=z\nEND\n\nc=\n", encoding="utf-8")
    assert read_pairs(file) == {"a": "1=2", "b": "x\ny=z", "c": ""}


@pytest.mark.parametrize("text", ["nonsense", "a<<END\nx"])
def test_a_bad_file_is_said(tmp_path: Path, text: str) -> None:
    """A line without = and a block without end are errors, as they are on GitHub."""
    file = tmp_path / "output"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadFile):
        read_pairs(file)
