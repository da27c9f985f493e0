"""What a channel is told of workflows that it subscribed to: one message for each incident, and its recovery.

Also the notice of a single run, for those who asked for more than failures. Pure.
"""

from __future__ import annotations

from bot.connectors.connector import Sighting
from bot.incidents import Incident, News
from bot.messages.blocks import Block, actions, button, context, section
from bot.messages.message import Message, compose
from bot.messages.text import counted, inline
from bot.messages.units import between, when
from bot.run_news import BROKEN, STARTED, SUCCESS, Gap

_HOW = {
    "failure": "failed",
    "timed_out": "took longer than it may",
    "startup_failure": "could not start",
    "cancelled": "was cancelled",
    "action_required": "waits for an approval on GitHub",
    "stale": "was given up by GitHub",
    "skipped": "was skipped",
    "neutral": "ended without a verdict",
    SUCCESS: "succeeded",
    STARTED: "is running",
}
_MARKS = {
    SUCCESS: ":white_check_mark:",
    STARTED: ":hourglass_flowing_sand:",
    "cancelled": ":no_entry_sign:",
    "skipped": ":heavy_minus_sign:",
    "neutral": ":heavy_minus_sign:",
}


def incident(repository: str, facts: Incident) -> Message:
    """Return the one message of an incident: it fails, is tried again, or has recovered."""
    return failing(repository, facts) if facts.is_open else recovered(repository, facts)


def failing(repository: str, facts: Incident) -> Message:
    """Return the message of an incident that is open: how often, since when, who, and the failing step."""
    last = facts.broken or facts.latest
    lines = [f":x: *{_where(repository, last)} {_fails(facts)}*"]
    if facts.why:
        lines.append(inline(facts.why))
    if facts.running:
        lines.append(f":hourglass_flowing_sand: {_run(facts.running)} is running.")
    return compose(
        section("\n".join(lines)),
        _open(facts.running or last),
        context(f"last {_run(last)}{_by(last)}", *_titled(last)),
        _gap(facts.gap),
    )


def recovered(repository: str, facts: Incident) -> Message:
    """Return the message of an incident that is over."""
    end = facts.recovered or facts.latest
    lines = [f":white_check_mark: *{_where(repository, end)} has recovered*", f"It {_suffered(facts)}."]
    if facts.why:
        lines.append(f"The last failure: {inline(facts.why)}")
    return compose(
        section("\n".join(lines)),
        _open(end),
        context(f"{_run(end)} succeeded{_by(end)}", *_titled(end)),
        _gap(facts.gap),
    )


def recovery_note(repository: str, facts: Incident) -> Message:
    """Return the reply in the thread that says that it is over."""
    end = facts.recovered or facts.latest
    said = f":white_check_mark: {_where(repository, end)} has recovered with {_run(end)}{_by(end)}."
    return compose(section(f"{said} It {_suffered(facts)}."))


def notice(news: News) -> Message:
    """Return the message about one run, as it stands."""
    run = news.run
    mark = ":x:" if run.phase in BROKEN else _MARKS.get(run.phase, ":information_source:")
    how = _HOW.get(run.phase, f"ended as {run.phase}")
    return compose(
        section(f"{mark} *{_where(news.repository, run)} {inline(how)}*"),
        _open(run),
        context(f"{_run(run)}{_by(run)}", *_titled(run)),
        _gap(news.gap),
    )


def _where(repository: str, run: Sighting) -> str:
    on = f" on {inline(run.branch)}" if run.branch else ""
    return f"{inline(run.workflow)}{on} in {inline(repository)}"


def _fails(facts: Incident) -> str:
    last = facts.broken or facts.latest
    if facts.failures > 1:
        since = f" since {when(facts.since)}" if facts.since else ""
        return f"has failed {counted(facts.failures, 'time')}{since}"
    at = f" at {when(last.at)}" if last.at else ""
    return f"{inline(_HOW.get(last.phase, 'failed'))}{at}"


def _suffered(facts: Incident) -> str:
    end = facts.recovered or facts.latest
    lasted = f" within {between(facts.since, end.at)}" if facts.since and end.at else ""
    return f"had failed {counted(facts.failures, 'time')}{lasted}"


def _run(run: Sighting) -> str:
    again = f", attempt {run.attempt}" if run.attempt > 1 else ""
    return f"run #{run.number}{again}"


def _by(run: Sighting) -> str:
    return f" by {inline(run.actor)}" if run.actor else ""


def _titled(run: Sighting) -> tuple[str, ...]:
    return (inline(run.title),) if run.title else ()


def _open(run: Sighting) -> Block | None:
    return actions(button("Open", "work.open", "open") | {"url": run.url}) if run.url else None


def _gap(gap: Gap | None) -> Block | None:
    """Return the line that names a time in which nobody looked."""
    if gap is None:
        return None
    more = " More happened then than GitHub lists; see its own pages." if gap.overrun else ""
    return context(
        f":satellite_antenna: I did not look from {when(gap.since)} to {when(gap.until)}; "
        f"this is how it stood after that.{more}"
    )
