"""views.*: https://docs.slack.dev/reference/methods?filter=views"""

import json
from collections.abc import Sequence
from typing import Any

from playground.slack.block_checks import Problem
from playground.slack.blocks import view_problems
from playground.slack.methods.lookups import known_person
from playground.slack.triggers import Refused, Trigger
from playground.slack.views import STACK_MOST, OpenView
from playground.slack.web_api import ApiError, Call, method

Json = dict[str, Any]
# https://docs.slack.dev/reference/methods/views.open: “view_too_large”, 250 kB
VIEW_BYTES_MOST = 250_000


@method("views.open")
def open_view(call: Call) -> Json:
    """Open a modal for who caused the trigger."""
    view = _view(call)
    trigger = _trigger(call)
    return {"view": call.slack.views.open(view, trigger.user, channel=trigger.channel).view}


@method("views.push")
def push(call: Call) -> Json:
    """Put a modal on top of the one in which the trigger was issued."""
    view, trigger = _view(call), _trigger(call)
    parent = call.slack.views.find(trigger.view) if trigger.view else None
    if parent is None or parent.view["type"] != "modal":
        raise ApiError("not_found")
    if len(call.slack.views.stack(parent)) >= STACK_MOST:
        raise ApiError("push_limit_reached")
    return {"view": call.slack.views.open(view, trigger.user, parent).view}


@method("views.update")
def update(call: Call) -> Json:
    """Replace what an open modal shows; a hash that is out of date is refused."""
    known = call.slack.views.find(call.text("view_id") or None, call.text("external_id") or None)
    view = _view(call, known)
    if known is None:
        raise ApiError("not_found")
    _prove_hash(call, known)
    return {"view": call.slack.views.update(known, view).view}


@method("views.publish")
def publish(call: Call) -> Json:
    """Put a view on a person's Home tab."""
    if not call.slack.settings.home_tab:
        raise ApiError("not_enabled")
    view = _view(call)
    person = known_person(call, call.needed("user_id"), "invalid_arguments")
    if view["type"] != "home":
        raise _unfit([Problem("/view/type", f"unsupported type: {view['type']}")])
    if (known := call.slack.views.home(person.id)) is not None:
        _prove_hash(call, known)
    return {"view": call.slack.views.publish(view, person.id).view}


def _prove_hash(call: Call, known: OpenView) -> None:
    """https://docs.slack.dev/surfaces/modals#handling_race_conditions"""
    if call.text("hash") and call.text("hash") != known.view["hash"]:
        raise ApiError("hash_conflict")


def _view(call: Call, known: OpenView | None = None) -> Json:
    view = call.arguments.get("view")
    if view is None:
        call.needed("view")
    if problems := view_problems(view):
        raise _unfit(problems)
    assert isinstance(view, dict)
    if len(json.dumps(view, ensure_ascii=False).encode()) > VIEW_BYTES_MOST:
        raise ApiError("view_too_large")
    other = call.slack.views.find(None, view.get("external_id"))
    if other is not None and other is not known:
        raise ApiError("duplicate_external_id")
    return view


def _unfit(problems: Sequence[Problem]) -> ApiError:
    lines = [f"[ERROR] {each.line()}" for each in problems]
    return ApiError("invalid_arguments", response_metadata={"messages": lines})


def _trigger(call: Call) -> Trigger:
    try:
        return call.slack.triggers.exchange(call.text("trigger_id") or call.needed("interactivity_pointer"))
    except Refused as refused:
        raise ApiError(str(refused)) from refused
