"""usergroups.list and usergroups.users.list: https://docs.slack.dev/reference/methods?filter=usergroups"""

from typing import Any

from playground.slack.web_api import ApiError, Call, method
from playground.slack.workspace import CREATED, UserGroup

Json = dict[str, Any]


@method("usergroups.list", scope="usergroups:read")
def list_all(call: Call) -> Json:
    """List the user groups, with their people if asked."""
    groups = [_shown(call, group) for group in call.slack.workspace.groups]
    return {"usergroups": groups}


@method("usergroups.users.list", scope="usergroups:read")
def users(call: Call) -> Json:
    """List the people of one user group."""
    wanted = call.needed("usergroup")
    found = next((group for group in call.slack.workspace.groups if group.id == wanted), None)
    if found is None:
        raise ApiError("no_such_subteam")
    return {"users": found.users}


def _shown(call: Call, group: UserGroup) -> Json:
    """https://docs.slack.dev/reference/objects/usergroup-object"""
    counted = {"user_count": len(group.users)} if call.flag("include_count") else {}
    listed = {"users": group.users} if call.flag("include_users") else {}
    return {
        "id": group.id,
        "team_id": call.slack.workspace.team_id,
        "is_usergroup": True,
        "name": group.name or group.handle,
        "handle": group.handle,
        "description": "",
        "is_external": False,
        "date_create": CREATED,
        "date_update": CREATED,
        "date_delete": 0,
        **counted,
        **listed,
    }
