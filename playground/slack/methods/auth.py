"""api.test, auth.test, apps.connections.open: https://docs.slack.dev/reference/methods"""

from typing import Any

from playground.slack.web_api import ApiError, Call, method

Json = dict[str, Any]


@method("api.test", token="none")
def api_test(call: Call) -> Json:
    """Give back what was sent."""
    if error := call.text("error"):
        raise ApiError(error, args=call.arguments)
    return {"args": call.arguments} if call.arguments else {}


@method("auth.test")
def auth_test(call: Call) -> Json:
    """Say whose token this is."""
    workspace = call.slack.workspace
    return {
        "url": f"{call.slack.base_url}/",
        "team": workspace.team_name,
        "user": workspace.bot.name,
        "team_id": workspace.team_id,
        "user_id": workspace.bot.user_id,
        "bot_id": workspace.bot.bot_id,
        "is_enterprise_install": False,
    }


@method("apps.connections.open", token="app")
def apps_connections_open(call: Call) -> Json:
    """Give the address of a new socket."""
    return {"url": f"{call.slack.socket_url}/link/?ticket={call.slack.sockets.ticket()}"}
