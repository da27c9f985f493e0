"""What the page's box can complete: a table that whoever runs an app may give; Slack itself has none.

https://docs.slack.dev/interactivity/implementing-slash-commands: a whole command has one line of usage hint.
"""

from pydantic import BaseModel, ConfigDict, Field


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    summary: str = ""


class Word(_Entry):
    """A word that may stand at some place."""


class Input(_Entry):
    """An input, typed as name=value, with the values to offer."""

    values: tuple[str, ...] = ()


class Verb(_Entry):
    """What follows the command.

    `words` has one entry for each place after the verb: the words that may stand there, by the word at the
    first place, or by "*" for all. `inputs` are by the word at the first place, too.
    """

    words: tuple[dict[str, tuple[Word, ...]], ...] = ()
    inputs: dict[str, tuple[Input, ...]] = Field(default_factory=dict)


class CommandWords(_Entry):
    """A slash command and its verbs."""

    verbs: tuple[Verb, ...] = ()


class Completions(BaseModel):
    """Everything that can be completed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    commands: tuple[CommandWords, ...] = ()
