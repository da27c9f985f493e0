"""Programs are started, heard, and ended by their own handle."""

import socket
from pathlib import Path

import pytest

from playground.programs import Program, ProgramFailed, free_port


def program(folder: Path, code: str) -> Program:
    """Return a program that runs *code*."""
    return Program("sample", ["-c", code], {}, folder, folder / "sample.log")


def test_a_program_is_ready_when_it_says_so(tmp_path: Path) -> None:
    """Its first line is returned, later ones go to the log, and it ends when asked."""
    # One write: it may be ended as soon as its first line is there.
    sample = program(
        tmp_path, 'import os, time; os.write(1, b\'{"listening": "x"}\\nlater\\n\'); time.sleep(60)'
    )
    assert sample.start() == {"listening": "x"}
    sample.stop()
    sample.stop()
    assert (tmp_path / "sample.log").read_text() == "later\n"


def test_a_program_that_ends_at_once_shows_its_log(tmp_path: Path) -> None:
    """The end of the log is in the error."""
    sample = program(tmp_path, "import sys; sys.exit('no settings')")
    with pytest.raises(ProgramFailed, match="no settings"):
        sample.start()


def test_a_busy_port_moves_on() -> None:
    """The next free port is taken instead."""
    with socket.create_server(("127.0.0.1", 0)) as busy:
        taken = busy.getsockname()[1]
        assert free_port(taken) != taken
