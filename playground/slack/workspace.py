"""Who and what is in a workspace: people, user groups, channels, and the app's own bot. Data only."""

from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from playground.refusals import NotPossible
from playground.slack.ids import new_id

_T = TypeVar("_T")
CREATED = 1_700_000_000


class UnknownName(NotPossible):
    """Nobody and nothing in the workspace has that name or id; the message says which was asked for."""


class Person(BaseModel):
    """A member of the workspace."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(default_factory=lambda: new_id("U"))
    name: str
    real_name: str = ""
    tz: str = "Etc/UTC"
    locale: str = "en-US"


class UserGroup(BaseModel):
    """A user group such as @ml-owners, with the ids of its people."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(default_factory=lambda: new_id("S"))
    handle: str
    name: str = ""
    users: list[str] = Field(default_factory=list)


class Channel(BaseModel):
    """A conversation: a public or private channel, or a direct message between the bot and one person."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(default_factory=lambda: new_id("C"))
    name: str
    members: list[str] = Field(default_factory=list)
    is_private: bool = False
    is_im: bool = False


class Bot(BaseModel):
    """The app that is installed in the workspace and its bot user."""

    model_config = ConfigDict(extra="forbid")

    user_id: str = "U01TOBANBOT"
    bot_id: str = "B01TOBANBOT"
    app_id: str = "A01TOBANAPP"
    name: str = "toban"


class Workspace(BaseModel):
    """A workspace as it stands now; looking something up takes a name or an id."""

    model_config = ConfigDict(extra="forbid")

    team_id: str = "T01LOOPBACK"
    team_domain: str = "loopback"
    team_name: str = "Loopback"
    bot: Bot = Field(default_factory=Bot)
    people: list[Person] = Field(default_factory=list)
    groups: list[UserGroup] = Field(default_factory=list)
    channels: list[Channel] = Field(default_factory=list)

    def person(self, key: str) -> Person:
        """Return the person with this id or name (with or without “@”), or raise UnknownName."""
        wanted = key.removeprefix("@")
        return _find((p for p in self.people if wanted in (p.id, p.name)), f"no person {key!r}")

    def channel(self, key: str) -> Channel:
        """Return the channel with this id or name (with or without “#”), or raise UnknownName."""
        wanted = key.removeprefix("#")
        return _find((c for c in self.channels if wanted in (c.id, c.name)), f"no channel {key!r}")

    def group(self, key: str) -> UserGroup:
        """Return the user group with this id or handle, or raise UnknownName."""
        wanted = key.removeprefix("@")
        return _find((g for g in self.groups if wanted in (g.id, g.handle)), f"no user group {key!r}")

    def name_of(self, user_id: str) -> str:
        """Return the name that people see for a user id; an unknown id is returned as it is."""
        names = {person.id: person.name for person in self.people} | {self.bot.user_id: self.bot.name}
        return names.get(user_id, "Slackbot" if user_id == SLACKBOT else user_id)

    def direct_channel(self, user_id: str) -> tuple[Channel, bool]:
        """Return the direct message between the bot and a person, and whether it was just opened."""
        for channel in self.channels:
            if channel.is_im and user_id in channel.members:
                return channel, False
        members = [user_id, self.bot.user_id]
        opened = Channel(id=new_id("D"), name=f"dm-{self.name_of(user_id)}", members=members, is_im=True)
        self.channels.append(opened)
        return opened, True


SLACKBOT = "USLACKBOT"


def default_workspace() -> Workspace:
    """Return the demo team's workspace of three people; the bot is in every channel but #random."""
    owner, operator, viewer = (
        Person(id=f"U01{name.upper():0<8}"[:11], name=name, real_name=f"The {name}")
        for name in ("owner", "operator", "viewer")
    )
    bot = Bot()
    everybody = [owner.id, operator.id, viewer.id]
    return Workspace(
        bot=bot,
        people=[owner, operator, viewer],
        groups=[
            UserGroup(id="S01MLOWNERS", handle="ml-owners", name="ML owners", users=[owner.id]),
            UserGroup(
                id="S01MLOPERAT", handle="ml-operators", name="ML operators", users=[owner.id, operator.id]
            ),
        ],
        channels=[
            Channel(id="C01ARRIVALS", name="ml-arrivals", members=[*everybody, bot.user_id]),
            Channel(id="C01WINE0000", name="ml-wine", members=[*everybody, bot.user_id]),
            Channel(id="C01RANDOM00", name="random", members=everybody),
        ],
    )


def user_object(workspace: Workspace, person: Person, include_locale: bool = False) -> dict[str, Any]:
    """Return a person as users.info shows them: https://docs.slack.dev/reference/objects/user-object"""
    shown = person.real_name or person.name
    return {
        "id": person.id,
        "team_id": workspace.team_id,
        "name": person.name,
        "deleted": False,
        "real_name": shown,
        "tz": person.tz,
        "profile": {"real_name": shown, "display_name": person.name, "team": workspace.team_id},
        "is_bot": False,
        "is_app_user": False,
        "updated": CREATED,
        **({"locale": person.locale} if include_locale else {}),
    }


def bot_user_object(workspace: Workspace, include_locale: bool = False) -> dict[str, Any]:
    """Return the app's bot user as users.info shows it."""
    bot = workspace.bot
    person = Person(id=bot.user_id, name=bot.name, real_name=bot.name)
    shown = user_object(workspace, person, include_locale)
    shown["profile"] |= {"api_app_id": bot.app_id, "bot_id": bot.bot_id}
    return shown | {"is_bot": True}


def channel_object(workspace: Workspace, channel: Channel) -> dict[str, Any]:
    """Return a channel as conversations.info shows it: https://docs.slack.dev/reference/objects/conversation-object"""
    if channel.is_im:
        other = next((m for m in channel.members if m != workspace.bot.user_id), "")
        return {"id": channel.id, "created": CREATED, "is_im": True, "user": other, "is_archived": False}
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "created": CREATED,
        "creator": channel.members[0] if channel.members else SLACKBOT,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "is_archived": False,
        "is_general": False,
        "is_shared": False,
        "is_member": workspace.bot.user_id in channel.members,
        "num_members": len(channel.members),
        "context_team_id": workspace.team_id,
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }


def _find(found: Iterator[_T], otherwise: str) -> _T:
    for item in found:
        return item
    raise UnknownName(otherwise)
