"""The page on the loopback GitHub names every endpoint, control request and option, and no others."""

import re
from pathlib import Path

import pytest

from playground import controls
from playground.github import control
from playground.github.__main__ import read_settings
from playground.github.actions import ACTIONS
from playground.github.doors import ENDPOINTS
from playground.github.workflow_files import UNSUPPORTED_IN_JOB

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "playground-github.md").read_text(encoding="utf-8")


def test_endpoints() -> None:
    """What is served is listed, what is listed is served."""
    served = {f"{one.verb} {one.path.replace(':path', '')}" for one in ENDPOINTS}
    listed = set(re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) /(?!playground|OWNER)[^`]*)`", PAGE))
    assert listed == served


def test_control_requests() -> None:
    """Each request of the control API has its line."""
    source = "".join(Path(one.__file__).read_text(encoding="utf-8") for one in (control, controls))
    served = set(re.findall(r'\("(GET|POST|DELETE)", "([a-z-]+)(?:/\{\w+\})?", self', source))
    listed = set(re.findall(r"`(GET|POST|DELETE) /playground/([a-z-]+)", PAGE))
    assert listed == served


def test_options(capsys: pytest.CaptureFixture[str]) -> None:
    """Each option of the command line has its line."""
    with pytest.raises(SystemExit):
        read_settings(["--help"])
    offered = set(re.findall(r"--[a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert set(re.findall(r"`(--[a-z-]+)`", PAGE)) == offered


def test_what_runs_and_what_does_not() -> None:
    """Emulated actions and refused keys are named."""
    for name in (*ACTIONS, *(key for key in UNSUPPORTED_IN_JOB if key != "uses")):
        assert f"`{name}`" in PAGE
