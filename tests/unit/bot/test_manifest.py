"""The Slack app's manifest: least scopes, both ways in, environments, and Slack's own limits."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot import manifest as declared
from bot.errors import ConfigurationError
from bot.manifest import (
    EVENTS,
    OPTIONAL_SCOPES,
    SCOPES,
    SHORTCUTS,
    build_manifest,
    explain,
    named_bot,
    new_app_address,
    read_extras,
    reasons,
)
from bot.team_file import BotTable

ADDRESS = "https://toban.example.com"
CALLS = {
    "chat:write": ("chat.postMessage", "chat.update", "chat.postEphemeral"),
    "files:write": ("files.completeUploadExternal",),
    "files:read": ("files.info",),
    "usergroups:read": ("usergroups.list",),
}
"""The calls of the bot that need a scope, by it (https://docs.slack.dev/reference/scopes)."""
NEEDS_A_SCOPE = {
    "app_mention": "app_mentions:read",
    "app_home_opened": None,
    "message.im": "im:history",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
}
"""The scope that each event needs (https://docs.slack.dev/reference/events)."""
SHAPES: dict[str, Any] = {
    # Lengths and counts of https://github.com/slackapi/manifest-schema, version 2.0.0: (least, most).
    "display_information.name": (1, 35),
    "display_information.description": (1, 140),
    "display_information.long_description": (175, 4000),
    "display_information.background_color": (4, 7),
    "features.bot_user.display_name": (1, 80),
    "features.shortcuts": (1, 10),
    "features.shortcuts.name": (1, 24),
    "features.shortcuts.callback_id": (1, 255),
    "features.shortcuts.description": (1, 150),
    "features.slash_commands": (1, 50),
    "features.slash_commands.command": (2, 32),
    "features.slash_commands.url": (1, 3000),
    "features.slash_commands.description": (1, 2000),
    "features.slash_commands.usage_hint": (1, 1000),
    "oauth_config.scopes.bot": (0, 255),
    "settings.event_subscriptions.request_url": (1, 3500),
    "settings.event_subscriptions.bot_events": (0, 100),
    "settings.interactivity.request_url": (1, 3500),
    "settings.interactivity.message_menu_options_url": (1, 3500),
}
PLAIN = {
    *("_metadata.major_version", "_metadata.minor_version", "features.bot_user.always_online"),
    *("features.slash_commands.should_escape", "features.shortcuts.type"),
    *("features.app_home.home_tab_enabled", "features.app_home.messages_tab_enabled"),
    *("features.app_home.messages_tab_read_only_enabled", "settings.interactivity.is_enabled"),
    *("settings.org_deploy_enabled", "settings.socket_mode_enabled", "settings.token_rotation_enabled"),
}
"""Keys that Slack knows and for which a length means nothing."""


def problems(value: Any, path: str = "") -> list[str]:
    """Return where *value* is outside Slack's schema: a key that it does not know, or too short or long."""
    found = []
    if path in SHAPES:
        least, most = SHAPES[path]
        if not least <= len(value) <= most:
            found.append(f"{path} has {len(value)}, allowed are {least} to {most}")
    if isinstance(value, dict):
        return found + [
            p for key, inner in value.items() for p in problems(inner, f"{path}.{key}".lstrip("."))
        ]
    if isinstance(value, list):
        return found + [p for inner in value if isinstance(inner, dict) for p in problems(inner, path)]
    known = path in SHAPES or path in PLAIN
    return found if known else [*found, f"{path} is not a key of the manifest"]


@pytest.mark.parametrize("address", [None, ADDRESS])
@pytest.mark.parametrize("extras", [(), tuple(OPTIONAL_SCOPES)])
@pytest.mark.parametrize("suffix", [None, "staging"])
def test_manifest_is_inside_slacks_schema(
    address: str | None, extras: tuple[str, ...], suffix: str | None
) -> None:
    """Every variant has only keys that Slack knows, and no text or list is longer than Slack takes."""
    made = build_manifest(named_bot(BotTable(), suffix=suffix), address, extras)
    assert problems(made) == []
    assert made["features"]["slash_commands"][0]["command"] == ("/ml-staging" if suffix else "/ml")


def test_the_longest_names_are_taken_and_one_more_is_not() -> None:
    """Slack's limits hold at their edge: 32 characters of a command, 35 of a name."""
    edge = BotTable(command="/" + "a" * 31, name="N" * 35)
    assert problems(build_manifest(edge, None)) == []
    for names in ({"command": "/" + "a" * 32}, {"name": "N" * 36}):
        wrong = build_manifest(edge.model_copy(update=names), None)
        assert len(problems(wrong)) in (1, 2)


def test_every_scope_is_used_and_every_call_has_its_scope() -> None:
    """Each scope but the command's own belongs to a call that the bot makes or to an event that it hears."""
    source = "\n".join(path.read_text("utf-8") for path in Path(declared.__file__).parent.rglob("*.py"))
    for scope in SCOPES.keys() - {"commands"}:
        heard = any(NEEDS_A_SCOPE.get(event) == scope for event in EVENTS)
        assert heard or any(method in source for method in CALLS.get(scope, ())), scope
    needed = {NEEDS_A_SCOPE[event] for event in EVENTS} - {None}
    assert needed <= SCOPES.keys()
    assert all(len(why) > 15 for why in reasons(OPTIONAL_SCOPES).values())


def test_socket_mode_has_no_address_and_http_has_one_everywhere() -> None:
    """Slack refuses Socket Mode with request addresses, and HTTP needs one for each kind of request."""
    socket, over_http = build_manifest(BotTable(), None), build_manifest(BotTable(), f"{ADDRESS}/")
    assert socket["settings"]["socket_mode_enabled"] is True
    assert "url" not in json.dumps(socket)
    assert over_http["settings"]["socket_mode_enabled"] is False
    given = set(re.findall(r'"(https://[^"]+)"', json.dumps(over_http)))
    assert given == {f"{ADDRESS}/slack/events"}


def test_what_slack_sends_is_escaped() -> None:
    """People and channels typed into the command come with their ids."""
    assert build_manifest(BotTable(), None)["features"]["slash_commands"][0]["should_escape"] is True


@pytest.mark.parametrize(
    "address", ["http://toban.example.com", "toban.example.com", "https://", "https://x/?a=b"]
)
def test_an_address_that_slack_cannot_use_is_refused(address: str) -> None:
    """Slack sends to https only; the error names what was given."""
    with pytest.raises(ConfigurationError, match=re.escape(repr(address))):
        build_manifest(BotTable(), address)


@pytest.mark.parametrize("suffix", ["Staging", "a b", "-", "a" * 17])
def test_a_suffix_that_slack_would_not_take_is_refused(suffix: str) -> None:
    """An environment is lower-case letters, digits and hyphens."""
    with pytest.raises(ConfigurationError, match="--suffix"):
        named_bot(BotTable(), suffix=suffix)


def test_names_that_grow_too_long_are_refused() -> None:
    """A suffix that makes the command or the name too long is said with the name that would come of it."""
    with pytest.raises(ConfigurationError, match=f"/{'m' * 28}-staging"):
        named_bot(BotTable(command="/" + "m" * 28), suffix="staging")
    with pytest.raises(ConfigurationError, match="name would be"):
        named_bot(BotTable(name="N" * 34), suffix="staging")


def test_optional_scopes_are_asked_for_by_name_only() -> None:
    """Without `--with` none of them is there; a word that is none is refused with what there is."""
    assert build_manifest(BotTable(), None)["oauth_config"]["scopes"]["bot"] == list(SCOPES)
    assert read_extras(["channels", "channels"]) == ("channels",)
    with pytest.raises(ConfigurationError, match="allowed are: channels"):
        read_extras(["channel"])


def test_everything_is_explained() -> None:
    """`--explain` names every scope, event and shortcut, and the optional ones with the word for them."""
    text = explain()
    assert [name for name in (*SCOPES, *EVENTS) if name not in text] == []
    assert all(f"--with {word}" in text for word in OPTIONAL_SCOPES)


def test_the_address_of_slacks_form_carries_the_manifest() -> None:
    """The address for a new app holds the whole manifest, readable again."""
    made = json.dumps(build_manifest(BotTable(name="当番 & co"), None))
    query = parse_qs(urlsplit(new_app_address(made)).query)
    assert (query["new_app"], query["manifest_json"]) == (["1"], [made])


def test_the_page_has_a_row_for_each_scope() -> None:
    """docs/slack.md explains every scope, event and shortcut of the manifest, and no other scope."""
    page = (Path(__file__).resolve().parents[3] / "docs" / "slack.md").read_text("utf-8")
    rows = set(re.findall(r"^\| `([a-z_]+(?::[a-z]+)+|commands)` \|", page, re.MULTILINE))
    optional = {scope for scopes in OPTIONAL_SCOPES.values() for scope in scopes}
    assert rows == SCOPES.keys() | optional
    assert [name for name in (*EVENTS, *(one.name for one in SHORTCUTS)) if name not in page] == []
