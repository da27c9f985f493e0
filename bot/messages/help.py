"""Help: all commands, one command with a model's inputs, and what to say to an unknown word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.commands import Command
from bot.messages.blocks import Block, context, header, section
from bot.messages.errors import did_you_mean
from bot.messages.fields import inputs_block
from bot.messages.message import Message, compose
from bot.messages.text import code, inline, listed
from ml.contract import ModelView

MOST_WORD = 80
"""Characters that are shown of a word that is no command."""


def help(commands: Iterable[Command], command_name: str) -> Message:  # noqa: A001 - named like its verb
    """Return the list of commands, each with one example."""
    more = f"{_typed(command_name, 'help predict')} shows more on one command"
    search = f"{_typed(command_name, 'help approve')} looks for a word"
    return compose(
        header("What you can ask for"),
        _listed(commands, command_name),
        context(f"{more}, {search}. {_TYPING}"),
    )


def about(words: Sequence[str], found: Sequence[Command], command_name: str) -> Message:
    """Return the commands, at least one, that were *found* by *words*."""
    more, everything = _typed(command_name, f"help {found[0].verb}"), _typed(command_name, "help")
    return compose(
        section(f"*About {inline(' '.join(words))}*"),
        _listed(found, command_name),
        context(f"{more} shows more, {everything} lists all."),
    )


def help_for(command: Command, command_name: str, model: ModelView | None = None) -> Message:
    """Return one command: usage, examples, who may use it and, given a model, the inputs it takes."""
    schema = command.inputs
    if model is not None and schema is None:
        schema = {
            "predict": model.input_schema,
            "snippet": model.input_schema,
            "retrain": model.params_schema,
        }.get(command.verb)
    who = "everybody" if "viewer" in command.roles else listed(map(code, command.roles), "or")
    return compose(
        header(command.verb),
        section(f"{inline(command.summary)}\n{_usage(command, command_name)}"),
        inputs_block(schema) if schema else None,
        section("*Examples*\n" + "\n".join(_typed(command_name, example) for example in command.examples)),
        context(
            f"For {who}. The answer is seen by {'you only' if command.private else 'the channel'}. {_TYPING}"
        ),
    )


def unknown_verb(word: str, suggestions: Sequence[str], command_name: str = "/ml") -> Message:
    """Return the answer to a word that is no command."""
    nearest = f"\n{did_you_mean(suggestions)}" if suggestions else ""
    word = word if len(word) <= MOST_WORD else f"{word[:MOST_WORD]}…"
    rest = f"{_typed(command_name, 'help')} lists what I know."
    return compose(section(f":question: *I know no command {code(word)}.*{nearest}\n{rest}"))


def _listed(commands: Iterable[Command], command_name: str) -> Block:
    lines = [
        f"*{command.verb}* · {inline(command.summary)}\n{_typed(command_name, command.examples[0])}"
        for command in commands
    ]
    return section("\n".join(lines))


_TYPING = "Values may be typed `name=value`, `name:value` or `--name value`, with quotes around spaces."


def _usage(command: Command, command_name: str) -> str:
    """Return the ways to type a command, each as code."""
    return listed((_typed(command_name, way) for way in command.usage.split(" · ")), "or")


def _typed(command_name: str, rest: str) -> str:
    return code(f"{command_name} {rest}")
