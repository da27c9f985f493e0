"""What the bot's commands take, for the page's box: verbs, models, runs, workflows and inputs, kept live."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from bot.commands import Command
from bot.experiments import experiment_schema
from bot.incidents import WORDS
from bot.workflow_files import WorkflowFile, WorkflowFileError, read_workflow
from ml.contract import FINAL_STATES, ModelsView, ModelView, RunsView, RunView
from playground.slack.client import Playground
from playground.slack.completions import CommandWords, Completions, Input, Verb, Word
from playground.stage import job_state

VALUES_MOST = 200
RUNS_MOST = 20
TIMEOUT_SECONDS = 10
POLL_SECONDS = 20.0
# What a verb's second place holds, where the first one names a model.
VERSIONED = frozenset({"promote", "compare", "show"})


@dataclass(frozen=True)
class Repository:
    """What settings and repository let people name: workflows by file, targets with their place."""

    names: tuple[str, ...] = ()
    workflows: Mapping[str, WorkflowFile] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)


def read_workflows(folder: Path) -> dict[str, WorkflowFile]:
    """Return the workflows of a repository that people can start; files that cannot be read are left out."""
    found: dict[str, WorkflowFile] = {}
    for path in sorted((folder / ".github" / "workflows").glob("*.y*ml")):
        with contextlib.suppress(OSError, ValueError, WorkflowFileError):
            workflow = read_workflow(path.read_text(encoding="utf-8"), path.name)
            if workflow.schema is not None:
                found[path.name] = workflow
    return found


class ModelList:
    """Reads every model, and the newest runs, from the function app, as the bot does."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._headers = {"x-functions-key": key}

    def read(self) -> list[ModelView]:
        """Return every model; raises requests.RequestException where the function app does not answer."""
        names = [model.name for model in ModelsView.model_validate(self._get("/api/models")).models]
        return [ModelView.model_validate(self._get(f"/api/models/{name}")) for name in names]

    def runs(self) -> list[RunView]:
        """Return the newest runs; raises requests.RequestException where the function app does not answer."""
        return list(RunsView.model_validate(self._get(f"/api/runs?limit={RUNS_MOST}")).runs)

    def _get(self, path: str) -> Any:
        reply = requests.get(self._url + path, headers=self._headers, timeout=TIMEOUT_SECONDS)
        reply.raise_for_status()
        return reply.json()


class CompletionKeeper:
    """Gives the page its completions, and anew when a job came to rest: models may have changed."""

    def __init__(
        self,
        slack_url: str,
        command: str,
        commands: Mapping[str, Command],
        models: ModelList,
        repository: Callable[[], Repository] = Repository,
    ) -> None:
        self._slack_url = slack_url
        self._command = command
        self._commands = commands
        self._models = models
        self._repository = repository
        self._given: Completions | None = None

    def start(self) -> None:
        """Give what there is now, and go on in a thread that ends with the playground."""
        with Playground(self._slack_url) as slack:
            after = slack.seq()
        self.give()
        threading.Thread(target=self._keep, args=(after,), name="completions", daemon=True).start()

    def give(self) -> None:
        """Tell the page what can be completed, if that changed; without models where they do not answer."""
        try:
            models, runs = self._models.read(), self._models.runs()
        except (requests.RequestException, ValueError):
            models, runs = [], []
        made = build_completions(self._command, self._commands.values(), models, self._repository(), runs)
        if made != self._given:
            with Playground(self._slack_url) as slack:
                slack.complete(made.model_dump())
            self._given = made

    def _keep(self, after: int) -> None:
        """Give them anew when a job came to rest since the event *after*, until the playground ends."""
        with Playground(self._slack_url) as slack, contextlib.suppress(requests.RequestException):
            while True:
                events = slack.feed(after, POLL_SECONDS)
                after = events[-1]["seq"] if events else after
                if any(job_state(event) not in (None, "open") for event in events):
                    self.give()


def build_completions(
    command: str,
    commands: Iterable[Command],
    models: Sequence[ModelView],
    repository: Repository | None = None,
    runs: Sequence[RunView] = (),
) -> Completions:
    """Return what may be typed after *command*, with models, runs and the repository as they stand."""
    every = tuple(commands)
    verbs = tuple(
        _with_runs(_verb(one, every, models, repository or Repository()), one, runs) for one in every
    )
    return Completions(commands=(CommandWords(name=command, summary="models and runs", verbs=verbs),))


def _verb(
    command: Command, every: Sequence[Command], models: Sequence[ModelView], repository: Repository
) -> Verb:
    words, inputs = _of_models(command, models)
    if command.verb == "run":
        words = ({"*": _workflow_words(repository)},)
        inputs = {file: (*_inputs(one.schema or {}), _BRANCH) for file, one in repository.workflows.items()}
    elif command.verb == "deploy":
        words = ({"*": tuple(Word(name=name, summary=to) for name, to in repository.targets.items())},)
    elif command.verb in ("subscribe", "unsubscribe"):
        words = ({"*": tuple(Word(name=name) for name in repository.names)},)
        inputs = {"*": _subscription_inputs(command, repository)}
    elif command.verb in ("help", "form"):
        words = _about_commands(command, every, models)
    elif command.verb == "experiment":
        words = _startable(models, repository)
        inputs = {"*": _inputs(experiment_schema())}
    return Verb(
        name=command.verb, summary=command.summary, words=tuple(one for one in words if any(one.values())),
        inputs=inputs,
    )  # fmt: skip


def _with_runs(verb: Verb, command: Command, runs: Sequence[RunView]) -> Verb:
    """Return *verb* with the runs that it can name in its first place: all to show, open ones to cancel."""
    if command.verb != "show":
        runs = [run for run in runs if command.target == "run" and run.state not in FINAL_STATES]
    named = tuple(Word(name=run.run_id, summary=f"{run.model}, {run.state}") for run in runs)
    if not named:
        return verb
    first, *more = verb.words or ({},)
    return verb.model_copy(update={"words": ({**first, "*": (*first.get("*", ()), *named)}, *more)})


_Words = tuple[dict[str, tuple[Word, ...]], ...]
_BRANCH = Input(name="ref", summary="branch or tag to run at")


def _of_models(command: Command, models: Sequence[ModelView]) -> tuple[_Words, dict[str, tuple[Input, ...]]]:
    """Return the words and inputs of a command about a model, or of a team's own."""
    if command.inputs is not None:
        return (), {"*": _inputs(command.inputs)}
    inputs: dict[str, tuple[Input, ...]] = {}
    if command.verb in ("predict", "snippet"):
        inputs = {model.name: _inputs(model.input_schema) for model in models}
    elif command.verb == "retrain":
        inputs = {model.name: _inputs(model.params_schema) for model in models}
    if command.target not in ("model", "version") and "MODEL" not in command.usage:
        return (), inputs
    second = {model.name: _versions(model) for model in models} if command.verb in VERSIONED else {}
    places = (second, second) if command.verb == "compare" else (second,)
    return ({"*": _model_words(models)}, *places), inputs


def _model_words(models: Sequence[ModelView]) -> tuple[Word, ...]:
    return tuple(Word(name=model.name, summary=model.title) for model in models)


def _workflow_words(repository: Repository) -> tuple[Word, ...]:
    return tuple(Word(name=file, summary=one.name) for file, one in repository.workflows.items())


def _subscription_inputs(command: Command, repository: Repository) -> tuple[Input, ...]:
    about = (
        Input(name="workflow", summary="this one alone", values=tuple(repository.workflows)),
        Input(name="branch", summary="this one alone, or a pattern"),
    )
    return (
        (*about, Input(name="on", summary="what to tell", values=WORDS))
        if command.verb == "subscribe"
        else about
    )


def _about_commands(command: Command, every: Sequence[Command], models: Sequence[ModelView]) -> _Words:
    """Return the words of a command about commands, then the models of those that take one."""
    named = [one for one in every if one.form or command.verb == "help"]
    of_model = {one.verb: _model_words(models) for one in named if one.target == "model"}
    return {"*": tuple(Word(name=one.verb, summary=one.summary) for one in named)}, of_model


def _startable(models: Sequence[ModelView], repository: Repository) -> _Words:
    """Return the words after which an experiment starts something."""
    start = Word(name="start", summary="begin a run once it is recorded")
    verbs = (Word(name="retrain"), Word(name="run"))
    return {"*": (start,)}, {"start": verbs}, {"start": (*_model_words(models), *_workflow_words(repository))}


def _versions(model: ModelView) -> tuple[Word, ...]:
    champion = model.champion.version if model.champion else None
    newest_first = sorted((one.version for one in model.versions), reverse=True)
    return tuple(
        Word(name=f"v{version}", summary="champion" if version == champion else "")
        for version in newest_first
    )


def _inputs(schema: Mapping[str, Any]) -> tuple[Input, ...]:
    """Return the inputs of a JSON Schema; required ones first, values from its choices and examples."""
    required = set(schema.get("required", ()))
    properties = schema.get("properties", {}).items()
    ordered = sorted(properties, key=lambda item: item[0] not in required)
    return tuple(
        Input(name=name, summary=str(one.get("description", "")), values=_values(one))
        for name, one in ordered
    )


def _values(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what to offer: the choices, of any alternative, or else the examples."""
    kinds = [schema, *schema.get("anyOf", ())]
    choices = [choice for kind in kinds for choice in kind.get("enum", ()) if choice is not None]
    if not choices and any(kind.get("type") == "boolean" for kind in kinds):
        choices = ["yes", "no"]
    return tuple(str(value) for value in (choices or schema.get("examples", ()))[:VALUES_MOST])
