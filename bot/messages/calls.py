"""The one message of a team's own command in each of its states, and the reply in its thread at the end."""

from __future__ import annotations

from bot.command_tables import CommandTable
from bot.connectors.connector import RunStatus
from bot.jobs import Job
from bot.messages.blocks import Block, actions, button, context, section
from bot.messages.errors import asked_line, with_detail
from bot.messages.message import Message, compose
from bot.messages.reports import report_blocks
from bot.messages.text import code, inline, mention
from bot.messages.units import bar, duration, percent


def question(job: Job, asked: str, flow_id: str) -> Message:
    """Return the message that asks whether to go ahead; each button's value is `flow id|verb`."""
    value = f"{flow_id}|{job.verb}"
    return compose(
        section(f":raised_hand: *{inline(asked)}*"),
        actions(
            button("Go ahead", "command.confirm", value, "primary"),
            button("Leave it", "command.leave", value),
        ),
        context(asked_line(job)),
    )


def left(job: Job, by: str | None) -> Message:
    """Return the end of a job that was not confirmed; *by* is None where nobody answered in time."""
    who = f"{mention(by)} left it" if by else "nobody confirmed it in time"
    return compose(
        section(f":no_entry_sign: *{code(job.verb)} was not started*: {who}."), context(asked_line(job))
    )


def starting(job: Job) -> Message:
    """Return the message of a job that is being started."""
    return compose(
        section(f":hourglass_flowing_sand: *{code(job.verb)} · starting*"), context(asked_line(job))
    )


def running(job: Job, run: RunStatus) -> Message:
    """Return the live message of a run: state, share if it is known, Cancel."""
    share = f" · {percent(run.progress)}" if run.progress is not None else ""
    lines = [f":gear: *{code(job.verb)} · {run.state}{share}*"]
    if run.progress is not None:
        lines.append(bar(run.progress))
    if run.detail:
        lines.append(inline(run.detail))
    return compose(
        section("\n".join(lines)),
        actions(button("Cancel", "run.cancel", job.flow_id, "danger")),
        context(asked_line(job)),
    )


def ended(job: Job, run: RunStatus, table: CommandTable) -> Message:
    """Return the end of a run, with its report as the command's template wants it."""
    blocks, files = report_blocks(table.report, run.report)
    return compose(_headline(job, run), *blocks, context(_ran(run), asked_line(job)), files=files)


def ended_note(job: Job, run: RunStatus) -> Message:
    """Return the reply in the thread that calls the requester."""
    return compose(section(f"{mention(job.user)} {code(job.verb)} {_ending(run)}."))


def _headline(job: Job, run: RunStatus) -> Block:
    mark = {"succeeded": ":white_check_mark:", "failed": ":x:"}.get(run.state, ":no_entry_sign:")
    lines = [f"{mark} *{code(job.verb)} {_ending(run)}*"]
    if run.reason is not None:
        lines.append(with_detail(run.reason.code, run.reason.detail))
    elif run.detail:
        lines.append(inline(run.detail))
    return section("\n".join(lines))


def _ending(run: RunStatus) -> str:
    return {"succeeded": "is done", "failed": "failed", "cancelled": "was cancelled"}[run.state]


def _ran(run: RunStatus) -> str:
    took = (run.finished_at - run.started_at).total_seconds() if run.finished_at and run.started_at else 0.0
    return f"took {duration(took)} · run {code(run.handle.id)}"
