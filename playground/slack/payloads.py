"""The shapes of what Slack sends to an app. Pure.

https://docs.slack.dev/interactivity/implementing-slash-commands
https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
https://docs.slack.dev/apis/events-api
"""

import json
from typing import Any
from urllib.parse import urlencode

from playground.slack.workspace import Channel, Person, Workspace

Json = dict[str, Any]
# Slack still sends its old verification token; nobody should check it.
VERIFICATION_TOKEN = "loopback-verification"


def slash_command(
    workspace: Workspace,
    person: Person,
    channel: Channel,
    command: str,
    text: str,
    trigger_id: str,
    response_url: str,
) -> Json:
    """Return the fields of a slash command."""
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": workspace.team_id,
        "team_domain": workspace.team_domain,
        "channel_id": channel.id,
        "channel_name": "directmessage" if channel.is_im else channel.name,
        "user_id": person.id,
        "user_name": person.name,
        "command": command,
        "text": text,
        "api_app_id": workspace.bot.app_id,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger_id,
    }


def block_actions(
    workspace: Workspace,
    person: Person,
    channel: Channel,
    message: Json,
    action: Json,
    trigger_id: str,
    response_url: str,
) -> Json:
    """Return the payload of a pressed button or a chosen option."""
    private = bool(message.get("is_ephemeral"))
    container = {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": channel.id,
        "is_ephemeral": private,
        **({"thread_ts": message["thread_ts"]} if "thread_ts" in message else {}),
    }
    return {
        "type": "block_actions",
        "user": {
            "id": person.id,
            "username": person.name,
            "name": person.name,
            "team_id": workspace.team_id,
        },
        "api_app_id": workspace.bot.app_id,
        "token": VERIFICATION_TOKEN,
        "container": container,
        "trigger_id": trigger_id,
        "team": {"id": workspace.team_id, "domain": workspace.team_domain},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name},
        # An ephemeral message is stored nowhere, so Slack cannot send it back.
        **({} if private else {"message": message}),
        "state": {"values": _state(action)},
        "response_url": response_url,
        "actions": [action],
    }


def event_callback(workspace: Workspace, event: Json, event_id: str, now: int) -> Json:
    """Return an Events API callback around an event."""
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": workspace.team_id,
        "context_team_id": workspace.team_id,
        "context_enterprise_id": None,
        "api_app_id": workspace.bot.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": now,
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": workspace.team_id,
                "user_id": workspace.bot.user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
        "event_context": f"4-{event_id}",
    }


def body_of(envelope: str, payload: Json) -> tuple[str, bytes]:
    """Return (content type, body) as sent over HTTP for an envelope type of Socket Mode."""
    if envelope == "events_api":
        return "application/json", json.dumps(payload, separators=(",", ":")).encode()
    fields = (
        payload if envelope == "slash_commands" else {"payload": json.dumps(payload, separators=(",", ":"))}
    )
    return "application/x-www-form-urlencoded", urlencode(fields).encode()


def _state(action: Json) -> Json:
    """Return the values that inputs in the message hold; a button holds none."""
    if action["type"] in ("button", "overflow"):
        return {}
    held = {
        name: value
        for name, value in action.items()
        if name == "type" or name == "value" or name.startswith("selected_")
    }
    return {action["block_id"]: {action["action_id"]: held}}
