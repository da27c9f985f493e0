"""users.info and users.list: https://docs.slack.dev/reference/methods?filter=users"""

from typing import Any

from playground.slack.methods.lookups import known_person, page
from playground.slack.web_api import Call, method
from playground.slack.workspace import bot_user_object, user_object

Json = dict[str, Any]


@method("users.info", scope="users:read")
def info(call: Call) -> Json:
    """Show one person, or the bot's own user."""
    workspace, user = call.slack.workspace, call.needed("user", "user_not_found")
    if user == workspace.bot.user_id:
        return {"user": bot_user_object(workspace, call.flag("include_locale"))}
    return {"user": user_object(workspace, known_person(call, user), call.flag("include_locale"))}


@method("users.list", scope="users:read")
def list_all(call: Call) -> Json:
    """List everybody, the bot last."""
    workspace, locale = call.slack.workspace, call.flag("include_locale")
    people = [user_object(workspace, person, locale) for person in workspace.people]
    everybody = [*people, bot_user_object(workspace, locale)]
    rows, cursor = page(call, everybody, len(everybody))
    return {"members": rows, "cache_ts": call.slack.now(), "response_metadata": {"next_cursor": cursor}}
