"""A channel begins to hear of workflows, or hears of them no more."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime
from typing import Any

from bot.connectors.github_catalogue import GitHubCatalogue
from bot.connectors.github_client import PAGE
from bot.desk import SHORT, Desk
from bot.errors import Refused
from bot.flows.entry import admit
from bot.flows.refusals import refuse
from bot.incidents import USUAL, WORDS, Subscription
from bot.jobs import Job
from bot.messages import subscriptions as messages
from bot.run_news import compare
from ml.contract import FieldProblem, Problem

WORKFLOW, BRANCH, ON = "workflow", "branch", "on"
WILD = frozenset("*?[")
LONGEST = 200
"""Characters of a workflow's name or a branch's pattern, as they are kept."""


def subscribe(desk: Desk, job: Job) -> None:
    """Check what is meant, say it in the channel, and remember it; from then on its news is told."""
    admit(desk, job)
    meant = _meant(desk, job, (WORKFLOW, BRANCH, ON))
    checked = desk.step("look it up on GitHub", _checked, desk, meant.model_dump(mode="json"), patience=SHORT)
    made = Subscription.model_validate(checked)
    known = [one for one in _here(desk, job) if _same(one, made)]
    if known and set(known[0].on) == set(made.on):
        desk.tell(job, messages.already(job, known[0]))
        return
    desk.step("see how its runs stand", _see, desk, made.repository, patience=SHORT)
    desk.show("say it in the channel", job, messages.subscribed(job, made), state="done")
    desk.step("remember the subscription", desk.subscriptions.save, made)


def unsubscribe(desk: Desk, job: Job) -> None:
    """Find the one subscription that is meant, forget it, and say so in the channel."""
    admit(desk, job)
    gone = _one(desk, job, _here(desk, job))
    desk.step("forget the subscription", desk.subscriptions.remove, gone.id)
    desk.show("say it in the channel", job, messages.unsubscribed(job, gone), state="done")


def _here(desk: Desk, job: Job) -> list[Subscription]:
    records = desk.step("look up the subscriptions", _records, desk, job.channel)
    return [Subscription.model_validate(record) for record in records]


def _records(desk: Desk, channel: str) -> list[dict[str, Any]]:
    return [one.model_dump(mode="json") for one in desk.subscriptions.of(channel)]


def _same(one: Subscription, other: Subscription) -> bool:
    return (one.repository, one.workflow, one.branch) == (other.repository, other.workflow, other.branch)


# --- what is meant ------------------------------------------------------------------------------------------


def _meant(desk: Desk, job: Job, known: tuple[str, ...]) -> Subscription:
    """Return what was typed as a subscription; raise Refused naming everything that cannot be."""
    repository, rest = find_repository(desk, job.words)
    on, wrong = read_on(job.inputs.get(ON), rest)
    wrong += [_unknown(name, value, known) for name, value in job.inputs.items() if name not in known]
    wrong += [
        _too_long(name, job.inputs[name]) for name in known if len(job.inputs.get(name) or "") > LONGEST
    ]
    if wrong:
        raise _refused(wrong)
    return Subscription(
        channel=job.channel,
        repository=repository,
        workflow=job.inputs.get(WORKFLOW) or "",
        branch=job.inputs.get(BRANCH) or "",
        on=on,
        by=job.user,
    )


def find_repository(desk: Desk, words: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return the repository that the first of *words* names, as the settings do, and the other words."""
    known = desk.settings.team.github.repositories
    if not known:
        raise refuse("github_not_set_up", "toban.toml names no repositories under [github].")
    if not words:
        if len(known) == 1:
            return known[0], ()
        raise refuse("missing_argument", "Name the repository.", suggestions=known)
    word = words[0].casefold()
    named = [one for one in known if word in (one.casefold(), one.casefold().split("/")[1])]
    if len(named) == 1:
        return named[0], words[1:]
    if named:
        raise refuse("missing_argument", "Name the repository with its owner.", suggestions=tuple(named))
    near = difflib.get_close_matches(word, {one.casefold(): one for one in known}, n=3, cutoff=0.4)
    names = tuple(one for one in known if one.casefold() in near)
    raise refuse("unknown_repository", f"{words[0]} is not in toban.toml.", suggestions=names)


def read_on(text: str | None, more: tuple[str, ...] = ()) -> tuple[tuple[str, ...], list[FieldProblem]]:
    """Return what `on=` names, each once and in one order, and what is wrong with it.

    A list typed with spaces after its commas goes on in the words *more*.
    """
    goes_on = text is not None and text.rstrip().endswith(",")
    stray = [] if goes_on else [_stray(word) for word in more]
    if text is None:
        return USUAL, stray
    typed = " ".join((text, *more)) if goes_on else text
    words = [word.casefold().replace("-", "_") for word in typed.replace(",", " ").split()]
    wrong = stray + [_unknown_word(word) for word in words if word not in WORDS]
    if not words:
        wrong.append(_unknown_word(""))
    return tuple(word for word in WORDS if word in words), wrong


def _one(desk: Desk, job: Job, here: list[Subscription]) -> Subscription:
    """Return the subscription that is meant by number, or by what it is about."""
    if len(job.words) == 1 and job.words[0].lstrip("#").isdecimal():
        number = int(job.words[0].lstrip("#"))
        found = [one for one in here if one.id == number]
    else:
        meant = _meant(desk, job, (WORKFLOW, BRANCH))
        found = [one for one in here if one.repository == meant.repository]
        if WORKFLOW in job.inputs or BRANCH in job.inputs or len(found) > 1:
            found = [one for one in found if _names(one, meant)]
    if len(found) == 1:
        return found[0]
    names = tuple(str(one.id) for one in here)
    raise refuse(
        "unknown_subscription", "`subscriptions` lists those of this channel.", suggestions=names[:10]
    )


def _names(one: Subscription, meant: Subscription) -> bool:
    file = one.workflow.casefold()
    is_workflow = meant.workflow.casefold() in (file, file.rpartition(".")[0])
    return is_workflow and one.branch == meant.branch


# --- what GitHub knows --------------------------------------------------------------------------------------


def _checked(desk: Desk, record: dict[str, Any]) -> dict[str, Any]:
    """Return the subscription with the workflow's file; raise Refused where GitHub has no such thing."""
    meant = Subscription.model_validate(record)
    github = desk.github().catalogue
    if meant.workflow:
        meant = meant.model_copy(update={"workflow": _file(github, meant.repository, meant.workflow)})
    if meant.branch and not WILD & set(meant.branch):
        branches = github.branches(meant.repository)
        if meant.branch not in branches and len(branches) < PAGE:
            near = tuple(difflib.get_close_matches(meant.branch, branches, n=3, cutoff=0.4))
            detail = (
                f"{meant.repository} has no branch {meant.branch}; one to come is named by a pattern: x*."
            )
            raise refuse("unknown_branch", detail, suggestions=near)
    return meant.model_dump(mode="json")


def _file(github: GitHubCatalogue, repository: str, word: str) -> str:
    files: dict[str, str] = {}
    for one in github.workflows(repository):
        stem = one.file.casefold().rpartition(".")[0]
        files |= dict.fromkeys((one.name.casefold(), stem, one.file.casefold()), one.file)
    if word.casefold() in files:
        return files[word.casefold()]
    near = difflib.get_close_matches(word.casefold(), files, n=3, cutoff=0.5)
    raise refuse(
        "unknown_workflow",
        f"No workflow {word} in {repository}.",
        suggestions=tuple(dict.fromkeys(files[name] for name in near)),
    )


def _see(desk: Desk, repository: str) -> None:
    """Remember how the runs stand now, unless they are watched already: what ended before is no news."""
    if desk.subscriptions.seen(repository) is None:
        _, runs = desk.github().actions.survey(repository, ())
        seen, _ = compare(None, runs, datetime.now(UTC), page=PAGE, away_seconds=0)
        desk.subscriptions.see(repository, seen, first=True)


# --- what is wrong ------------------------------------------------------------------------------------------


def _refused(wrong: list[FieldProblem]) -> Refused:
    return Refused(
        Problem(
            title="Some inputs cannot be used",
            status=422,
            detail=f"{len(wrong)} of the values cannot be used.",
            reason_code="invalid_inputs",
            errors=tuple(wrong),
        )
    )


def _too_long(name: str, value: str) -> FieldProblem:
    allowed = f"a text of 1 to {LONGEST} characters"
    return FieldProblem(
        field=name, value=value[:80], allowed=allowed, message=f"It has {len(value)} characters."
    )


def _unknown_word(word: str) -> FieldProblem:
    near = difflib.get_close_matches(word, WORDS, n=1, cutoff=0.5)
    meant = f"; did you mean {near[0]}?" if near else ""
    allowed = f"one or more of {', '.join(WORDS)}"
    return FieldProblem(field=ON, value=word, allowed=allowed, message=f"there is no such state{meant}")


def _unknown(name: str, value: str, known: tuple[str, ...]) -> FieldProblem:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    meant = f"; did you mean {near[0]}?" if near else ""
    return FieldProblem(
        field=name, value=value, allowed=f"{', '.join(known)}", message=f"there is no such input{meant}"
    )


def _stray(word: str) -> FieldProblem:
    return FieldProblem(
        field=word, value=word, allowed="values as name=value", message="this word stands alone"
    )
