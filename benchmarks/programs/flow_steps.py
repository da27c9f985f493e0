"""A bot in which one more flow is registered, of steps that do nothing; it prints what a step costs.

`python -m benchmarks.programs.flow_steps ROUNDS` prints JSON: seconds per step, seconds per bare insert
(taken turn by turn), per request stored by the intake in a full batch, per flow that these then begin, and
seconds from putting an empty flow on its queue to its end.
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid

from dbos import WorkflowHandle

from benchmarks.programs import bare_bolt
from bot.app import Bot, build_bot
from bot.engine import REQUESTS, register
from bot.intake import BATCH, FLOWS_AT_ONCE, Entry
from bot.settings import load_settings

STEPS, INSERTS = 50, 50
PARKED = "parked"


def run_flow(bot: Bot, steps: int) -> float:
    """Return the seconds that a flow of *steps* takes from the queue to its end, without the wait in it."""
    flow_id = f"bench-{uuid.uuid4().hex}"
    begun = time.perf_counter()
    bot.desk.start("bench", REQUESTS, flow_id, steps)
    handle: WorkflowHandle[float] = bot.engine.client.retrieve_workflow(flow_id)
    inside = float(handle.get_result(polling_interval_sec=0.002))
    return inside if steps else time.perf_counter() - begun


def store_requests(bot: Bot) -> float:
    """Return the seconds that the intake takes to store a request, of a full batch."""
    record = {"flow_id": "bench", "verb": "whoami", "typed": "/ml whoami", "user": "U1", "channel": "C1"}
    batch = [Entry("bench", PARKED, f"parked-{uuid.uuid4().hex}", (record,)) for _ in range(BATCH)]
    begun = time.perf_counter()
    bot.intake._write(batch)
    return (time.perf_counter() - begun) / BATCH


def begin_flows(bot: Bot) -> float:
    """Return the seconds that it takes to begin the flow of each request that is stored."""
    begun = time.perf_counter()
    count = sum(iter(lambda: bot.intake.inbox.begin_flows(FLOWS_AT_ONCE), 0))
    return (time.perf_counter() - begun) / count


def insert_bare(path: str, count: int) -> float:
    """Return the seconds that *count* single inserts take."""
    begun = time.perf_counter()
    for _ in range(count):
        bare_bolt.insert(path, uuid.uuid4().hex, "{}")
    return time.perf_counter() - begun


def main(rounds: int) -> None:
    """Take turns and print."""
    bot = build_bot(load_settings(os.environ, "http"))

    def flow(steps: int) -> float:
        begun = time.perf_counter()
        for number in range(steps):
            bot.desk.step(f"step {number}", _nothing)
        return time.perf_counter() - begun

    register("bench", flow)
    bot.start()
    path = os.environ["BENCH_DATABASE"]
    bare_bolt.create(path)
    found: dict[str, list[float]] = {"step": [], "insert": [], "enqueue": [], "store": [], "begin": []}
    for number in range(rounds + 1):
        turn = {
            "step": run_flow(bot, STEPS) / STEPS,
            "insert": insert_bare(path, INSERTS) / INSERTS,
            "enqueue": run_flow(bot, 0),
            "store": store_requests(bot),
            "begin": begin_flows(bot),
        }
        if number:
            for name, seconds in turn.items():
                found[name].append(seconds)
    print(json.dumps(found), flush=True)
    os._exit(0)


def _nothing() -> None:
    """Do nothing."""


if __name__ == "__main__":
    main(int(sys.argv[1]))
