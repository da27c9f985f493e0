"""The socket breaks off in the middle: nothing is lost, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from playground.slack.server import start
from playground.slack.settings import Settings
from tests.stand_ins.function_app import MODEL
from tests.stand_ins.team import PATIENT_SECONDS, BrokenSlack, Team, job_state

pytestmark = pytest.mark.faults
PREDICT = f"/ml predict {MODEL} flight=UA1"


class Line(Team):
    """A team whose bot is reached by a socket that the test breaks."""

    def await_bot(self) -> None:
        """Wait until the bot is connected."""
        assert isinstance(self.slack, BrokenSlack)
        self.slack.await_bot()

    def type(self, who: str, text: str) -> bool:
        """Type, over the line as it is; return whether Slack heard that it was taken."""
        return bool(
            super(BrokenSlack, self.slack)._post("say", {"as": who, "in": "ml-arrivals", "text": text})["ok"]
        )


@pytest.fixture(scope="module")
def shared_line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A team in Socket Mode; an event that was not taken comes again after a moment, and again."""
    again = (0.0, 1.0, 2.0, *[4.0] * 15)
    running = start(
        Settings(retry_seconds=again, ack_seconds=PATIENT_SECONDS, trigger_seconds=PATIENT_SECONDS)
    )
    with BrokenSlack(running) as slack:
        made = Line(tmp_path_factory.mktemp("line"), slack)
        try:
            made.start_bot(http=False)
            yield made
        finally:
            made.close()
            running.stop()


@pytest.fixture
def line(shared_line: Line) -> Iterator[Line]:
    """The module's team, at rest before and after the test."""
    shared_line.await_bot()
    yield shared_line
    shared_line.functions.release()
    shared_line.come_to_rest()
    shared_line.functions.forget()


def predictions(team: Team) -> int:
    """Return how often the function app was asked."""
    return team.functions.count("POST", "predict")


def cards(team: Team, after: int) -> int:
    """Return how many jobs have a message since *after*."""
    return len({event["message"]["ts"] for event in team.slack.feed(after) if job_state(event)})


def test_between_the_command_and_its_answer(line: Line) -> None:
    """The line breaks right after the ack: the answer comes by the Web API, once."""
    release = line.functions.hold("predict")
    before = line.slack.seq()
    line.slack.cut("answered")
    assert line.type("viewer", PREDICT)
    line.functions.wait_until(lambda: predictions(line) == 1)
    release.set()
    line.state(before, "done")
    line.await_bot()
    line.told("viewer", "/ml whoami")
    assert (predictions(line), cards(line, before)) == (1, 1)


def test_in_the_middle_of_a_command(line: Line) -> None:
    """Half a command is no command: Slack says that it failed, nothing is done, and the next one is."""
    before = line.slack.seq()
    line.slack.cut("envelope")
    assert not line.type("viewer", PREDICT)
    line.await_bot()
    assert line.type("viewer", "/ml whoami")
    line.private(before, "with the role")
    assert predictions(line) == 0
    line.await_bot()
    assert line.type("viewer", PREDICT)
    line.state(before, "done")
    assert (predictions(line), cards(line, before)) == (1, 1)


def test_before_the_ack_arrives(line: Line) -> None:
    """Slack did not hear the ack, but the bot had kept the command: it is carried out, once."""
    before = line.slack.seq()
    line.slack.cut("ack")
    assert not line.type("viewer", PREDICT)
    line.state(before, "done")
    line.await_bot()
    line.told("viewer", "/ml whoami")
    assert (predictions(line), cards(line, before)) == (1, 1)


@pytest.mark.parametrize("moment", ["envelope", pytest.param("ack", marks=pytest.mark.slow)])
def test_a_mention_that_was_not_taken_comes_again(line: Line, moment: str) -> None:
    """Slack sends an event anew until it is acked; cut off within it or before its ack, it is done once."""
    before = line.slack.seq()
    line.slack.cut(moment)
    assert not line.type("viewer", f"@toban predict {MODEL} flight=UA1")
    line.state(before, "done")
    line.slack.wait_for(lambda event: event["kind"] == "delivery" and event["ok"], after=before)
    line.await_bot()
    line.told("viewer", "/ml whoami")
    assert (predictions(line), cards(line, before)) == (1, 1)


def test_during_a_retrain(line: Line) -> None:
    """While a model is trained the line breaks twice; card, decision and promotion come, each once."""
    before, run = line.retrain()
    line.slack.cut()
    line.functions.progress(run["run_id"], "fit", 0.4)
    line.seen(before, "40 %")
    line.await_bot()
    line.slack.cut()
    line.functions.finish(run["run_id"])
    card = line.state(before, "decision")
    line.seen(card["seq"], "please decide above")
    line.slack.press("owner", card, "version.promote")
    assert "v2 was promoted" in line.state(card["seq"], "done")["plain"]
    assert cards(line, before) == 1
    assert len(line.functions.aliases) == 2


def test_between_opening_a_form_and_sending_it(line: Line) -> None:
    """A form outlives the line: cut within the submission it stays open, before the ack it is sent once."""
    before = line.say("viewer", f"/ml predict {MODEL}")
    line.slack.wait_for(lambda event: bool(event.get("view", {}).get("submit")), after=before)
    line.slack.cut()
    line.await_bot()
    line.slack.cut("envelope")
    sent = {"as": "viewer", "values": {"Flight": "UA1"}}
    assert not super(BrokenSlack, line.slack)._post("submit", sent)["ok"]
    assert len(line.slack.views("viewer")) == 1
    line.await_bot()
    line.slack.cut("ack")
    assert not super(BrokenSlack, line.slack)._post("submit", sent)["ok"]
    line.state(before, "done")
    line.await_bot()
    line.told("viewer", "/ml whoami")
    assert (predictions(line), cards(line, before)) == (1, 1)
