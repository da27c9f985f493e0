"""What answers, what runs and what waits; the list of runs, one run, and who the asker is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from bot.commands import COMMANDS, Command
from bot.jobs import Job, Role
from bot.messages.blocks import Block, context, header, section, table
from bot.messages.errors import sentence, with_detail
from bot.messages.evidence import comparison_table, verdict
from bot.messages.message import Message, compose
from bot.messages.text import channel_link, code, inline, listed, mention
from bot.messages.units import between, duration, percent, when
from ml.contract import Caller, HealthView, ModelsView, RunsView, RunView, StageView, UsageView

STATE_MARKS = {
    "queued": ":hourglass:",
    "running": ":gear:",
    "succeeded": ":white_check_mark:",
    "failed": ":x:",
    "cancelled": ":no_entry_sign:",
}


def status(
    health: HealthView | None,
    models: ModelsView | None,
    usage: Mapping[str, UsageView],
    running: Sequence[RunView],
    waiting: Sequence[Job],
    now: datetime,
    elsewhere: Sequence[tuple[str, Job]] = (),
) -> Message:
    """Return whether everything answers, each model's champion and use, what runs and what waits.

    None for *health* or *models* means that the function app did not answer; *usage* is by model name.
    *elsewhere* are the titles and jobs of runs of workflows and endpoints.
    """
    return compose(
        header("Status"),
        section(_health_lines(health)),
        _models_table(models, usage, now) if models and models.models else None,
        section("\n".join(_troubles(models))) if models and _troubles(models) else None,
        section("\n".join(_work_lines(running, waiting, elsewhere, now, known=health is not None))),
        context(_versions_line(health)) if health and health.versions else None,
    )


def _health_lines(health: HealthView | None) -> str:
    if health is None:
        down = sentence("function_app_unreachable")
        return f":red_circle: *{down}* Predictions and runs do not work until it does."
    lines = [
        ":large_green_circle: *Everything answers.*"
        if health.status == "ok"
        else ":large_yellow_circle: *It works, with limits.*"
    ]
    if health.store.reachable:
        speed = (
            f" in {duration(health.store.seconds)}"
            if health.store.seconds is not None and health.store.seconds >= 0.05
            else ""
        )
        lines.append(f"Object store: answers{speed}.")
    else:
        why = f" It said: {inline(health.store.detail)}" if health.store.detail else ""
        lines.append(f"Object store: *does not answer*; predictions go on, but are not logged.{why}")
    return "\n".join(lines)


def _models_table(models: ModelsView, usage: Mapping[str, UsageView], now: datetime) -> Block:
    rows = []
    for one in models.models:
        used = usage.get(one.name)
        rows.append(
            [
                one.name,
                f"v{one.champion.version}" if one.champion else "none",
                between(one.champion.at, now) if one.champion else "–",
                f"{used.total:,}" if used else "–",
                percent(used.fallback_share) if used and used.total else "–",
                percent(used.abstain_share) if used and used.total else "–",
            ]
        )
    return table(["model", "champion", "for", "predictions", "fallback", "no firm answer"], rows)


def _troubles(models: ModelsView) -> list[str]:
    return [f":warning: *{inline(one.name)}*: {inline(one.problem)}" for one in models.models if one.problem]


def _work_lines(
    running: Sequence[RunView],
    waiting: Sequence[Job],
    elsewhere: Sequence[tuple[str, Job]],
    now: datetime,
    *,
    known: bool,
) -> list[str]:
    if known and not running and not waiting and not elsewhere:
        return ["Nothing runs and nothing waits."]
    lines = [] if known else ["What runs there now cannot be seen."]
    lines += [running_line(run, now) for run in running]
    lines += [
        f"{STATE_MARKS['running']} *{inline(title)}* · {code(job.typed)} by {mention(job.user)}"
        for title, job in elsewhere
    ]
    for place, job in enumerate(waiting, start=1):
        lines.append(f":hourglass: waits, place {place}: {code(job.typed)} by {mention(job.user)}")
    return lines


def running_line(run: RunView, now: datetime) -> str:
    """Return a run that is under way as one line."""
    stage = f" · {inline(run.stage)}" if run.stage else ""
    share = f" · {percent(run.progress)}" if run.progress is not None else ""
    since = between(run.started_at or run.created_at, now)
    what = f"{STATE_MARKS[run.state]} {run.kind} *{inline(run.model)}*"
    return f"{what}{stage}{share} · {since} · {code(run.run_id)}"


def _versions_line(health: HealthView) -> str:
    return ", ".join(f"{inline(name)} {inline(version)}" for name, version in health.versions.items())


def runs(view: RunsView, now: datetime) -> Message:
    """Return the latest runs as a table, newest first."""
    if not view.runs:
        return compose(section("There are no runs yet."))
    rows = [
        [
            run.run_id,
            run.model,
            run.kind,
            run.state,
            _made(run),
            _took(run, now),
            between(run.created_at, now),
            _why(run),
        ]
        for run in view.runs
    ]
    more = context("There are older ones.") if view.after else None
    return compose(
        header("Runs"), table(["run", "model", "kind", "state", "made", "took", "age", "why"], rows), more
    )


def _made(run: RunView) -> str:
    return f"v{run.result.version}" if run.result and run.result.version else "–"


def _took(run: RunView, now: datetime) -> str:
    return duration(((run.finished_at or now) - run.started_at).total_seconds()) if run.started_at else "–"


def _lasted(run: RunView, now: datetime) -> str:
    if run.started_at is None:
        return ""
    return f" · took {_took(run, now)}" if run.finished_at else f" · {_took(run, now)} so far"


def _why(run: RunView) -> str:
    return run.reason.detail if run.reason else ""


def run(view: RunView, now: datetime) -> Message:
    """Return one run: state, stages with durations, parameters, who asked, and its result."""
    lines = [f"{STATE_MARKS[view.state]} *{view.kind.capitalize()} of {inline(view.model)}: {view.state}*"]
    if view.reason:
        lines.append(with_detail(view.reason.code, view.reason.detail))
    if view.result and view.result.version:
        lines.append(f"It made *v{view.result.version}*.")
    params = ", ".join(f"{inline(key)}={inline(value)}" for key, value in view.params.items())
    asked = f"asked by {_asker(view.requested_by)} · " if view.requested_by else ""
    evidence = view.result.comparison if view.result else None
    return compose(
        section("\n".join(lines)),
        section("\n".join(map(_stage_line, view.stages))) if view.stages else None,
        section(verdict(evidence)) if evidence else None,
        comparison_table(evidence) if evidence else None,
        context(
            f"{asked}{when(view.created_at)}{_lasted(view, now)} · {code(view.run_id)}",
            *([params] if params else []),
        ),
    )


def _asker(caller: Caller) -> str:
    return f"{mention(caller.who)} in {channel_link(caller.where)}"


def _stage_line(stage: StageView) -> str:
    took = f" · {duration(stage.seconds)}" if stage.seconds is not None else ""
    return f"• {inline(stage.name)}: {stage.state}{took}"


def cancelling(run: str) -> Message:
    """Return the private answer to somebody who cancelled; the run's own message says when it stopped."""
    return compose(
        section(f":no_entry_sign: {code(run)} is being cancelled; its message says when it has stopped.")
    )


def whoami(
    user: str,
    roles: Iterable[Role],
    models: Mapping[str, Sequence[Role]],
    commands: Iterable[Command] = COMMANDS.values(),
) -> Message:
    """Return the asker's roles, the commands these cover, and the models they may decide on.

    *models* maps each model's name to the roles that may promote its versions.
    """
    held = tuple(roles)
    verbs = [command.verb for command in commands if set(held) & set(command.roles)]
    decides = [name for name, approvers in models.items() if set(held) & set(approvers)]
    lines = [f"You are {mention(user)}, with {_role_words(held)}."]
    lines.append(
        f"You may use {listed(map(code, verbs))}."
        if verbs
        else "You may use no command yet; the bot's owner gives roles in `toban.toml`."
    )
    if models:
        lines.append(
            f"You decide on new versions of {listed(map(code, decides))}."
            if decides
            else "You decide on no model's versions."
        )
    return compose(section("\n".join(lines)))


def _role_words(held: Sequence[Role]) -> str:
    if not held:
        return "no role"
    return f"the {'role' if len(held) == 1 else 'roles'} {listed(map(code, held))}"
