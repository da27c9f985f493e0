"""views.*: https://docs.slack.dev/reference/methods?filter=views"""

from typing import Any

from playground.slack.blocks import view_problems
from playground.slack.methods.lookups import known_person
from playground.slack.triggers import Refused, Trigger
from playground.slack.views import STACK_MOST
from playground.slack.web_api import ApiError, Call, method

Json = dict[str, Any]


@method("views.open")
def open_view(call: Call) -> Json:
    """Open a modal for who caused the trigger."""
    view = _view(call)
    trigger = _trigger(call)
    return {"view": call.slack.views.open(view, trigger.user)}


@method("views.push")
def push(call: Call) -> Json:
    """Put a modal on top of the one that is open."""
    view, trigger = _view(call), _trigger(call)
    parent = call.slack.views.find(call.text("view_id") or None, None)
    if parent is not None and call.slack.views.depth(parent) >= STACK_MOST:
        raise ApiError("push_limit_reached")
    return {"view": call.slack.views.open(view, trigger.user, parent)}


@method("views.update")
def update(call: Call) -> Json:
    """Replace what an open modal shows; a hash that is out of date is refused."""
    view = _view(call)
    known = call.slack.views.find(call.text("view_id") or None, call.text("external_id") or None)
    if known is None:
        raise ApiError("not_found")
    if call.text("hash") and call.text("hash") != known["hash"]:
        raise ApiError("hash_conflict")
    return {"view": call.slack.views.update(known, view, "")}


@method("views.publish")
def publish(call: Call) -> Json:
    """Put a view on a person's Home tab."""
    view = _view(call)
    person = known_person(call, call.needed("user_id"), "invalid_arguments")
    known = call.slack.views.home(person.id)
    if call.text("hash") and known is not None and call.text("hash") != known["hash"]:
        raise ApiError("hash_conflict")
    return {"view": call.slack.views.publish(view, person.id)}


def _view(call: Call) -> Json:
    view = call.arguments.get("view")
    if view is None:
        call.needed("view")
    if problems := view_problems(view):
        raise ApiError(
            "invalid_arguments",
            response_metadata={"messages": [f"[ERROR] {each.line()}" for each in problems]},
        )
    assert isinstance(view, dict)
    return view


def _trigger(call: Call) -> Trigger:
    try:
        return call.slack.triggers.exchange(call.text("trigger_id") or call.needed("interactivity_pointer"))
    except Refused as refused:
        raise ApiError(str(refused)) from refused
