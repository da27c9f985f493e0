"""files.*: https://docs.slack.dev/messaging/working-with-files#upload"""

from typing import Any

from playground.slack.blocks import with_ids
from playground.slack.files import ALT_TEXT_MOST, StoredFile
from playground.slack.methods.chat import prove_blocks
from playground.slack.methods.lookups import seen_channel
from playground.slack.web_api import ApiError, Call, method
from playground.slack.workspace import Channel

Json = dict[str, Any]


@method("files.getUploadURLExternal", scope="files:write")
def get_upload_url(call: Call) -> Json:
    """Give the address that the bytes are to be posted to."""
    name, length = call.needed("filename"), call.whole("length", 0)
    if length < 1:
        raise ApiError(
            "invalid_arguments", response_metadata={"messages": ["[ERROR] length must be positive"]}
        )
    alt_txt = call.text("alt_txt")
    if len(alt_txt) > ALT_TEXT_MOST:
        raise ApiError("alt_txt_too_large")
    bot = call.slack.workspace.bot.user_id
    file = call.slack.files.expect(name, length, alt_txt, call.slack.now(), bot)
    return {"upload_url": call.slack.base_url + file.upload_path, "file_id": file.id}


@method("files.completeUploadExternal", scope="files:write")
def complete_upload(call: Call) -> Json:
    """Close uploads and share them where the call says; without a channel they stay private."""
    asked = call.arguments.get("files")
    if (
        not isinstance(asked, list)
        or not asked
        or not all(isinstance(f, dict) and f.get("id") for f in asked)
    ):
        raise ApiError("invalid_arguments")
    channels = _channels(call)
    if (blocks := call.arguments.get("blocks")) is not None:
        prove_blocks(blocks)
    completed = [_completed(call, each) for each in asked]
    for channel in channels:
        _share(call, channel, completed)
    return {"files": [call.slack.files.shown(file) for file in completed]}


@method("files.info", scope="files:read")
def info(call: Call) -> Json:
    """Show one file."""
    file = call.slack.files.find(call.needed("file", "file_not_found"))
    if file is None or not call.slack.bot_sees(file):
        raise ApiError("file_not_found")
    return {"file": call.slack.files.shown(file), "comments": [], "response_metadata": {"next_cursor": ""}}


def _completed(call: Call, asked: Json) -> StoredFile:
    file = call.slack.files.complete(str(asked["id"]), asked.get("title"))
    if file is None:
        raise ApiError("file_not_found")
    return file


def _channels(call: Call) -> list[Channel]:
    keys = [call.text("channel_id"), *call.text("channels").split(",")]
    found = [seen_channel(call, key) for key in dict.fromkeys(key for key in keys if key)]
    bot = call.slack.workspace.bot.user_id
    if any(bot not in channel.members for channel in found):
        raise ApiError("not_in_channel")
    return found


def _share(call: Call, channel: Channel, files: list[StoredFile]) -> None:
    fields: Json = {"text": call.text("initial_comment"), "upload": True}
    if thread_ts := call.text("thread_ts"):
        fields["thread_ts"] = thread_ts
    if (blocks := call.arguments.get("blocks")) is not None:
        fields["blocks"] = with_ids(blocks)
    message = call.slack.messages.post(
        channel.id,
        call.slack.bot_message(fields),
        lambda ts: [shown for file in files for shown in call.slack.shown_in(file, channel, ts)],
    )
    for file in message["files"]:
        call.slack.feed.publish(
            "file_shared", channel=channel.id, channel_name=channel.name, file=file, ts=message["ts"]
        )
