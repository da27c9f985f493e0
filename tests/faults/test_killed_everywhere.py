"""SIGKILL at every moment of every flow: before an effect, before its checkpoint, after it, around a wait."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ml.training import RETRAIN_STAGES
from tests.function_hosts import Home
from tests.stand_ins.function_app import MODEL
from tests.stand_ins.mortal_host import MortalHost
from tests.stand_ins.mortal_team import MortalTeam
from tests.stand_ins.team import ARRIVALS, Team

pytestmark = pytest.mark.faults

START = Callable[..., Team]


@pytest.mark.timeout(600)
def test_killed_at_every_moment_of_a_prediction(new_team: START) -> None:
    """However often it dies on the way from the request to the answer, one prediction is shown."""
    team = new_team()
    mortal = MortalTeam(team)
    mortal.predict()
    counts = mortal.counts()
    mortal.close()
    assert counts.kills["predict"] >= 6
    assert (counts.cards, counts.lost, counts.doubled) == (1, 0, ())


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_at_every_moment_of_a_file(new_team: START) -> None:
    """However often it dies on the way, the thread has one summary, one file of results and one picture."""
    team = new_team()
    mortal = MortalTeam(team)
    rows = "".join(f"UA{number},{number % 90}\n" for number in range(1, 1502))
    message = mortal.predict_file(f"{MODEL}.csv", f"flight,dep_delay\n{rows}".encode())
    kills = mortal.kills()
    mortal.close()
    replies = team.slack.messages(ARRIVALS, "viewer", message["ts"])
    said = [one["plain"] for one in replies if "1,501 rows of" in one["plain"]]
    files = [file for one in replies[1:] for file in one.get("files", ())]
    assert kills["file"] >= 15
    assert len(said) == 1
    assert [one["name"] for one in files] == [f"{MODEL}-predictions.csv", f"{MODEL}-predictions.png"]
    answers = team.slack.file(files[0]["id"]).decode("utf-8-sig").splitlines()
    assert len(answers) == 1502
    assert all(line.split(",")[0] == f"UA{at}" for at, line in enumerate(answers[1:], start=1))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_at_every_moment_of_a_promotion(new_team: START) -> None:
    """Dead at every moment from the command to the promotion: one run, one version, one move, one card."""
    team = new_team()
    mortal = MortalTeam(team)
    card = mortal.retrain()
    mortal.promote(card)
    counts = mortal.counts()
    mortal.close()
    assert sum(counts.kills.values()) >= 50
    assert (counts.runs, counts.versions, counts.moves) == (1, 2, 1)
    assert (counts.cards, counts.open_cards, counts.lost, counts.doubled) == (1, 0, 0, ())


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_host_killed_inside_every_stage(tmp_path: Path) -> None:
    """Wherever the function host dies in a training, each run that was asked for makes one version."""
    mortal = MortalHost(Home(tmp_path))
    mortal.train_until_it_lives()
    counts = mortal.counts()
    assert list(counts.kills) == [*RETRAIN_STAGES]
    assert sum(counts.kills.values()) >= 20
    assert counts.asked == counts.runs == counts.succeeded == counts.versions
