"""What people do to elements: press a button, choose in a menu, search in one; in messages and in views."""

from dataclasses import dataclass, replace
from typing import Any

from playground.refusals import NotPossible
from playground.slack import inputs, payloads
from playground.slack.block_elements import OPTION_GROUPS, OPTIONS
from playground.slack.deliveries import Ack, Delivery
from playground.slack.inputs import Surroundings, Values
from playground.slack.loopback import Loopback
from playground.slack.views import OpenView
from playground.slack.workspace import Channel, Person

Json = dict[str, Any]
# https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element#external_select
MIN_QUERY_LENGTH = 3


@dataclass(frozen=True)
class MessagePlace:
    """A message before a person's eyes, with what this person has entered in it."""

    channel: Channel
    message: Json
    values: Values

    @property
    def blocks(self) -> list[Json]:
        """Return the blocks that hold the elements."""
        return self.message.get("blocks") or []

    @property
    def key(self) -> str:
        """Return what tells this place from others."""
        return f"{self.channel.id}/{self.message['ts']}"

    def part(self) -> Json:
        """Return what payloads say about the place."""
        return payloads.message_place(self.channel, self.message)


@dataclass(frozen=True)
class ViewPlace:
    """A view before a person's eyes."""

    open: OpenView

    @property
    def blocks(self) -> list[Json]:
        """Return the blocks that hold the elements."""
        blocks: list[Json] = self.open.view["blocks"]
        return blocks

    @property
    def values(self) -> Values:
        """Return what the inputs hold."""
        values: Values = self.open.view["state"]["values"]
        return values

    @property
    def key(self) -> str:
        """Return what tells this place from others."""
        return self.open.id

    def part(self) -> Json:
        """Return what payloads say about the place."""
        return payloads.view_place(self.open.view)


Place = MessagePlace | ViewPlace


def place_of(slack: Loopback, person: Person, channel: Channel, ts: str) -> MessagePlace:
    """Return the message of this timestamp as a person sees it, or raise NotPossible."""
    message = visible_message(slack, person, channel, ts)
    values = inputs.initial_values(message.get("blocks") or [])
    entered = slack.entered.get((person.id, f"{channel.id}/{ts}"), {})
    return MessagePlace(channel, message, inputs.kept_values(message.get("blocks") or [], values, entered))


async def press(
    slack: Loopback, person: Person, place: Place, action_id: str, block_id: str | None, chosen: Any
) -> Json:
    """Press a button or choose *chosen* in a menu; return how the app took it."""
    block, element = inputs.find(place.blocks, action_id, block_id)
    around = await surroundings(slack, person, place, block, element, chosen)
    action = {
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        **inputs.action_fields(element, chosen, around),
        "action_ts": slack.messages.next_ts(),
    }
    if inputs.is_stateful(element):
        state = inputs.held(element, chosen, around)
        place = enter(slack, person, place, inputs.with_value(place.values, block, element, state))
    # An input tells the app at once only when asked to: https://docs.slack.dev/reference/block-kit/blocks/input-block
    if block["type"] == "input" and not block.get("dispatch_action"):
        return {"ok": True, "delivery": None, "ack_ms": 0}
    delivery, ack = await slack.deliveries.send("interactive", _payload(slack, person, place, action))
    if not ack.ok:
        channel = place.channel if isinstance(place, MessagePlace) else None
        tell_failure(slack, person, channel, f"{slack.workspace.bot.name} did not take the press", ack)
    return outcome(delivery, ack)


async def suggest(
    slack: Loopback, person: Person, place: Place, action_id: str, block_id: str | None, query: str
) -> Json:
    """Type *query* into a menu with an external source; return the app's options, or option groups.

    Raises NotPossible for any other element.
    """
    block, element = inputs.find(place.blocks, action_id, block_id)
    if "external" not in element["type"]:
        raise NotPossible(f"{action_id!r} is a {element['type']}; it does not search")
    least = element.get("min_query_length", MIN_QUERY_LENGTH)
    if len(query) < least:
        return {"ok": True, "delivery": None, "ack_ms": 0, "options": [], "min_query_length": least}
    asked = {"action_id": element["action_id"], "block_id": block["block_id"]}
    payload = payloads.block_suggestion(slack.workspace, person, asked, query, place.part())
    delivery, ack = await slack.deliveries.send("interactive", payload)
    if not ack.ok:
        return {**outcome(delivery, ack), "options": []}
    answer = ack.body if isinstance(ack.body, dict) else {}
    if found := _unfit_options(answer):
        return {
            **outcome(delivery, ack),
            "ok": False,
            "error": "invalid_options",
            "problems": found,
            "options": [],
        }
    known = slack.offered.setdefault((person.id, place.key, element["action_id"]), [])
    known[:] = inputs.options_of(answer)
    return {
        **outcome(delivery, ack),
        **{name: answer[name] for name in ("options", "option_groups") if name in answer},
    }


def enter(slack: Loopback, person: Person, place: Place, values: Values) -> Place:
    """Remember what a person entered, and return the place as it stands now."""
    if isinstance(place, ViewPlace):
        slack.views.hold(place.open, values)
        return place
    slack.entered[person.id, place.key] = values
    return replace(place, values=values)


async def surroundings(
    slack: Loopback, person: Person, place: Place, block: Json, element: Json, chosen: Any
) -> Surroundings:
    """Return what *chosen* may name; what an external menu has not offered yet is searched for first."""
    offered = [*slack.offered.get((person.id, place.key, element["action_id"]), [])]
    if "external" in element["type"]:
        offered += _present(place.values, block, element)
        for each in chosen if isinstance(chosen, list) else [chosen]:
            known = {name for option in offered for name in (option["value"], inputs.text_of(option))}
            if each not in (None, "") and str(each) not in known:
                found = await suggest(
                    slack, person, place, element["action_id"], block["block_id"], str(each)
                )
                offered += inputs.options_of(found)
    return Surroundings(slack.workspace, lambda key: _file(slack, key), offered)


def outcome(delivery: Delivery, ack: Ack) -> Json:
    """Return for people how the app took a delivery."""
    trouble = {} if ack.ok else {"error": ack.error, "detail": ack.detail, "status": ack.status}
    known = {name: told for name, told in trouble.items() if told is not None}
    return {"delivery": delivery.id, "ok": ack.ok, **known, "ack_ms": ack.ack_ms}


def tell_failure(slack: Loopback, person: Person, channel: Channel | None, what: str, ack: Ack) -> None:
    """Tell the feed that the app did not take something."""
    where = {"channel": channel.id, "channel_name": channel.name} if channel else {}
    slack.feed.publish(
        "ack_failed",
        **where,
        visible_to=[person.id],
        error=ack.error,
        status=ack.status,
        plain=f"⚠ {what}: {ack.error}{ack.detail and f' ({ack.detail})'}",
    )


def _payload(slack: Loopback, person: Person, place: Place, action: Json) -> Json:
    if isinstance(place, ViewPlace):
        trigger = slack.triggers.issue(person.id, place.open.channel, place.open.id)
        return payloads.view_actions(slack.workspace, person, place.open.view, action, trigger.id)
    channel, message = place.channel, place.message
    team, thread_ts = slack.workspace.team_id, message.get("thread_ts")
    issued = slack.response_urls.issue("actions", team, channel.id, person.id, message["ts"], thread_ts)
    trigger = slack.triggers.issue(person.id, channel.id)
    return payloads.block_actions(
        slack.workspace,
        person,
        channel,
        message,
        action,
        place.values,
        trigger.id,
        slack.base_url + issued.path,
    )


def visible_message(slack: Loopback, person: Person, channel: Channel, ts: str) -> Json:
    """Return a message that a person sees, or raise NotPossible."""
    private = slack.messages.find_private(channel.id, ts)
    if private is not None and private[0] == person.id:
        return private[1]
    message = slack.messages.find(channel.id, ts)
    if message is None or (person.id not in channel.members and (channel.is_private or channel.is_im)):
        raise NotPossible(f"{person.name} sees no message {ts} in #{channel.name}")
    return message


def _present(values: Values, block: Json, element: Json) -> list[Json]:
    """Return the options that a menu shows as chosen."""
    state = values.get(block["block_id"], {}).get(element["action_id"], {})
    chosen = state.get("selected_options") or state.get("selected_option") or []
    return chosen if isinstance(chosen, list) else [chosen]


def _unfit_options(answer: Json) -> list[str]:
    """Return what Slack would not show of an answer to block_suggestion: at most 100 options or groups."""
    if ("options" in answer) == ("option_groups" in answer):
        return ["exactly one of options and option_groups must be specified"]
    name, check = ("options", OPTIONS) if "options" in answer else ("option_groups", OPTION_GROUPS)
    return [problem.line() for problem in check(answer[name], f"/{name}")] if answer[name] else []


def _file(slack: Loopback, key: str) -> Json:
    file = slack.files.find(key)
    if file is None:
        raise NotPossible(f"no file {key!r}")
    return slack.files.shown(file)
