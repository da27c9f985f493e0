"""How a model is asked from a shell, from Python and from a spreadsheet, to be copied."""

from __future__ import annotations

from bot.messages.blocks import context, fenced, header, section
from bot.messages.message import Message, compose
from bot.messages.text import code
from bot.snippets import KEY_NAME, Snippets
from ml.contract import ModelView


def snippets(model: ModelView, made: Snippets, command_name: str) -> Message:
    """Return the three programs with what each needs; none of them holds a key."""
    return compose(
        header(f"Ask {model.name} from elsewhere"),
        section(
            f"A program needs a key for the function `predict` alone, never the bot's own: ask who set up "
            f"the function app. It looks for it under the name {code(KEY_NAME)}."
        ),
        section(f"*curl*, in a Unix shell, after `export {KEY_NAME}=…`"),
        section(fenced(made.curl)),
        section("*Python* 3, without any package, with the key in the same environment variable"),
        section(fenced(made.python)),
        section(
            "*Google Sheets*: paste it under _Extensions → Apps Script_ and put the key into "
            f"_Project Settings → Script Properties_ as {code(KEY_NAME)}. With the names of the inputs in "
            f"row 1 and values below, type {code(made.formula)} into a free cell."
        ),
        section(fenced(made.sheet)),
        context(
            "Excel has no formula that sends a key: save the sheet as CSV and use _Predict with this file_ "
            f"on it here. {code(f'{command_name} help predict {model.name}')} lists the inputs."
        ),
    )
