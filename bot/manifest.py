"""The Slack app's manifest: what the bot asks of Slack, as declared data, each with its reason.

Whoever adds a listener adds its event, shortcut or scope to the tables here; `toban manifest` prints them,
`toban check` names the scopes that a token lacks, and docs/slack.md has a row for each.

Source: https://docs.slack.dev/reference/app-manifest
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import ValidationError
from tabulate import tabulate

from bot.errors import ConfigurationError
from bot.team_file import BotTable

SCOPES: Mapping[str, str] = {
    "commands": "take the slash command",
    "chat:write": "post and edit messages in channels that the bot was invited to",
    "files:write": "attach charts, long texts and predictions of whole files",
    "files:read": "read a CSV file when somebody asks for predictions of its rows",
    "app_mentions:read": "take commands by @mention, which work in threads too",
    "usergroups:read": "see who is in the user groups that hold roles",
}
"""Every scope that the bot cannot do without, with its reason."""

OPTIONAL_SCOPES: Mapping[str, Mapping[str, str]] = {
    "channels": {
        "channels:read": "see in which public channels it is, for `toban check` and to find lost posts",
        "groups:read": "the same for private channels",
    },
    "history": {
        "channels:history": "look whether a message whose answer was lost stands in a public channel already",
        "groups:history": "the same in private channels",
        "im:history": "the same in the talk with a person",
    },
}
"""Scopes that only make something better, by the word for `toban manifest --with`."""

EVENTS: Mapping[str, str] = {
    "app_mention": "take commands by @mention, which work in threads too",
    "app_home_opened": "draw a person's start page when they look at it",
}
"""Every event that the bot subscribes to, with its reason."""

COMMAND_TEXT = {"description": "Predict with, retrain and promote models", "usage_hint": "help"}
DESCRIPTION = "The one on duty for your models"
BACKGROUND = "#1f3a5f"
HOME_TAB = True
"""Whether the app has a start page of its own."""

NEW_APP = "https://api.slack.com/apps?new_app=1&manifest_json="
"""Where Slack opens the form for a new app with a manifest filled in."""
SUFFIX = re.compile(r"[a-z0-9][a-z0-9-]{0,15}")


@dataclass(frozen=True)
class Shortcut:
    """A shortcut; Slack takes at most 24 characters of name and 150 of description."""

    callback_id: str
    name: str
    description: str
    kind: Literal["message", "global"]


SHORTCUTS: tuple[Shortcut, ...] = (
    Shortcut("file.predict", "Predict with this file", "Predict every row of a CSV file", "message"),
)
"""Every shortcut that the bot offers."""


def build_manifest(bot: BotTable, http_address: str | None, extras: Iterable[str] = ()) -> dict[str, Any]:
    """Return the manifest for Socket Mode, or for HTTP at *http_address*.

    *extras* are keys of OPTIONAL_SCOPES. Raises ConfigurationError where the address is no https address.
    """
    url = f"{_checked(http_address)}/slack/events" if http_address else None
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": bot.name,
            "description": DESCRIPTION,
            "background_color": BACKGROUND,
        },
        "features": _features(bot, url),
        "oauth_config": {"scopes": {"bot": list(reasons(extras))}},
        "settings": _settings(url),
    }


def named_bot(bot: BotTable, command: str | None = None, suffix: str | None = None) -> BotTable:
    """Return *bot* with another slash command, or with the names of an environment.

    *suffix* tells an environment's app from the team's own, for instance "staging": it is appended to the
    command and to the name. Raises ConfigurationError where Slack would not take the names.
    """
    names = {"command": command or bot.command, "name": bot.name}
    if suffix:
        if not SUFFIX.fullmatch(suffix):
            allowed = "up to 16 lower-case letters, digits and hyphens"
            raise ConfigurationError([f"--suffix is {suffix!r}; allowed are {allowed}"])
        names = {"command": f"{names['command']}-{suffix}", "name": f"{names['name']} {suffix}"}
    try:
        return BotTable.model_validate(bot.model_dump() | names)
    except ValidationError as error:
        wrong = [f"{one['loc'][0]} would be {one['input']!r}: {one['msg']}" for one in error.errors()]
        raise ConfigurationError(wrong) from None


def read_extras(words: Iterable[str]) -> tuple[str, ...]:
    """Return the optional scopes that were asked for; raise ConfigurationError for words that are none."""
    named = [part for word in words for part in word.split(",") if part]
    unknown = [word for word in named if word not in OPTIONAL_SCOPES]
    if unknown:
        allowed = ", ".join(OPTIONAL_SCOPES)
        raise ConfigurationError([f"--with is {word!r}; allowed are: {allowed}" for word in unknown])
    return tuple(dict.fromkeys(named))


def reasons(extras: Iterable[str] = ()) -> dict[str, str]:
    """Return every scope to ask for with its reason, the optional ones of *extras* last."""
    return dict(SCOPES) | {scope: why for name in extras for scope, why in OPTIONAL_SCOPES[name].items()}


def explain(extras: Iterable[str] = ()) -> str:
    """Return what everything in the manifest is for, for people."""
    chosen = tuple(extras)
    rows = [("scope", name, why) for name, why in reasons(chosen).items()]
    rows += [("event", name, why) for name, why in EVENTS.items()]
    rows += [("shortcut", one.name, one.description) for one in SHORTCUTS]
    rows += [
        (f"optional: --with {word}", name, why)
        for word, scopes in OPTIONAL_SCOPES.items()
        if word not in chosen
        for name, why in scopes.items()
    ]
    return tabulate(rows, tablefmt="plain")


def new_app_address(manifest: str) -> str:
    """Return the address at which Slack shows the form for a new app with *manifest* (JSON) filled in."""
    return NEW_APP + quote(manifest, safe="")


def _features(bot: BotTable, url: str | None) -> dict[str, Any]:
    command = {"command": bot.command, **COMMAND_TEXT, "should_escape": True}
    features: dict[str, Any] = {
        "bot_user": {"display_name": bot.name, "always_online": True},
        "slash_commands": [command | ({"url": url} if url else {})],
    }
    if HOME_TAB:
        features["app_home"] = {"home_tab_enabled": True, "messages_tab_enabled": True}
    if SHORTCUTS:
        features["shortcuts"] = [
            {
                "name": one.name,
                "type": one.kind,
                "callback_id": one.callback_id,
                "description": one.description,
            }
            for one in SHORTCUTS
        ]
    return features


def _settings(url: str | None) -> dict[str, Any]:
    at = {"request_url": url} if url else {}
    settings: dict[str, Any] = {
        # Options of long menus come from the same address.
        "interactivity": {"is_enabled": True, **at, **({"message_menu_options_url": url} if url else {})},
        "org_deploy_enabled": False,
        "socket_mode_enabled": url is None,
        "token_rotation_enabled": False,
    }
    if EVENTS:
        settings["event_subscriptions"] = {**at, "bot_events": sorted(EVENTS)}
    return settings


def _checked(address: str) -> str:
    """Return *address* without a slash at its end; Slack sends to https only, and we add the path."""
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise ConfigurationError(
            [f"--http is {address!r}; allowed is the bot's public address, https://HOST without a path"]
        )
    return address.rstrip("/").removesuffix("/slack/events")
