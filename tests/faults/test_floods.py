"""Floods, small enough for every day: counts are asserted, never times. `make bench` has the large ones."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import pairwise

import pytest

from bot.watchers import PLACES_SHOWN
from tests.function_hosts import wait_until
from tests.stand_ins.function_app import MODEL, OTHER_MODEL
from tests.stand_ins.team import Team

pytestmark = pytest.mark.faults

COMMANDS, SENDERS = 115, 16
EPHEMERALS_A_MINUTE = 100
MINUTE_SECONDS = 60.0
EACH = 7
START = Callable[..., Team]


def answered(team: Team, count: int) -> list[str]:
    """Return whom private answers went to, once there are *count* of them."""
    found: list[str] = []

    def one_more(event: dict[str, object]) -> bool:
        if event["kind"] == "ephemeral_posted":
            found.append(str(event["plain"]))
        return len(found) == count

    team.slack.wait_for(one_more, 240.0, 0)
    return found


def test_flood_of_commands(new_team: START) -> None:
    """Of more commands than Slack takes answers a minute each is answered once; no call is in vain."""
    team = new_team(enforce_tiers=True)
    bot = team.start_bot()
    begun = time.monotonic()
    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(lambda _: team.say("viewer", "/ml whoami"), range(COMMANDS)))
    assert len(answered(team, COMMANDS)) == COMMANDS
    last = team.slack.seq()
    assert bot.terminate() == 0
    assert [e for e in team.slack.feed(last, 0.1) if e["kind"] == "ephemeral_posted"] == []
    count = team.slack.counts()["methods"]["chat.postEphemeral"]
    assert count["refused"] == 0
    if time.monotonic() - begun < MINUTE_SECONDS:
        assert count["calls"] == EPHEMERALS_A_MINUTE


def test_flood_of_retrains(new_team: START) -> None:
    """Many retrains of two models run once, one after another for each model; cards say that they wait."""
    team = new_team()
    team.start_bot()
    names = [name for _ in range(EACH) for name in (MODEL, OTHER_MODEL)]
    for name in names[:2]:  # the others come after these
        team.say("operator", f"/ml retrain {name}")
        team.started(model=name)
    for name in names[2:]:
        team.say("operator", f"/ml retrain {name}")
    wait_until(lambda: len(team.cards()) == len(names))
    for _ in range(EACH):
        team.functions.wait_until(lambda: len(under_way(team)) == 2, 60.0)
        team.functions.end_all()
    team.functions.wait_until(lambda: len(team.functions.runs) == len(names), 60.0)
    runs = list(team.functions.runs.values())
    assert Counter(run["model"] for run in runs) == {MODEL: EACH, OTHER_MODEL: EACH}
    assert team.functions.count("POST", "/retrain$") == len(names)
    assert overlapping(team) == 0
    posted = [e for e in team.slack.feed(0) if e["kind"] == "message_posted"]
    first = [e["plain"] for e in posted if "waits for its turn" in e["plain"]]
    assert PLACES_SHOWN < len(first) == len(names) - 2


def under_way(team: Team) -> list[str]:
    """Return the runs that have not ended."""
    return [run_id for run_id, run in team.functions.runs.items() if run["state"] in ("queued", "running")]


def overlapping(team: Team) -> int:
    """Return how many runs began while another of their model was under way."""
    by_model: dict[str, list[dict[str, str]]] = defaultdict(list)
    for run in team.functions.runs.values():
        by_model[run["model"]].append(run)
    return sum(
        datetime.fromisoformat(later["created_at"]) < datetime.fromisoformat(earlier["finished_at"])
        for runs in by_model.values()
        for earlier, later in pairwise(runs)
    )
