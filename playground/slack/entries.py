"""Other ways into an app: shortcuts, its Home, and Slack's question whether an address is the app's.

https://docs.slack.dev/interactivity/implementing-shortcuts
https://docs.slack.dev/surfaces/app-home
"""

from typing import Any, Literal

from playground.refusals import NotPossible
from playground.slack import payloads
from playground.slack.acts import outcome, tell_failure, visible_message
from playground.slack.ids import new_id, new_secret
from playground.slack.loopback import Loopback
from playground.slack.workspace import Channel, Person

Json = dict[str, Any]
Tab = Literal["home", "messages"]


async def shortcut(
    slack: Loopback, person: Person, callback_id: str, channel: Channel | None, ts: str | None
) -> Json:
    """Take a global shortcut, or a message's when *channel* and *ts* name one; return how the app took it."""
    kind: Literal["global", "message"] = "message" if channel is not None and ts is not None else "global"
    _prove_registered(slack, callback_id, kind)
    ts_now = slack.messages.next_ts()
    if channel is None or ts is None:
        trigger = slack.triggers.issue(person.id)
        payload = payloads.global_shortcut(slack.workspace, person, callback_id, trigger.id, ts_now)
    else:
        message = visible_message(slack, person, channel, ts)
        if message.get("is_ephemeral"):
            raise NotPossible("messages that only one person sees have no shortcuts")
        issued = slack.response_urls.issue("app", slack.workspace.team_id, channel.id, person.id)
        trigger = slack.triggers.issue(person.id, channel.id)
        payload = {
            **payloads.global_shortcut(slack.workspace, person, callback_id, trigger.id, ts_now),
            **payloads.message_part(channel, message, slack.base_url + issued.path),
        }
    delivery, ack = await slack.deliveries.send("interactive", payload)
    if not ack.ok:
        tell_failure(slack, person, channel, f"{slack.workspace.bot.name} did not take the shortcut", ack)
    return outcome(delivery, ack)


async def open_home(slack: Loopback, person: Person, tab: Tab) -> Json:
    """Look at the app's Home or at its direct message; the app hears of it if it subscribed to that."""
    channel = slack.direct_channel(person.id)
    if "app_home_opened" not in slack.settings.events:
        return {"ok": True, "delivery": None, "ack_ms": 0, "channel": channel.id}
    home = slack.views.home(person.id)
    event = {
        "type": "app_home_opened",
        "user": person.id,
        "channel": channel.id,
        "tab": tab,
        "event_ts": slack.messages.next_ts(),
        **({"view": home.view} if home is not None and tab == "home" else {}),
    }
    callback = payloads.event_callback(slack.workspace, event, new_id("Ev"), slack.now())
    return {**outcome(*await slack.deliveries.send("events_api", callback)), "channel": channel.id}


async def verify(slack: Loopback) -> Json:
    """Ask the app's address to say a challenge back, as Slack does when the address is entered.

    https://docs.slack.dev/reference/events/url_verification
    """
    challenge = new_secret(48)
    body = {"token": payloads.VERIFICATION_TOKEN, "challenge": challenge, "type": "url_verification"}
    delivery, ack = await slack.deliveries.send("url_verification", body)
    said = ack.body.get("challenge") if isinstance(ack.body, dict) else ack.body
    verified = ack.ok and said == challenge
    return {
        **outcome(delivery, ack),
        "ok": verified,
        **({} if verified or ack.error else {"error": "challenge_failed"}),
    }


def _prove_registered(slack: Loopback, callback_id: str, kind: str) -> None:
    known = slack.settings.shortcuts
    if known is None or any((each.callback_id, each.type) == (callback_id, kind) for each in known):
        return
    names = ", ".join(each.callback_id for each in known if each.type == kind)
    raise NotPossible(f"the app has no {kind} shortcut {callback_id!r}; it has: {names or 'none'}")
