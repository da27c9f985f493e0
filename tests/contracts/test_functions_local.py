"""The local host as a program: how it starts, what it refuses, how it ends."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.function_hosts import KEY, ROOT, WAIT_SECONDS, Home

FORMAT_2 = ROOT / "tests" / "fixtures" / "store-format-2"


def start(home: Home, *options: str) -> subprocess.Popen[str]:
    """Start the program with its queues in the team's folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "functions.local", "--queue-dir", str(home.folder / "queues"), *options],
        cwd=ROOT,
        env=home.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def refused(home: Home, *options: str) -> str:
    """Return what the program says when it does not start."""
    with start(home, *options) as program:
        _, said = program.communicate(timeout=WAIT_SECONDS)
    assert program.returncode == 2
    assert "Traceback" not in said
    return said


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Return a team's folder."""
    return Home(tmp_path)


@pytest.fixture
def busy_port() -> Iterator[int]:
    """Return a port on which something else listens until the test ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def test_one_line_says_that_it_is_ready(home: Home) -> None:
    """The line holds the address and the functions; the first request is answered; SIGTERM ends with 0."""
    with start(home, "--port", "0") as program:
        assert program.stdout is not None
        ready = json.loads(program.stdout.readline())
        assert ready["listening"].startswith("http://127.0.0.1:")
        assert (ready["pid"], ready["functions"]["train"]) == (program.pid, "queueTrigger")
        answer = requests.get(
            f"{ready['listening']}/api/health", headers={"x-functions-key": KEY}, timeout=WAIT_SECONDS
        )
        assert answer.status_code == 200
        program.terminate()
        rest, said = program.communicate(timeout=WAIT_SECONDS)
    assert (program.returncode, rest, said) == (0, "", "")


def test_a_busy_port_is_said_or_searched_past(home: Home, busy_port: int) -> None:
    """A busy port is refused in words; with --port-search the next free one is taken, and that is said."""
    assert str(busy_port) in refused(home, "--port", str(busy_port))
    with start(home, "--port", str(busy_port), "--port-search") as program:
        assert program.stdout is not None
        listening = json.loads(program.stdout.readline())["listening"]
        program.terminate()
        _, said = program.communicate(timeout=WAIT_SECONDS)
    assert int(listening.rpartition(":")[2]) > busy_port
    assert f"port {busy_port} is busy" in said


def test_two_hosts_do_not_share_a_queue_folder(home: Home) -> None:
    """The second host is refused, and the first goes on."""
    with home.host() as host:
        assert "queues" in refused(home, "--port", "0")
        assert host.get("health").status_code == 200


def test_an_address_for_others_needs_a_key(home: Home) -> None:
    """Without a key the host binds this machine's own address only."""
    home.settings["TOBAN_FUNCTIONS_KEY"] = ""
    assert "key" in refused(home, "--port", "0", "--host", "0.0.0.0")


def test_the_hourly_timer_archives_what_is_closed(tmp_path: Path) -> None:
    """A prediction of an hour that is over is found in the archive, also once its segment is gone."""
    home = Home(tmp_path)
    shutil.copytree(FORMAT_2 / "predictions", home.store / "predictions")
    home.settings["TOBAN_KEEP_PREDICTIONS_DAYS"] = "36500"
    with home.host() as host:
        assert host.run_by_hand("compact") == 202
        (archived,) = (home.store / "archive" / "arrival-delay" / "2013070112").glob("*.parquet")
        assert archived.stat().st_size > 0
        shutil.rmtree(home.store / "predictions")
        answer = host.get("predictions/p-arrival-delay-2013070112-a32809bf48a21-2")
        assert (answer.status_code, answer.json()["answer"]["value"]) == (200, 1.5)
        assert host.get("predictions/p-arrival-delay-2013070112-a32809bf48a21-9").status_code == 404
