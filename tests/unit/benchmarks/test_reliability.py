"""What the page says of the kills: nothing that was lost or doubled can look as promised."""

from __future__ import annotations

from datetime import date

import pytest

from benchmarks.reliability import Told, write_section
from tests.stand_ins.mortal_host import HostCounts
from tests.stand_ins.mortal_team import Counts

HOSTS = HostCounts(kills={"load": 2, "register": 3}, asked=3, runs=3, succeeded=3, versions=3)


def told(history: bool = True, **counts: object) -> Told:
    """Return a story that came out as promised, but for *counts*."""
    good: dict[str, object] = {
        "kills": {"run": 5},
        "runs": 1,
        "versions": 2,
        "moves": 1,
        "cards": 1,
        "open_cards": 0,
        "lost": 0,
        "doubled": (),
    }
    return Told("retrain and promote", history, Counts(**{**good, **counts}), (1, 1, 1))  # type: ignore[arg-type]


def section(*stories: Told, hosts: HostCounts = HOSTS) -> str:
    """Return what the page would say."""
    return write_section(stories, hosts, date(2013, 7, 4), 300)


def test_all_as_promised() -> None:
    """Kills are counted by flow and by stage, and posts that stand there twice are told."""
    text = section(told(), told(history=False, cards=2, open_cards=1, doubled=("a card",)))
    assert "`make reliability` · 2013-07-04" in text
    assert "The bot was killed 10 times, by flow: run 10." in text
    assert "| retrain and promote | not granted | 5 | 1 | 1 | 1 | 1 | 2 | 0 | 1 | yes |" in text
    assert "The function host was killed 5 times in 3 trainings" in text
    assert "without it 1 do" in text


@pytest.mark.parametrize(
    "counts",
    [{"runs": 2}, {"versions": 3}, {"moves": 0}, {"lost": 1}, {"cards": 2}, {"doubled": ("a",)}],
    ids=str,
)
def test_what_is_not_as_promised_is_named(counts: dict[str, object]) -> None:
    """A run, version, move or card too many or too few is said in bold."""
    text = section(told(**counts))
    assert "**Not as promised:** retrain and promote (granted)." in text
    assert "| **no** |" in text


def test_a_lost_card_is_never_as_promised() -> None:
    """Without the history scope posts may be doubled, but nothing may be lost."""
    assert "**Not as promised:**" in section(told(history=False, lost=1))


def test_a_training_that_made_no_version_is_named() -> None:
    """Each training that was asked for must have made one version."""
    hosts = HostCounts(kills={"load": 2}, asked=3, runs=3, succeeded=2, versions=2)
    assert "**Not as promised:** training." in section(told(), hosts=hosts)
