"""Help, refusals and forms: what people are told who ask how, who may not, or who fill something in."""

from __future__ import annotations

from typing import Any

from bot.commands import COMMANDS, Command, find_commands
from bot.flows.refusals import refuse
from bot.forms import Form, View, build_view, loading_view, plain_view, problem_view
from bot.jobs import Job
from bot.messages import errors, forms
from bot.messages import help as help_messages
from bot.messages.message import Message
from ml.contract import ModelView, Problem
from playground.gallery.predicting import BAD_CARRIER, JOB
from playground.gallery.records import CHANNEL, VIEWER, job, model
from playground.gallery.sample import Chapter, Sample

WAITS = job("predict", "/ml predict arrival-delay")


def of_problem(job: Job, reason_code: str, detail: str) -> Message:
    """Return a refusal of the bot's own."""
    return errors.problem(job, refuse(reason_code, detail).problem)


def with_form(job: Job, problem: Problem) -> Message:
    """Return a refusal beside which the form is offered."""
    return errors.problem(job, problem, forms.open_row(job))


def help_list(command_name: str) -> Message:
    """Return the list of all commands."""
    return help_messages.help(COMMANDS.values(), command_name)


def help_about(words: list[str], command_name: str) -> Message:
    """Return the commands that have something to do with versions' aliases."""
    return help_messages.about(words, find_commands(["alias"], COMMANDS.values()), command_name)


def help_of(command: Command, command_name: str) -> Message:
    """Return the help of one command."""
    return help_messages.help_for(command, command_name)


def help_with_model(model: ModelView, command_name: str) -> Message:
    """Return the help of predict for a model."""
    return help_messages.help_for(COMMANDS["predict"], command_name, model)


def empty_form(model: ModelView) -> View:
    """Return the form of predict as it opens."""
    return _form("predict", model, model.input_schema, {}, model.title)


def filled_form(model: ModelView) -> View:
    """Return the form of retrain, filled with what was typed."""
    return _form("retrain", model, model.params_schema, {"until": "2013-06"})


def _form(
    verb: str, model: ModelView, schema: dict[str, Any], values: dict[str, Any], title: str = ""
) -> View:
    form = Form(
        verb=verb,
        model=model.name,
        schema_=schema,
        channel=CHANNEL,
        title=verb.capitalize(),
        intro=forms.intro(COMMANDS[verb], "/ml", model.name, title),
        submit=verb.capitalize(),
    )
    return build_view(form, values, "f-1")


def started_instead(title: str) -> View:
    """Return the form of a command that has nothing to ask for."""
    return plain_view(title, forms.started_instead(), "f-1")


def form_refused(title: str, problem: Problem) -> View:
    """Return a form that cannot be opened."""
    return problem_view(title, problem, "f-1")


HELP = Chapter(
    "Help",
    "What can be asked for, and how.",
    (
        Sample("All commands.", help_list, ("/ml",), "private"),
        Sample("The commands about a word.", help_about, (["alias"], "/ml"), "private"),
        Sample("Predict, for a model.", help_with_model, (model(), "/ml"), "private"),
        Sample(
            "A word that is no command.",
            help_messages.unknown_verb,
            ("predct", ("predict",), "/ml"),
            "private",
        ),
    ),
    ("light",),
)
EACH_HELP = Chapter(
    "Help of each command",
    "Made from the command's declaration.",
    tuple(
        Sample(f"{verb.capitalize()}.", help_of, (command, "/ml"), "private")
        for verb, command in COMMANDS.items()
        if verb != "predict"
    ),
    looks=(),
)
REFUSALS = Chapter(
    "Refusals and troubles",
    "What is wrong, what was seen, what is allowed, and what to do now; only the asker sees it. The words of "
    "each reason are in [the list](#reason-codes).",
    (
        Sample("The inputs cannot be used; the form can.", with_form, (JOB, BAD_CARRIER), "private"),
        Sample(
            "There is no such thing.",
            errors.problem,
            (
                WAITS,
                Problem(
                    title="Not found",
                    status=404,
                    detail="arival-delay is none of them.",
                    reason_code="unknown_model",
                    suggestions=("arrival-delay",),
                ),
            ),
            "private",
        ),
        Sample(
            "A role is missing.",
            errors.not_allowed,
            ("/ml retrain arrival-delay", VIEWER, ("viewer",), ("operator", "owner")),
            "private",
        ),
        Sample(
            "The bot is not in the channel.",
            errors.not_in_channel,
            ("/ml predict arrival-delay", "C01RANDOM00", "toban"),
            "private",
        ),
        Sample(
            "The function app does not answer.",
            errors.function_app_down,
            (JOB, "function_app_unreachable", "timed out after 10 s"),
            "private",
        ),
        Sample(
            "The function app does not take the key.",
            errors.function_app_down,
            (JOB, "function_app_rejected_key", "401"),
            "private",
        ),
        Sample("GitHub does not answer.", of_problem, (JOB, "github_unreachable", "It was: 502."), "private"),
        Sample(
            "The file cannot be used.",
            of_problem,
            (JOB, "file_too_large", "It has 12 MB; 5 MB is the most."),
            "private",
        ),
        Sample(
            "The fault is the bot's.", of_problem, (JOB, "bot_failed", "The bot's log says more."), "private"
        ),
    ),
)
FORMS = Chapter(
    "Forms",
    "A form asks for what a command's schema says, in Slack's own fields. Errors stand below their fields.",
    (
        Sample("A form cannot open by itself any more.", forms.offer, (WAITS,), "private"),
        Sample("What it asks for is looked up.", loading_view, ("Predict", "f-1"), "form"),
        Sample("The form of predict.", empty_form, (model(),), "form"),
        Sample("The form of retrain, filled with what was typed.", filled_form, (model(),), "form"),
        Sample("There is nothing to ask for.", started_instead, ("Run",), "form"),
        Sample("It cannot be opened.", form_refused, ("Predict", BAD_CARRIER), "form"),
    ),
    ("light", "dark", "phone"),
)
