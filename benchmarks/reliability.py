"""`python -m benchmarks.reliability` kills bots and function hosts, counts what came of it, and writes that
into docs/reliability.md; `make reliability` calls it. It takes ten minutes or more.

The bot dies around the effect and the checkpoint of each step, and around each wait, start and message, of
predict, retrain and promote; the function host dies inside each stage of a training. The machinery is that of
tests/faults/test_killed_everywhere.py.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from benchmarks.report import machine, put_section
from tests.function_hosts import Home
from tests.stand_ins.mortal_host import HostCounts, MortalHost
from tests.stand_ins.mortal_team import Counts, MortalTeam
from tests.stand_ins.team import team_in

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reliability.md"
COMMAND = "make reliability"
LEAST_KILLS = 200
LEAST_SCOPES = ("chat:write", "commands", "files:write", "usergroups:read")

Row = tuple[str, ...]
BOT_HEAD: Row = (
    *("story", "history scope", "kills", "predictions or runs asked for", "runs", "new versions"),
    *("alias moves", "cards", "lost cards", "posts that stand there twice", "as promised"),
)
HOST_HEAD: Row = ("stage", "kills", "as promised")


@dataclass(frozen=True)
class Told:
    """A story that was told to a bot that kept dying."""

    story: str
    history: bool
    counts: Counts
    promised: tuple[int, int, int]

    @property
    def kills(self) -> int:
        """How often the bot died."""
        return sum(self.counts.kills.values())

    @property
    def is_as_promised(self) -> bool:
        """Whether all is there once; a bot that may not look for its posts may have posted twice."""
        counts = self.counts
        once = (counts.runs, counts.versions - 1, counts.moves) == self.promised and counts.lost == 0
        alone = (counts.cards, counts.open_cards, counts.doubled) == (1, 0, ())
        return once and (alone or not self.history)

    @property
    def row(self) -> Row:
        """The story as a row of the page."""
        counts = self.counts
        numbers = (self.kills, 1, counts.runs, counts.versions - 1, counts.moves, counts.cards, counts.lost)
        granted = "granted" if self.history else "not granted"
        return (
            self.story,
            granted,
            *map(str, numbers),
            str(len(counts.doubled)),
            _verdict(self.is_as_promised),
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill, count, print, and write the page; return 1 where something was lost or done twice."""
    options = _options(arguments)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="toban-reliability-") as folder:
        hosts = train(Path(folder) / "host")
        told = list(tell(Path(folder), options.kills))
    section = write_section(told, hosts, datetime.now(UTC).date(), time.monotonic() - begun)
    print(section)
    if not options.print_only:
        PAGE.write_text(put_section(PAGE.read_text("utf-8"), "kills", section), "utf-8")
    return 0 if all(one.is_as_promised for one in told) and is_as_promised(hosts) else 1


def tell(folder: Path, least_kills: int) -> Iterator[Told]:
    """Tell every story with and without the history scope, again and again until there were enough kills."""
    kills, number = 0, 0
    while kills < least_kills:
        for history in (True, False):
            for story, act, promised in STORIES:
                number += 1
                told = Told(story, history, _told_to(folder / f"team-{number}", act, history), promised)
                kills += told.kills
                _say(f"{story}, {told.row[1]}: {told.kills} kills, {kills} in all")
                yield told


def _told_to(folder: Path, act: Callable[[MortalTeam], None], history: bool) -> Counts:
    folder.mkdir(parents=True)
    scopes = None if history else LEAST_SCOPES
    with team_in(folder, scopes=scopes) as team:
        mortal = MortalTeam(team)
        try:
            act(mortal)
            return mortal.counts()
        finally:
            mortal.close()


def _promote(mortal: MortalTeam) -> None:
    mortal.promote(mortal.retrain())


STORIES: tuple[tuple[str, Callable[[MortalTeam], None], tuple[int, int, int]], ...] = (
    ("predict", MortalTeam.predict, (0, 0, 0)),
    ("retrain and promote", _promote, (1, 1, 1)),
)
"""What is told, and how many runs, new versions and alias moves must come of it."""


def train(folder: Path) -> HostCounts:
    """Train under a host that keeps dying, until it has died at every moment."""
    mortal = MortalHost(Home(folder))
    mortal.train_until_it_lives()
    counts = mortal.counts()
    _say(f"function host: {sum(counts.kills.values())} kills")
    return counts


def is_as_promised(hosts: HostCounts) -> bool:
    """Return whether each training that was asked for is one run that made one version."""
    return hosts.asked == hosts.runs == hosts.succeeded == hosts.versions


def write_section(told: Sequence[Told], hosts: HostCounts, day: date, seconds: float) -> str:
    """Return what the page says: command, day, machine, kills, tables, what was found."""
    bot_kills, host_kills = sum(one.kills for one in told), sum(hosts.kills.values())
    by_flow = sum((Counter(one.counts.kills) for one in told), Counter[str]())
    flows = ", ".join(f"{name} {count}" for name, count in by_flow.most_common())
    lines = [
        f"`{COMMAND}` · {day.isoformat()} · {machine()} · {seconds / 60:.0f} minutes",
        "",
        f"The bot was killed {bot_kills} times, by flow: {flows}.",
        "",
        *_table(BOT_HEAD, (one.row for one in told)),
        "",
        f"The function host was killed {host_kills} times in {hosts.asked} trainings, at most twice in each.",
        f"There are {hosts.runs} runs, of which {hosts.succeeded} succeeded, and {hosts.versions} versions.",
        "",
        *_table(HOST_HEAD, _stages(hosts)),
        "",
        _found(told, hosts),
    ]
    return "\n".join(lines)


def _stages(hosts: HostCounts) -> Iterator[Row]:
    for stage, kills in hosts.kills.items():
        yield stage, str(kills), _verdict(is_as_promised(hosts))


def _found(told: Sequence[Told], hosts: HostCounts) -> str:
    """Say in a sentence or two what the kills have shown."""
    broken = [f"{one.story} ({one.row[1]})" for one in told if not one.is_as_promised]
    broken += [] if is_as_promised(hosts) else ["training"]
    if broken:
        return f"**Not as promised:** {', '.join(broken)}."
    doubled = sum(len(one.counts.doubled) for one in told if not one.history)
    return (
        "Nothing was lost and nothing was done twice. With the history scope no message stands there twice; "
        f"without it {doubled} do, each of a post that was killed before its checkpoint."
    )


def _table(head: Row, rows: Iterable[Row]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in (head, tuple("---" for _ in head), *rows)]


def _verdict(good: bool) -> str:
    return "yes" if good else "**no**"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability", description=__doc__)
    parser.add_argument("--kills", type=int, default=LEAST_KILLS, help=f"at least (default {LEAST_KILLS})")
    parser.add_argument("--print-only", action="store_true", help="leave the page as it is")
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
