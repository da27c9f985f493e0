"""The Home tab: a person's own start page, with what concerns them and nobody else's business."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.jobs import Role
from bot.messages.blocks import Block, actions, button, context, divider, header, section
from bot.messages.message import compose
from bot.messages.status import running_line
from bot.messages.text import code, inline, mention, plain
from bot.messages.units import between, when
from ml.contract import ModelSummary, RunView

MOST_MODELS = 10
MOST_BUTTONS = 5
MOST_NAME = 200
"""A name that is longer, or has characters that do not print, is typed and not put behind a button."""


@dataclass(frozen=True)
class Waiting:
    """A decision that this person may take: what it is about, and where its card stands."""

    model: str
    candidate: int
    link: str | None


@dataclass(frozen=True)
class Asked:
    """Something that this person asked for: when, what was typed, how it ended, and where it stands."""

    at: datetime
    typed: str
    state: str = ""
    link: str | None = None


@dataclass(frozen=True)
class HomeFacts:
    """What a person's Home tab shows; `models` is None where the function app does not answer."""

    user: str
    role: Role | None
    models: Sequence[ModelSummary] | None
    waiting: Sequence[Waiting] = ()
    running: Sequence[tuple[RunView, str | None]] = ()
    works: Sequence[Asked] = ()
    results: Sequence[Asked] = ()
    asked: Sequence[Asked] = ()


def home(facts: HomeFacts, command_name: str, now: datetime) -> tuple[Block, ...]:
    """Return the blocks of a person's Home tab."""
    return compose(
        header("Your models on duty"),
        section(f"Hello {mention(facts.user)}. {_role(facts.role, command_name)}"),
        _quick_buttons(),
        *_part("What waits for you", [_waiting(one) for one in facts.waiting]),
        *_part("Running for you", [*_running(facts, now), *(_asked(one, now) for one in facts.works)]),
        *_part("Your models", _models(facts)),
        _predict_buttons(facts.models or ()),
        *_part("Your last results", [_asked(one, now) for one in facts.results]),
        *_part("You asked lately", [_asked(one, now) for one in facts.asked]),
        context(f"Drawn {when(now)}. Only you see this page."),
    ).blocks


def _role(role: Role | None, command_name: str) -> str:
    if role is None:
        return "You have no role yet; the bot's owner gives roles in `toban.toml`."
    return f"You are {code(role)}: {code(f'{command_name} whoami')} says what that lets you do."


def _quick_buttons() -> Block:
    verbs = (("Models", "models"), ("Status", "status"), ("Runs", "runs"), ("Help", "help"))
    shown = [button(label, f"home.{verb}", verb) for label, verb in verbs]
    return actions(*shown, button("Refresh", "home.refresh", "refresh"))


def _predict_buttons(models: Sequence[ModelSummary]) -> Block | None:
    """Return a button for each of the first models that opens its form; ids must differ within a row."""
    shown = [
        button(f"Predict: {one.title}", f"form.open_{chr(ord('a') + at)}", f"predict {one.name}")
        for at, one in enumerate(models[:MOST_BUTTONS])
        if one.name == plain(one.name) and len(one.name) <= MOST_NAME
    ]
    return actions(*shown) if shown else None


def _part(title: str, lines: Sequence[str]) -> tuple[Block, ...]:
    """Return a part with its title, or nothing where there is nothing to say."""
    return (divider(), section("\n".join((f"*{title}*", *lines)))) if lines else ()


def _waiting(one: Waiting) -> str:
    what = f"*{inline(one.model)}*: shall v{one.candidate} become the champion?"
    return f":ballot_box_with_ballot: {_linked(what, one.link)}"


def _running(facts: HomeFacts, now: datetime) -> list[str]:
    return [_linked(running_line(run, now), link) for run, link in facts.running]


def _models(facts: HomeFacts) -> list[str]:
    if facts.models is None:
        return [":warning: The function app does not answer just now."]
    lines = [_model(one) for one in facts.models[:MOST_MODELS]]
    more = len(facts.models) - len(lines)
    return [*lines, f"… and {more} more: press *Models*."] if more > 0 else lines


def _model(one: ModelSummary) -> str:
    champion = f"champion v{one.champion.version}" if one.champion else "no champion yet"
    trouble = f" · :warning: {inline(one.problem)}" if one.problem else ""
    return f"• *{inline(one.title)}* · {champion}{trouble}"


def _asked(one: Asked, now: datetime) -> str:
    state = f" · {inline(one.state)}" if one.state else ""
    return f"• {_linked(code(one.typed), one.link)}{state} · {between(one.at, now)} ago"


def _linked(words: str, link: str | None) -> str:
    return f"{words} · <{link}|open>" if link else words
