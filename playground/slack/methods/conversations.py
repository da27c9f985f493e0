"""conversations.*: https://docs.slack.dev/reference/methods?filter=conversations"""

import math
from typing import Any

from playground.slack.methods.lookups import joined_channel, known_person, page, seen_channel
from playground.slack.web_api import ApiError, Call, method
from playground.slack.workspace import Channel, channel_object

Json = dict[str, Any]
# https://docs.slack.dev/reference/methods/conversations.list, “types”
KINDS = frozenset({"public_channel", "private_channel", "mpim", "im"})


@method("conversations.info", scope="channels:read")
def info(call: Call) -> Json:
    """Show one channel."""
    shown = channel_object(call.slack.workspace, seen_channel(call))
    if not call.flag("include_num_members"):
        shown.pop("num_members", None)
    return {"channel": shown}


@method("conversations.list", scope="channels:read")
def list_all(call: Call) -> Json:
    """List the channels that the bot can see, of the types asked for (public channels by default)."""
    found = [c for c in call.slack.workspace.channels if _is_wanted(call, c) and _is_visible(call, c)]
    rows, cursor = page(call, found, 100)
    shown = [channel_object(call.slack.workspace, channel) for channel in rows]
    return {"channels": shown, "response_metadata": {"next_cursor": cursor}}


@method("users.conversations", scope="channels:read")
def of_user(call: Call) -> Json:
    """List the channels that the bot, or the person asked for, is in."""
    user = call.text("user") or call.slack.workspace.bot.user_id
    visible = [c for c in call.slack.workspace.channels if _is_wanted(call, c) and _is_visible(call, c)]
    rows, cursor = page(call, [channel for channel in visible if user in channel.members], 100)
    shown = [channel_object(call.slack.workspace, channel) for channel in rows]
    return {"channels": shown, "response_metadata": {"next_cursor": cursor}}


@method("conversations.members", scope="channels:read")
def members(call: Call) -> Json:
    """List who is in a channel."""
    rows, cursor = page(call, seen_channel(call).members, 100)
    return {"members": rows, "response_metadata": {"next_cursor": cursor}}


@method("conversations.history", scope="channels:history")
def history(call: Call) -> Json:
    """List a channel's messages, newest first."""
    channel = joined_channel(call)
    found = _between(call, call.slack.messages.history(channel.id))
    rows, cursor = page(call, found[::-1], 100)
    return _messages(call, rows, cursor)


@method("conversations.replies", scope="channels:history")
def replies(call: Call) -> Json:
    """List a thread, oldest first, with its first message."""
    channel = joined_channel(call)
    thread = call.slack.messages.replies(channel.id, call.needed("ts", "thread_not_found"))
    if not thread:
        raise ApiError("thread_not_found")
    rows, cursor = page(call, _between(call, thread), 1_000)
    return _messages(call, rows, cursor)


@method("conversations.open", scope="im:write")
def open_direct(call: Call) -> Json:
    """Open the direct message with one person."""
    if key := call.text("channel"):
        return {"channel": {"id": seen_channel(call, key).id}}
    users = [user for user in call.needed("users", "users_list_not_supplied").split(",") if user]
    if len(users) != 1:
        raise ApiError("not_enough_users" if not users else "method_not_supported_for_channel_type")
    person = known_person(call, users[0])
    before = len(call.slack.workspace.channels)
    channel = call.slack.direct_channel(person.id)
    is_new = len(call.slack.workspace.channels) > before
    return {"channel": {"id": channel.id}, **({} if is_new else {"no_op": True, "already_open": True})}


@method("conversations.join", scope="channels:join")
def join(call: Call) -> Json:
    """Let the bot enter a public channel."""
    channel = seen_channel(call)
    if channel.is_private or channel.is_im:
        raise ApiError("method_not_supported_for_channel_type")
    bot = call.slack.workspace.bot.user_id
    already = bot in channel.members
    if not already:
        channel.members.append(bot)
        call.slack.keep_channel(channel)
        call.slack.feed.publish("member_joined", channel=channel.id, channel_name=channel.name, user=bot)
    warning = {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
    return {"channel": channel_object(call.slack.workspace, channel), **(warning if already else {})}


def _is_wanted(call: Call, channel: Channel) -> bool:
    kind = "im" if channel.is_im else "private_channel" if channel.is_private else "public_channel"
    wanted = call.text("types", "public_channel").replace(" ", "").split(",")
    if not KINDS.issuperset(wanted):
        raise ApiError("invalid_types")
    return kind in wanted


def _is_visible(call: Call, channel: Channel) -> bool:
    hidden = channel.is_private or channel.is_im
    return not hidden or call.slack.workspace.bot.user_id in channel.members


def _between(call: Call, messages: list[Json]) -> list[Json]:
    """Keep what is newer than “oldest” and older than “latest”; “inclusive” lets the ends in."""
    oldest, latest = _moment(call, "oldest", 0.0), _moment(call, "latest", math.inf)
    if call.flag("inclusive"):
        return [m for m in messages if oldest <= float(m["ts"]) <= latest]
    return [m for m in messages if oldest < float(m["ts"]) < latest]


def _moment(call: Call, name: str, default: float) -> float:
    try:
        return float(call.text(name) or default)
    except ValueError as error:
        raise ApiError(f"invalid_ts_{name}") from error


def _messages(call: Call, rows: list[Json], cursor: str) -> Json:
    """Metadata is shown only on request: https://docs.slack.dev/messaging/message-metadata"""
    if not call.flag("include_all_metadata"):
        rows = [{name: value for name, value in row.items() if name != "metadata"} for row in rows]
    metadata = {"response_metadata": {"next_cursor": cursor}} if cursor else {}
    return {"messages": rows, "has_more": bool(cursor), "pin_count": 0, **metadata}
