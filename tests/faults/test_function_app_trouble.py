"""The function app is away, slow, or answers nonsense: people read what is the matter, and it heals."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.stand_ins.function_app import KEY, MODEL, FunctionApp
from tests.stand_ins.team import Team, team_in

pytestmark = pytest.mark.faults

START = Callable[..., Team]
SILENT, REFUSED = "function app does not answer", "does not accept the bot's key"
HTML = b"<html>Gateway</html>"
ANSWERS = {
    "garbage": b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n" + HTML,
    "no HTTP": b"SSH-2.0-nothing\r\n",
    "another contract": b'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"a": "b"}',
    "half a body": b'HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{"results": [',
    "a redirect": b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n",
    "500": b"HTTP/1.1 500 Oops\r\ncontent-length: 20\r\n\r\n" + HTML,
    "503": b"HTTP/1.1 503 Busy\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n",
}
TROUBLES = (*ANSWERS, "down", "wrong key")


def make_trouble(functions: FunctionApp, kind: str) -> None:
    """Let the function app be in trouble of this *kind*."""
    functions.down = kind == "down"
    functions.key = "another" if kind == "wrong key" else KEY
    functions.trouble = ANSWERS.get(kind)


def heal(functions: FunctionApp) -> None:
    """Let it be well again."""
    make_trouble(functions, "none")


@pytest.fixture(scope="module")
def quick_team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A team whose bot takes half a second of silence for silence."""
    with team_in(tmp_path_factory.mktemp("quick")) as made:
        made.start_bot("--silence-seconds", "0.5")
        yield made


@pytest.mark.parametrize("kind", TROUBLES)
def test_who_asks_is_told_and_may_ask_again(team: Team, kind: str) -> None:
    """A prediction meets trouble: the asker alone is told which, no card is left; the next is answered."""
    team.told("viewer", f"/ml models {MODEL}")
    cards = len(team.cards())
    make_trouble(team.functions, kind)
    said = team.told("viewer", f"/ml predict {MODEL} flight=UA1")
    assert (REFUSED if kind == "wrong key" else SILENT) in said
    assert KEY not in said
    assert len(team.cards()) == cards
    heal(team.functions)
    before = team.say("viewer", f"/ml predict {MODEL} flight=UA2")
    team.seen(before, "about 12 min")


@pytest.mark.slow
@pytest.mark.parametrize("kind", TROUBLES)
def test_a_run_is_followed_again(quick_team: Team, kind: str) -> None:
    """Trouble while a run goes on is told on its card; it is followed again, and nothing is started twice."""
    team = quick_team
    before, run = team.retrain()
    team.functions.progress(run["run_id"], "fit", 0.3)
    seen = team.seen(before, "30 %")
    known = len(team.functions.runs)
    make_trouble(team.functions, kind)
    lost = team.seen(seen["seq"], SILENT)
    heal(team.functions)
    team.functions.progress(run["run_id"], "fit", 0.7)
    team.seen(lost["seq"], "70 %")
    team.functions.fail(run["run_id"], "no_rows", "There are no rows.")
    assert "There are no rows" in team.state(lost["seq"], "done")["plain"]
    assert len(team.functions.runs) == known


@pytest.mark.parametrize("kind", ["half a body", pytest.param("down", marks=pytest.mark.slow)])
def test_a_start_whose_answers_are_lost_is_one_run(team: Team, kind: str) -> None:
    """The start is asked for again under its key until an answer makes sense: one run, one card."""
    known = len(team.functions.runs)
    team.told("viewer", f"/ml models {MODEL}")
    starting = team.functions.count("POST", "/retrain$")
    make_trouble(team.functions, kind)
    before = team.say("operator", f"/ml retrain {MODEL}")
    team.functions.wait_until(lambda: team.functions.count("POST", "/retrain$") >= starting + 2)
    heal(team.functions)
    run = team.started(known + 1)
    team.functions.progress(run["run_id"], "fit", 0.5)
    team.seen(before, "50 %")
    assert len(team.functions.runs) == known + 1


@pytest.mark.slow
def test_a_bot_that_starts_before_its_function_app(new_team: START) -> None:
    """Down at start: the bot runs, says so, and works as soon as the function app does."""
    team = new_team()
    team.functions.down = True
    team.start_bot()
    assert "with the role" in team.told("viewer", "/ml whoami")
    assert SILENT in team.told("viewer", "/ml models")
    team.functions.down = False
    assert "Arrival delay" in team.told("viewer", "/ml models")


@pytest.mark.slow
def test_a_slow_function_app_is_given_up(team: Team) -> None:
    """After 25 seconds without an answer the asker is told; one that comes within them is shown."""
    asking = team.functions.hold("/predict$")
    before = team.say("viewer", f"/ml predict {MODEL} flight=UA1")
    said = team.slack.wait_for_text(SILENT, 120.0, before)
    assert said["kind"] == "ephemeral_posted"
    asking.set()
    before = team.say("viewer", f"/ml predict {MODEL} flight=UA2")
    team.seen(before, "about 12 min")
