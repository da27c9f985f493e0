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
    values: Json,
    trigger_id: str,
    response_url: str,
) -> Json:
    """Return the payload of a pressed button or a chosen option in a message."""
    return {
        **_interaction("block_actions", workspace, person),
        **message_place(channel, message),
        "trigger_id": trigger_id,
        "state": {"values": values},
        "response_url": response_url,
        "actions": [action],
    }


def view_actions(workspace: Workspace, person: Person, view: Json, action: Json, trigger_id: str) -> Json:
    """Return the payload of something pressed or chosen in a modal or on the Home tab."""
    return {
        **_interaction("block_actions", workspace, person),
        **view_place(view),
        "trigger_id": trigger_id,
        "actions": [action],
    }


def view_submission(
    workspace: Workspace, person: Person, view: Json, trigger_id: str, response_urls: list[Json]
) -> Json:
    """Return the payload of a modal that was sent off; its view holds what was entered.

    https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
    """
    return {
        **_interaction("view_submission", workspace, person),
        "trigger_id": trigger_id,
        "view": view,
        "response_urls": response_urls,
    }


def view_closed(workspace: Workspace, person: Person, view: Json, is_cleared: bool) -> Json:
    """Return the payload of a modal that was cancelled; *is_cleared* when its whole stack went."""
    return {**_interaction("view_closed", workspace, person), "view": view, "is_cleared": is_cleared}


def block_suggestion(workspace: Workspace, person: Person, asked: Json, query: str, where: Json) -> Json:
    """Return the payload that asks for a menu's options; *asked* names it, *where* is its place.

    https://docs.slack.dev/reference/interaction-payloads/block_suggestion-payload
    """
    return {**_interaction("block_suggestion", workspace, person), **where, **asked, "value": query}


def global_shortcut(
    workspace: Workspace, person: Person, callback_id: str, trigger_id: str, action_ts: str
) -> Json:
    """Return the payload of a global shortcut: https://docs.slack.dev/reference/interaction-payloads/shortcuts-interaction-payload"""
    return {
        **_interaction("shortcut", workspace, person),
        "callback_id": callback_id,
        "trigger_id": trigger_id,
        "action_ts": action_ts,
    }


def message_part(channel: Channel, message: Json, response_url: str) -> Json:
    """Return what a message shortcut says beyond a global one."""
    return {
        "type": "message_action",
        "channel": _channel(channel),
        "message_ts": message["ts"],
        "message": message,
        "response_url": response_url,
    }


def view_place(view: Json) -> Json:
    """Return the part of a payload that says in which view something happened."""
    return {"container": {"type": "view", "view_id": view["id"]}, "view": view}


def message_place(channel: Channel, message: Json) -> Json:
    """Return the part of a payload that says at which message something happened."""
    return {
        "container": _message_container(channel, message),
        "channel": _channel(channel),
        # An ephemeral message is stored nowhere, so Slack cannot send it back.
        **({} if message.get("is_ephemeral") else {"message": message}),
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
    if envelope in ("events_api", "url_verification"):
        return "application/json", json.dumps(payload, separators=(",", ":")).encode()
    fields = (
        payload if envelope == "slash_commands" else {"payload": json.dumps(payload, separators=(",", ":"))}
    )
    return "application/x-www-form-urlencoded", urlencode(fields).encode()


def _interaction(kind: str, workspace: Workspace, person: Person) -> Json:
    """Return what every interaction says: its kind, who did it, to which app."""
    return {
        "type": kind,
        "user": {
            "id": person.id,
            "username": person.name,
            "name": person.name,
            "team_id": workspace.team_id,
        },
        "api_app_id": workspace.bot.app_id,
        "token": VERIFICATION_TOKEN,
        "team": {"id": workspace.team_id, "domain": workspace.team_domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _message_container(channel: Channel, message: Json) -> Json:
    return {
        "type": "message",
        "message_ts": message["ts"],
        "channel_id": channel.id,
        "is_ephemeral": bool(message.get("is_ephemeral")),
        **({"thread_ts": message["thread_ts"]} if "thread_ts" in message else {}),
    }


def _channel(channel: Channel) -> Json:
    return {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name}
