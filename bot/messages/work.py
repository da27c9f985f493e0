"""The one message of a job that a connector runs, in each of its states, and the list of what can be run.

Every state names who asked and what was typed. Buttons carry `flow id|attempt`, so that one on an old state
of the card does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from bot.command_tables import ReportPart
from bot.connectors.connector import Offer, Report, Review, RunJob, RunStatus, Step
from bot.jobs import Job
from bot.messages.blocks import Block, actions, button, confirm, context, header, section, table
from bot.messages.errors import asked_line, problem_lines, with_detail
from bot.messages.forms import again_button
from bot.messages.message import Message, compose
from bot.messages.reports import report_blocks
from bot.messages.text import code, counted, inline, listed, mention
from bot.messages.units import bar, duration, percent, quantity
from ml.contract import Problem

MOST_STEPS = 40
INDENT = "\u2003\u2003"
"""Wide spaces: a row of common ones may be shown as one."""
_MARKS = {
    "waiting": ":white_circle:",
    "running": ":hourglass_flowing_sand:",
    "succeeded": ":white_check_mark:",
    "failed": ":x:",
    "skipped": ":heavy_minus_sign:",
    "cancelled": ":no_entry_sign:",
}
_STATES = {"queued": "waits for its turn", "waiting": "waits for an approval", "running": "running"}
_BETTER = {"lower": "lower", "higher": "higher", "zero": "nearer to zero"}


def to_confirm(
    job: Job, title: str, values: Mapping[str, object], ref: str | None, question: str | None = None
) -> Message:
    """Return the question whether to start, in its own words if it has some, and all that would be sent."""
    at = f" at {code(ref)}" if ref else ""
    lines = [f":question: *{inline(question)}*" if question else f":question: *Start {inline(title)}*{at}?"]
    lines += [f"• {code(name)} {code(value)}" for name, value in values.items()]
    return compose(
        section("\n".join(lines)),
        actions(
            button("Start", "work.start", f"{job.flow_id}|0", "primary"),
            button("Don't start", "work.dismiss", f"{job.flow_id}|0"),
        ),
        context(asked_line(job)),
    )


def not_started(job: Job, title: str, by: str | None) -> Message:
    """Return the end of a job that was never started: *by* whom it was stopped, or None: nobody confirmed."""
    why = f"was stopped by {mention(by)} before it started" if by else "was not confirmed in time"
    return compose(
        section(f":no_entry_sign: *{inline(title)}* {why}. Nothing was done."), context(asked_line(job))
    )


def starting(job: Job, title: str) -> Message:
    """Return the message of a job that is being started."""
    return compose(
        section(f":hourglass_flowing_sand: *{inline(title)} · starting*"), context(asked_line(job))
    )


def held_up(job: Job, title: str, until: datetime) -> Message:
    """Return the message of a job that cannot be started, or followed, before a moment."""
    return compose(
        section(
            f":hourglass: *{inline(title)} · waits until {until:%H:%M:%S} UTC*\n"
            "GitHub takes no more requests before that; it goes on by itself."
        ),
        actions(_button(job, "cancel", 0)),
        context(asked_line(job)),
    )


def refused(job: Job, title: str, problem: Problem) -> Message:
    """Return the end of a job that the other side, or the bot, did not accept."""
    lead = [f":no_entry: *{inline(title)} was not started*", *problem_lines(problem)]
    return compose(section("\n".join(lead)), context(asked_line(job)))


def lost(job: Job, title: str, url: str | None, problem: Problem) -> Message:
    """Return the end of following a run that cannot be seen any more; the run itself may go on."""
    lead = [f":no_entry: *{inline(title)} is out of my sight*", *problem_lines(problem)]
    return compose(section("\n".join(lead)), _page_button(url), context(asked_line(job)))


def running(job: Job, title: str, status: RunStatus, now: datetime) -> Message:
    """Return the live message of a run: its jobs and steps, elapsed time, Cancel and Open."""
    state = _STATES.get(status.state, "running")
    share = f" · {percent(status.progress)}" if status.progress is not None else ""
    lines = [
        f":gear: *{inline(title)} · {state}{share}*",
        *([inline(status.detail)] if status.detail else []),
    ]
    if status.progress is not None:
        lines.append(bar(status.progress))
    began = status.started_at or status.created_at
    elapsed = f"{duration((now - began).total_seconds())} so far · " if began else ""
    return compose(
        section("\n".join(lines)),
        _jobs_block(status.jobs),
        _reviews_block(status.reviews),
        *_waits_blocks(job, status),
        _buttons(job, status),
        context(f"{elapsed}{_run_words(status)}", asked_line(job)),
    )


def out_of_sight(job: Job, title: str, who: str = "GitHub", problem: Problem | None = None) -> Message:
    """Return the message of a run that cannot be followed: *who* does not answer, or refuses the bot."""
    how = "does not answer" if problem is None else "does not let me look"
    why = [] if problem is None else problem_lines(problem)
    return compose(
        section(
            "\n".join(
                [
                    f":satellite_antenna: *{inline(title)} · {inline(who)} {how}*",
                    *why,
                    "The run goes on by itself; this message follows it again as soon as it can.",
                ]
            )
        ),
        actions(_button(job, "cancel", 0)),
        context(asked_line(job)),
    )


def ended(
    job: Job,
    title: str,
    status: RunStatus,
    cancelled_by: str | None = None,
    template: Sequence[ReportPart] = (),
) -> Message:
    """Return the end of a run: how, how long, why, what it reports (by *template*), what can be done now."""
    lines = [_end_line(title, status, cancelled_by)]
    if status.state == "failed" and status.reason:
        lines.append(with_detail(status.reason.code, status.reason.detail))
    elif status.detail:
        lines.append(inline(status.detail))
    report = status.report
    blocks, files = report_blocks(template, report)
    took = ""
    if status.started_at and status.finished_at:
        took = f"took {duration((status.finished_at - status.started_at).total_seconds())} · "
    return compose(
        section("\n".join(lines)),
        _metrics_table(report) if report and report.metrics and not template else None,
        *blocks,
        _report_lines(report) if report else None,
        _jobs_block(status.jobs) if status.state != "succeeded" else None,
        _reviews_block(status.reviews),
        _buttons(job, status, again_button(job)),
        context(f"{took}{_run_words(status)}", asked_line(job)),
        files=files,
    )


def ended_note(job: Job, title: str, status: RunStatus) -> Message:
    """Return the reply in the thread that calls the requester."""
    if status.state == "failed":
        why = with_detail(status.reason.code, status.reason.detail) if status.reason else ""
        return compose(section(f":x: {mention(job.user)} {inline(title)} failed. {why}"))
    done = "was cancelled" if status.state == "cancelled" else "is done"
    return compose(section(f"{mention(job.user)} {inline(title)} {done}."))


def taking_up(job: Job, title: str) -> Message:
    """Return the message of a training elsewhere that has ended, while the registry is asked what it made."""
    return compose(
        section(f":hourglass_flowing_sand: *{inline(title)} · done, looking up what it made*"),
        context(asked_line(job)),
    )


def reported(title: str, status: RunStatus) -> Message:
    """Return the reply that keeps what a training elsewhere reported, once its card is about the decision."""
    took = ""
    if status.started_at and status.finished_at:
        took = f" It took {duration((status.finished_at - status.started_at).total_seconds())}."
    return compose(
        section(f":white_check_mark: *{inline(title)} is done.*{took}"),
        _report_lines(status.report) if status.report else None,
        _page_button(status.handle.url),
        context(_run_words(status)),
    )


def waits_note(job: Job, title: str, environments: Sequence[str], called: Sequence[str]) -> Message:
    """Return the reply in the thread that calls those who may decide about environments."""
    who = f"{listed(map(mention, called))}, " if called else ""
    names = listed(f"*{inline(name)}*" for name in environments)
    return compose(
        section(f":raised_hand: {who}{inline(title)} waits for {names}: please approve or reject above.")
    )


def not_started_note(job: Job, title: str, problem: Problem) -> Message:
    """Return the reply in the thread that tells the requester why a job that had waited was not started."""
    why = with_detail(problem.reason_code, problem.detail)
    return compose(section(f":no_entry: {mention(job.user)} {inline(title)} was not started. {why}"))


def reviewing(job: Job, environment: str, state: str) -> Message:
    """Return what somebody is told whose decision about an environment was taken."""
    return compose(
        section(f":white_check_mark: GitHub took it: *{inline(environment)}* is {inline(state)}."),
        context(asked_line(job)),
    )


def reviewed_before(job: Job, environment: str, by: str | None) -> Message:
    """Return what somebody is told who pressed after somebody else."""
    who = mention(by) if by else "somebody"
    return compose(
        section(f":no_entry: *{who} was quicker* to decide about {inline(environment)}."),
        context(asked_line(job)),
    )


def pressed_too_late(job: Job) -> Message:
    """Return what is told to somebody whose button was overtaken."""
    return compose(
        section(":no_entry: *Somebody was quicker:* it runs again already."), context(asked_line(job))
    )


def workflows(found: Mapping[str, Sequence[tuple[str, str, bool]]], command: str) -> Message:
    """Return the workflows of each repository as (file, name, active), and how one is started."""
    blocks: list[Block | None] = [header("Workflows")]
    for repository, files in found.items():
        lines = [
            f"• {code(file)} {inline(name)}{'' if active else ' · disabled'}" for file, name, active in files
        ]
        blocks.append(section("\n".join([f"*{inline(repository)}*", *(lines or ["none yet"])])))
    return compose(*blocks, context(f"{code(f'{command} run WORKFLOW name=value …')} starts one."))


def _end_line(title: str, status: RunStatus, cancelled_by: str | None) -> str:
    if status.state == "succeeded":
        return f":white_check_mark: *{inline(title)} is done*"
    if status.state == "failed":
        return f":x: *{inline(title)} failed*"
    who = f" by {mention(cancelled_by)}" if cancelled_by else ", not from here"
    return f":no_entry_sign: *{inline(title)} was cancelled*{who}"


def _waits_blocks(job: Job, status: RunStatus) -> list[Block]:
    """Return who may let the run go on, and a button for each decision, bound to run and environment."""
    blocks: list[Block] = []
    decided = [one.environment for one in status.reviews]
    for one in status.waits:
        people = [code(login) for login in one.reviewers] + [f"the team {code(team)}" for team in one.teams]
        timer = f"waits {counted(one.wait_minutes, 'minute')} by its timer" if one.wait_minutes else ""
        asks = f"waits for an approval by {listed(people, 'or')}" if people else ""
        why = " and ".join(filter(None, (timer, asks))) or "waits for a rule of its own, on GitHub"
        blocks.append(section(f":raised_hand: *{inline(one.environment)}* {why}."))
        if people:
            # Jobs of one run may wait for the same environment one after the other: each has its decision.
            times = decided.count(one.environment)
            value = f"{job.flow_id}|{status.attempt}|{status.handle.id}|{one.environment_id}|{times}"
            name = one.environment[:40]
            blocks.append(
                actions(
                    button(f"Approve {name}", "work.approve", value, "primary"),
                    button(f"Reject {name}", "work.reject", value, "danger"),
                )
            )
    return blocks


def _reviews_block(reviews: Sequence[Review]) -> Block | None:
    """Return what was decided about environments: in Slack by whom and as whom, or on GitHub."""
    lines = [
        f"{':white_check_mark:' if one.state == 'approved' else ':no_entry:'} {inline(one.environment)} "
        f"{inline(one.state)} by {_decider(one)}"
        for one in reviews[-8:]
    ]
    return context(*lines) if lines else None


def _decider(review: Review) -> str:
    if review.user is not None:
        return f"{mention(review.user)} as {code(review.login)}"
    return f"{code(review.login)} on GitHub" + (f": {inline(review.comment[:200])}" if review.comment else "")


def _run_words(status: RunStatus) -> str:
    if not status.is_run:
        return inline(status.name)
    again = f" · attempt {status.attempt}" if status.attempt > 1 else ""
    return f"{inline(status.name)} · run {code(status.handle.id)}{again}"


def _jobs_block(jobs: Iterable[RunJob]) -> Block | None:
    """Return jobs with their steps; of a long list the jobs alone, and those steps that matter."""
    every = list(jobs)
    if not every:
        return None
    whole = sum(1 + len(job.steps) for job in every) <= MOST_STEPS
    lines: list[str] = []
    for job in every:
        lines.append(f"{_MARKS[job.state]} *{inline(job.name)}*{_took(job)}")
        shown = job.steps if whole else [step for step in job.steps if step.state in ("running", "failed")]
        lines += [f"{INDENT}{_MARKS[step.state]} {inline(step.name)}{_took(step)}" for step in shown]
    cut_off = len(lines) - 2 * MOST_STEPS
    if cut_off > 0:
        lines = [*lines[: 2 * MOST_STEPS], f"… and {counted(cut_off, 'line')} more"]
    return section("\n".join(lines))


def _took(step: Step) -> str:
    return f" · {duration(step.seconds)}" if step.seconds is not None else ""


def _metrics_table(report: Report) -> Block:
    rows = [
        [
            f"{metric.name}{' ★' if metric.business else ''}",
            quantity(metric.value, metric.unit),
            _BETTER.get(metric.direction or "", "–"),
        ]
        for metric in report.metrics
    ]
    return table(["metric", "value", "better"], rows)


def _report_lines(report: Report) -> Block | None:
    facts = [
        f"{name} {code(value)}"
        for name, value in (("version", report.version), ("data", report.data), ("cost", report.cost))
        if value
    ]
    lines = [listed(facts)] if facts else []
    lines += [f":warning: {inline(problem)}" for problem in report.problems[:8]]
    return context(*lines) if lines else None


def _buttons(job: Job, status: RunStatus, *more: Block | None) -> Block | None:
    buttons = [_button(job, offer, status.attempt) for offer in status.offers]
    if status.handle.url:
        buttons.append(button("Open", "work.open", "open") | {"url": status.handle.url})
    buttons += [one for one in more if one is not None]
    return actions(*buttons) if buttons else None


def _page_button(url: str | None) -> Block | None:
    return actions(button("Open", "work.open", "open") | {"url": url}) if url else None


def _button(job: Job, offer: Offer, attempt: int) -> Block:
    value = f"{job.flow_id}|{attempt}"
    if offer == "cancel":
        return button("Cancel", "work.cancel", value, "danger")
    if offer == "rerun_failed":
        return button("Rerun failed", "work.rerun_failed", value, "primary")
    sure = confirm("Run it again?", "All jobs of the run are run again.", "Run again", "Not now")
    return button("Rerun", "work.rerun", value, confirm=sure)
