"""Flows: what a step costs, how long a flow waits for its turn, and how soon a person sees an answer."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from typing import Any

import requests

from benchmarks.figures import Figure, Side
from benchmarks.offices import BOT_TOKEN, CHANNEL, Office, open_office
from benchmarks.workbench import Workbench
from tests.stand_ins import function_app

ANSWERS = 15
ALLOWED_MILLISECONDS = 150
PAUSE_SECONDS = 2.1
"""Between two answers: Slack takes about one message a second in a channel, and a round makes two."""
COMMAND = f"/ml predict {function_app.MODEL} flight=UA1545 date=2013-07-04"


def measure(bench: Workbench) -> Iterator[Figure]:
    """Yield a step beside one durable insert, the way through the queue, and command to visible answer."""
    with open_office(bench) as office:
        yield from _steps(bench, office)
        with office.bot("bot", "answers.db", "up", "--http", "127.0.0.1:0") as bot:
            office.slack.point_at(bot["address"])
            yield _answers(office)


def _steps(bench: Workbench, office: Office) -> Iterator[Figure]:
    env = {
        **office.env,
        "TOBAN_DATABASE_URL": f"sqlite:///{office.home / 'steps.db'}",
        "BENCH_DATABASE": str(office.home / "inserts.db"),
    }
    found = json.loads(
        bench.output("-m", "benchmarks.programs.flow_steps", str(max(bench.rounds, 5)), env=env)
    )
    millis = {name: tuple(1000 * one for one in values) for name, values in found.items()}
    bare = Side("one bare insert", millis["insert"])
    yield Figure("a step of a flow, overhead", "ms", Side("DBOS on SQLite", millis["step"]), bare)
    yield Figure(
        "storing a request before its ack, in a full batch of the intake",
        "ms",
        Side("the bot", millis["store"]),
        bare,
    )
    yield Figure("beginning its flow after the ack", "ms", Side("DBOS on SQLite", millis["begin"]), bare)
    yield Figure("an empty flow, from the queue to its end", "ms", Side("the bot", millis["enqueue"]))


def _answers(office: Office) -> Figure:
    """Return what the bot adds between a person's command and its answer in the channel."""
    added, seen = [], []
    for number in range(ANSWERS + 2):
        time.sleep(PAUSE_SECONDS)
        function, post = _function_milliseconds(office), _post_milliseconds(office)
        before = office.slack.seq()
        begun = time.perf_counter()
        office.slack.say("operator", CHANNEL, COMMAND)
        office.slack.wait_for(_is_answer, 20.0, before)
        total = 1000 * (time.perf_counter() - begun)
        if number >= 2:
            seen.append(total)
            added.append(total - function - post)
    worst = f"seen after {statistics.median(seen):.0f} ms in the median; {max(added):.0f} ms added at worst"
    return Figure(
        what=f"command to visible answer, beyond the function's time and one Slack post ({worst})",
        unit="ms",
        measured=Side("the bot", tuple(added)),
        limit=f"≤ {ALLOWED_MILLISECONDS} ms",
        within_limit=statistics.median(added) <= ALLOWED_MILLISECONDS,
    )


def _is_answer(event: dict[str, Any]) -> bool:
    return bool(event["kind"] == "message_posted" and event.get("plain"))


def _function_milliseconds(office: Office) -> float:
    """Return how long the scripted function app takes for a prediction."""
    begun = time.perf_counter()
    reply = requests.post(
        f"{office.functions.url}/api/models/{function_app.MODEL}/predict",
        json={"rows": [{}], "caller": {"who": "benchmark", "where": "benchmarks"}},
        headers={"x-functions-key": function_app.KEY},
        timeout=20,
    )
    reply.raise_for_status()
    return 1000 * (time.perf_counter() - begun)


def _post_milliseconds(office: Office) -> float:
    """Return how long the loopback Slack takes for one message."""
    begun = time.perf_counter()
    reply = requests.post(
        f"{office.slack.api_url}chat.postMessage",
        json={"channel": office.channel, "text": "a message"},
        headers={"authorization": f"Bearer {BOT_TOKEN}"},
        timeout=20,
    ).json()
    if not reply["ok"]:
        raise RuntimeError(str(reply))
    return 1000 * (time.perf_counter() - begun)
