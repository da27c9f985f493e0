"""What stands above the card of a deployment: the commit, what it changes; and the list of targets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.deployment_records import Held
from bot.deployment_tables import DeploymentTable
from bot.deployments import Change, Commit, Deployed, Deployment
from bot.jobs import Job
from bot.messages.blocks import Block, context, header, section
from bot.messages.errors import asked_line, sentence
from bot.messages.message import Message, compose
from bot.messages.text import code, counted, cut, escape_markup, inline, mention
from bot.messages.units import between, when

MOST_SHOWN = 5
MOST_LABEL = 100
_WEB = re.compile(r"https?://[^\s<>|]{1,1000}")


@dataclass(frozen=True)
class Standing:
    """How it stands with a target: what it has now, or why that is unknown; who deploys it at present."""

    name: str
    table: DeploymentTable
    deployed: Deployed | None
    unknown: str | None
    held: Held | None


def under(deployment: Deployment | None, message: Message, url: str | None = None) -> Message:
    """Return *message* beneath what is deployed; *url* is where the environment can be seen."""
    if deployment is None:
        return message
    return compose(*_lead(deployment, url), *message.blocks, files=message.files)


def targets(found: Sequence[Standing], now: datetime, command: str) -> Message:
    """Return what can be deployed, and what is deployed now."""
    lines = [_target_lines(one, now) for one in found]
    return compose(
        header("Deployments"),
        *(section(line) for line in lines),
        context(f"{code(f'{command} deploy TARGET')} deploys one; a branch, tag or commit may follow."),
    )


def busy(job: Job, held: Held) -> Message:
    """Return what somebody is told who wants to deploy what is being deployed."""
    words = sentence("deployment_busy")
    return compose(section(f":lock: *{words}*\n{_held_words(held)}"), context(asked_line(job)))


def _held_words(held: Held) -> str:
    return f"{inline(held.what)}: by {mention(held.by)} since {when(held.at)}."


def _lead(deployment: Deployment, url: str | None) -> list[Block]:
    commit = deployment.commit
    place = _link(url, deployment.environment) or f"*{inline(deployment.environment)}*"
    what = _link(commit.url, commit.short) or code(commit.short)
    at = "" if deployment.ref.lower() == commit.sha[: len(deployment.ref)] else f" ({code(deployment.ref)})"
    lines = [
        f":rocket: *{inline(deployment.target)}* of {inline(deployment.repository)} → {place}: {what}{at}",
        f"{inline(commit.subject) or 'no message'} · by {inline(commit.author)}",
    ]
    return [section("\n".join(lines)), *_facts(deployment)]


def _facts(deployment: Deployment) -> list[Block]:
    lines = [_before(deployment)]
    if deployment.change is not None and deployment.change.status != "identical":
        lines += _changes(deployment.change)
    if deployment.pushed_by is not None:
        lines.append(f"Pushed to {code(deployment.ref)} by {inline(deployment.pushed_by)}.")
    if deployment.checked is not None:
        lines.append(f"Checks: {inline(deployment.checked)}")
    return [context(cut("\n".join(lines), 1900))]


def _before(deployment: Deployment) -> str:
    before = deployment.before
    if before is None:
        why = deployment.before_unknown
        return (
            f"What is deployed now could not be seen: {inline(why)}"
            if why
            else "Nothing is deployed there yet."
        )
    if before.sha == deployment.commit.sha:
        return f"The same commit is deployed already, since {when(before.at)}."
    return f"Instead of {code(before.short)}, deployed by {inline(before.by)} at {when(before.at)}."


def _changes(change: Change) -> list[str]:
    news = counted(change.ahead, "new commit")
    lost = f"; {counted(change.behind, 'commit')} of what is there now would be gone" if change.behind else ""
    compare = _link(change.url, "compare")
    lines = [f"{news}{lost}{f' · {compare}' if compare else ''}"]
    lines += [_commit_line(one) for one in change.commits[:MOST_SHOWN]]
    left = change.ahead - min(len(change.commits), MOST_SHOWN)
    return [*lines, f"… and {left:,} more"] if left > 0 else lines


def _commit_line(commit: Commit) -> str:
    return f"• {code(commit.short)} {inline(cut(commit.subject, 100))} · {inline(commit.author)}"


def _target_lines(one: Standing, now: datetime) -> str:
    table = one.table
    pushes = f" · each push to {code(table.branch)}" if table.on_push else ""
    lines = [f"*{inline(one.name)}* · {inline(table.repository)} → {inline(table.environment)}{pushes}"]
    if one.unknown:
        lines.append(f":warning: What is deployed could not be seen: {inline(one.unknown)}")
    elif one.deployed is None:
        lines.append("Nothing is deployed there yet.")
    else:
        has = one.deployed
        named = "" if has.sha.startswith(has.ref) else f" ({code(has.ref)})"
        lines.append(f"{code(has.short)}{named} by {inline(has.by)}, {between(has.at, now)} ago")
    if one.held:
        lines.append(f":lock: {_held_words(one.held)}")
    return "\n".join(lines)


def _link(url: str | None, text: str) -> str | None:
    """Return a link that Slack shows as *text*, or None where there is no address to trust."""
    if url is None or not _WEB.fullmatch(url):
        return None
    return f"<{escape_markup(url)}|{inline(text[:MOST_LABEL]) or 'link'}>"
