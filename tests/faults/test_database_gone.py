"""The bot's own database is locked or restarted: commands are taken or refused in words; nothing is lost."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.parts_postgres import Server
from tests.stand_ins.function_app import MODEL
from tests.stand_ins.team import Team

pytestmark = pytest.mark.faults

START = Callable[..., Team]
HASTY = ("--ack-seconds", "2.5")
PATIENT = 20.0
"""Slack's three seconds would make a busy machine fail a test that is not about them."""


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.0, 20.0])
def test_locked_sqlite(new_team: START, seconds: float) -> None:
    """While somebody holds the lock a command is refused in words; what was under way goes on after."""
    team = new_team(ack_seconds=PATIENT)
    team.start_bot(*HASTY)
    asking = team.functions.hold("/predict$")
    before = team.say("viewer", f"/ml predict {MODEL} flight=UA1")
    team.functions.wait_until(lambda: team.functions.count("POST", "/predict$") == 1)
    with closing(sqlite3.connect(team.folder / "bot.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "did not take your request" in team.told("viewer", f"/ml predict {MODEL} flight=UA2")
        asking.set()
        threading.Event().wait(seconds)
        other.execute("ROLLBACK")
    team.seen(before, "flight=UA1`")
    team.say("viewer", f"/ml predict {MODEL} flight=UA3")
    team.seen(before, "flight=UA3`")
    assert team.functions.predictions == len(team.cards()) == 2


@pytest.mark.postgres
@pytest.mark.slow
def test_postgres_restarted_under_load(new_team: START, mortal_postgres: Server) -> None:
    """Cut off in the midst of many flows, each that was taken is done once; a retrain comes to its end."""
    team = new_team(ack_seconds=PATIENT)
    team.database_url = mortal_postgres.cluster.create_database()
    team.start_bot(*HASTY)
    before, run = team.retrain()
    team.stored("run", "watch the run")
    asking = team.functions.hold("/predict$")
    taken = [flight for flight in range(8) if ask(team, flight)]
    mortal_postgres.stop()
    asking.set()
    while_away = [flight for flight in range(8, 10) if ask(team, flight)]
    assert (len(taken), while_away) == (8, [])
    mortal_postgres.start()
    taken += [flight for flight in range(10, 14) if ask(team, flight)]
    for flight in taken:
        team.seen(before, f"flight=UA{flight}`")
    team.functions.finish(run["run_id"])
    card = team.state(before, "decision")
    team.seen(before, "please decide above")
    team.slack.press("owner", card, "version.promote")
    assert "v2 was promoted" in team.state(card["seq"], "done")["plain"]
    assert len(team.cards()) == len(taken) + 1
    assert team.functions.predictions == len(taken)


def ask(team: Team, flight: int) -> bool:
    """Ask for a prediction; return whether the bot took it. Where it did not it says so."""
    after = team.slack.seq()
    said = team.slack.say("viewer", "ml-arrivals", f"/ml predict {MODEL} flight=UA{flight}")
    refusals = [one for one in team.slack.feed(after) if "did not take" in one.get("plain", "")]
    assert said["ok"], said
    return not refusals
