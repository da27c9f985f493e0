"""What a Slack app's manifest says about it, as settings of the loopback Slack.

https://docs.slack.dev/reference/app-manifest
"""

import json
from pathlib import Path
from typing import Any

from playground.slack.settings import Shortcut
from playground.slack.workspace import Workspace, default_workspace

Json = dict[str, Any]


def read_manifest(path: Path) -> Json:
    """Return the settings that a manifest in JSON gives: commands, shortcuts, events, scopes, Home tab, name.

    Raises ValueError when the file is not a manifest.
    """
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        features, settings = manifest["features"], manifest.get("settings", {})
        commands = features.get("slash_commands", [])
        return {
            "commands": tuple(each["command"] for each in commands),
            "escape_commands": any(each.get("should_escape") for each in commands),
            "shortcuts": tuple(Shortcut(**each) for each in features.get("shortcuts", [])),
            "home_tab": bool(features.get("app_home", {}).get("home_tab_enabled")),
            "events": tuple(settings.get("event_subscriptions", {}).get("bot_events", [])),
            "scopes": tuple(manifest["oauth_config"]["scopes"]["bot"]),
            "workspace": _workspace(features.get("bot_user", {}).get("display_name", "")),
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not an app manifest: {error!r}") from error


def _workspace(display_name: str) -> Workspace:
    """Return the workspace with the bot's own name in it as people mention it: lower case, without spaces."""
    workspace = default_workspace()
    workspace.bot.name = "-".join(display_name.lower().split()) or workspace.bot.name
    return workspace
