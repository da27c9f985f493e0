"""A person records an experiment: its purpose is asked for, what is alike pointed out, the issue written.

What it starts is checked before anything is written, and begins once the record stands; its result comes back
by `experiment_result`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

from bot.coercion import as_text, coerce
from bot.commands import flow_of
from bot.connectors.github_issues import GitHubIssues
from bot.desk import LONG, SHORT, Desk
from bot.engine import REQUESTS, WORK
from bot.errors import FlowFailed, GitHubUnreachable, Refused
from bot.experiments import (
    NAMES,
    Experiment,
    Facts,
    Issue,
    Start,
    build_body,
    experiment_schema,
    id_mark,
    starts_of,
)
from bot.flows.asking import form_of, values_or_form
from bot.flows.entry import admit, admit_to
from bot.flows.experiment_result import CHILD
from bot.flows.refusals import failure_problem, refuse
from bot.flows.workflow import REF, named_workflow, read_workflow
from bot.forms import Form
from bot.jobs import Job, Role
from bot.likeness import Resemblance, find_resemblances
from bot.messages import experiments as messages
from bot.messages.fields import properties
from bot.messages.forms import command_text
from bot.messages.text import escape_markup, unescape
from bot.parsing import Parsed, format_command, parse
from bot.team_file import GitHubTable
from bot.watchers import CONTROL
from ml.contract import FieldProblem, Problem, RunView

log = logging.getLogger(__name__)

CONFIRM_SECONDS = 3600.0
SURE_AFTER = timedelta(seconds=10)
"""A lost answer may belong to a request that GitHub still works on; after this long it counts as gone."""
RUNS_COMPARED = 50
BUILT_IN = frozenset({"retrain", "run"})


def experiment(desk: Desk, job: Job) -> None:
    """Check who asks, what they wrote and what it starts; look for what is alike; post the card and go on."""
    admit(desk, job)
    _repository(desk)
    asked = _with_start(job)
    values = values_or_form(desk, asked, experiment_schema(), lambda: _form_to_open(desk, job))
    if values is None:
        return
    command = starts_of(values)
    start = None
    if command:
        checked = desk.step("check what it starts", _checked, desk, job, command, patience=SHORT)
        admit_to(desk, job, tuple(checked["roles"]))
        start = Start.model_validate(checked["start"])
    texts = {name: values[name] for name in NAMES if name in values}
    facts = Facts(id=job.flow_id, asked_by=job.user, model=start.model if start else None, start=start)
    made = Experiment(texts=texts, facts=facts)
    alike = desk.step("look for what is alike", _alike, desk, made, patience=SHORT)
    place = desk.show("post the card", job, messages.recording(job, made), state="open")
    record = made.model_dump(mode="json")
    desk.start(
        "experiment_record", WORK, _record_flow(job), job.model_dump(mode="json"), place, record, alike
    )


def experiment_record(
    desk: Desk, job: Job, place: dict[str, str], record: dict[str, Any], alike: list[dict[str, Any]]
) -> None:
    """Have what is alike looked at, write the issue, show it on the card, and begin what it starts."""
    made = Experiment.model_validate(record)
    try:
        if alike and not _goes_on(desk, job, place, made, alike):
            return
        desk.redraw("show that it is recorded", job, place, messages.recording(job, made), state="open")
        found = desk.step("write the issue", _write, desk, made, patience=LONG)
    except (Refused, FlowFailed) as trouble:
        problem = trouble.problem if isinstance(trouble, Refused) else failure_problem(trouble)
        card = messages.not_recorded(job, made, problem)
        desk.redraw("show why it is not recorded", job, place, card, state="done")
        return
    issue = Issue.model_validate(found)
    place = desk.redraw("show the issue", job, place, messages.recorded(job, made, issue), state="done")
    desk.step("remember the issue", desk.experiments.written, job.flow_id, issue.number, place)
    if made.facts.start is not None:
        child = _child(desk, job, made.facts.start)
        desk.start(flow_of(child.verb), REQUESTS, child.flow_id, child.model_dump(mode="json"))


def experiment_press(desk: Desk, job: Job, kind: str, flow_id: str) -> None:
    """Pass on whether an experiment that resembles another is recorded all the same."""
    admit(desk, job.model_copy(update={"verb": "experiment"}))
    desk.send(f"{flow_id}-record", CONTROL, {"kind": kind, "by": job.user}, key=job.flow_id)


def experiment_form(desk: Desk, job: Job) -> Form:
    """Return the form of an experiment, with the commands that it may start proposed."""
    _repository(desk)
    return form_of(desk, _with_start(job), experiment_schema(tuple(_starts(desk))))


def github_issues(desk: Desk) -> tuple[GitHubIssues, GitHubTable]:
    """Return the issues that hold experiments, and the settings; raise Refused where there are none."""
    repository = _repository(desk)
    return GitHubIssues(desk.github().actions.client, repository), desk.settings.team.github


def _repository(desk: Desk) -> str:
    repository = desk.settings.team.github.experiments
    if repository is None:
        raise refuse("experiments_not_set", 'Name one in toban.toml: [github] experiments = "owner/name".')
    return repository


def _record_flow(job: Job) -> str:
    return f"{job.flow_id}-record"


def _with_start(job: Job) -> Job:
    """Return the job with `start COMMAND name=value …` as the inputs that the form has for it."""
    if not job.words or job.words[0].casefold() != "start":
        return job
    own = (*NAMES, "start", "with")
    given = {name: value for name, value in job.inputs.items() if name in own}
    rest = {name: as_text(value) for name, value in job.inputs.items() if name not in own}
    typed = " ".join(filter(None, (unescape(format_command(Parsed(None, (), rest))), given.get("with"))))
    words = unescape(format_command(Parsed(None, job.words[1:], {})))
    inputs = {**given, "start": words} | ({"with": typed} if typed else {})
    return job.model_copy(update={"words": (), "inputs": inputs})


def _form_to_open(desk: Desk, job: Job) -> Form:
    record = desk.step("read what can start", lambda: experiment_form(desk, job).model_dump(mode="json"))
    return Form.model_validate(record)


def _starts(desk: Desk) -> Iterator[str]:
    """Yield the commands that an experiment may start: models to train, then workflows."""
    yield from (f"retrain {model}" for model in desk.settings.team.models)
    with suppress(Refused, GitHubUnreachable):  # they are proposed only: a name can be typed all the same
        for repository in desk.settings.team.github.repositories:
            for one in desk.github().catalogue.workflows(repository):
                yield f"run {repository} {one.file}"


# --- what it starts -----------------------------------------------------------------------------------------


def _checked(desk: Desk, job: Job, command: str) -> dict[str, Any]:
    """Return what the command starts and the roles that it takes; raise Refused for what cannot start."""
    parsed = parse(escape_markup(command))
    verb, words = parsed.verb or "", parsed.words
    if verb in desk.settings.team.models:
        verb, words = "retrain", (verb, *words)
    if parsed.problems or (verb not in BUILT_IN and verb not in desk.settings.team.commands):
        raise _unusable("start", command, "retrain MODEL, run WORKFLOW, or a command of your own")
    asked = job.model_copy(update={"verb": verb, "words": words, "inputs": dict(parsed.inputs)})
    start, schema, roles = _STARTS.get(verb, _own_start)(desk, asked)
    typed, problems = coerce(start.inputs, schema)
    if problems:
        raise Refused(_in_field(problems))
    defaults = {name: one["default"] for name, one, _ in properties(schema) if one.get("default") is not None}
    effective = defaults | typed | start.effective
    done = start.model_copy(
        update={"inputs": start.inputs if verb == "run" else typed, "effective": effective}
    )
    return {"start": done.model_dump(mode="json"), "roles": list(roles)}


def _training(desk: Desk, asked: Job) -> tuple[Start, dict[str, Any], tuple[Role, ...]]:
    if len(asked.words) != 1:
        raise _unusable("start", " ".join((asked.verb, *asked.words)), "retrain MODEL")
    model = desk.model(asked.words[0])
    start = Start(verb="retrain", model=model.name, inputs=asked.inputs)
    return start, model.params_schema, desk.commands["retrain"].roles


def _workflow(desk: Desk, asked: Job) -> tuple[Start, dict[str, Any], tuple[Role, ...]]:
    repositories, word, rest = named_workflow(desk, asked)
    if word is None or rest:
        raise _unusable("start", " ".join((asked.verb, *asked.words)), "run [REPOSITORY] WORKFLOW")
    ref = asked.inputs.get(REF)
    found = read_workflow(desk, repositories, word, ref)
    repository, file = found["repository"], found["file"]
    inputs = {name: value for name, value in asked.inputs.items() if name != REF}
    start = Start(verb="run", words=(repository, file), inputs=inputs, effective={REF: found["ref"]})
    return start, found["schema"], desk.settings.team.github.workflow(repository, file).roles


def _own_start(desk: Desk, asked: Job) -> tuple[Start, dict[str, Any], tuple[Role, ...]]:
    command = desk.commands[asked.verb]
    if asked.words:
        raise _unusable("start", " ".join((asked.verb, *asked.words)), command.usage)
    return Start(verb=asked.verb, inputs=asked.inputs), command.inputs or {}, command.roles


_STARTS = {"retrain": _training, "run": _workflow}


def _unusable(field: str, value: str, allowed: str) -> Refused:
    problem = FieldProblem(field=field, value=value, allowed=allowed, message="it cannot be started")
    return Refused(_in_field((problem,)))


def _in_field(problems: tuple[FieldProblem, ...]) -> Problem:
    return Problem(
        title="Some inputs cannot be used",
        status=422,
        detail=f"{len(problems)} of the values cannot be used.",
        reason_code="invalid_inputs",
        errors=problems,
    )


def _child(desk: Desk, job: Job, start: Start) -> Job:
    """Return the job that the experiment starts, on behalf of whoever recorded it."""
    ref = start.effective.get(REF) if start.verb == "run" else None
    child = Job(
        flow_id=f"{job.flow_id}{CHILD}",
        verb=start.verb,
        model=start.model,
        words=start.words,
        inputs={**start.inputs, **({REF: ref} if ref else {})},
        typed="",
        user=job.user,
        channel=job.channel,
        team=job.team,
        response_url=job.response_url,
        asked_at=job.asked_at,
    )
    typed = f"{desk.settings.team.bot.command} {unescape(command_text(child))}"
    return child.model_copy(update={"typed": typed})


# --- what is alike, and the issue ---------------------------------------------------------------------------


def _alike(desk: Desk, made: Experiment) -> list[dict[str, Any]]:
    issues, settings = github_issues(desk)
    start = made.facts.start
    runs: tuple[RunView, ...] = ()
    defaults: dict[str, Any] = {}
    if start is not None and start.verb == "retrain" and start.model is not None:
        runs = desk.functions.runs(model=start.model, limit=RUNS_COMPARED).runs
        schema = desk.model(start.model).params_schema
        defaults = {name: one.get("default") for name, one, _ in properties(schema)}
    found = find_resemblances(made, issues.latest(settings.experiment_label), runs, defaults)
    return [one.model_dump(mode="json") for one in found]


def _goes_on(
    desk: Desk, job: Job, place: dict[str, str], made: Experiment, alike: list[dict[str, Any]]
) -> bool:
    """Ask whether to go on in spite of what is alike; False where the answer was no, or none came."""
    card = messages.resembles(job, made, [Resemblance.model_validate(one) for one in alike])
    desk.redraw("point out what is alike", job, place, card, state="decision")
    news = desk.wait(CONTROL, CONFIRM_SECONDS)
    if news is not None and news["kind"] == "go":
        return True
    stopped = messages.stopped(job, made, news["by"] if news else None)
    desk.redraw("show that it was not recorded", job, place, stopped, state="done")
    return False


def _write(desk: Desk, made: Experiment) -> dict[str, Any]:
    """Write the issue, or return the one that an earlier attempt wrote; raise while that is not known yet."""
    issues, settings = github_issues(desk)
    flow_id = made.facts.id
    began_at = desk.experiments.begin(flow_id, settings.experiments or "")
    issue = issues.written(id_mark(flow_id), began_at) if began_at is not None else None
    if issue is None:
        if began_at is not None and desk.now() < began_at + SURE_AFTER:
            raise GitHubUnreachable("it does not say yet whether the issue was written")
        issue = issues.create(made.title, build_body(made), settings.experiment_label)
    return issue.model_dump(mode="json")
