"""Messages of all channels: posted, changed, deleted, threaded, and those that only one person sees."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

from playground.feed import Feed
from playground.slack.journal import Journal
from playground.slack.transcript import plain_message
from playground.slack.workspace import Workspace

Json = dict[str, Any]
_BOOKKEEPING = ("reply_count", "reply_users", "reply_users_count", "latest_reply")


class Messages:
    """Every message, by channel and timestamp; each change is told to the feed and the journal."""

    def __init__(
        self, workspace: Workspace, feed: Feed, journal: Journal, clock: Callable[[], float]
    ) -> None:
        self._workspace = workspace
        self._feed = feed
        self._journal = journal
        self._clock = clock
        self._channels: dict[str, dict[str, Json]] = {}
        self._private: dict[tuple[str, str], tuple[str, Json]] = {}
        self._last_ts = 0

    def next_ts(self) -> str:
        """Return a timestamp id that no message has: seconds, a dot, six digits, always growing."""
        self._last_ts = max(self._last_ts + 1, int(self._clock() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def post(self, channel: str, message: Json, files: Callable[[str], list[Json]] | None = None) -> Json:
        """Add a message that the whole channel sees; return it with its timestamp.

        *files* shares files in it and returns them, given the timestamp.
        """
        posted = {"type": "message", **message, "ts": self.next_ts()}
        if files is not None:
            posted["files"] = files(posted["ts"])
        self._channels.setdefault(channel, {})[posted["ts"]] = posted
        self._count_reply(channel, posted)
        self._keep(channel, posted)
        self._tell("message_posted", channel, posted, None)
        return posted

    def post_private(self, channel: str, user: str, message: Json) -> Json:
        """Add a message that only *user* sees; it is gone after a restart, as Slack's are after a reload."""
        posted = {"type": "message", **message, "ts": self.next_ts(), "is_ephemeral": True}
        self._private[channel, posted["ts"]] = (user, posted)
        self._tell("ephemeral_posted", channel, posted, user)
        return posted

    def find(self, channel: str, ts: str) -> Json | None:
        """Return a channel's message, or None."""
        return self._channels.get(channel, {}).get(ts)

    def find_private(self, channel: str, ts: str) -> tuple[str, Json] | None:
        """Return (user id, message) of a private message, or None."""
        return self._private.get((channel, ts))

    def change(self, channel: str, ts: str, changes: Json) -> Json:
        """Replace fields of a message (None removes one); return the message as it stands now."""
        private = self._private.get((channel, ts))
        message = private[1] if private else self._channels[channel][ts]
        before = copy.deepcopy(message)
        message.update(changes)
        for name in [name for name, value in message.items() if value is None]:
            del message[name]
        if private:
            self._tell("ephemeral_changed", channel, message, private[0], before)
        else:
            self._keep(channel, message)
            self._tell("message_changed", channel, message, None, before)
        return message

    def delete(self, channel: str, ts: str) -> None:
        """Take a message away, private or not."""
        private = self._private.pop((channel, ts), None)
        if private:
            self._tell("ephemeral_deleted", channel, private[1], private[0])
            return
        gone = self._channels[channel].pop(ts)
        self._journal.append("message_deleted", channel=channel, ts=ts)
        self._tell("message_deleted", channel, gone, None)

    def history(self, channel: str) -> list[Json]:
        """Return what stands in the channel itself, oldest first: no replies but those broadcast."""
        return [m for m in self._in_order(channel) if _is_top(m) or m.get("subtype") == "thread_broadcast"]

    def replies(self, channel: str, thread_ts: str) -> list[Json]:
        """Return a thread, its first message included, oldest first."""
        return [m for m in self._in_order(channel) if thread_ts in (m["ts"], m.get("thread_ts"))]

    def seen_by(self, channel: str, user: str, thread_ts: str | None = None) -> list[Json]:
        """Return what one person sees in a channel or thread, private messages included, oldest first."""
        public = self.replies(channel, thread_ts) if thread_ts else self.history(channel)
        private = [m for (where, _), (who, m) in self._private.items() if (where, who) == (channel, user)]
        if thread_ts:
            private = [m for m in private if m.get("thread_ts") == thread_ts]
        return sorted([*public, *private], key=lambda message: str(message["ts"]))

    def restore(self, channel: str, message: Json) -> None:
        """Put back a message from the journal, saying nothing to anybody."""
        self._channels.setdefault(channel, {})[message["ts"]] = message
        self._last_ts = max(self._last_ts, int(message["ts"].replace(".", "")))

    def forget(self, channel: str, ts: str) -> None:
        """Drop a message that the journal says was deleted."""
        self._channels.get(channel, {}).pop(ts, None)

    def plain(self, message: Json) -> str:
        """Return the message as a terminal shows it."""
        return plain_message(message, self._workspace)

    def _in_order(self, channel: str) -> Iterator[Json]:
        yield from self._channels.get(channel, {}).values()

    def _count_reply(self, channel: str, reply: Json) -> None:
        parent = self.find(channel, reply.get("thread_ts", ""))
        if parent is None or parent is reply:
            return
        users = [*parent.get("reply_users", [])]
        if (author := reply.get("user")) and author not in users:
            users.append(author)
        values = (parent.get("reply_count", 0) + 1, users, len(users), reply["ts"])
        parent.update(zip(_BOOKKEEPING, values, strict=True), thread_ts=parent["ts"])
        self._keep(channel, parent)

    def _keep(self, channel: str, message: Json) -> None:
        self._journal.append("message", channel=channel, message=message)

    def _tell(
        self, kind: str, channel: str, message: Json, user: str | None, before: Json | None = None
    ) -> None:
        where = self._workspace.channel(channel)
        self._feed.publish(
            kind,
            channel=channel,
            channel_name=where.name,
            visible_to=[user] if user else list(where.members),
            message=copy.deepcopy(message),
            plain=self.plain(message),
            **({"previous_plain": self.plain(before)} if before else {}),
        )


def _is_top(message: Json) -> bool:
    return message.get("thread_ts") in (None, message["ts"])
