"""docs/playground.md names everything that the loopback Slack has."""

from pathlib import Path

import pytest
from starlette.routing import Route

import playground.slack.methods  # noqa: F401
from playground.slack.__main__ import read_settings
from playground.slack.control import Control
from playground.slack.faults import Fault
from playground.slack.loopback import Loopback
from playground.slack.settings import Settings
from playground.slack.web_api import METHODS

PAGE = (Path(__file__).parents[4] / "docs" / "playground.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("method", sorted(METHODS))
def test_each_method_is_named(method: str) -> None:
    """Every Web API method stands on the page."""
    assert f"`{method}`" in PAGE


def test_each_control_route_is_named() -> None:
    """Every path of the control API stands on the page."""
    routes: list[Route] = Control(Loopback(Settings(), "http://127.0.0.1")).routes()
    missing = [route.path for route in routes if route.path.replace("{file}", "ID") not in PAGE]
    assert missing == []


def test_each_fault_and_option_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Every field of a fault and every option of the program stands on the page."""
    assert [name for name in Fault.model_fields if f"`{name}`" not in PAGE] == []
    with pytest.raises(SystemExit):
        read_settings(["--help"])
    options = {
        word.strip("[],") for word in capsys.readouterr().out.split() if word.strip("[],").startswith("--")
    }
    assert [option for option in sorted(options - {"--help"}) if f"`{option}" not in PAGE] == []
