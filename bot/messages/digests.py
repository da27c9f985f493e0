"""The digest: what a team wants to know of its models once a day, from facts gathered elsewhere."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from bot.messages.blocks import Block, context, header, section, table
from bot.messages.errors import with_detail
from bot.messages.message import Message, compose
from bot.messages.status import STATE_MARKS
from bot.messages.text import code, counted, inline, listed, mention
from bot.messages.units import between, duration, percent, when
from ml.contract import AliasView, RunView, UsageView

MAX_RUNS_SHOWN = 20
_ORDER = {"failed": 0, "cancelled": 1, "running": 2, "queued": 3, "succeeded": 4}


class DigestModel(BaseModel):
    """One model in a digest; None means that the function app did not tell."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str = ""
    champion: AliasView | None = None
    usage: UsageView | None = None
    problem: str | None = None


class DigestFacts(BaseModel):
    """Everything a digest says: the window, what was missed, the models, and the runs in the window.

    `since` and `until` are in the digest's time zone. `missed` holds the due times for which no digest was
    sent (the bot was down), oldest first. `problem` says what could not be looked up, if anything.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    since: datetime
    until: datetime
    missed: tuple[datetime, ...] = ()
    models: tuple[DigestModel, ...] = ()
    runs: tuple[RunView, ...] = ()
    problem: str | None = None


def digest(facts: DigestFacts) -> Message:
    """Return the digest: models, their champions and use, then the runs, failures first."""
    return compose(
        header(f"Digest {facts.name}"),
        context(f"{when(facts.since)} to {when(facts.until)}"),
        section(_gap_line(facts)) if facts.missed else None,
        section(f":warning: {inline(facts.problem)}") if facts.problem else None,
        _models_table(facts) if facts.models else _no_models(facts),
        _champion_lines(facts),
        section("\n".join(_run_lines(facts))),
    )


def _gap_line(facts: DigestFacts) -> str:
    missed = facts.missed
    which = when(missed[0]) if len(missed) == 1 else f"{when(missed[0])} to {when(missed[-1])}"
    which_ones = f"{counted(len(missed), 'earlier digest')} could not be sent ({which})"
    return f":warning: {which_ones}; this one covers that time too."


def _no_models(facts: DigestFacts) -> Block | None:
    """Return that there are none, unless it only is not known."""
    return None if facts.problem else section("There are no models yet.")


def _models_table(facts: DigestFacts) -> Block:
    rows = [_model_row(one, facts.until) for one in facts.models]
    return table(["model", "champion", "for", "predictions", "fallback", "no firm answer"], rows)


def _model_row(one: DigestModel, until: datetime) -> list[str]:
    used = one.usage
    return [
        one.name,
        f"v{one.champion.version}" if one.champion else "none",
        between(one.champion.at, until) if one.champion else "–",
        f"{used.total:,}{'' if used.complete else ' or more'}" if used else "unknown",
        percent(used.fallback_share) if used and used.total else "–",
        percent(used.abstain_share) if used and used.total else "–",
    ]


def _champion_lines(facts: DigestFacts) -> Block | None:
    lines = [f":warning: *{inline(one.name)}*: {inline(one.problem)}" for one in facts.models if one.problem]
    lines += [_champion_line(one.name, one.champion, facts) for one in facts.models if one.champion]
    return section("\n".join(lines)) if lines else None


def _champion_line(name: str, champion: AliasView, facts: DigestFacts) -> str:
    new = ":trophy: new champion, " if champion.at >= facts.since else ""
    return (
        f"*{inline(name)}* v{champion.version}: {new}promoted by {mention(champion.by)} {when(champion.at)}"
    )


def _run_lines(facts: DigestFacts) -> list[str]:
    if not facts.runs:
        return [
            "What ran since the last digest is not known."
            if facts.problem
            else "No runs since the last digest."
        ]
    counts = {state: sum(run.state == state for run in facts.runs) for state in _ORDER}
    said = listed(f"{count:,} {state}" for state, count in counts.items() if count)
    ordered = sorted(facts.runs, key=lambda run: (_ORDER[run.state], -run.created_at.timestamp(), run.run_id))
    lines = [f"*{counted(len(facts.runs), 'run')}*: {said}"]
    lines += [_run_line(run) for run in ordered[:MAX_RUNS_SHOWN]]
    left = len(ordered) - MAX_RUNS_SHOWN
    return [*lines, f"and {left:,} more"] if left > 0 else lines


def _run_line(run: RunView) -> str:
    made = f" · v{run.result.version}" if run.result and run.result.version else ""
    took = (
        f" · {duration((run.finished_at - run.started_at).total_seconds())}"
        if run.started_at and run.finished_at
        else ""
    )
    why = f" · {with_detail(run.reason.code, run.reason.detail)}" if run.reason else ""
    what = f"{STATE_MARKS[run.state]} {run.kind} {inline(run.model)} {run.state}"
    return f"{what}{made}{took} · {code(run.run_id)}{why}"
