"""What is said about subscriptions: that one was made or taken away, and which there are. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.incidents import Subscription
from bot.jobs import Job
from bot.messages.blocks import context, header, section
from bot.messages.errors import asked_line
from bot.messages.message import Message, compose
from bot.messages.text import code, inline, listed, mention
from bot.messages.units import when


def subscribed(job: Job, made: Subscription) -> Message:
    """Return what the channel is told when it begins to hear of workflows, or hears of other things."""
    return compose(
        section(f":bell: *This channel hears of {about(made)}*: {_on(made)}."), context(asked_line(job))
    )


def already(job: Job, made: Subscription) -> Message:
    """Return the private answer where that is so already."""
    return compose(
        section(f":bell: This channel hears of {about(made)} already: {_on(made)}."), context(asked_line(job))
    )


def unsubscribed(job: Job, gone: Subscription) -> Message:
    """Return what the channel is told when it hears of something no more."""
    return compose(
        section(f":no_bell: *This channel hears no more of {about(gone)}*."), context(asked_line(job))
    )


def subscriptions(found: Sequence[Subscription], looked: Mapping[str, datetime], command: str) -> Message:
    """Return a channel's subscriptions by number, and when the bot last looked at their repositories."""
    if not found:
        example = code(f"{command} subscribe REPOSITORY")
        return compose(section(f"This channel has no subscriptions. {example} makes one."))
    lines = [f"{code(one.id)} {about(one)}: {_on(one)} · by {mention(one.by)}" for one in found]
    times = [f"{inline(name)} {when(at)}" for name, at in looked.items()]
    return compose(
        header("Subscriptions"),
        section("\n".join(lines)),
        context(f"{code(f'{command} unsubscribe NUMBER')} takes one away."),
        context(f"Last looked at: {listed(times)}") if times else None,
    )


def about(one: Subscription) -> str:
    """Return the workflows and branches that a subscription is about."""
    workflow = code(one.workflow) if one.workflow else "every workflow"
    branch = f"branch {code(one.branch)}" if one.branch else "every branch"
    return f"{workflow} in {inline(one.repository)} on {branch}"


def _on(one: Subscription) -> str:
    return listed(code(word) for word in one.on)
