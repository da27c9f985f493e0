"""chat.*, reactions.add and blocks.validate: https://docs.slack.dev/reference/methods"""

import re
from typing import Any

from playground.slack.block_checks import Problem
from playground.slack.blocks import ALL_TEXT_MOST, find_problems, text_size, view_problems, with_ids
from playground.slack.methods.lookups import joined_channel, known_person, seen_channel
from playground.slack.web_api import ApiError, Call, method
from playground.slack.workspace import Channel

Json = dict[str, Any]
# https://docs.slack.dev/reference/methods/chat.postMessage and chat.update, “msg_too_long”
POST_TEXT_MOST = 40_000
UPDATE_TEXT_MOST = 4_000
ATTACHMENTS_MOST = 100
# https://docs.slack.dev/reference/methods/reactions.add, “invalid_name”; a skin tone stands behind two colons
_EMOJI_NAME = re.compile(r"[\w+'-]+(::skin-tone-[2-6])?")
_BARE_AMPERSAND = re.compile(r"&(?!amp;|lt;|gt;)")


@method("chat.postMessage", scope="chat:write")
def post_message(call: Call) -> Json:
    """Post to a channel, or to a person's direct message when a user id is given."""
    channel = _post_target(call)
    fields = content(call, POST_TEXT_MOST)
    fields |= _thread(call, channel)
    fields |= {
        name: call.arguments[name] for name in ("username", "icon_emoji", "icon_url") if call.text(name)
    }
    message = call.slack.messages.post(channel.id, call.slack.bot_message(fields))
    return {"channel": channel.id, "ts": message["ts"], "message": message}


@method("chat.update", scope="chat:write")
def update(call: Call) -> Json:
    """Change a message of the bot; fields that are not given stay as they were."""
    channel = joined_channel(call)
    message = own_message(call, channel, "cant_update_message")
    fields = content(call, UPDATE_TEXT_MOST)
    changes: Json = {name: value for name, value in fields.items() if name != "text" or value}
    changes["edited"] = {"user": call.slack.workspace.bot.user_id, "ts": call.slack.messages.next_ts()}
    changed = call.slack.messages.change(channel.id, message["ts"], changes)
    return {"channel": channel.id, "ts": changed["ts"], "text": changed.get("text", ""), "message": changed}


@method("chat.postEphemeral", scope="chat:write")
def post_ephemeral(call: Call) -> Json:
    """Show a message to one person in a channel."""
    channel = joined_channel(call)
    person = known_person(call, call.needed("user"), "user_not_in_channel")
    if person.id not in channel.members:
        raise ApiError("user_not_in_channel")
    fields = content(call, POST_TEXT_MOST)
    if thread_ts := call.text("thread_ts"):
        fields["thread_ts"] = thread_ts
    message = call.slack.messages.post_private(channel.id, person.id, call.slack.bot_message(fields))
    return {"message_ts": message["ts"]}


@method("chat.delete", scope="chat:write")
def delete(call: Call) -> Json:
    """Take back a message of the bot."""
    channel = seen_channel(call)
    message = own_message(call, channel, "cant_delete_message")
    call.slack.messages.delete(channel.id, message["ts"])
    return {"channel": channel.id, "ts": message["ts"]}


@method("chat.getPermalink")
def get_permalink(call: Call) -> Json:
    """Give a message's address."""
    channel = seen_channel(call)
    ts = call.needed("message_ts", "message_not_found")
    message = call.slack.messages.find(channel.id, ts)
    if message is None:
        raise ApiError("message_not_found")
    thread = message.get("thread_ts", ts)
    query = f"?thread_ts={thread}&cid={channel.id}" if thread != ts else ""
    permalink = f"{call.slack.base_url}/archives/{channel.id}/p{ts.replace('.', '')}{query}"
    return {"channel": channel.id, "permalink": permalink}


@method("reactions.add", scope="reactions:write")
def add_reaction(call: Call) -> Json:
    """Put an emoji on a message."""
    name = call.needed("name", "no_reaction_name").strip(":")
    if not _EMOJI_NAME.fullmatch(name):
        raise ApiError("invalid_name")
    channel = joined_channel(call)
    message = call.slack.messages.find(channel.id, call.needed("timestamp", "no_item_specified"))
    if message is None:
        raise ApiError("message_not_found")
    bot, reactions = call.slack.workspace.bot.user_id, [*message.get("reactions", [])]
    if any(reaction["name"] == name for reaction in reactions):
        raise ApiError("already_reacted")
    reactions.append({"name": name, "users": [bot], "count": 1})
    call.slack.messages.change(channel.id, message["ts"], {"reactions": reactions})
    return {}


@method("blocks.validate", token="none")
def validate_blocks(call: Call) -> Json:
    """Judge blocks, a message or a view without posting it: exactly one of them."""
    given = [name for name in ("blocks", "message", "view") if call.arguments.get(name) is not None]
    if len(given) != 1:
        raise ApiError("invalid_arguments")
    value = call.arguments[given[0]]
    if given == ["view"]:
        problems = view_problems(value)
    elif given == ["message"]:
        problems = find_problems(value.get("blocks") if isinstance(value, dict) else None)
    else:
        problems = find_problems(value, at="")
    if problems:
        raise ApiError(f"invalid_{given[0]}", errors=[_validation_error(problem) for problem in problems])
    return {}


def content(call: Call, text_most: int) -> Json:
    """Return text, blocks, attachments and metadata of a message, or refuse what Slack would refuse."""
    blocks, attachments = _blocks(call), call.arguments.get("attachments")
    prove_content(call.text("text"), blocks, attachments, text_most)
    fields: Json = {"text": escaped(call.text("text"))}
    if blocks is not None:
        fields["blocks"] = with_ids(blocks)
    if attachments is not None:
        fields["attachments"] = [{"id": number, **each} for number, each in enumerate(attachments, start=1)]
    if (metadata := call.arguments.get("metadata")) is not None:
        fields["metadata"] = _proven_metadata(metadata)
    return fields


def _blocks(call: Call) -> Any:
    """https://docs.slack.dev/reference/methods/chat.postMessage: markdown_text stands alone."""
    blocks, markdown = call.arguments.get("blocks"), call.text("markdown_text")
    if markdown and (blocks or call.text("text")):
        raise ApiError("markdown_text_conflict")
    return [{"type": "markdown", "text": markdown}] if markdown else blocks


def prove_content(text: str, blocks: Any, attachments: Any, text_most: int = POST_TEXT_MOST) -> None:
    """Raise ApiError unless Slack would take a message of these parts, over a method or a response URL."""
    if not text and not blocks and not attachments:
        raise ApiError("no_text")
    if blocks is not None:
        prove_blocks(blocks)
    if attachments is not None:
        _prove_attachments(attachments)
    if len(text) > text_most:
        raise ApiError("msg_too_long")


def prove_blocks(blocks: Any) -> None:
    """Raise invalid_blocks, invalid_blocks_format or msg_blocks_too_long for what Slack would not take."""
    if not isinstance(blocks, list):
        raise ApiError("invalid_blocks_format")
    if problems := find_problems(blocks):
        raise _refusal("invalid_blocks", problems)
    if text_size(blocks) > ALL_TEXT_MOST:
        raise ApiError("msg_blocks_too_long")


def escaped(text: str) -> str:
    """Return the text as Slack stores it: a bare “&” becomes “&amp;”."""
    return _BARE_AMPERSAND.sub("&amp;", text)


def own_message(call: Call, channel: Channel, refusal: str) -> Json:
    """Return the bot's own message that the call names by ts, or refuse."""
    message = call.slack.messages.find(channel.id, call.needed("ts", "message_not_found"))
    if message is None:
        raise ApiError("message_not_found")
    if message.get("bot_id") != call.slack.workspace.bot.bot_id:
        raise ApiError(refusal)
    return message


def _post_target(call: Call) -> Channel:
    """A public channel without the bot takes posts only with chat:write.public."""
    wanted = call.needed("channel", "channel_not_found")
    people = {person.id for person in call.slack.workspace.people}
    channel = call.slack.direct_channel(wanted) if wanted in people else seen_channel(call, wanted)
    public = not channel.is_private and "chat:write.public" in (call.slack.settings.scopes or ())
    if call.slack.workspace.bot.user_id not in channel.members and not public:
        raise ApiError("not_in_channel")
    return channel


def _thread(call: Call, channel: Channel) -> Json:
    thread_ts = call.text("thread_ts")
    if not thread_ts:
        return {}
    parent = call.slack.messages.find(channel.id, thread_ts)
    if parent is None:
        raise ApiError("thread_not_found")
    root = str(parent.get("thread_ts", thread_ts))
    broadcast = {"subtype": "thread_broadcast"} if call.flag("reply_broadcast") else {}
    return {"thread_ts": root, "parent_user_id": parent.get("user", ""), **broadcast}


def _prove_attachments(attachments: Any) -> None:
    if not isinstance(attachments, list) or not all(isinstance(each, dict) for each in attachments):
        raise ApiError("invalid_attachments")
    if len(attachments) > ATTACHMENTS_MOST:
        raise ApiError("too_many_attachments")
    for number, attachment in enumerate(attachments):
        if "blocks" in attachment and (
            problems := find_problems(attachment["blocks"], at=f"/attachments/{number}/blocks")
        ):
            raise _refusal("invalid_attachments", problems)


def _proven_metadata(metadata: Any) -> Json:
    """https://docs.slack.dev/messaging/message-metadata: an event type and a payload"""
    if not isinstance(metadata, dict):
        raise ApiError("invalid_metadata_format")
    if not isinstance(metadata.get("event_type"), str) or not isinstance(metadata.get("event_payload"), dict):
        raise ApiError("invalid_metadata_schema")
    return metadata


def _refusal(error: str, problems: list[Problem]) -> ApiError:
    lines = [problem.line() for problem in problems]
    return ApiError(
        error, errors=lines, response_metadata={"messages": [f"[ERROR] {line}" for line in lines]}
    )


def _validation_error(problem: Problem) -> Json:
    return {"pointer": problem.pointer, "code": "failed_constraint", "message": problem.message}
