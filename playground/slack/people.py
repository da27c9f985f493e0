"""What people do in the workspace: type a message or a command, press a button, choose an option."""

import asyncio
import html
import re
from typing import Any

from playground.slack import payloads
from playground.slack.answers import show_ack
from playground.slack.deliveries import Ack, Delivery
from playground.slack.ids import new_id
from playground.slack.loopback import Loopback
from playground.slack.workspace import SLACKBOT, Channel, Person, UnknownName

Json = dict[str, Any]
_NAMED = re.compile(r"<([@#])([^>|]+)(?:\|[^>]*)?>|(?<![\w<])([@#])([\w][\w.-]*)")


class NotPossible(Exception):
    """A person cannot do that here; the message says why."""


async def say(slack: Loopback, person: Person, channel: Channel, text: str, thread_ts: str | None) -> Json:
    """Type *text* in a channel, a command when it begins with “/”; return how the app took it."""
    if person.id not in channel.members:
        raise NotPossible(f"{person.name} is not in #{channel.name}")
    if text.startswith("/"):
        return await _command(slack, person, channel, text, thread_ts)
    return await _message(slack, person, channel, text, thread_ts)


async def press(
    slack: Loopback,
    person: Person,
    channel: Channel,
    ts: str,
    action_id: str,
    block_id: str | None,
    chosen: Any,
) -> Json:
    """Press a button or choose *chosen* in a menu of a message that this person sees."""
    message = _visible_message(slack, person, channel, ts)
    block, element = _find_element(message, action_id, block_id)
    action = {
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        **_chosen(element, chosen),
        "type": element["type"],
        "action_ts": slack.messages.next_ts(),
    }
    team = slack.workspace.team_id
    issued = slack.response_urls.issue("actions", team, channel.id, person.id, ts, message.get("thread_ts"))
    trigger, url = slack.triggers.issue(person.id), slack.base_url + issued.path
    payload = payloads.block_actions(slack.workspace, person, channel, message, action, trigger.id, url)
    delivery, ack = await slack.deliveries.send("interactive", payload)
    if not ack.ok:
        _tell_failure(slack, person, channel, f"{slack.workspace.bot.name} did not take the press", ack)
    return _outcome(delivery, ack)


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
    sent = _referred(slack, rest) if slack.settings.escape_commands else rest
    issued = slack.response_urls.issue("commands", slack.workspace.team_id, channel.id, person.id)
    trigger, url = slack.triggers.issue(person.id), slack.base_url + issued.path
    fields = payloads.slash_command(slack.workspace, person, channel, command, sent, trigger.id, url)
    delivery, ack = await slack.deliveries.send("slash_commands", fields)
    if ack.ok:
        show_ack(slack, issued, command, ack.body)
    elif ack.error == "operation_timeout":
        _from_slackbot(slack, person, channel, f"{command} failed because the app did not respond.")
    else:
        _from_slackbot(slack, person, channel, f'{command} failed with the error "{ack.error}"')
    if not ack.ok:
        _tell_failure(slack, person, channel, command, ack)
    return _outcome(delivery, ack)


async def _message(
    slack: Loopback, person: Person, channel: Channel, text: str, thread_ts: str | None
) -> Json:
    fields: Json = {"user": person.id, "team": slack.workspace.team_id, "text": _referred(slack, text)}
    if thread_ts:
        fields["thread_ts"] = thread_ts
    message = slack.messages.post(channel.id, fields)
    sent = await asyncio.gather(
        *(slack.deliveries.send("events_api", callback) for callback in _callbacks(slack, channel, message))
    )
    if not sent:
        return {"ok": True, "delivery": None, "ts": message["ts"], "ack_ms": 0}
    return {**_outcome(*sent[0]), "ts": message["ts"], "deliveries": [delivery.id for delivery, _ in sent]}


def _callbacks(slack: Loopback, channel: Channel, message: Json) -> list[Json]:
    """Return the events that the app subscribed to; it hears nothing from channels it is not in."""
    bot = slack.workspace.bot.user_id
    if bot not in channel.members:
        return []
    kind = "im" if channel.is_im else "group" if channel.is_private else "channel"
    body = {**message, "channel": channel.id, "event_ts": message["ts"]}
    events = []
    if f"<@{bot}>" in message["text"] and not channel.is_im and "app_mention" in slack.settings.events:
        events.append({**body, "type": "app_mention"})
    if "message" in slack.settings.events:
        events.append({**body, "channel_type": kind})
    return [payloads.event_callback(slack.workspace, event, new_id("Ev"), slack.now()) for event in events]


def _referred(slack: Loopback, text: str) -> str:
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


def _visible_message(slack: Loopback, person: Person, channel: Channel, ts: str) -> Json:
    private = slack.messages.find_private(channel.id, ts)
    if private is not None and private[0] == person.id:
        return private[1]
    message = slack.messages.find(channel.id, ts)
    if message is None or (person.id not in channel.members and (channel.is_private or channel.is_im)):
        raise NotPossible(f"{person.name} sees no message {ts} in #{channel.name}")
    return message


def _find_element(message: Json, action_id: str, block_id: str | None) -> tuple[Json, Json]:
    for block in message.get("blocks") or []:
        if block_id is not None and block.get("block_id") != block_id:
            continue
        for element in [*(block.get("elements") or []), block.get("accessory"), block.get("element")]:
            if isinstance(element, dict) and element.get("action_id") == action_id:
                return block, element
    raise NotPossible(f"the message has no element {action_id!r}")


def _chosen(element: Json, chosen: Any) -> Json:
    """Return the value part of an action: each kind of element has a key of its own for it."""
    kind = element["type"]
    if kind == "button":
        return {"text": element["text"], **({"value": element["value"]} if "value" in element else {})}
    if kind in ("static_select", "external_select", "radio_buttons", "overflow"):
        return {"selected_option": _option(element, chosen)}
    if kind in ("multi_static_select", "multi_external_select", "checkboxes"):
        return {"selected_options": [_option(element, each) for each in _listed(chosen)]}
    if kind.startswith("multi_"):
        return {"selected_" + kind.removeprefix("multi_").removesuffix("_select"): _listed(chosen)}
    names = {
        "datepicker": "selected_date",
        "timepicker": "selected_time",
        "datetimepicker": "selected_date_time",
        "users_select": "selected_user",
        "channels_select": "selected_channel",
        "conversations_select": "selected_conversation",
    }
    return {names.get(kind, "value"): chosen}


def _listed(chosen: Any) -> list[Any]:
    return chosen if isinstance(chosen, list) else [chosen]


def _option(element: Json, value: Any) -> Json:
    groups = element.get("option_groups") or [{"options": element.get("options") or []}]
    for option in (option for group in groups for option in group["options"]):
        if option["value"] == value:
            return dict(option)
    if "external" in element["type"]:
        return {"text": {"type": "plain_text", "text": str(value), "emoji": True}, "value": str(value)}
    raise NotPossible(f"the menu has no option {value!r}")


def _outcome(delivery: Delivery, ack: Ack) -> Json:
    error = {"error": ack.error} if ack.error else {}
    return {"delivery": delivery.id, "ok": ack.ok, **error, "ack_ms": ack.ack_ms}


def _refuse(slack: Loopback, person: Person, channel: Channel, text: str, error: str) -> Json:
    _from_slackbot(slack, person, channel, text)
    return {"ok": False, "delivery": None, "error": error, "ack_ms": 0}


def _from_slackbot(slack: Loopback, person: Person, channel: Channel, text: str) -> None:
    slack.messages.post_private(channel.id, person.id, {"user": SLACKBOT, "text": text})


def _tell_failure(slack: Loopback, person: Person, channel: Channel, what: str, ack: Ack) -> None:
    slack.feed.publish(
        "ack_failed",
        channel=channel.id,
        channel_name=channel.name,
        visible_to=[person.id],
        error=ack.error,
        status=ack.status,
        plain=f"⚠ {what}: {ack.error}",
    )


def look_up(slack: Loopback, name: str, where: str) -> tuple[Person, Channel]:
    """Return the person and the channel of these names or ids, or raise NotPossible."""
    try:
        person = slack.workspace.person(name)
        if where.removeprefix("@") in (slack.workspace.bot.name, slack.workspace.bot.user_id, "bot"):
            return person, slack.direct_channel(person.id)
        return person, slack.workspace.channel(where)
    except UnknownName as error:
        raise NotPossible(str(error)) from error
