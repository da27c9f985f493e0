"""Health of a running bot over HTTP and in Socket Mode, and the end by SIGTERM at any moment."""

from __future__ import annotations

import http.client
import json
import signal
import threading
import time
from collections.abc import Callable

import pytest
import requests

from bot.health import HEALTH
from playground.slack.loopback import Loopback
from tests.stand_ins.bot_process import run_bot, spawn_bot
from tests.stand_ins.ports import free_port
from tests.stand_ins.team import WAIT_SECONDS, Team

START = Callable[..., Team]


def until(address: str, status: int) -> requests.Response:
    """Ask for health until the answer has *status*; no event tells when it changes."""
    pause, deadline = threading.Event(), time.monotonic() + WAIT_SECONDS
    while True:
        reply = requests.get(f"http://{address}{HEALTH}", timeout=WAIT_SECONDS)
        if reply.status_code == status:
            return reply
        assert time.monotonic() < deadline, reply.text
        pause.wait(0.05)


def test_over_http_health_is_on_the_same_address(new_team: START) -> None:
    """A bot over HTTP answers for its health beside Slack's requests, to anybody, and tells nothing else."""
    bot = new_team().start_bot()
    address = bot.address.removeprefix("http://").removesuffix("/slack/events")
    assert until(address, 200).json() == {"status": "ok", "problems": []}
    done = run_bot(["health", address], {})
    assert (done.returncode, done.stdout) == (0, "ok\n")
    line = http.client.HTTPConnection(address, timeout=WAIT_SECONDS)
    for path in ("/healthz", "/", "/github/events", "/hooks/x"):  # what follows on one line is no rest of it
        line.request("HEAD", path)
        line.getresponse().read()
        line.request("GET", "/healthz")
        assert json.load(line.getresponse()) == {"status": "ok", "problems": []}
    line.close()
    assert bot.terminate() == 0
    gone = run_bot(["health", address], {})
    assert (gone.returncode, "no bot answers" in gone.stdout) == (1, True)


@pytest.mark.slow  # the bot asks Slack more and more seldom while it gets no connection
def test_in_socket_mode_a_cut_connection_is_told(new_team: START) -> None:
    """With --health a bot in Socket Mode answers on an address of its own; cut from Slack it is not well."""
    team, address = new_team(), f"127.0.0.1:{free_port()}"
    bot = team.start_bot("--health", address, http=False)
    assert until(address, 200).json()["status"] == "ok"
    assert requests.get(f"http://{address}/slack/events", timeout=WAIT_SECONDS).status_code == 404
    team.slack.fault("apps.connections.open", times=1000, error="internal_error")
    assert team.slack.disconnect(None) == 1
    assert "Socket Mode" in until(address, 503).json()["problems"][0]
    team.slack.clear_faults()
    until(address, 200)
    assert bot.terminate() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_end_while_it_starts_is_heard(new_team: START, number: signal.Signals) -> None:
    """Asked to end while it waits for Slack's first answer, the bot ends in order."""
    team = new_team()
    team.slack.fault("auth.test", hang_seconds=1.0)
    served = team.slack.running._served
    assert isinstance(served, Loopback)
    faults = served.faults
    log = team.folder / "early.log"
    with spawn_bot(["up"], team.env, log) as process:
        deadline = time.monotonic() + WAIT_SECONDS
        while faults.shown() and time.monotonic() < deadline:  # the fault is used up when the bot has asked
            threading.Event().wait(0.02)
        process.send_signal(number)
        assert process.wait(WAIT_SECONDS) == 0
