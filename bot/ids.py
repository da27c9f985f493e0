"""Which request it is that Slack sends, so that the same makes the same flow, and for which workspace."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any


def request_id(slacks_own: object, *parts: object) -> str:
    """Return a short id of a request that is the same whenever Slack delivers the same thing again.

    It is made of Slack's own id and of what is asked for, so that two requests that differ are never taken
    for one. Where Slack gives no id, nothing tells a repetition from a second request: each has its own.
    """
    said = (slacks_own or uuid.uuid4().hex, *parts)
    return hashlib.sha256("\x00".join(map(str, said)).encode()).hexdigest()[:20]


def team_of(body: Mapping[str, Any]) -> str | None:
    """Return the id of the workspace that a request names.

    In an Enterprise Grid `team` may be null; then the view and the person still say where they belong:
    https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
    """
    team, view, user = (body.get(name) or {} for name in ("team", "view", "user"))
    found = (team.get("id"), body.get("team_id"), view.get("app_installed_team_id"), user.get("team_id"))
    return next((str(one) for one in found if one), None)


def team_of_event(body: Mapping[str, Any]) -> str | None:
    """Return the id of the workspace for which an event is sent.

    In a channel that is shared with others the envelope may name another workspace, and `authorizations` say
    whose app it is sent to; that counts for people of ours only, whose `user_team` is missing or ours:
    https://docs.slack.dev/apis/events-api/#authorizations
    """
    granted: Mapping[str, Any] = (body.get("authorizations") or ({},))[0]
    home = (body.get("event") or {}).get("user_team")
    ours = home is None or home in (granted.get("team_id"), granted.get("enterprise_id"))
    return (granted.get("team_id") if ours else None) or team_of(body)


def act_of(body: Mapping[str, Any]) -> object:
    """Return Slack's own id of a press or a shortcut, or None."""
    action = (body.get("actions") or [{}])[0]
    return action.get("action_ts") or body.get("action_ts") or body.get("trigger_id")
