"""The live workspace: its data and the parts that act on it, used from the server's loop only."""

import asyncio
from typing import Any

from playground.feed import Feed
from playground.slack.completions import Completions
from playground.slack.deliveries import Deliveries
from playground.slack.faults import Faults
from playground.slack.files import Files, StoredFile
from playground.slack.inputs import Values
from playground.slack.journal import Journal
from playground.slack.messages import Messages
from playground.slack.rates import Rates
from playground.slack.response_urls import ResponseUrls
from playground.slack.settings import Settings
from playground.slack.sockets import Sockets
from playground.slack.triggers import Triggers
from playground.slack.views import Views
from playground.slack.workspace import Channel, Person

Json = dict[str, Any]


class Loopback:
    """One workspace as it runs, at *base_url*."""

    def __init__(self, settings: Settings, base_url: str) -> None:
        self.settings = settings
        self.base_url = base_url
        self.socket_url = base_url.replace("http://", "ws://", 1)
        self.workspace = settings.workspace.model_copy(deep=True)
        team = self.workspace.team_id
        self.closing = asyncio.Event()
        self.completions = Completions()
        self.feed = Feed()
        self.journal = Journal(settings.state)
        self.messages = Messages(self.workspace, self.feed, self.journal, settings.clock)
        self.files = Files(self.journal, base_url, team)
        self.rates = Rates(settings.clock)
        self.faults = Faults()
        self.triggers = Triggers(settings.clock, settings.trigger_seconds)
        self.response_urls = ResponseUrls(
            settings.clock, settings.response_url_seconds, settings.response_url_uses
        )
        self.views = Views(self.workspace, self.feed)
        # What people entered in messages, and which options the app offered in menus that search.
        self.entered: dict[tuple[str, str], Values] = {}
        self.offered: dict[tuple[str, str, str], list[Json]] = {}
        self.scheduled: dict[str, Json] = {}
        self.sockets = Sockets(self.workspace.bot.app_id, self.feed)
        self.deliveries = Deliveries(settings, self.feed, self.sockets)
        self._restore()

    def now(self) -> int:
        """Return whole seconds since 1970 by the settings' clock."""
        return int(self.settings.clock())

    def put_channel(self, channel: Channel) -> None:
        """Add a channel, or put it in the place of the one with its id."""
        others = [known for known in self.workspace.channels if known.id != channel.id]
        self.workspace.channels[:] = [*others, channel]
        self.keep_channel(channel)

    def keep_channel(self, channel: Channel) -> None:
        """Write down how a channel stands after its members changed."""
        self.journal.append("channel", channel=channel.model_dump())

    def put_person(self, person: Person, groups: list[str]) -> None:
        """Add a person (or replace the one with that id) and put them into user groups."""
        others = [known for known in self.workspace.people if known.id != person.id]
        self.workspace.people[:] = [*others, person]
        for handle in groups:
            group = self.workspace.group(handle)
            group.users = [*dict.fromkeys([*group.users, person.id])]
        self.journal.append("person", person=person.model_dump(), groups=groups)

    def direct_channel(self, user_id: str) -> Channel:
        """Return the direct message with a person, opening it the first time."""
        channel, opened = self.workspace.direct_channel(user_id)
        if opened:
            self.keep_channel(channel)
        return channel

    def bot_message(self, fields: Json) -> Json:
        """Return message fields with the author that Slack adds to an app's messages."""
        bot = self.workspace.bot
        profile = {
            "id": bot.bot_id,
            "name": bot.name,
            "app_id": bot.app_id,
            "team_id": self.workspace.team_id,
        }
        author = {
            "user": bot.user_id,
            "bot_id": bot.bot_id,
            "app_id": bot.app_id,
            "team": self.workspace.team_id,
            "bot_profile": {**profile, "deleted": False, "updated": self.now()},
        }
        return {**author, **fields}

    def shown_in(self, file: StoredFile, channel: Channel, ts: str) -> list[Json]:
        """Share a file in the message of this timestamp and return it as the message shows it."""
        self.files.share(file, channel.id, ts)
        return [self.files.shown(file)]

    def bot_sees(self, file: StoredFile) -> bool:
        """Return whether the app may read a file: its own ones, and those in channels that it is in."""
        bot = self.workspace.bot.user_id
        channels = [channel for channel in self.workspace.channels if channel.id in file.shares]
        return file.user == bot or any(bot in channel.members for channel in channels)

    def close(self) -> None:
        """Wake who waits and stop what is planned."""
        self.closing.set()
        self.feed.close()
        self.deliveries.close()
        self.journal.close()

    def _restore(self) -> None:
        for row in self.journal.rows():
            match row.pop("kind"):
                case "message":
                    self.messages.restore(**row)
                case "message_deleted":
                    self.messages.forget(**row)
                case "channel":
                    channel = Channel(**row["channel"])
                    self.workspace.channels[:] = [
                        c for c in self.workspace.channels if c.id != channel.id
                    ] + [channel]
                case "person":
                    self._restore_person(Person(**row["person"]), row["groups"])
                case "file":
                    self.files.restore(row["file"])

    def _restore_person(self, person: Person, groups: list[str]) -> None:
        self.workspace.people[:] = [p for p in self.workspace.people if p.id != person.id] + [person]
        for handle in groups:
            group = self.workspace.group(handle)
            group.users = [*dict.fromkeys([*group.users, person.id])]
