"""A person asks how things stand: models, status, runs, one thing by its id, their own roles, help."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from bot.access import includes
from bot.desk import SHORT, Desk
from bot.errors import BotError, Refused
from bot.experiments import about
from bot.flows.deciding import approver_roles
from bot.flows.entry import admit, model_name, role_of, typed_values
from bot.flows.experiment import github_issues
from bot.flows.show import show
from bot.jobs import ROLES, Job, Role
from bot.messages import experiments, registered, snippets, status, subscriptions, versions
from bot.messages import help as help_messages
from bot.messages.message import Message
from bot.snippets import build_snippets, example_row
from ml.contract import HealthView, ModelsView, RunView, UsageView

USAGE_WINDOW = timedelta(days=1)


def lookup(desk: Desk, job: Job) -> None:
    """Look it up and answer the asker privately."""
    admit(desk, job)
    desk.step(
        "look it up and answer", lambda: desk.whisper(job, ANSWERS[job.verb](desk, job)), patience=SHORT
    )


def _models(desk: Desk, job: Job) -> Message:
    if job.words:
        return versions.model(desk.model(job.words[0], fresh=True))
    return versions.models(desk.functions.models(), desk.now())


def _status(desk: Desk, job: Job) -> Message:
    health = _if_it_answers(desk.functions.health)
    models = _if_it_answers(desk.functions.models)
    return status.status(
        health if isinstance(health, HealthView) else None,
        models if isinstance(models, ModelsView) else None,
        _usage(desk, models) if isinstance(models, ModelsView) else {},
        _running(desk),
        [Job.model_validate(card["job"]) for card in desk.records.open_cards("waiting")],
        desk.now(),
        [(str(work.order["title"]), Job.model_validate(work.job)) for work in desk.works.running()],
    )


def _running(desk: Desk) -> list[RunView]:
    run_ids = [card["run_id"] for card in desk.records.open_cards("running")]
    try:
        return list(desk.functions.status(run_ids).values()) if run_ids else []
    except BotError:
        return []


def _usage(desk: Desk, models: ModelsView) -> dict[str, UsageView]:
    since = datetime.now(UTC) - USAGE_WINDOW
    found = {
        one.name: _if_it_answers(partial(desk.functions.usage, one.name, since)) for one in models.models
    }
    return {name: usage for name, usage in found.items() if isinstance(usage, UsageView)}


def _if_it_answers(read: Callable[[], object]) -> object | None:
    """Return what *read* gives, or None: a status says what is down instead of failing with it."""
    try:
        return read()
    except BotError:
        return None


def _runs(desk: Desk, job: Job) -> Message:
    model = desk.model(job.words[0]).name if job.words else None
    return status.runs(desk.functions.runs(model=model), desk.now())


def _snippet(desk: Desk, job: Job) -> Message:
    model = desk.model(model_name(desk, job))
    given = bool(job.inputs or job.words)
    row = typed_values(job, model.input_schema) if given else example_row(model)
    made = build_snippets(desk.settings.functions.url, model, row)
    return snippets.snippets(model, made, desk.settings.team.bot.command)


def _experiments(desk: Desk, job: Job) -> Message:
    issues, settings = github_issues(desk)
    model = job.words[0] if job.words else None
    found = [one for one in issues.latest(settings.experiment_label) if model is None or about(one, model)]
    return experiments.listing(found, model, settings.experiments or "")


def _registry(desk: Desk, job: Job) -> Message:
    if job.words:
        return registered.model(desk.registry().model(job.words[0]))
    return registered.models(desk.registry().names())


def _whoami(desk: Desk, job: Job) -> Message:
    role = role_of(desk, job.user, recent=True)
    models = {name: _deciders(desk, name) for name in desk.settings.team.models}
    return status.whoami(job.user, (role,) if role else (), models, desk.commands.values())


def _deciders(desk: Desk, model: str) -> tuple[Role, ...]:
    """Return every role that may decide on *model*: those named, and those above them."""
    named = approver_roles(desk, model)
    return tuple(role for role in ROLES if includes(role, named))


def _help(desk: Desk, job: Job) -> Message:
    command = desk.commands[job.words[0]]
    try:
        model = desk.model(job.words[1]) if len(job.words) > 1 else None
    except Refused:
        model = None
    return help_messages.help_for(command, desk.settings.team.bot.command, model)


def _subscriptions(desk: Desk, job: Job) -> Message:
    here = desk.subscriptions.of(job.channel)
    seen = {name: desk.subscriptions.seen(name) for name in dict.fromkeys(one.repository for one in here)}
    looked = {name: found.looked_at for name, found in seen.items() if found is not None}
    return subscriptions.subscriptions(here, looked, desk.settings.team.bot.command)


ANSWERS: dict[str, Callable[[Desk, Job], Message]] = {
    "models": _models,
    "status": _status,
    "runs": _runs,
    "experiments": _experiments,
    "registry": _registry,
    "show": show,
    "snippet": _snippet,
    "subscriptions": _subscriptions,
    "whoami": _whoami,
    "help": _help,
}
