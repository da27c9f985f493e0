"""Files that people share: https://docs.slack.dev/messaging/working-with-files"""

from typing import Any

from playground.refusals import NotPossible
from playground.slack import payloads
from playground.slack.ids import new_id
from playground.slack.loopback import Loopback
from playground.slack.people import announce, referred
from playground.slack.workspace import Channel, Person

Json = dict[str, Any]


async def share(
    slack: Loopback,
    person: Person,
    channel: Channel,
    name: str,
    content: bytes,
    comment: str,
    thread_ts: str | None,
) -> Json:
    """Drop a file into a channel or thread, with a comment; return the message's ts and the file."""
    if person.id not in channel.members:
        raise NotPossible(f"{person.name} is not in #{channel.name}")
    if not content:
        raise NotPossible(f"{name} is empty")
    expected = slack.files.expect(name, len(content), "", slack.now(), person.id)
    slack.files.receive(expected.upload_path, content)
    file = slack.files.complete(expected.id, None) or expected
    fields: Json = {
        "subtype": "file_share",
        "user": person.id,
        "team": slack.workspace.team_id,
        "text": referred(slack, comment),
        "upload": False,
        **({"thread_ts": thread_ts} if thread_ts else {}),
    }
    message = slack.messages.post(channel.id, fields, lambda ts: slack.shown_in(file, channel, ts))
    slack.feed.publish(
        "file_shared",
        channel=channel.id,
        channel_name=channel.name,
        file=message["files"][0],
        ts=message["ts"],
    )
    event = {
        "type": "file_shared",
        "channel_id": channel.id,
        "file_id": file.id,
        "user_id": person.id,
        "file": {"id": file.id},
        "event_ts": slack.messages.next_ts(),
    }
    return {
        **await announce(slack, channel, message, _subscribed(slack, channel, event)),
        "file": message["files"][0],
    }


def _subscribed(slack: Loopback, channel: Channel, event: Json) -> list[Json]:
    """Return the event as a callback if the app subscribed to it and is in the channel."""
    if "file_shared" not in slack.settings.events or slack.workspace.bot.user_id not in channel.members:
        return []
    return [payloads.event_callback(slack.workspace, event, new_id("Ev"), slack.now())]
