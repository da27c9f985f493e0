"""Slack's Web API as the flows use it: post, edit, answer privately, upload, look up people.

Rate limits are waited for by slack_sdk's own handler; time-outs are set on every call; Slack's errors are
translated once, here. Nothing outside this module knows slack_sdk.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.error import URLError

import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)

from bot.errors import NotInChannel, SlackRefused, SlackUnreachable
from bot.messages.message import Attachment, Message
from bot.settings import SlackSettings

log = logging.getLogger(__name__)
T = TypeVar("T")

TIMEOUT_SECONDS = 15
RATE_LIMIT_RETRIES = 5
RETRY_LATER = frozenset(
    {
        "ratelimited",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
    }
)
NOT_THERE = frozenset({"not_in_channel", "channel_not_found", "user_not_in_channel", "is_archived"})


@dataclass(frozen=True)
class Identity:
    """Who the bot is in its workspace."""

    team_id: str
    team: str
    user_id: str
    user: str
    bot_id: str


class SlackDesk:
    """The bot's hands in Slack. Thread-safe; holds no state but its client."""

    def __init__(self, settings: SlackSettings) -> None:
        self.client = WebClient(
            token=settings.bot_token.get_secret_value(),
            base_url=settings.api_url,
            timeout=TIMEOUT_SECONDS,
            retry_handlers=[
                ConnectionErrorRetryHandler(max_retry_count=1),
                RateLimitErrorRetryHandler(max_retry_count=RATE_LIMIT_RETRIES),
                ServerErrorRetryHandler(max_retry_count=1),
            ],
        )

    def identity(self) -> Identity:
        """Return who the token belongs to (`auth.test`)."""
        reply = self._call("auth.test", self.client.auth_test)
        return Identity(
            team_id=reply["team_id"],
            team=reply.get("team", ""),
            user_id=reply["user_id"],
            user=reply.get("user", ""),
            bot_id=reply.get("bot_id", ""),
        )

    def post(
        self,
        channel: str,
        message: Message,
        *,
        thread_ts: str | None = None,
        about: dict[str, Any] | None = None,
    ) -> dict[str, str]:
        """Post *message*; return `{"channel", "ts"}`. Raises NotInChannel where the bot is no member."""
        reply = self._call(
            "chat.postMessage",
            lambda: self.client.chat_postMessage(
                channel=channel,
                text=message.text,
                blocks=list(message.blocks),
                thread_ts=thread_ts,
                metadata=_metadata(about),
                unfurl_links=False,
                unfurl_media=False,
            ),
        )
        place = {"channel": str(reply["channel"]), "ts": str(reply["ts"])}
        self._upload(place["channel"], thread_ts or place["ts"], message.files)
        return place

    def edit(self, place: dict[str, str], message: Message, *, about: dict[str, Any] | None = None) -> None:
        """Replace the message at *place*. An edit notifies nobody."""
        self._call(
            "chat.update",
            lambda: self.client.chat_update(
                channel=place["channel"],
                ts=place["ts"],
                text=message.text,
                blocks=list(message.blocks),
                metadata=_metadata(about),
            ),
        )

    def whisper(self, channel: str, user: str, message: Message, *, thread_ts: str | None = None) -> None:
        """Show *message* to *user* only. Raises NotInChannel where the bot is no member."""
        self._call(
            "chat.postEphemeral",
            lambda: self.client.chat_postEphemeral(
                channel=channel,
                user=user,
                text=message.text,
                blocks=list(message.blocks),
                thread_ts=thread_ts,
            ),
        )

    def respond(self, response_url: str, message: Message) -> None:
        """Answer privately by a command's `response_url`, which works where the bot is no member.

        At most five times within half an hour
        (https://docs.slack.dev/interactivity/handling-user-interaction#message_responses).
        """
        try:
            reply = requests.post(
                response_url,
                json={"response_type": "ephemeral", "text": message.text, "blocks": list(message.blocks)},
                timeout=TIMEOUT_SECONDS,
            )
        except requests.RequestException as error:
            raise SlackUnreachable(f"response_url: {type(error).__name__}") from None
        if reply.status_code >= 500 or reply.status_code == 429:
            raise SlackUnreachable(f"response_url: status {reply.status_code}")
        if reply.status_code >= 400:
            raise SlackRefused(reply.text[:80] or str(reply.status_code), "response_url")

    def upload(self, channel: str, thread_ts: str, files: Sequence[Attachment]) -> None:
        """Put *files* into a thread."""
        self._upload(channel, thread_ts, files)

    def group_members(self, group: str) -> frozenset[str]:
        """Return the user ids of a user group, given by id (`S…`) or `@handle`; empty where it is unknown."""
        group_id = group if not group.startswith("@") else self._group_id(group[1:])
        if group_id is None:
            return frozenset()
        reply = self._call(
            "usergroups.users.list", lambda: self.client.usergroups_users_list(usergroup=group_id)
        )
        return frozenset(reply.get("users", ()))

    def ids_to_call(self, entries: Sequence[str]) -> list[str]:
        """Return the ids to mention for *entries* (user ids, group ids, `@handle`s); unknown handles fall out."""
        found = [self._group_id(entry[1:]) if entry.startswith("@") else entry for entry in entries]
        return [entry for entry in found if entry is not None]

    def _group_id(self, handle: str) -> str | None:
        reply = self._call("usergroups.list", self.client.usergroups_list)
        return next((group["id"] for group in reply["usergroups"] if group["handle"] == handle), None)

    def _upload(self, channel: str, thread_ts: str, files: Sequence[Attachment]) -> None:
        for file in files:
            self._call(
                "files.completeUploadExternal", lambda file=file: self._send_file(channel, thread_ts, file)
            )

    def _send_file(self, channel: str, thread_ts: str, file: Attachment) -> Any:
        return self.client.files_upload_v2(
            channel=channel,
            thread_ts=thread_ts,
            filename=file.filename,
            title=file.title,
            content=file.content,
            alt_txt=file.alt_text,
        )

    def _call(self, method: str, send: Callable[[], T]) -> T:
        try:
            return send()
        except SlackApiError as error:
            raise _translated(error, method) from None
        except (SlackClientError, URLError, OSError) as error:
            raise SlackUnreachable(f"{method}: {type(error).__name__}") from None


def _translated(error: SlackApiError, method: str) -> Exception:
    response = error.response
    code = str(response.get("error", "")) if isinstance(response.data, dict) else ""
    if response.status_code == 429 or response.status_code >= 500 or code in RETRY_LATER or not code:
        return SlackUnreachable(f"{method}: {code or response.status_code}")
    if code in NOT_THERE:
        return NotInChannel(code, method)
    if code == "invalid_blocks":
        detail = (response.get("response_metadata") or {}).get("messages", [])
        log.error("Slack refused the blocks", extra={"method": method, "detail": detail})
    return SlackRefused(code, method)


def _metadata(about: dict[str, Any] | None) -> dict[str, Any] | None:
    return {"event_type": "toban_job", "event_payload": about} if about else None
