"""What is said around forms: the buttons that open one, its first line, and what takes its place."""

from __future__ import annotations

from bot.coercion import as_text
from bot.commands import Command
from bot.jobs import Job
from bot.messages.blocks import MAX_BUTTON_VALUE, Block, actions, button, context, section
from bot.messages.errors import asked_line
from bot.messages.message import Message, compose
from bot.messages.text import code, inline
from bot.parsing import Parsed, format_command

WITH_FORM = frozenset({"predict", "retrain", "run"})
"""Built-in verbs whose results can be asked for again with other inputs."""
WITHOUT_FORM = frozenset({"compare", "deploy"})
"""Built-in verbs that may carry inputs and have no form."""


def command_text(job: Job) -> str:
    """Return the job's command without the slash command's name, as it can be typed again."""
    named = (job.model,) if job.model else ()
    inputs = {name: as_text(value) for name, value in job.inputs.items()}
    text = format_command(Parsed(job.verb, (*named, *job.words), inputs))
    return text.encode("utf-8", "replace").decode()


def again_button(job: Job) -> Block | None:
    """Return the button that opens a result's form with its inputs in it; None where it has no form."""
    has_form = job.verb in WITH_FORM or (job.verb not in WITHOUT_FORM and bool(job.inputs))
    return _button("Again, with changes", "form.again", job) if has_form else None


def again(job: Job) -> Block | None:
    """Return `again_button` in a row of its own, or None."""
    shown = again_button(job)
    return actions(shown) if shown else None


def open_row(job: Job) -> Block | None:
    """Return the button that opens the form of the job's command, in a row of its own."""
    shown = _button("Open the form", "form.open", job)
    return actions(shown) if shown else None


def offer(job: Job) -> Message:
    """Return what is told where no form could be opened: it can be, by a button."""
    return compose(
        section(f":memo: *{code(command_text(job))} has a form.*\nFill it in, or type the inputs."),
        open_row(job),
        context(asked_line(job)),
    )


def intro(command: Command, slash: str, named: str, about: str = "") -> str:
    """Return the first line of a form: the command that it stands for, and what that does."""
    words = " ".join(filter(None, (slash, command.verb, named)))
    return f"{code(words)} · {inline(about or command.summary)}"


def started_instead() -> tuple[Block, ...]:
    """Return what a form says that turned out to have nothing to ask for."""
    return (section(":white_check_mark: It takes no inputs, so it was started at once."),)


def _button(label: str, action_id: str, job: Job) -> Block | None:
    value = command_text(job)
    return button(label, action_id, value) if len(value) <= MAX_BUTTON_VALUE else None
