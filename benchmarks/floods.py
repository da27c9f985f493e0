"""Floods: far more at once than a team asks for. What is lost or done twice is counted; memory, measured."""

from __future__ import annotations

import functools
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.acks import COMMAND, NO_BODY, command
from benchmarks.figures import Budget, Figure, Side, take_turns
from benchmarks.flooded import FloodedOffice, count_cards, count_flows, open_flooded, processor_seconds, rss
from benchmarks.load import Load, Order, port_of, post
from benchmarks.predictions import BARE, LOGGED, host
from benchmarks.trained import MODEL, Trained, ask
from benchmarks.workbench import Workbench, wait_until
from ml.objects import open_store
from ml.segments import read_rows
from ml.usage import Usage

SENDERS = 64
COMMANDS, RETRAINS, MODELS, WATCHED, PREDICTIONS = 1_000, 10_000, 50, 500, 100_000
ENDED_AT_ONCE = 30
LOOKED_AT_SECONDS = 60.0
DRAINED_SECONDS = 45.0
PATIENCE_SECONDS = 240.0
BARE_BOLT = "Bolt with one bare insert"
FLAT = Budget(1.2, "lower")


def measure(bench: Workbench, trained: Trained) -> Iterator[Figure]:
    """Yield the figures of all four floods."""
    yield from _commands(bench)
    yield from _retrains(bench)
    yield from _watched(bench)
    yield from _predictions(bench, trained)


# --- commands ---------------------------------------------------------------------------------------------


def _commands(bench: Workbench) -> Iterator[Figure]:
    """Yield acks of a flood of commands, and what became of them in a Slack that keeps to its limits."""
    with open_flooded(bench, 1) as office:
        bare = bench.program("-m", "benchmarks.programs.bare_bolt", str(office.home / "bare.db"), COMMAND,
                             env=office.env)  # fmt: skip
        with bare as yard, office.bot("bot", "flood.db", "up", "--http", "127.0.0.1:0") as bot:
            office.enforce(True)
            loads: dict[str, list[Load]] = {"bot": [], "bare": []}
            before: list[float] = []

            def turn(name: str, address: str) -> float:
                requests = [
                    command(office, address, response_url=office.response_url()) for _ in range(COMMANDS)
                ]
                order = Order(port_of(address), requests, SENDERS, 60.0, COMMANDS, NO_BODY, True)
                loads[name].append(bench.load.send(order))
                if name == "bot":
                    _answered(office, COMMANDS * len(loads["bot"]))
                    before.append(rss(bot["pid"]))
                return loads[name][-1].rate

            samples = {
                "bot": functools.partial(turn, "bot", bot["address"]),
                "bare": functools.partial(turn, "bare", yard["address"]),
            }
            take_turns(samples, 3, 0.0)
            asked = COMMANDS * len(loads["bot"])
            for share, name in (
                (0.5, "half of the acks came within"),
                (0.99, "99 % of the acks came within"),
            ):
                ours, theirs = (
                    tuple(1000 * load.latency(share) for load in loads[side][1:]) for side in ("bot", "bare")
                )
                yield Figure(
                    f"{COMMANDS:,} commands from {SENDERS} senders: {name}",
                    "ms",
                    Side("the bot", ours),
                    Side(BARE_BOLT, theirs),
                    limit="≤ 1,000 ms",
                    within_limit=max(ours) <= 1000,
                )
            states = count_flows(office.home / "flood.db", "c-%")
            yield _count(f"{asked:,} commands: flows that came to their end", states.get("SUCCESS", 0), asked)
            yield _count(f"{asked:,} commands: answers that people saw", _answers(office), asked)
            by_url = Side("the bot", (float(office.responded()),))
            yield Figure("of these answers, by response URL, because Slack's limit was reached", "", by_url)
            yield _refused(office, f"{asked:,} commands")
            yield _memory(
                "a bot after 4 × 1,000 commands, beside after the first 1,000", before[-1], before[0]
            )


def _answers(office: FloodedOffice) -> int:
    return office.taken("chat.postEphemeral") + office.responded()


def _answered(office: FloodedOffice, wanted: int) -> None:
    wait_until(lambda: _answers(office) >= wanted, PATIENCE_SECONDS, f"answering {wanted} commands")


# --- retrains ---------------------------------------------------------------------------------------------


def _retrains(bench: Workbench) -> Iterator[Figure]:
    """Yield how a bot does with ten thousand retrains in fifty queues."""
    with open_flooded(bench, MODELS) as office:
        up = ("bot", "queue.db", "up", "--http", "127.0.0.1:0")
        bare = bench.program("-m", "benchmarks.programs.bare_bolt", str(office.home / "bare.db"), COMMAND,
                             env=office.env)  # fmt: skip
        with office.bot(*up) as bot:
            idle, small = _processor_share(bot["pid"]), rss(bot["pid"])
        office.queue_runs("queue.db", RETRAINS)
        database = office.home / "queue.db"
        with bare as yard, office.bot(*up) as bot:
            _runs_begun(office, MODELS)
            time.sleep(3.0)  # until the cards of the first have been drawn
            queued = f"{RETRAINS:,} retrains of {MODELS} models wait"
            share = _processor_share(bot["pid"])
            sides = Side("the bot", (share,)), Side("with nothing queued", (idle,))
            yield Figure(f"{queued}: processor time of the bot", "% of a core", *sides)
            begun = rss(bot["pid"])
            yield _memory(f"{queued}: memory of the bot, beside with nothing queued", begun, small)
            yield _ack_beside(bench, office, bot["address"], yard["address"], queued)
            warm = rss(bot["pid"])  # what a flood of commands takes is measured by itself
            _drain(office)
            yield from _drained(office, database)
            what = f"{queued}: memory after some have run, beside after these commands"
            yield _memory(what, rss(bot["pid"]), warm)


def _processor_share(pid: int, seconds: float = 8.0) -> float:
    used, begun = processor_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return 100 * (processor_seconds(pid) - used) / (time.monotonic() - begun)


def _runs_begun(office: FloodedOffice, count: int) -> None:
    functions = office.functions
    wait_until(lambda: len(functions.runs) >= count, PATIENCE_SECONDS, f"starting {count} runs")


def _ack_beside(bench: Workbench, office: FloodedOffice, bot: str, bare: str, condition: str) -> Figure:
    loads: dict[str, list[Load]] = defaultdict(list)

    def turn(name: str, address: str) -> float:
        requests = [command(office, address) for _ in range(COMMANDS)]
        order = Order(port_of(address), requests, SENDERS, 60.0, COMMANDS, NO_BODY, True)
        loads[name].append(bench.load.send(order))
        return 1000 * loads[name][-1].latency(0.99)

    samples = {
        "the bot": functools.partial(turn, "bot", bot),
        BARE_BOLT: functools.partial(turn, "bare", bare),
    }
    values = take_turns(samples, 3, 0.0)
    ours, theirs = (Side(name, found) for name, found in values.items())
    met = max(ours.values) <= 1000
    what = f"{condition}: 99 % of the acks of other commands came within"
    return Figure(what, "ms", ours, theirs, limit="≤ 1,000 ms", within_limit=met)


def _drain(office: FloodedOffice) -> None:
    """Let every run fail as soon as it has begun, for a while."""
    until = time.monotonic() + DRAINED_SECONDS
    while time.monotonic() < until:
        office.functions.end_all()
        time.sleep(0.05)


def _drained(office: FloodedOffice, database: Path) -> Iterator[Figure]:
    functions = office.functions
    with functions.lock:
        started, asked = list(functions.runs.values()), functions.count("POST", "/retrain$")
    known = count_flows(database, "c-flood-%-run")
    yield _count(f"{RETRAINS:,} retrains: still waiting, under way or ended", sum(known.values()), RETRAINS)
    yield _count(f"of these, started once: calls beside runs ({len(started):,} began)", asked, len(started))
    yield _count("runs of a model that began before the one before had ended", _overlapping(started), 0)


def _overlapping(runs: list[dict[str, Any]]) -> int:
    """Return how many runs began while another of the same model was under way."""
    found = 0
    ended: dict[str, str] = {}
    for run in runs:
        before = ended.get(run["model"])
        found += before is not None and run["created_at"] < before
        ended[run["model"]] = run.get("finished_at") or "9"
    return found


# --- watched runs -----------------------------------------------------------------------------------------


def _watched(bench: Workbench) -> Iterator[Figure]:
    """Yield how a bot follows five hundred runs whose progress changes all the time."""
    with open_flooded(bench, WATCHED) as office:
        up = ("bot", "watched.db", "up", "--http", "127.0.0.1:0")
        with office.bot(*up):
            pass  # makes the database
        office.queue_runs("watched.db", WATCHED)
        with office.bot(*up) as bot:
            _runs_begun(office, WATCHED)
            running = functools.partial(count_cards, office.home / "watched.db", "running")
            wait_until(lambda: running() == WATCHED, PATIENCE_SECONDS, "watching all runs")
            stopping = threading.Event()
            progress = threading.Thread(target=_go_on, args=(office, stopping))
            progress.start()
            try:
                yield from _look_at(office, bot["pid"])
            finally:
                stopping.set()
                progress.join()


def _look_at(office: FloodedOffice, pid: int) -> Iterator[Figure]:
    office.enforce(True)
    watched, begun = f"{WATCHED} watched runs", rss(pid)
    asked = office.functions.count("GET", "^/api/runs")
    time.sleep(LOOKED_AT_SECONDS)
    asked = office.functions.count("GET", "^/api/runs") - asked
    minutes = LOOKED_AT_SECONDS / 60
    yield Figure(f"{watched}: requests to the function app a minute", "", Side("the bot", (asked / minutes,)))
    edits = office.taken("chat.update") / minutes
    yield Figure(
        f"{watched}: edits that Slack took a minute",
        "",
        Side("the bot", (edits,)),
        limit="Slack takes 50",
        within_limit=edits <= 50,
    )
    with office.functions.lock:
        ended = [run for run, _ in zip(list(office.functions.runs), range(ENDED_AT_ONCE), strict=False)]
        for run_id in ended:
            office.functions.fail(run_id, "no_rows", "there were no rows")
    begun_ending = time.monotonic()
    replies = functools.partial(office.taken, "chat.postMessage")
    wait_until(lambda: replies() >= ENDED_AT_ONCE, PATIENCE_SECONDS, "telling of the ends")
    took = time.monotonic() - begun_ending
    yield _count(f"{watched}, {ENDED_AT_ONCE} end at once: told in their threads", replies(), ENDED_AT_ONCE)
    yield Figure(
        f"{watched}, {ENDED_AT_ONCE} end at once: until all were told", "s", Side("the bot", (took,))
    )
    yield _refused(office, watched)
    yield _memory(f"{watched}: memory after two minutes, beside at the beginning", rss(pid), begun)


def _go_on(office: FloodedOffice, stopping: threading.Event) -> None:
    """Move every run that is under way a little, once a second."""
    functions, share = office.functions, 0.0
    while not stopping.wait(1.0):
        share = (share + 0.01) % 1.0
        with functions.lock:
            for run_id, run in functions.runs.items():
                if run["state"] in ("queued", "running"):
                    functions.progress(run_id, "fit", share)


# --- predictions ------------------------------------------------------------------------------------------


def _predictions(bench: Workbench, trained: Trained) -> Iterator[Figure]:
    """Yield how the local host does with a hundred thousand predictions of one row."""
    bare = bench.program("-m", "benchmarks.programs.bare_onnx", str(trained.model_file))
    store, begun_at = bench.folder("predicted") / "store", datetime.now(UTC)
    shutil.copytree(trained.store, store, ignore=shutil.ignore_patterns("predictions", "rollups", "tallies"))
    env = {"TOBAN_STORE_URL": store.as_uri()}
    with bare as yard, host(bench, trained, LOGGED, "functions.local", b'"logged":true', env) as ours:
        rows = [ask([row]) for row in trained.rows(256)]
        requests = [post(ours.url, body) for body in rows]

        def load(count: int) -> Load:
            return bench.load.send(Order(port_of(ours.url), requests, SENDERS, 600.0, count, ours.mark))

        load(PREDICTIONS // 10)
        begun = rss(ours.pid)
        loads = [load(PREDICTIONS * 3 // 10) for _ in range(3)]
        bodies = [post(yard["listening"], ask([row])) for row in trained.graph_rows(256)]
        theirs = bench.load.send(
            Order(port_of(yard["listening"]), bodies, SENDERS, 600.0, PREDICTIONS // 10, b'"values"')
        )
        told = f"{PREDICTIONS:,} predictions from {SENDERS} senders"
        for share, name in ((0.5, "half"), (0.99, "99 %")):
            yield Figure(
                f"{told}: {name} of the answers came within",
                "ms",
                Side("Toban", tuple(1000 * one.latency(share) for one in loads)),
                Side(BARE, (1000 * theirs.latency(share),) * len(loads)),
            )
        yield _memory(f"{told}: memory after all, beside after the first tenth", rss(ours.pid), begun)
    usage = Usage(open_store(store.as_uri())).since(MODEL, begun_at)
    yield _count(f"{told}: counted by the hour", usage.total, PREDICTIONS)
    yield _count(f"{told}: different ids in the log", len(set(_logged_ids(store))), PREDICTIONS)


def _logged_ids(store: Path) -> Iterator[tuple[str, str, int]]:
    """Yield hour, segment and row of everything in the log."""
    for path in (store / "predictions" / MODEL).rglob("*.jsonl"):
        for row in read_rows(path.read_bytes(), path.stem, str(path)):
            yield path.parent.name, path.stem, row["row"]


# --- what all floods tell ---------------------------------------------------------------------------------


def _count(what: str, found: int, wanted: int) -> Figure:
    return Figure(
        what, "", Side("Toban", (float(found),)), limit=f"{wanted:,} exactly", within_limit=found == wanted
    )


def _refused(office: FloodedOffice, what: str) -> Figure:
    calls = sum(int(one["calls"]) for one in office.slack.counts()["methods"].values())
    side = Side("Slack", (float(office.refused()),))
    return Figure(f"{what}: calls that Slack refused for their rate, of {calls:,}", "", side)


def _memory(what: str, after: float, before: float) -> Figure:
    return Figure(what, "MB", Side("after", (after,)), Side("before", (before,)), FLAT)
