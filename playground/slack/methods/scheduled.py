"""chat.scheduleMessage, chat.deleteScheduledMessage, chat.scheduledMessages.list: messages for later.

https://docs.slack.dev/messaging/sending-and-scheduling-messages#scheduling
"""

import asyncio
from typing import Any

from playground.slack.ids import new_id
from playground.slack.loopback import Loopback
from playground.slack.methods.chat import POST_TEXT_MOST, content
from playground.slack.methods.lookups import joined_channel, page, seen_channel
from playground.slack.web_api import ApiError, Call, method

Json = dict[str, Any]
FAR_MOST_SECONDS = 120 * 24 * 3600


@method("chat.scheduleMessage", scope="chat:write")
def schedule(call: Call) -> Json:
    """Keep a message until its time, at most 120 days ahead."""
    channel = joined_channel(call)
    fields = content(call, POST_TEXT_MOST)
    post_at = call.whole("post_at", 0)
    ahead = post_at - call.slack.now()
    if post_at == 0:
        raise ApiError("invalid_time")
    if ahead <= 0:
        raise ApiError("time_in_past")
    if ahead > FAR_MOST_SECONDS:
        raise ApiError("time_too_far")
    key = new_id("Q")
    record: Json = {"id": key, "channel_id": channel.id, "post_at": post_at, "date_created": call.slack.now()}
    call.slack.scheduled[key] = {**record, "text": fields["text"]}
    # Slack's page says that a scheduled message with metadata is not posted; it is not here, either.
    if "metadata" not in fields:
        asyncio.get_running_loop().call_later(ahead, _post, call.slack, key, fields)
    message = {"text": fields["text"], "type": "delayed_message", "bot_id": call.slack.workspace.bot.bot_id}
    return {"channel": channel.id, "scheduled_message_id": key, "post_at": post_at, "message": message}


@method("chat.deleteScheduledMessage", scope="chat:write")
def delete_scheduled(call: Call) -> Json:
    """Take back a message whose time has not come."""
    channel, key = seen_channel(call), call.needed("scheduled_message_id")
    kept = call.slack.scheduled.get(key)
    if kept is None or kept["channel_id"] != channel.id:
        raise ApiError("invalid_scheduled_message_id")
    del call.slack.scheduled[key]
    return {}


@method("chat.scheduledMessages.list")
def list_scheduled(call: Call) -> Json:
    """List what waits for its time, in one channel or in all."""
    only = seen_channel(call).id if call.text("channel") else None
    found = [kept for kept in call.slack.scheduled.values() if only in (None, kept["channel_id"])]
    rows, cursor = page(call, found, 100)
    return {"scheduled_messages": rows, "response_metadata": {"next_cursor": cursor}}


def _post(slack: Loopback, key: str, fields: Json) -> None:
    """Post a message whose time has come, unless it was taken back."""
    kept = slack.scheduled.pop(key, None)
    if kept is not None:
        slack.messages.post(kept["channel_id"], slack.bot_message(fields))
