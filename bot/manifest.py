"""The Slack app's manifest, with the least scopes that the bot needs.

Source: https://docs.slack.dev/reference/app-manifest
"""

from __future__ import annotations

from typing import Any

from bot.settings import BotTable

SCOPES = {
    "commands": "take the slash command",
    "chat:write": "post and edit messages in channels that the bot was invited to",
    "files:write": "attach charts and long texts",
    "usergroups:read": "see who is in the user groups that hold roles",
}
"""Every scope with its reason."""


def build_manifest(bot: BotTable, http_address: str | None) -> dict[str, Any]:
    """Return the manifest for Socket Mode, or for HTTP at *http_address*."""
    url = f"{http_address.rstrip('/')}/slack/events" if http_address else None
    command: dict[str, Any] = {
        "command": bot.command,
        "description": "Predict with, retrain and promote models",
        "usage_hint": "help",
        "should_escape": True,
    }
    interactivity: dict[str, Any] = {"is_enabled": True}
    if url is not None:
        command["url"] = url
        interactivity["request_url"] = url
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": bot.name,
            "description": "The one on duty for your models",
        },
        "features": {
            "bot_user": {"display_name": bot.name, "always_online": True},
            "slash_commands": [command],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": url is None,
            "token_rotation_enabled": False,
        },
    }
