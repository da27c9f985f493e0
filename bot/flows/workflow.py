"""A person starts a workflow: it is found, its inputs are read from its file, and the work begins."""

from __future__ import annotations

import difflib
from typing import Any

from bot.connectors.connector import JobRequest
from bot.connectors.github_catalogue import GitHubCatalogue
from bot.connectors.github_runs import NAME, Workflow
from bot.desk import SHORT, Desk
from bot.engine import WORK
from bot.errors import Refused
from bot.flows.asking import form_of, values_or_form
from bot.flows.entry import admit, admit_to, caller
from bot.flows.refusals import refuse
from bot.flows.work import Order
from bot.form_fields import SUGGESTIONS
from bot.forms import Form
from bot.jobs import Job
from bot.messages import work as messages
from bot.messages.deployments import under

REF = "ref"


def workflow(desk: Desk, job: Job) -> None:
    """List the workflows, or check who starts which one with what, post the card and begin."""
    admit(desk, job)
    repositories, word, rest = named_workflow(desk, job)
    if word is None:
        desk.step("list the workflows", _list, desk, job, repositories, patience=SHORT)
        return
    ref = job.inputs.get(REF)
    found = desk.step("read the workflow", read_workflow, desk, repositories, word, ref, patience=SHORT)
    rules = desk.settings.team.github.workflow(found["repository"], found["file"])
    admit_to(desk, job, rules.roles)
    given = {name: value for name, value in job.inputs.items() if name != REF}
    asked = job.model_copy(update={"inputs": given, "words": rest})
    schema = found["schema"]
    values = values_or_form(desk, asked, schema, lambda: _form_to_open(desk, job, found))
    if values is None:
        return
    who = caller(job)
    order = Order(
        connector=NAME,
        title=f"{found['name']} in {found['repository']}",
        request=JobRequest(
            target=f"{found['repository']}/{found['file']}",
            values=values,
            ref=found["ref"],
            who=who.who,
            where=who.where,
        ),
        roles=rules.roles,
        confirm=rules.confirm,
    )
    begin(desk, job, order)


def begin(desk: Desk, job: Job, order: Order) -> None:
    """Post the card of *order* and put its flow to work."""
    card = under(order.deployment, messages.starting(job, order.title))
    place = desk.show("post the card", job, card, state="open")
    work_flow_id = f"{job.flow_id}-work"
    record, ordered = job.model_dump(mode="json"), order.model_dump(mode="json")
    desk.step("remember the card", desk.works.open, job.flow_id, work_flow_id, record, ordered, place)
    desk.start("work", WORK, work_flow_id, record, place, ordered)


def workflow_form(desk: Desk, job: Job) -> Form:
    """Return the form of a workflow: its branch or tag, and the inputs that its file declares there."""
    repositories, word, _ = named_workflow(desk, job)
    if word is None:
        raise refuse("missing_argument", f"Name the workflow: {desk.commands[job.verb].usage}")
    return _form(desk, job, read_workflow(desk, repositories, word, job.inputs.get(REF)))


def _form_to_open(desk: Desk, job: Job, found: dict[str, Any]) -> Form:
    record = desk.step(
        "read the branches", lambda: _form(desk, job, found).model_dump(mode="json"), patience=SHORT
    )
    return Form.model_validate(record)


def _form(desk: Desk, job: Job, found: dict[str, Any]) -> Form:
    try:
        refs = desk.github().catalogue.refs(found["repository"])
    except Refused:
        refs = ()  # they are proposed only: a name can be typed all the same
    ref = {
        "type": "string",
        "title": "Branch or tag",
        "description": "Its version of the workflow is started.",
        "default": found["ref"],
        SUGGESTIONS: list(refs),
    }
    schema = {**found["schema"], "properties": {REF: ref, **found["schema"]["properties"]}}
    return form_of(desk, job, schema, words=(found["repository"], found["file"]), about=found["name"])


def named_workflow(desk: Desk, job: Job) -> tuple[list[str], str | None, tuple[str, ...]]:
    """Return the repositories meant, the workflow's word (None: not named), and what is left over."""
    known = list(desk.settings.team.github.repositories)
    if not known:
        raise refuse("github_not_set_up", "toban.toml names no repositories under [github].")
    words = job.words
    if not words:
        return known, None, ()
    named = [one for one in known if words[0].casefold() in (one.casefold(), one.casefold().split("/")[1])]
    if named:
        return named, words[1] if len(words) > 1 else None, words[2:]
    if "/" in words[0]:
        near = tuple(difflib.get_close_matches(words[0], known, n=3, cutoff=0.5))
        raise refuse("unknown_repository", f"{words[0]} is not in toban.toml.", suggestions=near)
    return known, words[0], words[1:]


def _list(desk: Desk, job: Job, repositories: list[str]) -> None:
    github = desk.github().catalogue
    found = {
        name: [(one.file, one.name, one.active) for one in github.workflows(name)] for name in repositories
    }
    desk.whisper(job, messages.workflows(found, desk.settings.team.bot.command))


def read_workflow(desk: Desk, repositories: list[str], word: str, ref: str | None) -> dict[str, Any]:
    """Return the workflow that *word* names, with the inputs it takes at *ref* (None: the default branch).

    Raises Refused for one that is not there, or cannot be started.
    """
    github = desk.github().catalogue
    repository, found = _find(github, repositories, word)
    if not found.active:
        raise refuse("workflow_disabled", f"{found.file} is disabled in {repository}.")
    known = github.repository(repository)
    if known.full_name.casefold() != repository.casefold():
        raise refuse(
            "repository_renamed", f"{repository} is called {known.full_name} now; toban.toml should say so."
        )
    at = ref or known.default_branch
    try:
        file = github.workflow_file(repository, found.file, at)
    except Refused as refusal:
        if refusal.problem.reason_code != "github_not_found":
            raise
        near = tuple(difflib.get_close_matches(at, github.branches(repository), n=3, cutoff=0.4))
        raise refuse("unknown_ref", f"{repository} has no {found.file} at {at}.", suggestions=near) from None
    if file.schema is None:
        raise refuse("workflow_not_startable", f"{found.file} has no `on: workflow_dispatch`.")
    return {
        "repository": repository,
        "file": found.file,
        "name": file.name,
        "schema": file.schema,
        "ref": at,
    }


def _find(github: GitHubCatalogue, repositories: list[str], word: str) -> tuple[str, Workflow]:
    """Return the one workflow whose file or name is *word*; raise Refused with what was perhaps meant."""
    every = [(name, one) for name in repositories for one in github.workflows(name)]
    wanted = word.casefold()
    fitting = [(name, one) for name, one in every if wanted in _names(one)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = tuple(f"{name} {one.file}" for name, one in fitting)
        raise refuse("missing_argument", "Name the repository, too.", suggestions=names)
    files = {name: one.file for _, one in every for name in _names(one)}
    near = [files[name] for name in difflib.get_close_matches(wanted, files, n=3, cutoff=0.5)]
    raise refuse(
        "unknown_workflow",
        f"No workflow {word} in {' or '.join(repositories)}.",
        suggestions=tuple(dict.fromkeys(near)),
    )


def _names(workflow: Workflow) -> set[str]:
    file = workflow.file.casefold()
    return {file, file.rpartition(".")[0], workflow.name.casefold()}
