"""Finding the channel or person that a call names, and pages of a list."""

import base64
from typing import Any

from playground.slack.web_api import ApiError, Call
from playground.slack.workspace import Channel, Person, UnknownName

Json = dict[str, Any]


def seen_channel(call: Call, key: str | None = None) -> Channel:
    """Return the channel that a call names, or refuse: without the bot a private one does not exist."""
    wanted = call.needed("channel", "channel_not_found") if key is None else key
    workspace = call.slack.workspace
    try:
        channel = workspace.channel(wanted)
    except UnknownName as error:
        raise ApiError("channel_not_found") from error
    if (channel.is_private or channel.is_im) and workspace.bot.user_id not in channel.members:
        raise ApiError("channel_not_found")
    return channel


def joined_channel(call: Call) -> Channel:
    """Return a channel that the bot is in, or refuse with not_in_channel."""
    channel = seen_channel(call)
    if call.slack.workspace.bot.user_id not in channel.members:
        raise ApiError("not_in_channel")
    return channel


def known_person(call: Call, key: str, error: str = "user_not_found") -> Person:
    """Return the person with this id, or refuse."""
    found = next((person for person in call.slack.workspace.people if person.id == key), None)
    if found is None:
        raise ApiError(error)
    return found


def page(call: Call, rows: list[Any], default: int, most: int = 1_000) -> tuple[list[Any], str]:
    """Return one page of *rows* and the cursor of the next (“” at the end): https://docs.slack.dev/apis/web-api/pagination"""
    size = min(call.whole("limit", default) or default, most)
    start = _offset(call.text("cursor"))
    following = start + size
    cursor = base64.b64encode(f"at:{following}".encode()).decode() if following < len(rows) else ""
    return rows[start:following], cursor


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor).decode().removeprefix("at:"))
    except ValueError as error:
        raise ApiError("invalid_cursor") from error
