"""What every test gets: no settings of the person who runs it, no network beyond loopback, bounded examples.

Real parts (Azurite, PostgreSQL …) are fixtures of their own in `tests/parts*.py`; a test that asks for one
that is not on this machine is skipped, and the end of the run says what was skipped and why.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import socket
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = [
    name
    for name in (
        "tests.parts",
        "tests.parts_postgres",
        "tests.parts_mlflow",
        "tests.parts_browser",
        "playground.slack.fixtures",
        "playground.github.fixtures",
        "tests.stand_ins.office",
        "tests.stand_ins.team",
        "tests.stand_ins.github_team",
        "tests.stand_ins.deploying_team",
        "tests.stand_ins.actions_team",
    )
    if importlib.util.find_spec(name) is not None
]

ROOT = Path(__file__).resolve().parent.parent
SETTINGS_PREFIXES = (
    *("TOBAN_", "SLACK_", "AZURE_", "AZUREWEBJOBS", "AWS_", "GOOGLE_", "DBOS_", "IDENTITY_"),
    *("GITHUB_TOKEN", "GITHUB_REVIEW_", "GITHUB_API_", "GITHUB_APP_", "GITHUB_WEBHOOK_", "MLFLOW_"),
)
OF_HOOKS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""What git tells its hooks, in one of which somebody may run the tests: other repositories are meant here."""
LONGEST = ("test_demo.py", "test_killed_everywhere.py")
LONG = ("faults", "scenarios", "contracts")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
PATIENT_SECONDS = 30.0
"""How long the loopbacks wait for an app, where a test has no wish of its own: the machine may be busy."""

# Set before the first import of our code, also for the processes that tests start. Settings that name a real
# part of this machine are kept.
for _name in list(os.environ):
    if _name.startswith("TOBAN_TEST_"):
        continue
    if _name.upper().startswith(SETTINGS_PREFIXES) or _name.upper() in (*PROXIES, *OF_HOOKS):
        del os.environ[_name]
os.environ["NO_PROXY"] = "*"
os.environ["TOBAN_CACHE_DIR"] = str(ROOT / ".pytest_cache" / "toban")

# Bounded and the same on every run; `make test-full` looks further and elsewhere each time.
settings.register_profile(
    "ci",
    max_examples=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "full", max_examples=1_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def _only_loopback(event: str, arguments: tuple[object, ...]) -> None:
    """Refuse to connect anywhere but to this machine, so that a test cannot pass thanks to the network."""
    if event != "socket.connect":
        return
    connection, address = arguments
    if not isinstance(connection, socket.socket) or connection.family not in (
        socket.AF_INET,
        socket.AF_INET6,
    ):
        return
    host = str(address[0]) if isinstance(address, tuple) else str(address)
    if host != "localhost" and not _is_loopback(host):
        raise ConnectionRefusedError(f"tests connect to this machine only, not to {host}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


sys.addaudithook(_only_loopback)


@pytest.fixture
def start_slack(start_slack: Callable[..., Any]) -> Callable[..., Any]:
    """Start loopback Slacks that are patient unless told otherwise; see playground/slack/fixtures.py."""
    patient = {"ack_seconds": PATIENT_SECONDS, "trigger_seconds": PATIENT_SECONDS}
    return lambda **settings: start_slack(**{**patient, **settings})


@pytest.fixture
def start_github(start_github: Callable[..., Any]) -> Callable[..., Any]:
    """Start loopback GitHubs that are patient unless told otherwise; see playground/github/fixtures.py."""
    return lambda **settings: start_github(**{"ack_seconds": PATIENT_SECONDS, **settings})


class Workers:
    """What the processes that share out the tests tell: each of them leaves out the same ones."""

    deselected = 0

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.deselected = max(self.deselected, getattr(node, "workeroutput", {}).get("deselected", 0))


def pytest_configure(config: pytest.Config) -> None:
    """Listen to the workers, where there are any."""
    config.pluginmanager.register(Workers(), "workers")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let several workers begin with the long files: who began one last would be alone with it in the end."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: (item.path.name not in LONGEST, *_folder(item.path)))


def _folder(path: Path) -> tuple[int, str]:
    """Return where a test's folder stands in the order of beginning."""
    name = path.relative_to(ROOT / "tests").parts[0]
    return (LONG.index(name) if name in LONG else len(LONG), name)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Count what a worker leaves out; without workers pytest counts it itself."""
    output = getattr(items[0].config, "workeroutput", None) if items else None
    if output is not None:
        output["deselected"] = output.get("deselected", 0) + len(items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end which parts were left out and why, one line for each reason."""
    reasons = Counter(_reason(report.longrepr) for report in terminalreporter.stats.get("skipped", []))
    workers = terminalreporter.config.pluginmanager.get_plugin("workers")
    left_out = len(terminalreporter.stats.get("deselected", [])) or workers.deselected
    if not reasons and not left_out:
        return
    terminalreporter.section("left out, and why")
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{_tests(count)} skipped: {reason}")
    if left_out:
        terminalreporter.write_line(
            f"{_tests(left_out)} not asked for by -m or -k (`make test-full` runs all)"
        )


def _reason(longrepr: object) -> str:
    """Return why a test was skipped, from pytest's (path, line, "Skipped: why")."""
    text = str(longrepr[-1] if isinstance(longrepr, Sequence) and not isinstance(longrepr, str) else longrepr)
    return text.removeprefix("Skipped: ")


def _tests(count: int) -> str:
    return "1 test" if count == 1 else f"{count} tests"
