"""The verbs of the slash command as declared data, read by help, access and the command line alike.

`COMMANDS` are built in; `all_commands` adds a team's own, which are data in `toban.toml`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from bot.coercion import fold_case
from bot.command_tables import CommandTable
from bot.jobs import ROLES, Role

Target = Literal["model", "run", "version"]


class Command(BaseModel):
    """One verb: what it does, how it is typed, who may use it, and what it acts on.

    `usage` and `examples` leave out the slash command itself, whose name is a setting. `private` answers
    are seen by the asker only. `touches_production` asks for a fresh look at the person's roles. `target`
    is what the first word after the verb names; None where there is none or where it may be several things.
    `inputs` is the JSON Schema of a team's own command, which no model's schema is asked for. `form` says
    that its inputs can be given in a form.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    verb: str
    summary: str
    usage: str
    examples: tuple[str, ...]
    roles: tuple[Role, ...] = ROLES
    target: Target | None = None
    private: bool = False
    touches_production: bool = False
    inputs: dict[str, Any] | None = None
    form: bool = False


OPERATORS: tuple[Role, ...] = ("operator", "owner")
OWNERS: tuple[Role, ...] = ("owner",)

COMMANDS: dict[str, Command] = {
    command.verb: command
    for command in (
        Command(
            verb="predict",
            summary="Ask a model for a prediction.",
            usage="predict MODEL name=value …",
            examples=("predict arrival-delay flight=UA1545 date=2013-07-04",),
            target="model",
            form=True,
        ),
        Command(
            verb="retrain",
            summary="Train a new version of a model and set it beside the champion.",
            usage="retrain MODEL [name=value …]",
            examples=("retrain arrival-delay", "retrain arrival-delay since=2013-01 until=2013-06"),
            roles=OPERATORS,
            target="model",
            form=True,
        ),
        Command(
            verb="run",
            summary="Start a workflow of GitHub Actions and follow it; without a name, list the workflows.",
            usage="run [REPOSITORY] WORKFLOW [name=value …] [ref=BRANCH] · run",
            examples=("run", "run retrain.yml months=6", "run flights deploy ref=main"),
            roles=OPERATORS,
            form=True,
        ),
        Command(
            verb="deploy",
            summary="Deploy a commit and follow it; without a name, list what is deployed now.",
            usage="deploy TARGET [BRANCH, TAG or COMMIT] · deploy",
            examples=("deploy", "deploy api", "deploy api v1.4"),
            roles=OPERATORS,
            touches_production=True,
        ),
        Command(
            verb="compare",
            summary="Score two versions of a model on the same rows.",
            usage="compare MODEL VERSION VERSION",
            examples=("compare arrival-delay v2 v1",),
            roles=OPERATORS,
            target="model",
        ),
        Command(
            verb="promote",
            summary="Ask for a decision to make a version the champion.",
            usage="promote MODEL VERSION",
            examples=("promote arrival-delay v2",),
            roles=OWNERS,
            target="version",
            touches_production=True,
        ),
        Command(
            verb="cancel",
            summary="Stop a run that waits or trains.",
            usage="cancel RUN",
            examples=("cancel 20130801t060000-a1b2c3",),
            roles=OPERATORS,
            target="run",
            private=True,
        ),
        Command(
            verb="experiment",
            summary="Record an experiment as a GitHub issue, and start its run, whose result goes into it.",
            usage="experiment purpose=… [name=value …] · experiment start COMMAND purpose=… [name=value …]",
            examples=(
                "experiment",
                'experiment purpose="Does weather help?" method="train without it"',
                'experiment start retrain arrival-delay until=2013-06 purpose="Does half a year do?"',
            ),
            roles=OPERATORS,
            form=True,
        ),
        Command(
            verb="experiments",
            summary="List the latest experiments, of one model or of all.",
            usage="experiments [MODEL]",
            examples=("experiments", "experiments arrival-delay"),
            private=True,
        ),
        Command(
            verb="form",
            summary="Open the form of a command, filled with what you typed.",
            usage="form COMMAND [MODEL] [name=value …]",
            examples=("form retrain arrival-delay", "form run retrain.yml"),
            private=True,
        ),
        Command(
            verb="models",
            summary="List the models, or show one with the inputs it takes.",
            usage="models [MODEL]",
            examples=("models", "models arrival-delay"),
            private=True,
        ),
        Command(
            verb="runs",
            summary="List the latest runs, of one model or of all.",
            usage="runs [MODEL]",
            examples=("runs", "runs arrival-delay"),
            private=True,
        ),
        Command(
            verb="show",
            summary="Show one thing by its id: a version's card, a run, a prediction, or any flow.",
            usage="show MODEL VERSION · show RUN · show PREDICTION · show FLOW",
            examples=("show arrival-delay v2", "show arrival-delay@champion", "show 20130801t060000-a1b2c3"),
            private=True,
        ),
        Command(
            verb="snippet",
            summary="Show how a program asks a model: with curl, Python or a spreadsheet.",
            usage="snippet MODEL [name=value …]",
            examples=("snippet arrival-delay", "snippet arrival-delay flight=UA580 date=2013-07-10"),
            target="model",
            private=True,
        ),
        Command(
            verb="registry",
            summary="Show MLflow's registered models, or one with its versions, aliases and metrics.",
            usage="registry [NAME]",
            examples=("registry", "registry churn"),
            private=True,
        ),
        Command(
            verb="alias",
            summary="Ask for a decision to move an alias of MLflow's registry.",
            usage="alias NAME ALIAS VERSION",
            examples=("alias churn champion v4",),
            roles=OWNERS,
            touches_production=True,
        ),
        Command(
            verb="subscribe",
            summary="Tell this channel when workflows of GitHub Actions fail and when they recover.",
            usage="subscribe REPOSITORY [workflow=FILE] [branch=NAME] [on=STATE,…]",
            examples=(
                "subscribe acme/flights",
                "subscribe acme/flights workflow=deploy.yml branch=main on=failure,recovery,started",
            ),
            roles=OPERATORS,
        ),
        Command(
            verb="subscriptions",
            summary="List what this channel is told of, with numbers.",
            usage="subscriptions",
            examples=("subscriptions",),
            private=True,
        ),
        Command(
            verb="unsubscribe",
            summary="Tell this channel of something no more.",
            usage="unsubscribe NUMBER · unsubscribe REPOSITORY [workflow=FILE] [branch=NAME]",
            examples=("unsubscribe 3", "unsubscribe acme/flights workflow=deploy.yml branch=main"),
            roles=OPERATORS,
        ),
        Command(
            verb="status",
            summary="Show whether everything answers, what runs and what waits.",
            usage="status",
            examples=("status",),
            private=True,
        ),
        Command(
            verb="whoami",
            summary="Show your roles and what you may do.",
            usage="whoami",
            examples=("whoami",),
            private=True,
        ),
        Command(
            verb="help",
            summary="Show the commands, one of them with the inputs of a model, or those about a word.",
            usage="help · help COMMAND [MODEL] · help WORD",
            examples=("help", "help predict arrival-delay", "help registry"),
            private=True,
        ),
    )
}

# Words people know from elsewhere, for which letters alone would suggest the wrong verb or none.
_OTHER_WORDS = {
    "abort": "cancel",
    "api": "snippet",
    "card": "show",
    "code": "snippet",
    "curl": "snippet",
    "diff": "compare",
    "dispatch": "run",
    "follow": "subscribe",
    "forecast": "predict",
    "get": "show",
    "health": "status",
    "history": "runs",
    "infer": "predict",
    "jobs": "runs",
    "kill": "cancel",
    "list": "models",
    "ls": "models",
    "me": "whoami",
    "mute": "unsubscribe",
    "notify": "subscribe",
    "release": "deploy",
    "rollout": "deploy",
    "ship": "deploy",
    "score": "predict",
    "stop": "cancel",
    "train": "retrain",
    "unfollow": "unsubscribe",
    "usage": "help",
    "watch": "subscribe",
    "who": "whoami",
    "workflow": "run",
    "workflows": "run",
}


LOOKUPS = frozenset(
    {
        *("experiments", "help", "models", "registry", "runs", "show", "snippet", "status"),
        *("subscriptions", "whoami"),
    }
)
OWN = "command"
"""The flow of a team's own commands."""
FORM = "form"
"""The verb, and the flow, that opens another command's form."""
ASKS_AT_ONCE = frozenset({"predict", "experiment"})
"""Verbs that mean nothing without inputs: typed without any, they open their form."""


_FLOWS = {"run": "workflow"}
"""The flow of a verb where it is not called like it."""


def all_commands(tables: Mapping[str, CommandTable]) -> dict[str, Command]:
    """Return the built-in commands and a team's own by verb; no name may stand for two."""
    return COMMANDS | {name: _own(name, table) for name, table in tables.items()}


def _own(name: str, table: CommandTable) -> Command:
    needed = " ".join(f"{one}=…" for one in table.required)
    usage = " ".join(
        filter(None, (name, needed, "[name=value …]" if len(table.inputs) > len(table.required) else ""))
    )
    return Command(
        verb=name,
        summary=table.summary,
        usage=usage,
        examples=(f"{name} {table.example}",) if table.example else (usage,),
        roles=table.roles,
        private=table.private,
        touches_production=table.touches_production,
        inputs=table.schema_,
        form=bool(table.inputs),
    )


def flow_of(verb: str) -> str:
    """Return the name of the flow that carries out a known *verb*."""
    if verb in LOOKUPS:
        return "lookup"
    return _FLOWS.get(verb, verb) if verb in COMMANDS else OWN


def split_words(command: Command | None, words: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
    """Return the model that the words after a verb name, if it is one that names a model, and the rest.

    Names of models are in lower case, whatever a phone makes of them.
    """
    if command is not None and command.target in ("model", "version") and words:
        return fold_case(words[0]), tuple(words[1:])
    return None, tuple(words)


def suggest(word: str, commands: Mapping[str, Command] = COMMANDS) -> tuple[str, ...]:
    """Return up to three verbs that the unknown *word* may have meant, the likeliest first."""
    lower = word.casefold()
    meant = [_OTHER_WORDS[lower]] if lower in _OTHER_WORDS else []
    near = difflib.get_close_matches(lower[:40], commands, n=3, cutoff=0.6)
    return tuple(dict.fromkeys([*meant, *near]))[:3]


def find_commands(words: Sequence[str], commands: Iterable[Command]) -> list[Command]:
    """Return the commands in whose name, summary, usage or examples each of *words* stands, in any case."""
    return [one for one in commands if all(word.casefold() in _words_of(one) for word in words)]


def _words_of(command: Command) -> str:
    return "\n".join((command.verb, command.summary, command.usage, *command.examples)).casefold()
