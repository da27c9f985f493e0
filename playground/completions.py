"""What the bot's commands take, for the page's box: verbs, models, versions and inputs, kept live."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import requests

from bot.commands import Command
from ml.contract import ModelsView, ModelView
from playground.slack.client import Playground
from playground.slack.completions import CommandWords, Completions, Input, Verb, Word
from playground.stage import job_state

VALUES_MOST = 200
TIMEOUT_SECONDS = 10
POLL_SECONDS = 20.0
# What a verb's second place holds, where the first one names a model.
VERSIONED = frozenset({"promote", "compare", "show"})


class ModelList:
    """Reads every model from the function app, as the bot does."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._headers = {"x-functions-key": key}

    def read(self) -> list[ModelView]:
        """Return every model; raises requests.RequestException where the function app does not answer."""
        names = [model.name for model in ModelsView.model_validate(self._get("/api/models")).models]
        return [ModelView.model_validate(self._get(f"/api/models/{name}")) for name in names]

    def _get(self, path: str) -> Any:
        reply = requests.get(self._url + path, headers=self._headers, timeout=TIMEOUT_SECONDS)
        reply.raise_for_status()
        return reply.json()


class CompletionKeeper:
    """Gives the page its completions, and anew when a job came to rest: models may have changed."""

    def __init__(
        self, slack_url: str, command: str, commands: Mapping[str, Command], models: ModelList
    ) -> None:
        self._slack_url = slack_url
        self._command = command
        self._commands = commands
        self._models = models
        self._given: Completions | None = None
        self._thread = threading.Thread(target=self._keep, name="completions", daemon=True)

    def start(self) -> None:
        """Give what there is now, and go on in a thread that ends with the playground."""
        self.give()
        self._thread.start()

    def give(self) -> None:
        """Tell the page what can be completed, if that changed; without models where they do not answer."""
        try:
            models = self._models.read()
        except (requests.RequestException, ValueError):
            models = []
        made = build_completions(self._command, self._commands.values(), models)
        if made != self._given:
            with Playground(self._slack_url) as slack:
                slack.complete(made.model_dump())
            self._given = made

    def _keep(self) -> None:
        with Playground(self._slack_url) as slack:
            after = slack.seq()
            with contextlib.suppress(requests.RequestException):  # the playground ends
                while True:
                    events = slack.feed(after, POLL_SECONDS)
                    after = events[-1]["seq"] if events else after
                    if any(job_state(event) not in (None, "open") for event in events):
                        self.give()


def build_completions(command: str, commands: Iterable[Command], models: Sequence[ModelView]) -> Completions:
    """Return what may be typed after *command*, with the models as they stand."""
    names = tuple(Word(name=model.name, summary=model.title) for model in models)
    verbs = tuple(_verb(one, names, models) for one in commands)
    return Completions(commands=(CommandWords(name=command, summary="models and runs", verbs=verbs),))


def _verb(command: Command, names: tuple[Word, ...], models: Sequence[ModelView]) -> Verb:
    first: dict[str, tuple[Word, ...]] = {}
    takes_model = command.target in ("model", "version") or "MODEL" in command.usage
    if takes_model:
        first = {"*": names}
    second = {model.name: _versions(model) for model in models} if command.verb in VERSIONED else {}
    inputs: dict[str, tuple[Input, ...]] = {}
    if command.inputs is not None:
        inputs = {"*": _inputs(command.inputs)}
    elif command.verb in ("predict", "snippet"):
        inputs = {model.name: _inputs(model.input_schema) for model in models}
    elif command.verb == "retrain":
        inputs = {model.name: _inputs(model.params_schema) for model in models}
    places = (first, second, second) if command.verb == "compare" else (first, second)
    words = tuple(place for place in places if place)
    return Verb(name=command.verb, summary=command.summary, words=words, inputs=inputs)


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
