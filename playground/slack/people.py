"""What people type in the workspace: messages and commands."""

import asyncio
import html
import re
import uuid
from collections.abc import Sequence
from typing import Any

from playground.refusals import NotPossible
from playground.slack import payloads
from playground.slack.acts import outcome, tell_failure
from playground.slack.answers import show_ack
from playground.slack.ids import new_id
from playground.slack.loopback import Loopback
from playground.slack.workspace import SLACKBOT, Channel, Person, UnknownName

Json = dict[str, Any]
_NAMED = re.compile(r"<([@#])([^>|]+)(?:\|[^>]*)?>|(?<![\w<])([@#])([\w][\w.-]*)")


async def say(slack: Loopback, person: Person, channel: Channel, text: str, thread_ts: str | None) -> Json:
    """Type *text* in a channel, a command when it begins with “/”; return how the app took it."""
    if person.id not in channel.members:
        raise NotPossible(f"{person.name} is not in #{channel.name}")
    if text.startswith("/"):
        return await _command(slack, person, channel, text, thread_ts)
    return await _message(slack, person, channel, text, thread_ts)


async def _command(
    slack: Loopback, person: Person, channel: Channel, text: str, thread_ts: str | None
) -> Json:
    command, *more = text.split(maxsplit=1)
    rest = more[0].rstrip() if more else ""
    slack.feed.publish(
        "command_typed",
        channel=channel.id,
        channel_name=channel.name,
        visible_to=[person.id],
        user=person.id,
        text=text,
    )
    # https://docs.slack.dev/interactivity/implementing-slash-commands: an app's command is refused in threads
    if thread_ts:
        return _refuse(
            slack, person, channel, f"{command} is not supported in threads. Sorry!", "not_in_thread"
        )
    if slack.settings.commands is not None and command not in slack.settings.commands:
        return _refuse(slack, person, channel, f"{command} is not a valid command.", "invalid_command")
    sent = referred(slack, rest) if slack.settings.escape_commands else rest
    issued = slack.response_urls.issue("commands", slack.workspace.team_id, channel.id, person.id)
    trigger, url = slack.triggers.issue(person.id, channel.id), slack.base_url + issued.path
    fields = payloads.slash_command(slack.workspace, person, channel, command, sent, trigger.id, url)
    delivery, ack = await slack.deliveries.send("slash_commands", fields)
    if ack.ok:
        show_ack(slack, issued, command, ack.body)
    elif ack.error == "operation_timeout":
        _from_slackbot(slack, person, channel, f"{command} failed because the app did not respond.")
    else:
        _from_slackbot(slack, person, channel, f'{command} failed with the error "{ack.error}"')
    if not ack.ok:
        tell_failure(slack, person, channel, command, ack)
    return outcome(delivery, ack)


async def _message(
    slack: Loopback, person: Person, channel: Channel, text: str, thread_ts: str | None
) -> Json:
    if thread_ts and not slack.messages.find(channel.id, thread_ts):
        raise NotPossible(f"there is no message {thread_ts} in #{channel.name}")
    fields: Json = {
        "client_msg_id": str(uuid.uuid4()),
        "user": person.id,
        "team": slack.workspace.team_id,
        "text": referred(slack, text),
    }
    if thread_ts:
        fields["thread_ts"] = thread_ts
    return await announce(slack, channel, slack.messages.post(channel.id, fields))


async def announce(slack: Loopback, channel: Channel, message: Json, more: Sequence[Json] = ()) -> Json:
    """Tell the app about a person's message, and the callbacks *more*; return how it took the first."""
    sent = await asyncio.gather(
        *(slack.deliveries.send("events_api", each) for each in [*_callbacks(slack, channel, message), *more])
    )
    if not sent:
        return {"ok": True, "delivery": None, "ts": message["ts"], "ack_ms": 0}
    return {**outcome(*sent[0]), "ts": message["ts"], "deliveries": [delivery.id for delivery, _ in sent]}


def _callbacks(slack: Loopback, channel: Channel, message: Json) -> list[Json]:
    """Return the events that the app subscribed to; it hears nothing from channels it is not in."""
    bot = slack.workspace.bot.user_id
    if bot not in channel.members:
        return []
    kind = "im" if channel.is_im else "group" if channel.is_private else "channel"
    wanted = {"message", f"message.{kind}" if channel.is_im else f"message.{kind}s"}
    body = {**message, "channel": channel.id, "event_ts": message["ts"]}
    events = []
    if f"<@{bot}>" in message["text"] and not channel.is_im and "app_mention" in slack.settings.events:
        shown = {name: value for name, value in body.items() if name != "subtype"}
        events.append({**shown, "type": "app_mention"})
    if wanted & set(slack.settings.events):
        events.append({**body, "channel_type": kind})
    return [payloads.event_callback(slack.workspace, event, new_id("Ev"), slack.now()) for event in events]


def referred(slack: Loopback, text: str) -> str:
    """Return what was typed as Slack sends it on: escaped, and names that exist as references."""
    pieces, end = [], 0
    for found in _NAMED.finditer(text):
        pieces.append(html.escape(text[end : found.start()], quote=False))
        sigil, name = found.group(1) or found.group(3), found.group(2) or found.group(4)
        pieces.append(_reference(slack, sigil, name) or html.escape(found.group(0), quote=False))
        end = found.end()
    return "".join([*pieces, html.escape(text[end:], quote=False)])


def _reference(slack: Loopback, sigil: str, name: str) -> str | None:
    workspace, bot = slack.workspace, slack.workspace.bot
    if sigil == "#":
        channels = {key: c for c in workspace.channels for key in (c.id, c.name)}
        return f"<#{channels[name].id}|{channels[name].name}>" if name in channels else None
    users = {key: p.id for p in workspace.people for key in (p.id, p.name)}
    users |= {"bot": bot.user_id, bot.name: bot.user_id, bot.user_id: bot.user_id}
    groups = {group.handle: group.id for group in workspace.groups}
    if name in users:
        return f"<@{users[name]}>"
    return f"<!subteam^{groups[name]}>" if name in groups else None


def _refuse(slack: Loopback, person: Person, channel: Channel, text: str, error: str) -> Json:
    _from_slackbot(slack, person, channel, text)
    return {"ok": False, "delivery": None, "error": error, "ack_ms": 0}


def _from_slackbot(slack: Loopback, person: Person, channel: Channel, text: str) -> None:
    slack.messages.post_private(channel.id, person.id, {"user": SLACKBOT, "text": text})


def look_up(slack: Loopback, name: str, where: str) -> tuple[Person, Channel]:
    """Return the person and the channel of these names or ids, or raise NotPossible."""
    try:
        person = slack.workspace.person(name)
        if where.removeprefix("@") in (slack.workspace.bot.name, slack.workspace.bot.user_id, "bot"):
            return person, slack.direct_channel(person.id)
        return person, slack.workspace.channel(where)
    except UnknownName as error:
        raise NotPossible(str(error)) from error
