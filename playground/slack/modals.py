"""What people do with forms: fill them in, send them off, close them; and what the app's answer does to them.

https://docs.slack.dev/surfaces/modals
"""

from typing import Any

from playground.refusals import NotPossible
from playground.slack import inputs, payloads
from playground.slack.acts import ViewPlace, enter, outcome, surroundings, tell_failure
from playground.slack.blocks import view_problems
from playground.slack.loopback import Loopback
from playground.slack.views import STACK_MOST, OpenView
from playground.slack.workspace import Person

Json = dict[str, Any]


async def fill(slack: Loopback, person: Person, known: OpenView, values: Json) -> None:
    """Enter values in plain form into a view's inputs, named by block_id, label or action_id."""
    for name, chosen in values.items():
        place = ViewPlace(known)
        block, element = inputs.named(place.blocks, name)
        around = await surroundings(slack, person, place, block, element, chosen)
        state = inputs.held(element, chosen, around)
        enter(slack, person, place, inputs.with_value(place.values, block, element, state))


async def submit(slack: Loopback, person: Person, known: OpenView, values: Json) -> Json:
    """Fill a form in and send it off; return how it went, with “errors” by block_id if there are any.

    What Slack's own client refuses never reaches the app: “error” is invalid_input then, and refused_input
    when the app found the errors.
    """
    if known.view["type"] != "modal" or not _can_submit(known.view):
        raise NotPossible("this view has no submit button")
    await fill(slack, person, known, values)
    if found := inputs.problems(known.view["blocks"], known.view["state"]["values"]):
        slack.views.refuse(known, found)
        return {"ok": False, "delivery": None, "error": "invalid_input", "errors": found, "ack_ms": 0}
    trigger = slack.triggers.issue(person.id, known.channel, known.id)
    urls = _response_urls(slack, person, known)
    payload = payloads.view_submission(slack.workspace, person, known.view, trigger.id, urls)
    delivery, ack = await slack.deliveries.send("interactive", payload)
    if not ack.ok:
        tell_failure(slack, person, None, "We had some trouble connecting; try again", ack)
        return outcome(delivery, ack)
    return {**outcome(delivery, ack), **_follow(slack, known, ack.body)}


async def close(slack: Loopback, person: Person, known: OpenView, everything: bool) -> Json:
    """Press a form's Cancel, or (*everything*) the cross that closes its whole stack.

    The app hears of each view that asked for it by notify_on_close; the last of them is reported.
    """
    if known.view["type"] != "modal":
        raise NotPossible("the Home tab cannot be closed")
    is_cleared = everything or bool(known.view["clear_on_close"])
    result: Json = {"ok": True, "delivery": None, "ack_ms": 0}
    for closing in reversed(slack.views.stack(known)) if is_cleared else [known]:
        slack.views.close(closing)
        if closing.view["notify_on_close"]:
            payload = payloads.view_closed(slack.workspace, person, closing.view, is_cleared)
            result = outcome(*await slack.deliveries.send("interactive", payload))
    return result


def _can_submit(view: Json) -> bool:
    """A view with input blocks must have a submit button; others have one if they name it."""
    return bool(view["submit"]) or any(block["type"] == "input" for block in view["blocks"])


def _response_urls(slack: Loopback, person: Person, known: OpenView) -> list[Json]:
    """Return a URL for each channel chosen in an input that asks for one by response_url_enabled."""
    urls = []
    for block, element in inputs.elements(known.view["blocks"]):
        state = known.view["state"]["values"].get(block["block_id"], {}).get(element["action_id"], {})
        channel = state.get("selected_conversation") or state.get("selected_channel")
        if block["type"] == "input" and element.get("response_url_enabled") and channel:
            issued = slack.response_urls.issue("app", slack.workspace.team_id, channel, person.id)
            named = {"block_id": block["block_id"], "action_id": element["action_id"], "channel_id": channel}
            urls.append({**named, "response_url": slack.base_url + issued.path})
    return urls


def _follow(slack: Loopback, known: OpenView, answer: Any) -> Json:
    """Do what the ack of a submission says: https://docs.slack.dev/surfaces/modals#updating_response"""
    if slack.views.find(known.id) is None:  # closed in the meantime
        return {}
    if answer in (None, "", {}):
        slack.views.close(known)
        return {}
    match answer:
        case {"response_action": "clear"}:
            slack.views.close(slack.views.stack(known)[0])
            return {"response_action": "clear"}
        case {"response_action": "errors", "errors": dict(errors)} if _fit(errors, known):
            slack.views.refuse(known, errors)
            return {"ok": False, "error": "refused_input", "response_action": "errors", "errors": errors}
        case {"response_action": "update", "view": dict(view)} if not view_problems(view):
            slack.views.update(known, view)
            return {"response_action": "update"}
        case {"response_action": "push", "view": dict(view)} if not view_problems(view):
            if len(slack.views.stack(known)) >= STACK_MOST:
                return _unusable(slack, known, "push_limit_reached")
            slack.views.open(view, known.user, known)
            return {"response_action": "push"}
    problems = view_problems(answer["view"]) if isinstance(answer, dict) and "view" in answer else []
    return _unusable(slack, known, "invalid_response", [problem.line() for problem in problems])


def _fit(errors: Json, known: OpenView) -> bool:
    """Errors name input blocks of the view, each with a text."""
    blocks = {block["block_id"] for block in known.view["blocks"] if block["type"] == "input"}
    return bool(errors) and errors.keys() <= blocks and all(isinstance(text, str) for text in errors.values())


def _unusable(slack: Loopback, known: OpenView, error: str, problems: list[str] | None = None) -> Json:
    """The view stays, and Slack says that it had some trouble connecting."""
    plain = "⚠ We had some trouble connecting. Try again?"
    slack.feed.publish(
        "ack_failed", visible_to=[known.user], error=error, problems=problems or [], plain=plain
    )
    return {"ok": False, "error": error, **({"problems": problems} if problems else {})}
