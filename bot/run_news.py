"""What is new in a list of runs, by what was seen of it before. Pure.

A list shows the newest runs of a repository. The first look at it only remembers; from then on, whatever has
begun or ended since is news. After a long absence, of each workflow and branch only the end of the story is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from bot.connectors.connector import Sighting

QUEUED = "queued"
STARTED = "started"
SUCCESS = "success"
BROKEN = frozenset({"failure", "timed_out", "startup_failure"})
"""The conclusions that make an incident."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Seen(_Record):
    """What was seen of a repository's runs, and when last (aware UTC).

    `runs` holds attempt and phase by the run's number. What is below `oldest` and not among them was there
    before the bot looked.
    """

    runs: dict[str, tuple[int, str]]
    oldest: int
    looked_at: datetime


class Gap(_Record):
    """A time in which the bot did not look. `overrun` says that more happened than GitHub lists."""

    since: datetime
    until: datetime
    overrun: bool = False


@dataclass(frozen=True)
class RunNews:
    """A run that has begun or ended; `missed` of its workflow and branch broke unseen before it."""

    run: Sighting
    missed: int = 0
    gap: Gap | None = None


def compare(
    seen: Seen | None, runs: Sequence[Sighting], now: datetime, *, page: int, away_seconds: float
) -> tuple[Seen, tuple[RunNews, ...]]:
    """Return what is seen by now and what is new in it, oldest first.

    *runs* are those of a list of up to *page*, and perhaps a few older ones that were seen before. A silence
    of more than *away_seconds* is a gap.
    """
    newest = runs[:page]
    after = Seen(
        runs={run.id: _latest(seen, run) for run in runs},
        oldest=min((int(run.id) for run in newest), default=0) if len(newest) == page else 0,
        looked_at=now,
    )
    if seen is None:
        return after, ()
    fresh = sorted((run for run in runs if _is_news(seen, run)), key=order)
    if (now - seen.looked_at).total_seconds() <= away_seconds:
        return after, tuple(RunNews(run) for run in fresh)
    overrun = bool(seen.runs) and after.oldest > 0 and not seen.runs.keys() & after.runs.keys()
    return after, tuple(_ends(fresh, Gap(since=seen.looked_at, until=now, overrun=overrun)))


def order(run: Sighting) -> tuple[float, int, int, bool]:
    """Return where a run's news stands in time; an end comes after the beginning of the same second."""
    return run.at.timestamp() if run.at else 0.0, run.number, run.attempt, run.phase != STARTED


def _mark(run: Sighting) -> tuple[int, str]:
    return run.attempt, run.phase


def _latest(seen: Seen | None, run: Sighting) -> tuple[int, str]:
    """Return the later one of what is shown and what was seen: GitHub may show a state of a moment ago."""
    known = seen.runs.get(run.id) if seen else None
    return known if known is not None and _rank(known) > _rank(_mark(run)) else _mark(run)


def _rank(mark: tuple[int, str]) -> tuple[int, int]:
    return mark[0], {QUEUED: 0, STARTED: 1}.get(mark[1], 2)


def _is_news(seen: Seen, run: Sighting) -> bool:
    if run.phase == QUEUED:
        return False
    known = seen.runs.get(run.id)
    if known is None:
        return int(run.id) > seen.oldest
    return _rank(_mark(run)) > _rank(known)


def _ends(fresh: Iterable[Sighting], gap: Gap) -> list[RunNews]:
    """Return how each workflow and branch stands now: its last success or failure, else its last run."""
    stories: dict[tuple[str, str], list[Sighting]] = defaultdict(list)
    for run in fresh:
        stories[run.workflow, run.branch].append(run)
    ends: list[RunNews] = []
    for story in stories.values():
        decided = [run for run in story if run.phase in BROKEN or run.phase == SUCCESS]
        end = (decided or story)[-1]
        missed = sum(run.phase in BROKEN for run in decided if run is not end)
        ends.append(RunNews(end, missed, gap))
    return sorted(ends, key=lambda one: order(one.run))
