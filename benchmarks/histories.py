"""Histories: finding the newest of very many events, and what things cost in requests to the object store."""

from __future__ import annotations

import functools
import json
import shutil
import time
from collections.abc import Callable, Iterator

import sqlalchemy as sa

from benchmarks.figures import Budget, Figure, Side, take_turns
from benchmarks.programs.counted_requests import SEGMENTS, TOGETHER
from benchmarks.requests_made import price
from benchmarks.trained import MODEL, Trained
from benchmarks.workbench import Workbench
from bot.databases import make_engine
from bot.records import Records
from ml.events import EventLog
from ml.objects import open_store
from ml.serving import LOOK_SECONDS

SHORT, LONG = 10_000, 1_000_000
A_MILLION = 1_000_000
LOOKS, LOOKS_IN_TABLES = 200, 40
"""Times that something is looked for in one turn."""


def measure(bench: Workbench, trained: Trained) -> Iterator[Figure]:
    """Yield the newest of 10,000 events beside the newest of 1,000,000, and requests per thing done."""
    short, long = _history(SHORT), _history(LONG)
    samples = {
        "of 1,000,000": functools.partial(_find, long, LONG),
        "of 10,000": functools.partial(_find, short, SHORT),
    }
    values = take_turns(samples, bench.rounds, bench.seconds)
    ours, beside = (Side(name, found) for name, found in values.items())
    budget = Budget(2.0, "lower")
    yield Figure("finding the newest event of a history, cold", "ms", ours, beside, budget)
    yield from _records(bench)
    yield from _requests(bench, trained)


def _records(bench: Workbench) -> Iterator[Figure]:
    """Yield what the bot looks up again and again, in tables of 1,000,000 jobs beside 10,000."""
    short, long = (_jobs(bench, number) for number in (SHORT, LONG))
    looks: dict[str, Callable[[Records], object]] = {
        "what is open, for the watcher": lambda records: records.watched_cards(5),
        "a job by its run": lambda records: records.card("r-5000"),
        "a person's latest jobs and commands": lambda records: (
            records.cards_of("U7", 5),
            records.asked_by("U7", 5),
        ),
    }
    for what, look in looks.items():
        samples = {
            f"of {LONG:,}": functools.partial(_look, long, look),
            f"of {SHORT:,}": functools.partial(_look, short, look),
        }
        ours, beside = (
            Side(name, found) for name, found in take_turns(samples, bench.rounds, bench.seconds).items()
        )
        yield Figure(f"the bot's tables: {what}", "ms", ours, beside, Budget(2.0, "lower"))
    for records in (short, long):
        records.engine.dispose()


def _look(records: Records, look: Callable[[Records], object]) -> float:
    begun = time.perf_counter()
    for _ in range(LOOKS_IN_TABLES):
        look(records)
    return 1000 * (time.perf_counter() - begun) / LOOKS_IN_TABLES


def _jobs(bench: Workbench, number: int) -> Records:
    """Return records of *number* jobs, all but ten of them closed, and as many lines of audit."""
    records = Records(make_engine(f"sqlite:///{bench.folder('records') / 'bot.db'}"))
    records.migrate()
    values = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :number) "
    at = "strftime('%Y-%m-%d %H:%M:%f', 1700000000 + i, 'unixepoch') || '000'"
    job = "json_object('flow_id', 'c-' || i, 'user', 'U' || (i % 50), 'verb', 'retrain')"
    with records.engine.begin() as connection:
        connection.execute(
            sa.text(
                f"INSERT INTO toban_cards {values} SELECT 'c-' || i, 'c-' || i || '-run', 'm-' || (i % 50), "
                f"{job}, 'C1', '1.' || i, 'r-' || i, iif(i > :number - 10, 'running', 'closed'), {at} FROM n"
            ),
            {"number": number},
        )
        connection.execute(
            sa.text(
                f"INSERT INTO toban_audit (at, flow_id, who, what, facts) {values} SELECT {at}, 'c-' || i, "
                "'U' || (i % 50), 'retrain', json_object('typed', '/ml retrain', 'allowed', 1) FROM n"
            ),
            {"number": number},
        )
        connection.execute(sa.text("ANALYZE"))
    return records


def _history(length: int) -> EventLog:
    """Return a history in memory: only its numbers matter here."""
    store = open_store(f"memory://history-{length}")
    log = EventLog(store, f"models/{MODEL}/aliases/champion", width=8)
    for number in range(1, length + 1):
        store.create(log.path(number), b"{}")
    return log


def _find(log: EventLog, length: int) -> float:
    begun = time.perf_counter()
    for _ in range(LOOKS):
        if log.newest() != length:
            raise RuntimeError("the newest event was not found")
    return 1000 * (time.perf_counter() - begun) / LOOKS


def _requests(bench: Workbench, trained: Trained) -> Iterator[Figure]:
    """Yield how many requests predictions, a status and a cold start make."""
    store = bench.folder("counted") / "store"
    shutil.copytree(trained.store, store, ignore=shutil.ignore_patterns("predictions", "rollups"))
    env = {**trained.env, "TOBAN_STORE_URL": store.as_uri()}
    counted = json.loads(bench.output("-m", "benchmarks.programs.counted_requests", env=env))
    for what, values in counted.items():
        kinds = ", ".join(f"{name} {number:g}" for name, number in values.items() if number)
        total = float(sum(values.values()))
        yield Figure(f"requests to the object store: {what} ({kinds or 'none'})", "", Side("Toban", (total,)))
    yield from _month(counted)


def _month(counted: dict[str, dict[str, float]]) -> Iterator[Figure]:
    """Yield what the requests of a million predictions cost in a month on Azure Blob, alone or together."""
    hour = counted[f"tidying up an hour of {SEGMENTS} segments"]
    per_segment = {kind: number / SEGMENTS for kind, number in hour.items()}
    beside = (
        price(counted["a look for a moved champion"], 30 * 86_400 / LOOK_SECONDS)
        + price(counted["a status"], 100 * 30)
        + price(counted["a digest"], 30)
    )
    for company, share in (("alone", 1.0), (f"{TOGETHER} at a time", 1 / TOGETHER)):
        logged = price({"writes": share}, A_MILLION)
        tidied = price(per_segment, share * A_MILLION)
        what = (
            f"a month of 1,000,000 predictions that come {company}: log {logged:.2f} + hourly compaction "
            f"{tidied:.2f} + a look for a moved champion each {LOOK_SECONDS:g} s, 100 statuses and a digest "
            f"a day {beside:.2f}"
        )
        yield Figure(what, "$", Side("Toban", (logged + tidied + beside,)))
