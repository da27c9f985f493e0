"""Slack's Web API as the flows use it: post, edit, answer privately, upload, look up people.

Every call waits for its turn (`bot.slack_turns`) and has a time-out; Slack's errors are translated once,
here.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    ServerErrorRetryHandler,
)
from slack_sdk.web import SlackResponse

from bot import response_urls
from bot.errors import ConfigurationError, NotInChannel, SlackBusy, SlackRefused, SlackUnreachable
from bot.messages.message import Attachment, Message, without_files
from bot.settings import SlackSettings
from bot.slack_client import (
    RETRY_LATER,
    NoAnswer,
    SlackClient,
    TroubleRetryHandler,
    is_refused_for_its_rate,
    retry_after,
)
from bot.slack_files import read_file
from bot.slack_turns import Turns, waiting_at_most

log = logging.getLogger(__name__)
T = TypeVar("T")

TOKEN_GONE = frozenset(
    {
        *("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"),
        *("org_login_required", "ekm_access_denied"),
    }
)
"""What Slack says of a token that it does not take: somebody will install the app again, or put another token
in, and results must not be lost until then (https://docs.slack.dev/reference/methods/chat.postMessage#errors).
`access_denied` is none of these: it is about the channel or the file that was named, and no wait helps.
"""
OPEN_SOCKET = "apps.connections.open"
ASKS_OF_THE_TOKEN = frozenset({"auth.test", OPEN_SOCKET})
"""Methods that ask just that; the second about the app's token."""
OF_AN_ORGANIZATION = "it is for a whole organization; install the app in one workspace and take that token"
"""Such a token speaks for many workspaces, each of which would have to be named in every call:
https://docs.slack.dev/enterprise/developing-for-enterprise-orgs
"""
NOT_THERE = frozenset({"not_in_channel", "channel_not_found", "user_not_in_channel"})
BLOCKS_REFUSED = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
LOOKED_PAGES = 5
LOOKED_AT_ONCE = 200
"""A post that may stand there already is looked for among the newest thousand messages, and a channel's name
among a thousand channels that the bot is in."""
CHANNELS, PEOPLE = ("C", "D", "G"), ("U", "W")
"""With what ids begin, and no name does: those are in lower case."""
MOST_SECTION = 3000
"""Characters of a section's text (https://docs.slack.dev/reference/block-kit/blocks/section-block)."""


@dataclass(frozen=True)
class Identity:
    """Who the bot is in its workspace."""

    team_id: str
    team: str
    user_id: str
    user: str
    bot_id: str


class SlackDesk:
    """The bot's hands in Slack. Thread-safe; holds no state but its clients and their turns."""

    def __init__(self, settings: SlackSettings, turns: Turns | None = None) -> None:
        self.turns = turns or Turns()
        kinds = (ConnectionErrorRetryHandler, ServerErrorRetryHandler, TroubleRetryHandler)
        again = [kind(max_retry_count=2) for kind in kinds]
        self.client: WebClient = SlackClient(settings, self.turns, again)
        # Whether a post was taken whose answer was lost is for the caller to see before it is sent again.
        self._poster = SlackClient(settings, self.turns, ())

    def identity(self) -> Identity:
        """Return who the token belongs to (`auth.test`).

        Raises ConfigurationError where that is nobody in one workspace.
        """
        reply = self._call("auth.test", self.client.auth_test)
        if reply.get("is_enterprise_install"):
            raise ConfigurationError([f"SLACK_BOT_TOKEN: {OF_AN_ORGANIZATION}"])
        known = {one: str(reply.get(one) or "") for one in ("team_id", "team", "user_id", "user", "bot_id")}
        if not (known["team_id"] and known["user_id"]):
            raise ConfigurationError(["SLACK_BOT_TOKEN: whoever answers at SLACK_API_URL does not say whose"])
        return Identity(**known)

    def open_socket(self, app_token: str) -> str:
        """Return the address of one new connection for Socket Mode; it opens once, and soon.

        Source: https://docs.slack.dev/reference/methods/apps.connections.open
        """
        reply = self._call(OPEN_SOCKET, lambda: self.client.apps_connections_open(app_token=app_token))
        return str(reply["url"])

    def post(
        self,
        channel: str,
        message: Message,
        *,
        thread_ts: str | None = None,
        about: dict[str, Any] | None = None,
    ) -> dict[str, str]:
        """Post *message* without its files; return `{"channel", "ts"}`, and `thread_ts` in a thread.

        *channel* may be a person, too.

        Raises NotInChannel where the bot is no member.
        """
        where = {"channel": channel, "thread_ts": thread_ts, "unfurl_links": False, "unfurl_media": False}
        reply = self._send("chat.postMessage", message, {**where, "metadata": _metadata(about)}, self._poster)
        place = {"channel": str(reply.get("channel") or channel), "ts": str(reply["ts"])}
        return place | _in_thread(thread_ts)

    def find(
        self, channel: str, about: dict[str, Any], *, thread_ts: str | None = None
    ) -> dict[str, str] | None:
        """Return where a post of ours with all of *about* in its metadata stands; None where none is seen.

        A person's id stands for the talk with them, which has no history. Raises SlackRefused where the bot
        may not read the channel's history, nor, where *channel* is a name, which channels it is in.
        """
        where = channel if channel.startswith(CHANNELS + PEOPLE) else self._id_of(channel.removeprefix("#"))
        if where is None or where.startswith(PEOPLE):
            return None
        for message in self._history(where, thread_ts):
            payload = (message.get("metadata") or {}).get("event_payload") or {}
            if about.items() <= payload.items():
                return {"channel": where, "ts": str(message["ts"]), **_in_thread(thread_ts)}
        return None

    def files_in(self, channel: str, thread_ts: str) -> frozenset[str]:
        """Return the names of the files in a thread; raises SlackRefused where the bot may not read it."""
        files = (file for message in self._history(channel, thread_ts) for file in message.get("files", ()))
        return frozenset(str(file.get("name")) for file in files)

    def _history(self, channel: str, thread_ts: str | None) -> Iterator[dict[str, Any]]:
        """Yield the newest messages of a channel, or those of one thread."""
        method = "conversations.replies" if thread_ts else "conversations.history"
        where = {"channel": channel, "limit": LOOKED_AT_ONCE, "include_all_metadata": True}
        where |= {"ts": thread_ts} if thread_ts else {}
        yield from self._listed(method, "messages", where)

    def _id_of(self, name: str) -> str | None:
        """Return the id of the channel *name*; None where the bot is in none of that name."""
        where = {"types": "public_channel,private_channel", "limit": LOOKED_AT_ONCE}
        for channel in self._listed("users.conversations", "channels", where):
            if channel.get("name") == name:
                return str(channel["id"])
        return None

    def _listed(self, method: str, what: str, where: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the rows of a list, page by page (https://docs.slack.dev/apis/web-api/pagination)."""
        cursor = ""
        for _ in range(LOOKED_PAGES):
            page = {**where, "cursor": cursor} if cursor else where
            reply = self._call(method, partial(self.client.api_call, method, params=page))
            yield from reply[what]
            cursor = (reply.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def edit(
        self,
        place: dict[str, str],
        message: Message,
        *,
        about: dict[str, Any] | None = None,
        patient: bool = True,
    ) -> None:
        """Replace the message at *place*. An edit notifies nobody.

        Where it is not *patient*, raises SlackBusy at once when Slack takes no more of these for now.
        """
        where = {"channel": place["channel"], "ts": place["ts"]}
        with waiting_at_most(math.inf if patient else 0.0):
            self._send("chat.update", message, {**where, "metadata": _metadata(about)})

    def whisper(
        self,
        channel: str,
        user: str,
        message: Message,
        *,
        thread_ts: str | None = None,
        patient: bool = True,
    ) -> None:
        """Show *message* to *user* only. Raises NotInChannel where the bot is no member.

        Where it is not *patient*, raises SlackBusy at once when Slack takes no more of these for now.
        """
        where = {"channel": channel, "user": user, "thread_ts": thread_ts}
        with waiting_at_most(math.inf if patient else 0.0):
            self._send("chat.postEphemeral", without_files(message), where)

    def respond(self, response_url: str, message: Message) -> bool:
        """Answer privately by a command's `response_url`; False where Slack does not, or no longer, take it.

        It works where the bot is no member, at most five times within half an hour
        (https://docs.slack.dev/interactivity/handling-user-interaction#message_responses).
        """
        shown = without_files(message)
        body = {"response_type": "ephemeral", "text": shown.text, "blocks": list(shown.blocks)}
        return response_urls.respond(response_url, body, self.client.base_url)

    def upload(self, channel: str, thread_ts: str, files: Sequence[Attachment]) -> None:
        """Put *files* into a thread."""
        for file in files:
            self._call("files.completeUploadExternal", partial(self._send_file, channel, thread_ts, file))

    def read_file(self, file: dict[str, Any]) -> bytes:
        """Return the bytes of a file that somebody shared; see `bot.slack_files` for what is refused."""
        if not (file.get("url_private_download") or file.get("url_private")):
            # https://docs.slack.dev/reference/objects/file-object: file_access “check_file_info”
            file = self._call("files.info", lambda: self.client.files_info(file=str(file["id"])))["file"]
        return read_file(file, str(self.client.token), self.client.base_url)

    def permalink(self, place: dict[str, str]) -> str | None:
        """Return the address of a message, or None where Slack does not show it or does not answer.

        Raises SlackBusy where its turn comes later than the caller waits.
        """
        try:
            reply = self._call(
                "chat.getPermalink",
                lambda: self.client.chat_getPermalink(channel=place["channel"], message_ts=place["ts"]),
            )
        except SlackBusy:
            raise
        except (SlackRefused, SlackUnreachable):
            return None
        return str(reply["permalink"])

    def publish_home(self, user: str, blocks: Sequence[dict[str, Any]]) -> None:
        """Put *blocks* on a person's Home tab (https://docs.slack.dev/reference/methods/views.publish)."""
        body = {"user_id": user, "view": {"type": "home", "blocks": list(blocks)}}
        self._call("views.publish", lambda: self.client.api_call("views.publish", json=body))

    def open_view(self, trigger_id: str, view: dict[str, Any]) -> bool:
        """Open a modal for whoever the trigger belongs to; False where Slack does not open it any more.

        A trigger lives three seconds and opens once (https://docs.slack.dev/reference/methods/views.open). A
        modal that an earlier call opened under the same `external_id` is as good.
        """
        body = {"trigger_id": trigger_id, "view": view}
        try:
            self._call("views.open", lambda: self.client.api_call("views.open", json=body))
        except SlackRefused as refusal:
            if refusal.code == "duplicate_external_id":
                return True
            log.info("modal was not opened", extra={"reason": refusal.code})
            return False
        return True

    def update_view(self, view: dict[str, Any]) -> bool:
        """Replace the open modal that has the view's `external_id`; False where there is none any more."""
        body = {"external_id": view["external_id"], "view": view}
        try:
            self._call("views.update", lambda: self.client.api_call("views.update", json=body))
        except SlackRefused as refusal:
            log.info("modal was not changed", extra={"reason": refusal.code})
            return False
        return True

    def groups(self) -> dict[str, frozenset[str]]:
        """Return the members of every user group, under its id and under its `@handle`."""
        found: dict[str, frozenset[str]] = {}
        for group in self._user_groups(include_users=True):
            members = frozenset(group.get("users", ()))
            found |= {group["id"]: members, f"@{group['handle']}": members}
        return found

    def ids_to_call(self, entries: Sequence[str]) -> list[str]:
        """Return the ids to mention for *entries* (ids of people and groups, `@handle`s that are known)."""
        handles: dict[str, str] = {}
        if any(entry.startswith("@") for entry in entries):
            handles = {f"@{group['handle']}": group["id"] for group in self._user_groups(include_users=False)}
        found = [handles.get(entry, "") if entry.startswith("@") else entry for entry in entries]
        return [entry for entry in found if entry]

    def _user_groups(self, *, include_users: bool) -> list[dict[str, Any]]:
        reply = self._call(
            "usergroups.list", lambda: self.client.usergroups_list(include_users=include_users)
        )
        groups: list[dict[str, Any]] = reply["usergroups"]
        return groups

    def _send_file(self, channel: str, thread_ts: str, file: Attachment) -> SlackResponse:
        return self._poster.files_upload_v2(
            channel=channel,
            thread_ts=thread_ts,
            filename=file.filename,
            title=file.title,
            content=file.content,
            alt_txt=file.alt_text,
        )

    def _send(
        self, method: str, message: Message, fields: dict[str, Any], client: WebClient | None = None
    ) -> SlackResponse:
        """Send *message*; a workspace that does not know one of its blocks gets it as plain text."""
        client = client or self.client
        given = {name: value for name, value in fields.items() if value is not None}
        content = {**given, "text": message.text, "blocks": list(message.blocks)}
        try:
            return self._call(method, lambda: client.api_call(method, json=content))
        except SlackRefused as refusal:
            if refusal.code not in BLOCKS_REFUSED:
                raise
            plain = {**content, "blocks": _plain_blocks(message)}
            return self._call(method, lambda: client.api_call(method, json=plain))

    def _call(self, method: str, send: Callable[[], T]) -> T:
        try:
            return send()
        except SlackApiError as error:
            raise _translated(error, method) from None
        except NoAnswer as error:
            raise SlackUnreachable(f"{method}: no answer of Slack's ({error})") from None
        except (SlackClientError, URLError, OSError) as error:
            raise SlackUnreachable(f"{method}: {type(error).__name__}") from None


def _in_thread(thread_ts: str | None) -> dict[str, str]:
    return {"thread_ts": thread_ts} if thread_ts else {}


def _plain_blocks(message: Message) -> list[dict[str, Any]]:
    """Return the message's text and its buttons, in blocks that every workspace knows."""
    text = {"type": "mrkdwn", "text": message.text[:MOST_SECTION]}
    buttons = [block for block in message.blocks if block["type"] == "actions"]
    return [{"type": "section", "text": text}, *buttons]


def _translated(error: SlackApiError, method: str) -> Exception:
    response = error.response
    code = str(response.get("error", "")) if isinstance(response.data, dict) else ""
    if is_refused_for_its_rate(response):
        return SlackBusy(f"{method}: ratelimited", retry_after(response))
    failed = response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    if failed or code in RETRY_LATER or not code:
        return SlackUnreachable(f"{method}: {code or response.status_code}")
    if code in TOKEN_GONE and method not in ASKS_OF_THE_TOKEN:
        log.error("Slack does not take the bot's token", extra={"method": method, "code": code})
        return SlackUnreachable(f"{method}: {code}")
    if code in NOT_THERE:
        return NotInChannel(code, method)
    if code in BLOCKS_REFUSED:
        detail = (response.get("response_metadata") or {}).get("messages", [])
        log.error("Slack refused the blocks", extra={"method": method, "detail": detail})
    return SlackRefused(code, method)


def _metadata(about: dict[str, Any] | None) -> dict[str, Any] | None:
    return {"event_type": "toban_job", "event_payload": about} if about else None
