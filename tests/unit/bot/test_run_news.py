"""What is new in a list of runs: nothing at first, then each beginning and end once, and gaps in short."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.connectors.connector import Sighting
from bot.run_news import RunNews, Seen, compare

AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
PAGE = 5


def run(number: int, phase: str = "success", minute: float = 0.0, **more: Any) -> Sighting:
    """Return run *number* as a list shows it."""
    fields = {"workflow": "deploy.yml", "branch": "main", "number": number, **more}
    at = AT + timedelta(minutes=minute or number)
    return Sighting.model_validate({"id": str(100 + number), "phase": phase, "at": at, **fields})


def look(seen: Seen | None, *runs: Sighting, minutes: float = 1.0) -> tuple[Seen, tuple[RunNews, ...]]:
    """Look at the list some minutes after the last look."""
    now = (seen.looked_at if seen else AT) + timedelta(minutes=minutes)
    return compare(seen, runs, now, page=PAGE, away_seconds=600)


def told(news: tuple[RunNews, ...]) -> list[tuple[int, int, str]]:
    """Return number, attempt and phase of each piece of news."""
    return [(one.run.number, one.run.attempt, one.run.phase) for one in news]


def test_the_first_look_only_remembers() -> None:
    """What ended before is no news, at the next look either."""
    runs = [run(2, "failure"), run(1)]
    seen, news = look(None, *runs)
    assert news == ()
    assert look(seen, *runs)[1] == ()


def test_beginnings_ends_and_reruns_are_told_once_in_order() -> None:
    """By the time at which they happened, whatever the order of the list; waiting is no news."""
    seen, _ = look(None, run(1, "failure"))
    seen, news = look(seen, run(3, "queued"), run(2, "started"), run(1, "failure"))
    assert told(news) == [(2, 1, "started")]
    seen, news = look(seen, run(3, "failure", 5), run(2, "success", 9), run(1, "success", 7, attempt=2))
    assert told(news) == [(3, 1, "failure"), (1, 2, "success"), (2, 1, "success")]
    assert look(seen, run(3, "failure", 5), run(2, "success", 9), run(1, attempt=2))[1] == ()


def test_a_state_of_a_moment_ago_changes_nothing() -> None:
    """GitHub may show an end, then the run as it was before, then the end again."""
    seen, _ = look(None, run(1, "started"))
    seen, news = look(seen, run(1, "failure"))
    assert told(news) == [(1, 1, "failure")]
    for earlier in (run(1, "started"), run(1, "failure")):
        seen, news = look(seen, earlier)
        assert news == ()


def test_old_runs_that_move_up_are_no_news() -> None:
    """Where newer runs were deleted, older ones come into the list; a new one below the newest is news."""
    seen, _ = look(None, *(run(number) for number in (9, 8, 7, 6, 5)))
    _, news = look(seen, *(run(number, "failure") for number in (4, 3, 2)), run(9), run(5))
    assert news == ()
    shown_late = run(6, "failure", id="1065")
    _, news = look(seen, run(9), shown_late, run(8))
    assert told(news) == [(6, 1, "failure")]


def test_an_old_run_that_is_looked_at_beside_the_list_is_remembered() -> None:
    """A rerun of it is news once, and it does not move the list's lower end."""
    page = [run(number) for number in (9, 8, 7, 6, 5)]
    seen, _ = look(None, *page)
    seen = seen.model_copy(update={"runs": {**seen.runs, "101": (1, "failure")}})
    seen, news = look(seen, *page, run(1, "success", 20, attempt=2))
    assert told(news) == [(1, 2, "success")]
    seen, news = look(seen, *page, run(1, "success", 20, attempt=2))
    assert news == ()
    assert seen.oldest == 105


def test_after_a_gap_each_story_is_told_by_its_end() -> None:
    """Of each workflow and branch the last success or failure, with what broke unseen before it."""
    seen, _ = look(None, run(1))
    seen, news = look(
        seen,
        run(8, "cancelled"),
        run(7, "failure"),
        run(6, "timed_out"),
        run(5, "success", branch="next"),
        run(4, "failure", branch="next"),
        minutes=60,
    )
    assert told(news) == [(5, 1, "success"), (7, 1, "failure")]
    assert [(one.missed, one.gap.overrun if one.gap else None) for one in news] == [(1, True), (1, True)]
    assert news[0].gap is not None
    assert (news[0].gap.since, news[0].gap.until) == (AT + timedelta(minutes=1), AT + timedelta(minutes=61))


def test_a_gap_that_the_list_covers_is_not_overrun() -> None:
    """While a run that was seen is still listed, nothing was missed."""
    seen, _ = look(None, run(1))
    _, news = look(seen, *(run(number, "failure") for number in (4, 3, 2)), run(1), minutes=60)
    assert [(one.missed, one.gap.overrun if one.gap else None) for one in news] == [(2, False)]
    _, news = look(seen, run(2, "cancelled"), run(1), minutes=60)
    assert told(news) == [(2, 1, "cancelled")]
