"""Acks: a signed slash command over HTTP, its flow stored first, from 64 senders at once."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import hmac
import itertools
import time
from collections.abc import Iterator
from urllib.parse import urlencode

from benchmarks.figures import Budget, Figure, Side, take_turns
from benchmarks.flooded import FloodedOffice, open_flooded
from benchmarks.load import Load, Order, port_of, post
from benchmarks.offices import SIGNING_SECRET, Office
from benchmarks.workbench import Workbench

SENDERS = 64
COMMANDS = 20 * SENDERS
"""Commands in one turn."""
PARKED = "parked.db"
COMMAND, TEXT = "/ml", "whoami"
MOST_SECONDS = 1.0
NO_BODY = b"\r\n\r\n"
"""How an ack ends that says nothing to the asker; one with a body would be a refusal."""

_numbers = itertools.count(1)


def measure(bench: Workbench) -> Iterator[Figure]:
    """Yield acks by themselves, and acks while the flows that they start are run by the same process."""
    # Of a turn's answers Slack takes a hundred a minute; the others need response URLs that it knows.
    with open_flooded(bench, 1) as office:
        yard = bench.program("-m", "benchmarks.programs.bare_bolt", str(office.home / "bare.db"), COMMAND,
                             env=office.env)  # fmt: skip
        with yard as bare:
            parked = office.bot("benchmarks.programs.parked_bot", PARKED)
            with parked as bot:
                yield from _compare(bench, office, bot["address"], bare["address"], running=False)
            with office.bot("bot", "running.db", "up", "--http", "127.0.0.1:0") as bot:
                yield from _compare(bench, office, bot["address"], bare["address"], running=True)


def _compare(
    bench: Workbench, office: FloodedOffice, bot: str, bare: str, *, running: bool
) -> Iterator[Figure]:
    loads: dict[str, list[Load]] = {"bot": [], "bare": []}

    def turn(name: str, address: str) -> float:
        requests = [command(office, address, response_url=office.response_url()) for _ in range(COMMANDS)]
        # What is left of a turn must not fall into the other side's.
        rest = office.drained(COMMANDS) if running else office.begun(PARKED)
        with rest if name == "bot" else contextlib.nullcontext():
            load = bench.load.send(Order(port_of(address), requests, SENDERS, 60.0, COMMANDS, NO_BODY, True))
        loads[name].append(load)
        return load.rate

    samples = {"bot": functools.partial(turn, "bot", bot), "bare": functools.partial(turn, "bare", bare)}
    rates = take_turns(samples, bench.rounds, bench.seconds)
    condition = "while their flows run" if running else "flows stored, not run"
    yield Figure(
        what=f"ack of a signed command, {SENDERS} senders, {condition}",
        unit="acks/s",
        measured=Side("the bot", rates["bot"]),
        yardstick=Side("Bolt with one bare insert", rates["bare"]),
        budget=Budget(0.5, "higher"),
    )
    worst = {name: tuple(load.latency(1.0) * 1000 for load in found[1:]) for name, found in loads.items()}
    yield Figure(
        what=f"slowest ack of a turn, {condition}",
        unit="ms",
        measured=Side("the bot", worst["bot"]),
        yardstick=Side("Bolt with one bare insert", worst["bare"]),
        limit=f"no ack over {MOST_SECONDS:g} s",
        within_limit=max(worst["bot"]) <= MOST_SECONDS * 1000,
    )


def command(
    office: Office, address: str, text: str = TEXT, channel: str = "", response_url: str = ""
) -> bytes:
    """Return a whole request as Slack sends it for a slash command, signed, with a trigger of its own."""
    number = next(_numbers)
    form = {
        "token": "unused",
        "team_id": office.team,
        "team_domain": "bench",
        "channel_id": channel or office.channel,
        "channel_name": "bench",
        "user_id": office.people[number % len(office.people)],
        "user_name": "operator",
        "command": COMMAND,
        "text": text,
        "api_app_id": "A1",
        "is_enterprise_install": "false",
        "response_url": response_url or f"{office.slack_url}/commands/bench/{number}",
        "trigger_id": f"{number}.{time.time_ns()}.bench",
    }
    return sign(address, urlencode(form).encode())


def sign(address: str, body: bytes) -> bytes:
    """Return a request that carries Slack's signature of *body*.

    Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    now = str(int(time.time()))
    digest = hmac.new(SIGNING_SECRET.encode(), f"v0:{now}:".encode() + body, hashlib.sha256).hexdigest()
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": now,
        "x-slack-signature": f"v0={digest}",
    }
    return post(address, body, headers)
