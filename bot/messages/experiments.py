"""Experiments: the card of a record, the question about what is alike, the list, and results as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.connectors.connector import RunStatus
from bot.experiment_records import Recorded
from bot.experiments import Experiment, Issue, quoted
from bot.jobs import Job
from bot.likeness import Resemblance
from bot.messages.blocks import Block, actions, button, context, header, section, table
from bot.messages.errors import asked_line, problem_lines, with_detail
from bot.messages.evidence import comparison_table, verdict, why_line
from bot.messages.message import Message, compose
from bot.messages.text import code, inline, listed, mention, unescape
from bot.messages.units import duration, quantity, when
from ml.contract import Problem, RunView

MOST_TYPED_SHOWN = 150
MOST_LISTED = 20
MOST_PURPOSE_SHOWN = 500


@dataclass(frozen=True)
class Result:
    """What a run gave: as Markdown for the issue, and as one line for Slack."""

    markdown: str
    line: str


def recording(job: Job, made: Experiment) -> Message:
    """Return the card of an experiment that is being recorded."""
    return compose(_head(":hourglass_flowing_sand:", made, "is being recorded"), _foot(job))


def resembles(job: Job, made: Experiment, alike: Sequence[Resemblance]) -> Message:
    """Return the question whether to go on, with what was done before and why it is alike."""
    lines = [
        f"• *{inline(one.what)}*{f' {inline(one.about)}' if one.about else ''}, {when(one.at)}: "
        f"{listed(map(inline, one.why))}"
        for one in alike
    ]
    return compose(
        _head(":mag:", made, "looks like what was done before"),
        section("\n".join(lines)),
        actions(
            button("Go on", "experiment.go", job.flow_id, "primary"),
            button("Stop", "experiment.stop", job.flow_id),
        ),
        _foot(job),
    )


def stopped(job: Job, made: Experiment, by: str | None) -> Message:
    """Return the end of an experiment that was not recorded: *by* whom, or None: nobody answered in time."""
    why = f"was stopped by {mention(by)}" if by else "was not confirmed in time"
    return compose(_head(":no_entry_sign:", made, f"{why}; nothing was recorded or started"), _foot(job))


def not_recorded(job: Job, made: Experiment, problem: Problem) -> Message:
    """Return the end of an experiment whose issue could not be written."""
    return compose(
        _head(":no_entry:", made, "was not recorded, and nothing was started"),
        section("\n".join(problem_lines(problem))),
        _foot(job),
    )


def recorded(job: Job, made: Experiment, issue: Issue) -> Message:
    """Return the card of a recorded experiment: its issue, its purpose, and what it starts."""
    start = made.facts.start
    begins = f"\nIt starts {code(start.name)}; the result is written into the issue." if start else ""
    purpose = made.purpose[:MOST_PURPOSE_SHOWN]
    return compose(
        section(f":notebook: *Experiment #{issue.number}: {inline(issue.title)}*\n{inline(purpose)}{begins}"),
        _open(issue.url),
        _foot(job),
    )


def result_written(job: Job, record: Recorded, result: Result, where: str) -> Message:
    """Return the reply in the experiment's thread: what came of it, and where that stands."""
    place = "in the issue" if where == "body" else "in a comment, because the issue's own result was edited"
    return compose(
        section(f"{mention(job.user)} {result.line}\nThe result is {place}: #{record.number}."),
    )


def result_not_written(job: Job, record: Recorded, result: Result, problem: Problem) -> Message:
    """Return the reply where the result could not be written into the issue."""
    why = "\n".join(problem_lines(problem))
    return compose(
        section(f"{mention(job.user)} {result.line}\n:warning: It is not in issue #{record.number}: {why}")
    )


def listing(issues: Sequence[Issue], model: str | None, repository: str) -> Message:
    """Return the latest experiments, of one model or of all."""
    about = f" of {model}" if model else ""
    if not issues:
        return compose(section(f":notebook: No experiments{inline(about)} yet in {inline(repository)}."))
    rows = [
        [f"#{one.number}", one.title, _about(one), _asked_by(one), one.state, f"{one.created_at:%Y-%m-%d}"]
        for one in issues[:MOST_LISTED]
    ]
    shown = f"the latest {len(rows)} of {len(issues)}" if len(issues) > len(rows) else f"{len(rows)}"
    return compose(
        header(f"Experiments{about}"),
        table(["issue", "purpose", "starts", "by", "state", "since"], rows),
        _open(issues[0].url.rsplit("/", 1)[0]),
        context(f"{shown} in {inline(repository)}"),
    )


def result_of_run(job: Job, run: RunView) -> Result:
    """Return what a run of the function app gave: candidate beside champion, on which rows, how long."""
    evidence = run.result.comparison if run.result else None
    made = f"v{run.result.version}" if run.result and run.result.version else None
    lines = [f"**{_ended(run.state)}**{f': {made} of {run.model}' if made else ''}"]
    if run.reason:
        lines.append(_text(with_detail(run.reason.code, run.reason.detail)))
    if evidence is not None:
        lines += [
            _text(verdict(evidence)),
            _markdown_table(comparison_table(evidence)),
            _text(why_line(evidence)),
        ]
    facts = [f"run `{run.run_id}`", f"command `{_safe(job.typed)}`"]
    if run.result and run.result.evidence:
        facts.append(f"evidence `{run.result.evidence[:15]}`")
    if run.started_at and run.finished_at:
        facts.insert(0, f"took {duration((run.finished_at - run.started_at).total_seconds())}")
    said = verdict(evidence) if evidence else _ended(run.state)
    return Result(_paragraphs(*lines, " · ".join(facts)), f"{inline(made or run.run_id)}: {said}")


def result_of_status(job: Job, status: RunStatus) -> Result:
    """Return what a run of a connector gave: its report's metrics and facts, how long, where it is."""
    report = status.report
    lines = [f"**{_ended(status.state)}**: {_safe(status.name)}"]
    if status.reason:
        lines.append(_text(with_detail(status.reason.code, status.reason.detail)))
    if report and report.metrics:
        rows = [[one.name, quantity(one.value, one.unit), one.direction or "–"] for one in report.metrics]
        lines.append(_markdown_table(table(["metric", "value", "better"], rows)))
    if report:
        named = (("version", report.version), ("data", report.data), ("cost", report.cost))
        lines += [f"{name} {_safe(value)}" for name, value in named if value]
        lines += [_safe(problem) for problem in report.problems[:8]]
    facts = [f"command `{_safe(job.typed)}`"]
    if status.started_at and status.finished_at:
        facts.insert(0, f"took {duration((status.finished_at - status.started_at).total_seconds())}")
    if status.handle.url and urlsplit(status.handle.url).scheme in ("http", "https"):
        facts.append(f"[run {_safe(status.handle.id)}](<{status.handle.url}>)")
    said = f"{inline(status.name)} {_ended(status.state).lower()}."
    return Result(_paragraphs(*lines, " · ".join(facts)), said)


def result_of_problem(job: Job, problem: Problem) -> Result:
    """Return the result of what was never started, or is out of sight."""
    said = with_detail(problem.reason_code, problem.detail)
    words = f"**It gave no result.** {_text(said)}"
    return Result(_paragraphs(words, f"command `{_safe(job.typed)}`"), f"It gave no result. {said}")


def _head(mark: str, made: Experiment, state: str) -> Block:
    return section(f"{mark} *Experiment: {inline(made.title)}* {state}.")


def _foot(job: Job) -> Block:
    typed = job.typed if len(job.typed) <= MOST_TYPED_SHOWN else f"{job.typed[: MOST_TYPED_SHOWN - 1]}…"
    return context(asked_line(job.model_copy(update={"typed": typed})))


def _open(url: str) -> Block:
    return actions(button("Open", "experiment.open", "open") | {"url": url})


def _about(issue: Issue) -> str:
    facts = issue.facts
    return facts.start.name if facts and facts.start else "–"


def _asked_by(issue: Issue) -> str:
    return issue.author or "–"


def _ended(state: str) -> str:
    return {"succeeded": "Succeeded", "failed": "Failed", "cancelled": "Cancelled"}.get(state, "Ended")


def _text(markup: str) -> str:
    """Return Slack's markup as a line of Markdown: the same words, calling nobody."""
    return quoted(unescape(markup))


def _safe(text: object) -> str:
    return " ".join(quoted(str(text)).split()).replace("`", "'").replace("|", "\\|")


def _markdown_table(block: Block) -> str:
    lines = [[_safe(cell["text"]) for cell in row] for row in block["rows"]]
    rule = ["---:" if column["align"] == "right" else "---" for column in block["column_settings"]]
    return "\n".join("| " + " | ".join(line) + " |" for line in (lines[0], rule, *lines[1:]))


def _paragraphs(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)
