"""The control API: what the web page, the story, the command line and tests use to be people. No Slack token.

It listens on loopback only, refuses other host names, and takes changes as JSON only, so that no web page
from elsewhere can reach it through somebody's browser.
"""

from typing import Any

from pydantic import Base64Bytes, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from playground.controls import Asked, Controls, Door, Json, routes
from playground.refusals import NotPossible
from playground.slack.acts import Place, ViewPlace, place_of, press, suggest
from playground.slack.completions import Completions
from playground.slack.entries import Tab, open_home, shortcut, verify
from playground.slack.faults import Fault
from playground.slack.loopback import Loopback
from playground.slack.modals import close, fill, submit
from playground.slack.people import look_up, say
from playground.slack.sharing import share
from playground.slack.sockets import Moment
from playground.slack.workspace import Channel, Person


class _Say(Asked):
    who: str = Field(alias="as")
    where: str = Field(alias="in")
    text: str = Field(min_length=1)
    thread_ts: str | None = None


class _Element(Asked):
    """An element of a message (channel and ts) or of a view; without either, of the view in front."""

    who: str = Field(alias="as")
    channel: str | None = None
    ts: str | None = None
    view: str | None = None
    action_id: str
    block_id: str | None = None
    values: dict[str, Any] = Field(default_factory=dict)


class _Press(_Element):
    value: Any = None


class _Suggest(_Element):
    query: str = ""


class _Submit(Asked):
    who: str = Field(alias="as")
    view: str | None = None
    values: dict[str, Any] = Field(default_factory=dict)


class _Close(Asked):
    who: str = Field(alias="as")
    view: str | None = None
    all: bool = False


class _Shortcut(Asked):
    who: str = Field(alias="as")
    callback_id: str
    channel: str | None = None
    ts: str | None = None


class _Home(Asked):
    who: str = Field(alias="as")
    tab: Tab = "home"


class _File(Asked):
    who: str = Field(alias="as")
    where: str = Field(alias="in")
    name: str = Field(min_length=1)
    content: Base64Bytes
    comment: str = ""
    thread_ts: str | None = None


class _Redeliver(Asked):
    delivery: str
    times: int = Field(default=1, ge=1, le=100)
    headers: dict[str, str] = Field(default_factory=dict)


class _NewPerson(Asked):
    name: str
    real_name: str = ""
    tz: str = "Etc/UTC"
    locale: str = "en-US"
    groups: list[str] = Field(default_factory=list)
    channels: list[str] = Field(default_factory=list)


class _NewChannel(Asked):
    name: str
    members: list[str] = Field(default_factory=list)
    with_bot: bool = True
    is_private: bool = False


class _App(Asked):
    url: str | None
    verify: bool = False


class _Disconnect(Asked):
    reason: str | None = "refresh_requested"


class _Cut(Asked):
    when: Moment = "now"
    times: int = Field(default=1, ge=0)


class Control:
    """Handlers over one workspace."""

    def __init__(self, slack: Loopback) -> None:
        self._slack = slack

    def routes(self) -> list[Route]:
        """Return the routes under /playground."""
        doors: list[Door] = [
            ("POST", "say", self._say),
            ("POST", "press", self._press),
            ("POST", "suggest", self._suggest),
            ("POST", "submit", self._submit),
            ("POST", "close", self._close),
            ("GET", "views", self._views),
            ("GET", "completions", self._completions),
            ("POST", "completions", self._complete),
            ("GET", "messages", self._messages),
            ("POST", "shortcut", self._shortcut),
            ("POST", "home", self._home),
            ("POST", "files", self._share),
            ("POST", "redeliver", self._redeliver),
            ("GET", "deliveries", self._deliveries),
            ("GET", "counts", self._counts),
            ("POST", "people", self._add_person),
            ("POST", "channels", self._add_channel),
            ("POST", "app", self._point_at),
            ("GET", "workspace", self._workspace),
            ("POST", "disconnect", self._disconnect),
            ("POST", "cut", self._cut),
        ]
        shared = Controls(self._slack.feed, self._slack.faults, Fault).doors()
        return [*routes([*shared, *doors]), Route("/playground/files/{file}", self._file, methods=["GET"])]

    async def _say(self, request: Request) -> Json:
        asked = _Say.model_validate_json(await request.body())
        person, channel = look_up(self._slack, asked.who, asked.where)
        return await say(self._slack, person, channel, asked.text, asked.thread_ts)

    async def _press(self, request: Request) -> Json:
        asked = _Press.model_validate_json(await request.body())
        person, place = await self._place(asked)
        return await press(self._slack, person, place, asked.action_id, asked.block_id, asked.value)

    async def _suggest(self, request: Request) -> Json:
        asked = _Suggest.model_validate_json(await request.body())
        person, place = await self._place(asked)
        return await suggest(self._slack, person, place, asked.action_id, asked.block_id, asked.query)

    async def _submit(self, request: Request) -> Json:
        asked = _Submit.model_validate_json(await request.body())
        person = self._slack.workspace.person(asked.who)
        return await submit(
            self._slack, person, self._slack.views.before(person.id, asked.view), asked.values
        )

    async def _close(self, request: Request) -> Json:
        asked = _Close.model_validate_json(await request.body())
        person = self._slack.workspace.person(asked.who)
        return await close(self._slack, person, self._slack.views.before(person.id, asked.view), asked.all)

    async def _views(self, request: Request) -> Json:
        views, person = self._slack.views, self._slack.workspace.person(request.query_params.get("as", ""))
        home = views.home(person.id)
        return {
            "modals": [views.shown(each) for each in views.modals(person.id)],
            "home": views.shown(home) if home else None,
            "seq": self._slack.feed.seq,
        }

    async def _completions(self, request: Request) -> Json:
        return self._slack.completions.model_dump()

    async def _complete(self, request: Request) -> Json:
        self._slack.completions = Completions.model_validate_json(await request.body())
        self._slack.feed.publish("completions_changed")
        return await self._completions(request)

    async def _messages(self, request: Request) -> Json:
        query = request.query_params
        person, channel = look_up(self._slack, query.get("as", ""), query.get("in", ""))
        if person.id not in channel.members and (channel.is_private or channel.is_im):
            raise NotPossible(f"{person.name} does not see #{channel.name}")
        seen = self._slack.messages.seen_by(channel.id, person.id, query.get("thread_ts"))
        shown = [self._shown(message) for message in seen]
        return {"channel": channel.id, "messages": shown, "seq": self._slack.feed.seq}

    async def _redeliver(self, request: Request) -> Json:
        asked = _Redeliver.model_validate_json(await request.body())
        try:
            acks = await self._slack.deliveries.repeat(asked.delivery, asked.times, asked.headers)
        except KeyError as error:
            raise NotPossible(f"no delivery {asked.delivery!r}") from error
        return {
            "attempts": [{"ok": a.ok, "status": a.status, "error": a.error, "ack_ms": a.ack_ms} for a in acks]
        }

    async def _deliveries(self, request: Request) -> Json:
        return {"deliveries": self._slack.deliveries.shown()}

    async def _counts(self, request: Request) -> Json:
        return self._slack.rates.table()

    async def _add_person(self, request: Request) -> Json:
        asked = _NewPerson.model_validate_json(await request.body())
        if any(person.name == asked.name for person in self._slack.workspace.people):
            raise NotPossible(f"there is a person {asked.name!r} already")
        channels = [self._slack.workspace.channel(name) for name in asked.channels]
        person = Person(name=asked.name, real_name=asked.real_name, tz=asked.tz, locale=asked.locale)
        self._slack.put_person(person, asked.groups)
        for channel in channels:
            channel.members.append(person.id)
            self._slack.keep_channel(channel)
        return person.model_dump()

    async def _add_channel(self, request: Request) -> Json:
        asked = _NewChannel.model_validate_json(await request.body())
        if any(channel.name == asked.name for channel in self._slack.workspace.channels):
            raise NotPossible(f"there is a channel {asked.name!r} already")
        members = [self._slack.workspace.person(name).id for name in asked.members]
        bot = [self._slack.workspace.bot.user_id] if asked.with_bot else []
        channel = Channel(name=asked.name, members=[*members, *bot], is_private=asked.is_private)
        self._slack.put_channel(channel)
        return channel.model_dump()

    async def _point_at(self, request: Request) -> Json:
        asked = _App.model_validate_json(await request.body())
        self._slack.deliveries.app_url = asked.url
        verified = {"verification": await verify(self._slack)} if asked.url and asked.verify else {}
        return {"url": asked.url, **verified}

    async def _workspace(self, request: Request) -> Json:
        return {
            **self._slack.workspace.model_dump(),
            "url": self._slack.base_url,
            "api_url": f"{self._slack.base_url}/api/",
            "app_url": self._slack.deliveries.app_url,
            "app": self._app(),
            "sockets": self._slack.sockets.connected(),
            "seq": self._slack.feed.seq,
        }

    async def _disconnect(self, request: Request) -> Json:
        asked = _Disconnect.model_validate_json(await request.body())
        return {"closed": await self._slack.sockets.disconnect(asked.reason)}

    async def _cut(self, request: Request) -> Json:
        asked = _Cut.model_validate_json(await request.body())
        self._slack.sockets.cut(asked.when, asked.times)
        return {"sockets": self._slack.sockets.connected()}

    async def _file(self, request: Request) -> Response:
        file = self._slack.files.find(request.path_params["file"])
        if file is None:
            return Response(status_code=404)
        headers = {
            "content-security-policy": "default-src 'none'; sandbox",
            "x-content-type-options": "nosniff",
        }
        return Response(self._slack.files.content(file.id), media_type=file.mimetype(), headers=headers)

    async def _shortcut(self, request: Request) -> Json:
        asked = _Shortcut.model_validate_json(await request.body())
        if asked.channel is None:
            person, channel = self._slack.workspace.person(asked.who), None
        else:
            person, channel = look_up(self._slack, asked.who, asked.channel)
        return await shortcut(self._slack, person, asked.callback_id, channel, asked.ts)

    async def _home(self, request: Request) -> Json:
        asked = _Home.model_validate_json(await request.body())
        return await open_home(self._slack, self._slack.workspace.person(asked.who), asked.tab)

    async def _share(self, request: Request) -> Json:
        asked = _File.model_validate_json(await request.body())
        person, channel = look_up(self._slack, asked.who, asked.where)
        return await share(
            self._slack, person, channel, asked.name, asked.content, asked.comment, asked.thread_ts
        )

    def _app(self) -> Json:
        """Return what the app registered; None means that anything is taken."""
        settings = self._slack.settings
        shortcuts = None if settings.shortcuts is None else [each.model_dump() for each in settings.shortcuts]
        return {
            "commands": settings.commands,
            "shortcuts": shortcuts,
            "events": settings.events,
            "home_tab": settings.home_tab,
        }

    async def _place(self, asked: _Element) -> tuple[Person, Place]:
        if asked.channel is not None and asked.ts is not None:
            person, channel = look_up(self._slack, asked.who, asked.channel)
            return person, place_of(self._slack, person, channel, asked.ts)
        person = self._slack.workspace.person(asked.who)
        view = self._slack.views.before(person.id, asked.view)
        await fill(self._slack, person, view, asked.values)
        return person, ViewPlace(view)

    def _shown(self, message: Json) -> Json:
        return {**message, "plain": self._slack.messages.plain(message)}
