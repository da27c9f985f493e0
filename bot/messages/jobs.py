"""The one message of a retrain or compare job in each of its states, the decision it leads to, and its notes.

Every state names who asked and what was typed. A message is edited in place from `queued` to its end; edits
ring nobody's phone, so `run_ended_note` is the reply in its thread that does.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bot.jobs import Job
from bot.messages.blocks import Block, actions, button, confirm, context, header, section
from bot.messages.errors import asked_line, problem_blocks, with_detail
from bot.messages.evidence import comparison_table, verdict, why_line
from bot.messages.forms import again
from bot.messages.message import Message, compose
from bot.messages.text import code, inline, mention
from bot.messages.units import bar, duration, percent, when
from ml.contract import AliasView, Evidence, Problem, RunView, StageView

_MARKS = {
    "waiting": ":white_circle:",
    "running": ":hourglass_flowing_sand:",
    "done": ":white_check_mark:",
    "failed": ":x:",
}
_DOING = {"retrain": "Retraining", "compare": "Comparing versions of", "promote": "Preparing the decision on"}
_DONE = {"retrain": "Retrained", "compare": "Compared versions of"}


class Decided(BaseModel):
    """How a decision ended: what, by whom (None: nobody, it expired or was overtaken), when, why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["promoted", "rejected", "expired", "superseded"]
    by: str | None = None
    at: datetime
    why: str = ""
    alias: AliasView | None = None


def queued(job: Job, place: int, of: int) -> Message:
    """Return the message of a job that waits; *place* 1 is next of the *of* jobs waiting for this model.

    A *place* of 0 says that the place is not known yet.
    """
    where = "" if place < 1 else "\nIt is next." if place == 1 else f"\nPlace {place} of {of} in the queue."
    return compose(
        section(f":hourglass: *{_headline(job, None)} · waits for its turn*{where}"),
        _cancel_button(job),
        context(asked_line(job)),
    )


def starting(job: Job) -> Message:
    """Return the message of a job whose turn it is and that has no run yet."""
    return compose(
        section(f":hourglass_flowing_sand: *{_headline(job, None)} · starting*"), context(asked_line(job))
    )


def running(job: Job, run: RunView, now: datetime) -> Message:
    """Return the live message of a run: stage and share, a checklist of stages, elapsed time, Cancel."""
    stage = f" · {inline(run.stage)}" if run.stage else ""
    share = f" · {percent(run.progress)}" if run.progress is not None else ""
    state = " · stopping" if run.cancel_requested else ""
    lines = [f":gear: *{_headline(job, run)}{stage}{share}{state}*"]
    if run.progress is not None:
        lines.append(f"{bar(run.progress)}{f' {inline(run.detail)}' if run.detail else ''}")
    elif run.detail:
        lines.append(inline(run.detail))
    elif run.state == "queued":
        lines.append("It waits for the function app to take it up.")
    elapsed = duration((now - (run.started_at or run.created_at)).total_seconds())
    again = f" · attempt {run.attempt}" if run.attempt > 1 else ""
    return compose(
        section("\n".join(lines)),
        _stages_block(run.stages),
        None if run.cancel_requested else _cancel_button(job),
        context(f"{elapsed} so far · run {code(run.run_id)}{again}", asked_line(job)),
    )


def out_of_sight(job: Job, run_id: str) -> Message:
    """Return the message of a run that cannot be followed because the function app does not answer."""
    return compose(
        section(
            f":satellite_antenna: *{_headline(job, None)} · the function app does not answer*\n"
            "The run goes on by itself; this message follows it again as soon as it can."
        ),
        _cancel_button(job),
        context(f"run {code(run_id)}", asked_line(job)),
    )


def finished(job: Job, run: RunView, note: str = "") -> Message:
    """Return the end of a run that leads to no decision; *note* says what comes next, in plain text."""
    made = run.result.version if run.result else None
    lines = [f":white_check_mark: *{_headline(job, run, _DONE)}{f': v{made} is ready' if made else ''}*"]
    if run.result and run.result.comparison:
        lines.append(verdict(run.result.comparison))
    if note:
        lines.append(inline(note))
    table = comparison_table(run.result.comparison) if run.result and run.result.comparison else None
    small = context(_ran_line(run), asked_line(job))
    return compose(section("\n".join(lines)), table, again(job), small)


def failed(job: Job, run: RunView) -> Message:
    """Return the end of a run that failed: the stage it failed in, and why in words."""
    at = next((stage.name for stage in run.stages if stage.state == "failed"), run.stage)
    where = f" in the stage *{inline(at)}*" if at else ""
    why = with_detail(run.reason.code, run.reason.detail) if run.reason else "No reason was given."
    return compose(
        section(f":x: *{_headline(job, run)} failed*{where}\n{why}"),
        _stages_block(run.stages),
        again(job),
        context(_ran_line(run), asked_line(job)),
    )


def cancelled(job: Job, by: str, run: RunView | None = None) -> Message:
    """Return the end of a job that a person stopped, while it waited or while it ran."""
    when_stopped = (
        f" in the stage *{inline(run.stage)}*" if run and run.stage else "" if run else " before it started"
    )
    lines = [asked_line(job)] if run is None else [_ran_line(run), asked_line(job)]
    return compose(
        section(
            f":no_entry_sign: *{_headline(job, run)} was cancelled* by {mention(by)}{when_stopped}. "
            "Nothing was registered."
        ),
        _stages_block(run.stages) if run else None,
        again(job),
        context(*lines),
    )


def refused(job: Job, problem: Problem) -> Message:
    """Return the end of a job that the function app, or the bot, did not accept."""
    return compose(*problem_blocks(problem), context(asked_line(job)))


def decision(job: Job, run: RunView, evidence: Evidence, decide_id: str) -> Message:
    """Return the card on which people decide: verdict in words, table, and the three buttons.

    Each button's value is `decide_id|digest of the evidence`, so that a press counts for what was shown only.
    """
    rival = f"v{evidence.champion}" if evidence.champion is not None else "no champion yet"
    candidate, value = f"v{evidence.candidate}", f"{decide_id}|{evidence.digest}"
    sure = confirm(
        f"Promote {candidate}?",
        f"{candidate} of {evidence.model} becomes the champion and answers from now on.",
        f"Promote {candidate}",
        "Not yet",
    )
    return compose(
        header(
            f"{evidence.model}: promote {candidate}? ({rival})"
            if evidence.champion is None
            else f"{evidence.model}: {candidate} instead of {rival}?"
        ),
        *_card_blocks(evidence),
        actions(
            button(f"Promote {candidate}", "version.promote", value, "primary", sure),
            button("Reject", "version.reject", value, "danger"),
            button("Show card", "version.card", value),
        ),
        context(_ran_line(run), asked_line(job)),
    )


def decided(job: Job, run: RunView, evidence: Evidence, decision: Decided) -> Message:
    """Return the same card after the decision: nothing left to decide, but who did, when and why."""
    return compose(
        header(f"{evidence.model}: v{evidence.candidate} {_OUTCOMES[decision.kind]}"),
        section(_decided_line(evidence, decision)),
        *_card_blocks(evidence),
        again(job),
        context(_ran_line(run), asked_line(job)),
    )


def already_decided(job: Job, kind: str | None, by: str | None) -> Message:
    """Return what the second presser is told: how it was decided, or whose press is being carried out."""
    who = mention(by) if by else "Nobody"
    said = {
        "promoted": f"{who} has promoted it already.",
        "rejected": f"{who} has rejected it already.",
        "expired": "The time for deciding is over.",
        "superseded": "The champion has changed since this was shown.",
    }.get(kind or "", f"{who} pressed a moment before you.")
    return compose(section(f":no_entry: *This is decided.* {said}"), context(asked_line(job)))


def run_ended_note(
    job: Job, run: RunView, approvers: Iterable[str] = (), evidence: Evidence | None = None
) -> Message:
    """Return the reply in the thread that calls the requester, and the approvers if they must decide.

    *approvers* are Slack ids of users or user groups; they are called only where *evidence* is given.
    """
    who = mention(job.user)
    if evidence is not None:
        called = " ".join(map(mention, approvers))
        ask = (
            f"{called} please decide above: {code('Promote')} or {code('Reject')}."
            if called
            else "It waits for a decision above."
        )
        return compose(
            section(
                f"{who} v{evidence.candidate} of *{inline(run.model)}* is trained. {verdict(evidence)}\n{ask}"
            )
        )
    if run.state == "failed":
        why = with_detail(run.reason.code, run.reason.detail) if run.reason else ""
        return compose(section(f":x: {who} {_headline(job, run)} failed. {why}"))
    ended = "was cancelled" if run.state == "cancelled" else "is done"
    return compose(section(f"{who} {_headline(job, run)} {ended}."))


_OUTCOMES = {
    "promoted": "is the champion",
    "rejected": "was rejected",
    "expired": "was not decided in time",
    "superseded": "was overtaken",
}


def _decided_line(evidence: Evidence, decision: Decided) -> str:
    candidate, at = f"v{evidence.candidate}", when(decision.at)
    who = mention(decision.by) if decision.by else "nobody"
    said = {
        "promoted": f":trophy: *{candidate} was promoted* by {who}, {at}.",
        "rejected": f":no_entry_sign: *{candidate} was rejected* by {who}, {at}. The champion stays.",
        "expired": f":hourglass: *Nobody decided on {candidate}* until {at}. The champion stays.",
        "superseded": f":fast_forward: *The champion changed* before anybody decided on {candidate}, {at}. "
        "Compare again to decide.",
    }[decision.kind]
    before = decision.alias.previous if decision.alias else None
    instead = f" It took over from v{before}." if decision.kind == "promoted" and before else ""
    return said + instead + (f"\nReason given: {inline(decision.why)}" if decision.why.strip() else "")


def _card_blocks(evidence: Evidence) -> tuple[Block, ...]:
    said = "\n".join(
        [verdict(evidence), *(f":small_orange_diamond: {inline(note)}" for note in evidence.notes)]
    )
    return section(said), comparison_table(evidence), context(why_line(evidence))


def _headline(job: Job, run: RunView | None, words: dict[str, str] = _DOING) -> str:
    kind = run.kind if run else job.verb
    return f"{words.get(kind, inline(kind))} {inline((run.model if run else job.model) or '')}".strip()


def _ran_line(run: RunView) -> str:
    took = ""
    if run.started_at and run.finished_at:
        took = f"took {duration((run.finished_at - run.started_at).total_seconds())} · "
    again = f" · attempt {run.attempt}" if run.attempt > 1 else ""
    return f"{took}run {code(run.run_id)}{again}"


def _stages_block(stages: tuple[StageView, ...]) -> Block | None:
    return section("\n".join(map(_stage_line, stages))) if stages else None


def _stage_line(stage: StageView) -> str:
    took = f" · {duration(stage.seconds)}" if stage.seconds is not None else ""
    detail = f" · {inline(stage.detail)}" if stage.detail and stage.state != "waiting" else ""
    return f"{_MARKS[stage.state]} {inline(stage.name)}{took}{detail}"


def _cancel_button(job: Job) -> Block:
    return actions(button("Cancel", "run.cancel", job.flow_id, "danger"))
