"""Slack as the bot's token sees it: the token, its scopes, the clock, channels and user groups.

Nothing is shown to anybody in Slack. Whether the bot may post into a channel is asked without scopes to read
channels by scheduling a message far ahead and taking it back at once, which people do not see.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from bot.errors import SlackRefused, SlackUnreachable
from bot.hops.clocks import compare_clock
from bot.hops.hop import READ_SECONDS, Said, fail, ok, warn
from bot.manifest import SCOPES
from bot.settings import SlackSettings
from bot.slack import OF_AN_ORGANIZATION
from bot.slack_client import BoundedWebClient, NoAnswer
from bot.team_file import TobanFile

APP_PAGE = "api.slack.com/apps, your app"
REINSTALL = f"Add it at {APP_PAGE}, OAuth & Permissions, Bot Token Scopes, then install the app again."
TOKEN_FIX = f"Copy the Bot User OAuth Token from {APP_PAGE}, OAuth & Permissions, into SLACK_BOT_TOKEN."
FAR_AHEAD_SECONDS = 100 * 24 * 3600
"""Slack takes messages for up to 120 days ahead: https://docs.slack.dev/reference/methods/chat.scheduleMessage"""
NOTE = "toban check made sure that it may post here. Nothing is to be done; this can be deleted."
NOT_KNOWN = frozenset({"unknown_method", "method_deprecated", "not_allowed_token_type"})


class SlackHop:
    """Asks Slack with the bot token; `ask` yields what it found."""

    def __init__(self, settings: SlackSettings, team: TobanFile | None) -> None:
        self._settings = settings
        self._team = team
        token = settings.bot_token.get_secret_value()
        self._client = slack_client(settings.api_url, token)

    def ask(self) -> Iterator[Said]:
        """Ask for the token first: without it nothing else can be asked."""
        try:
            reply = call(self._client, "auth.test")
        except SlackRefused as refusal:
            yield fail("token", f"Slack answered {refusal.code}", TOKEN_FIX)
            return
        except SlackUnreachable as error:
            yield fail("token", f"Slack does not answer: {error}", way_out(self._settings.api_url))
            return
        yield _whose(reply)
        yield from _scopes(reply)
        yield from compare_clock("Slack", reply.headers)
        if self._team is not None:
            yield from self._channels(self._team)
            yield from self._groups(self._team)

    def _channels(self, team: TobanFile) -> Iterator[Said]:
        for channel, where in team.channels().items():
            about = f"channel {channel}"
            named = f"named in {', '.join(where)}"
            try:
                problem = self._membership(channel)
            except SlackUnreachable as error:
                yield warn(about, f"Slack does not answer: {error}", "Check again in a minute.")
                continue
            if problem is None:
                yield ok(about, f"the bot is in it ({named})")
            elif problem in ("not_in_channel", "channel_not_found"):
                yield _outside(about, channel, named, problem)
            else:
                yield warn(
                    about, f"Slack answered {problem}, so it could not be seen ({named})", _look(channel)
                )

    def _membership(self, channel: str) -> str | None:
        """Return None where the bot is in *channel*, else why not, in Slack's word."""
        try:
            shown = call(self._client, "conversations.info", channel=channel)
            return None if shown["channel"].get("is_member") else "not_in_channel"
        except SlackRefused as refusal:
            # Names cannot be asked for, and the scopes to read channels are optional.
            if refusal.code not in ("missing_scope", "channel_not_found", *NOT_KNOWN):
                return refusal.code
        return self._may_post(channel)

    def _may_post(self, channel: str) -> str | None:
        when = int(time.time()) + FAR_AHEAD_SECONDS
        try:
            planned = call(self._client, "chat.scheduleMessage", channel=channel, text=NOTE, post_at=when)
            taken_back = {
                "channel": planned["channel"],
                "scheduled_message_id": planned["scheduled_message_id"],
            }
            call(self._client, "chat.deleteScheduledMessage", **taken_back)
        except SlackRefused as refusal:
            return refusal.code
        return None

    def _groups(self, team: TobanFile) -> Iterator[Said]:
        wanted = {
            entry: role
            for role in ("viewer", "operator", "owner")
            for entry in team.roles.members(role)
            if entry.startswith(("@", "S"))
        }
        if wanted:
            try:
                reply = call(self._client, "usergroups.list", include_users="true")
            except SlackRefused as refusal:
                fix = REINSTALL if refusal.code == "missing_scope" else TOKEN_FIX
                yield fail("user groups", f"Slack answered {refusal.code} to usergroups.list", fix)
            except SlackUnreachable as error:
                yield warn("user groups", f"Slack does not answer: {error}", "Check again in a minute.")
            else:
                yield from _known_groups(wanted, reply["usergroups"])
        if not team.roles.owner:
            fix = 'Name people or a user group in toban.toml: [roles] owner = ["@ml-owners"].'
            yield warn("owners", "nobody is named, so nobody can decide what goes into production", fix)


def slack_client(api_url: str, token: str | None) -> WebClient:
    """Return a client that waits shortly and tries nothing twice."""
    return BoundedWebClient(token=token, base_url=api_url, timeout=int(READ_SECONDS), retry_handlers=[])


def call(client: WebClient, method: str, **arguments: Any) -> SlackResponse:
    """Call *method*; raise SlackRefused for Slack's no, SlackUnreachable where no sensible answer came."""
    try:
        return client.api_call(method, params=arguments)
    except SlackApiError as error:
        response = error.response
        code = str(response.get("error", "")) if isinstance(response.data, dict) else ""
        if not code or response.status_code >= 500 or code == "ratelimited":
            raise SlackUnreachable(code or f"status {response.status_code}") from None
        raise SlackRefused(code, method) from None
    except NoAnswer as error:
        raise SlackUnreachable(f"no answer of Slack's ({error})") from None
    except (SlackClientError, URLError, OSError) as error:
        raise SlackUnreachable(type(error).__name__) from None


def way_out(api_url: str) -> str:
    """Return what to mend where Slack cannot be reached at all."""
    parts = urlsplit(api_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"Let this machine reach {parts.hostname} on port {port}, or set HTTPS_PROXY to a proxy that may."


def _whose(reply: SlackResponse) -> Said:
    who = f"{reply.get('user')} in the workspace {reply.get('team')}"
    if reply.get("is_enterprise_install"):
        return fail("token", OF_AN_ORGANIZATION, TOKEN_FIX)
    if not reply.get("bot_id"):
        return fail("token", f"it is a person's token ({who}), not the app's", TOKEN_FIX)
    return ok("token", f"@{who}")


def _scopes(reply: SlackResponse) -> Iterator[Said]:
    """Slack names a token's scopes in a header: https://docs.slack.dev/authentication/installing-with-oauth"""
    given = {name.casefold(): value for name, value in reply.headers.items()}.get("x-oauth-scopes")
    if given is None:
        fix = f"Compare {APP_PAGE}, OAuth & Permissions, with `toban manifest --explain`."
        yield warn("scopes", "Slack did not say which scopes the token has", fix)
        return
    granted = {scope.strip() for scope in given.split(",")}
    missing = [scope for scope in SCOPES if scope not in granted]
    for scope in missing:
        yield fail(f"scope {scope}", f"missing; it is needed to {SCOPES[scope]}", REINSTALL)
    if not missing:
        yield ok("scopes", f"all {len(SCOPES)} that are needed")


def _outside(about: str, channel: str, named: str, problem: str) -> Said:
    if problem == "not_in_channel":
        return fail(about, f"the bot is not in it ({named})", f"Type /invite @Toban in {channel}.")
    fix = (
        f"Type /invite @Toban in {channel} if it is private; else take the channel's id (its name, "
        "View channel details, at the very end) into toban.toml."
    )
    return fail(about, f"there is none, or it is private and the bot is not in it ({named})", fix)


def _look(channel: str) -> str:
    return f"Type /invite @Toban in {channel}; if the bot is there already, Slack says so."


def _known_groups(wanted: Mapping[str, str], groups: Sequence[Mapping[str, Any]]) -> Iterator[Said]:
    known = {name: group for group in groups for name in (group["id"], f"@{group['handle']}")}
    for entry, role in wanted.items():
        about = f"user group {entry}"
        group = known.get(entry)
        if group is None:
            fix = f"Make the group in Slack (People, User groups), or name another {role} in toban.toml."
            yield fail(about, f"there is none, so nobody is {role} by it", fix)
        elif group.get("date_delete"):
            yield fail(about, f"it is switched off, so nobody is {role} by it", "Enable it again in Slack.")
        elif not group.get("users"):
            yield warn(about, f"nobody is in it, so nobody is {role} by it", "Add people to it in Slack.")
        else:
            count = len(group["users"])
            yield ok(about, f"{count} {'person is' if count == 1 else 'people are'} {role} by it")
