"""The bot is killed, frozen, replaced and doubled; nothing is lost and nothing is done twice."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stand_ins.bot_process import ROOT, BotProcess, run_bot
from tests.stand_ins.function_app import MODEL
from tests.stand_ins.team import ARRIVALS, Json, Team

pytestmark = pytest.mark.faults

START = Callable[..., Team]
SLOW = pytest.mark.slow
HOARDER = "tests.stand_ins.hoarding_bot"
QUICK = ("--heartbeat-seconds", "0.25", "--stale-seconds", "4")
"""Short enough for a test, long enough for a busy machine."""


def decisions(team: Team) -> int:
    """Return how many messages ask the approvers to decide."""
    return sum("please decide above" in reply for card in team.cards() for reply in team.thread(card))


@pytest.mark.parametrize(
    "moment", ["starting", pytest.param("running", marks=SLOW), pytest.param("ended", marks=SLOW), "deciding"]
)
def test_killed_during_a_retrain(new_team: START, moment: str) -> None:
    """Killed at any moment of a retrain, the bot goes on: one run, one card, one decision, one promotion."""
    team = new_team()
    bot = team.start_bot()
    functions = team.functions
    starting = functions.hold("/retrain$") if moment == "starting" else None
    before = team.say("operator", f"/ml retrain {MODEL} until=2013-06")
    functions.wait_until(lambda: functions.count("POST", "/retrain$") == 1)
    if starting is None:
        run_id = team.started()["run_id"]
        functions.progress(run_id, "fit", 0.5)
        team.seen(before, "50 %")
    if moment == "deciding":
        functions.finish(run_id)
        team.seen(before, "please decide above")
        team.stored("decide", "call the approvers")
    bot.kill()
    if starting is not None:
        starting.set()
    run_id = team.started()["run_id"]
    if moment == "ended":
        functions.finish(run_id)

    team.start_bot()
    if moment in ("starting", "running"):
        functions.finish(run_id)
    card = team.state(before, "decision")
    team.seen(before, "please decide above")
    then = team.slack.seq()
    team.slack.press("owner", card, "version.promote")
    assert "v2 was promoted" in team.state(then, "done")["plain"]
    assert len(functions.runs) == 1
    assert [alias["version"] for alias in functions.aliases] == [1, 2]
    assert (len(team.cards()), decisions(team)) == (1, 1)


def test_killed_while_promoting(new_team: START) -> None:
    """Killed after the champion was moved and before it knew, the bot moves nothing again and says so."""
    team = new_team()
    bot = team.start_bot()
    card = team.decision()
    moving = team.functions.hold("/aliases/champion")
    before = team.slack.seq()
    team.slack.press("owner", card, "version.promote")
    team.functions.wait_until(lambda: team.functions.count("POST", "/aliases/champion") == 1)
    bot.kill()
    moving.set()
    team.functions.wait_until(lambda: len(team.functions.aliases) == 2)
    team.start_bot()
    assert "v2 was promoted* by @owner" in team.state(before, "done")["plain"]
    assert [alias["version"] for alias in team.functions.aliases] == [1, 2]


@SLOW
def test_stopped_in_order_it_goes_on_too(new_team: START) -> None:
    """SIGTERM ends the bot with success although flows wait; they wait on after the next start."""
    team = new_team()
    bot = team.start_bot()
    card = team.decision()
    assert bot.terminate() == 0
    team.start_bot()
    before = team.slack.seq()
    team.slack.press("owner", card, "version.promote")
    assert "v2 was promoted" in team.state(before, "done")["plain"]


@pytest.mark.skipif(sys.platform != "linux", reason="signals one thread as Linux does")
def test_any_thread_may_get_the_signal_to_end(new_team: START) -> None:
    """The system may hand SIGTERM to whichever thread it likes: the bot ends in order all the same."""
    bot = new_team().start_bot()
    assert bot.terminate_by_newest_thread() == 0


def test_killed_while_a_form_opens(new_team: START) -> None:
    """Slack opened the waiting form and its answer is lost: the next bot fills it and offers no other."""
    team = new_team()
    bot = team.start_bot()
    team.slack.fault("views.open", after=True, hang_seconds=60)
    before = team.say("viewer", f"/ml form predict {MODEL}")
    team.event(before, "view_opened")
    bot.kill()
    team.slack.clear_faults()
    team.slack.fault("views.open", error="expired_trigger_id")
    team.start_bot()
    team.event(before, "view_changed", "Flight")
    team.ended("form")
    assert [one for one in team.slack.feed(before) if one["kind"] == "ephemeral_posted"] == []


def test_command_redelivered_to_the_next_bot_acts_once(new_team: START) -> None:
    """A delivery that came before a crash and comes twice again after it is one run."""
    team = new_team()
    bot = team.start_bot()
    said = team.slack.say("operator", "ml-arrivals", f"/ml retrain {MODEL}")
    team.started()
    team.stored("run", "watch the run")
    bot.kill()
    team.start_bot()
    team.slack.redeliver(said["delivery"], times=2)
    team.told("viewer", "/ml whoami")
    assert (len(team.functions.runs), len(team.cards())) == (1, 1)


def ask_a_hoarder(team: Team, *arguments: str) -> tuple[BotProcess, list[Json]]:
    """Ask a bot that acks and begins nothing for three predictions; return it and what Slack delivered."""
    bot = team.start_bot(*arguments, module=HOARDER)
    said = [
        team.slack.say("viewer", ARRIVALS, f"/ml predict {MODEL} flight=UA{number}") for number in range(3)
    ]
    assert [one["ok"] for one in said] == [True] * 3
    assert len(team.requests("predict")) == 3
    return bot, said


def test_killed_between_the_ack_and_the_flow(new_team: START) -> None:
    """What was acked and had not begun is begun by the next bot, once, though it is delivered again too."""
    team = new_team()
    bot, said = ask_a_hoarder(team)
    team.slack.redeliver(said[0]["delivery"], times=2)
    assert len(team.requests("predict")) == 3
    bot.kill()
    assert team.cards() == []
    before = team.slack.seq()
    team.start_bot()
    for number in range(3):
        team.seen(before, f"flight=UA{number}`")
    team.slack.redeliver(said[1]["delivery"], times=2)
    assert "Arrival delay" in team.told("viewer", "/ml models")
    assert (team.functions.predictions, len(team.cards()), team.requests()) == (3, 3, [])


@pytest.mark.postgres
def test_another_bot_begins_what_one_has_acked(new_team: START, postgres_url: str) -> None:
    """On PostgreSQL what one bot stored begins in the other, whether the one still lives or not."""
    team = on_postgres(new_team(), postgres_url)
    before = team.slack.seq()
    bot, _ = ask_a_hoarder(team)
    team.start_bot()
    for number in range(3):
        team.seen(before, f"flight=UA{number}`")
    assert bot.is_alive
    assert (team.functions.predictions, len(team.cards()), team.requests()) == (3, 3, [])


def test_upgraded_while_people_decide(new_team: START, tmp_path: Path) -> None:
    """A flow that waits for a button goes on under new code, and does what the new code says."""
    team = new_team()
    team.start_bot()
    card = team.decision()
    team.bots[-1].kill()
    team.start_bot(code=newer_bot(tmp_path / "newer"))
    before = team.slack.seq()
    team.slack.press("owner", card, "version.promote")
    team.state(before, "done")
    assert team.functions.aliases[-1]["why"].startswith("approved under new code")


def newer_bot(folder: Path) -> Path:
    """Return a copy of the code in which a step of the waiting flow does something else."""
    for package in ("bot", "ml"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    decide = folder / "bot" / "flows" / "decide.py"
    old = decide.read_text(encoding="utf-8")
    new = old.replace("approved in Slack", "approved under new code")
    assert new != old
    decide.write_text(new, encoding="utf-8")
    return folder


def test_second_bot_on_one_file_is_refused(new_team: START) -> None:
    """On SQLite a second bot ends at once, with a sentence that says what to do."""
    team = new_team()
    team.start_bot()
    second = run_bot(["up", "--http", "127.0.0.1:0"], team.env)
    assert second.returncode == 2
    assert "another bot already runs" in second.stderr
    assert "PostgreSQL" in second.stderr
    assert "Arrival delay" in team.told("viewer", "/ml models")


def test_function_app_away_while_a_run_goes_on(new_team: START) -> None:
    """The card says that the function app does not answer, and goes on when it does again."""
    team = new_team()
    team.start_bot("--silence-seconds", "0.5")
    before, run = team.retrain()
    team.functions.progress(run["run_id"], "fit", 0.3)
    team.seen(before, "30 %")
    team.functions.down = True
    lost = team.seen(before, "function app does not answer")
    team.functions.down = False
    team.functions.progress(run["run_id"], "fit", 0.7)
    team.seen(lost["seq"], "70 %")
    team.functions.finish(run["run_id"])
    team.state(lost["seq"], "decision")


@pytest.mark.postgres
def test_two_bots_share_the_work(new_team: START, postgres_url: str) -> None:
    """On PostgreSQL two bots start together, and each request is answered by one of them, once."""
    team = on_postgres(new_team(), postgres_url)
    team.start_bot(*QUICK)
    asking = team.functions.hold("/predict$")
    before = team.say("viewer", f"/ml predict {MODEL} flight=UA0")
    team.functions.wait_until(lambda: team.functions.count("POST", "/predict$") == 1)
    team.start_bot(*QUICK)
    team.told("viewer", "/ml whoami")
    asking.set()
    for number in range(1, 8):
        team.slack.point_at(team.bots[number % 2].address)
        team.say("viewer", f"/ml predict {MODEL} flight=UA{number}")
    for number in range(8):
        team.seen(before, f"flight=UA{number}`")
    assert team.functions.predictions == 8
    assert len(team.cards()) == 8


@pytest.mark.postgres
def test_second_bot_takes_over_from_a_killed_one(new_team: START, postgres_url: str) -> None:
    """What a killed bot had under way is done by the other one: one run, one card, one decision."""
    team = on_postgres(new_team(), postgres_url)
    first = team.start_bot(*QUICK)
    before, run = team.retrain()
    team.start_bot(*QUICK)
    first.kill()
    team.functions.finish(run["run_id"])
    card = team.state(before, "decision")
    team.seen(before, "please decide above")
    team.slack.press("owner", card, "version.promote")
    assert "v2 was promoted" in team.state(card["seq"], "done")["plain"]
    assert (len(team.functions.runs), len(team.cards()), decisions(team)) == (1, 1, 1)


@pytest.mark.postgres
def test_frozen_bot_does_nothing_when_it_thaws(new_team: START, postgres_url: str) -> None:
    """A bot that was taken for dead ends when it comes to itself, and repeats nothing."""
    team = on_postgres(new_team(), postgres_url)
    first = team.start_bot(*QUICK)
    before, run = team.retrain()
    team.start_bot(*QUICK)
    first.freeze()
    team.functions.finish(run["run_id"])
    team.state(before, "decision")
    team.seen(before, "please decide above")
    first.thaw()
    assert first.wait() == 75
    assert "another process" in first.said
    assert (len(team.functions.runs), len(team.cards()), decisions(team)) == (1, 1, 1)


@pytest.mark.postgres
@pytest.mark.slow
def test_deploys_that_overlap(new_team: START, postgres_url: str) -> None:
    """Each new bot, of a new name, starts before the old one ends; the work goes on, each thing once."""
    team = on_postgres(new_team(), postgres_url)
    team.start_bot(*QUICK)
    before, run = team.retrain()
    team.stored("run", "watch the run")
    replace_bot(team)
    asking = team.functions.hold("/predict$")
    for number in range(6):
        team.say("viewer", f"/ml predict {MODEL} flight=UA{number}")
    asking.set()
    replace_bot(team)
    team.functions.finish(run["run_id"])
    card = team.state(before, "decision")
    team.seen(before, "please decide above")
    replace_bot(team)
    team.slack.press("owner", card, "version.promote")
    assert "v2 was promoted" in team.state(card["seq"], "done")["plain"]
    for number in range(6):
        team.seen(before, f"flight=UA{number}`")
    assert [alias["version"] for alias in team.functions.aliases] == [1, 2]
    assert (len(team.functions.runs), len(team.cards()), decisions(team)) == (1, 7, 1)


def replace_bot(team: Team) -> None:
    """Start the next bot, let it answer, then tell the one before to end."""
    old = team.bots[-1]
    team.start_bot(*QUICK)
    team.told("viewer", "/ml whoami")
    assert old.terminate() == 0


def on_postgres(team: Team, url: str) -> Team:
    """Return the team with its flows in PostgreSQL."""
    team.database_url = url
    return team


@SLOW
def test_no_secret_is_written_anywhere(new_team: START) -> None:
    """Neither log nor database holds a token, a key or the signing secret after a day with troubles."""
    team = new_team()
    bot = team.start_bot(TOBAN_LOG="DEBUG")
    team.decision()
    team.functions.key = "another"
    team.told("viewer", "/ml models")
    team.slack.fault("chat.postMessage", error="invalid_auth")
    team.say("viewer", f"/ml predict {MODEL} flight=UA1")
    team.functions.key = team.env["TOBAN_FUNCTIONS_KEY"]
    team.told("viewer", "/ml status")
    bot.terminate()
    written = bot.said.encode() + b"".join(path.read_bytes() for path in team.folder.glob("bot.sqlite3*"))
    assert len(written) > 10_000
    names = ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "TOBAN_FUNCTIONS_KEY")
    assert [name for name in names if team.env[name].encode() in written] == []


def test_bot_that_is_told_to_end_ends(new_team: START) -> None:
    """SIGTERM is obeyed although the function app keeps a call waiting."""
    team = new_team()
    bot: BotProcess = team.start_bot()
    team.functions.hold("/predict$")
    team.say("viewer", f"/ml predict {MODEL} flight=UA1")
    team.functions.wait_until(lambda: team.functions.count("POST", "/predict$") == 1)
    assert bot.terminate() == 0
