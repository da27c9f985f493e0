"""What the inputs of a view or a message hold: from what a person chose to Slack's state of it. Pure.

https://docs.slack.dev/reference/block-kit/block-elements
https://docs.slack.dev/reference/views/modal-views
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from playground.refusals import NotPossible
from playground.slack.workspace import UnknownName, Workspace

Json = dict[str, Any]
Values = dict[str, dict[str, Json]]

_TEXTS = frozenset({"plain_text_input", "number_input", "email_text_input", "url_text_input"})
_ONE_OPTION = frozenset({"static_select", "external_select", "radio_buttons", "overflow"})
_OPTIONS = frozenset({"multi_static_select", "multi_external_select", "checkboxes"})
_PICKED = {
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "users_select": "selected_user",
    "channels_select": "selected_channel",
    "conversations_select": "selected_conversation",
}
_MANY_PICKED = {f"multi_{kind}_select": f"selected_{kind}" for kind in ("users", "channels", "conversations")}
# These hold nothing between two presses.
_STATELESS = frozenset({"button", "overflow", "workflow_button"})
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL = re.compile(r"[a-z][a-z0-9+.-]*:[^\s]+", re.IGNORECASE)
REQUIRED = "Please complete this required field."


@dataclass(frozen=True)
class Surroundings:
    """What a value may name: people and channels, shared files, options that the app offered."""

    workspace: Workspace
    file: Callable[[str], Json]
    offered: Sequence[Json] = ()


def elements(blocks: Sequence[Json]) -> Iterator[tuple[Json, Json]]:
    """Yield every interactive element with the block that it stands in."""
    for block in blocks:
        inner = [*(block.get("elements") or []), block.get("accessory"), block.get("element")]
        yield from ((block, each) for each in inner if isinstance(each, dict) and "action_id" in each)


def find(blocks: Sequence[Json], action_id: str, block_id: str | None) -> tuple[Json, Json]:
    """Return (block, element) of an action id, or raise NotPossible."""
    for block, element in elements(blocks):
        if element["action_id"] == action_id and block_id in (None, block["block_id"]):
            return block, element
    raise NotPossible(f"there is no element {action_id!r}")


def named(blocks: Sequence[Json], name: str) -> tuple[Json, Json]:
    """Return (block, element) of an input by block_id, label or action_id, or raise NotPossible."""
    inputs = [(block, element) for block, element in elements(blocks) if element["type"] not in _STATELESS]
    ways: tuple[Callable[[Json, Json], Any], ...] = (
        lambda block, element: block["block_id"],
        lambda block, element: (block.get("label") or block.get("text") or {}).get("text"),
        lambda block, element: element["action_id"],
    )
    for way in ways:
        found = [pair for pair in inputs if way(*pair) == name]
        if found:
            return found[0]
    known = ", ".join(repr((block.get("label") or {}).get("text", block["block_id"])) for block, _ in inputs)
    raise NotPossible(f"there is no input {name!r}; there are: {known or 'none'}")


def initial_values(blocks: Sequence[Json], channel: str | None = None) -> Values:
    """Return what all inputs hold before anybody touched them; *channel* is where a modal was opened."""
    values: Values = {}
    for block, element in elements(blocks):
        if element["type"] not in _STATELESS:
            values.setdefault(block["block_id"], {})[element["action_id"]] = _initial(element, channel)
    return values


def kept_values(blocks: Sequence[Json], values: Values, before: Values) -> Values:
    """Return *values* with what a person had entered *before*, where block, action and kind are the same.

    Slack keeps entries over views.update like this, and so does not apply a new initial value to a block
    whose id has not changed: https://docs.slack.dev/surfaces/modals#updating_views
    """
    for block, element in elements(blocks):
        where = values.get(block["block_id"], {})
        old = before.get(block["block_id"], {}).get(element["action_id"])
        if old is not None and old["type"] == element["type"] and _still_offered(element, old):
            where[element["action_id"]] = old
    return values


def held(element: Json, chosen: Any, around: Surroundings) -> Json:
    """Return an input's state for a value in plain form; None and "" empty it. Raises NotPossible."""
    kind = element["type"]
    if chosen is None or chosen == "" or chosen == []:
        return _empty(kind)
    if kind in _TEXTS:
        return {"type": kind, "value": str(chosen)}
    if kind in _ONE_OPTION:
        return {"type": kind, "selected_option": _option(element, chosen, around)}
    if kind in _OPTIONS:
        return {
            "type": kind,
            "selected_options": [_option(element, each, around) for each in _listed(chosen)],
        }
    if kind == "rich_text_input":
        return {"type": kind, "rich_text_value": _rich_text(chosen)}
    if kind == "file_input":
        return {"type": kind, "files": [around.file(str(each)) for each in _listed(chosen)]}
    if kind in _MANY_PICKED:
        ids = [_reference(kind, str(each), around.workspace) for each in _listed(chosen)]
        return {"type": kind, _MANY_PICKED[kind]: ids}
    zone = {"timezone": element["timezone"]} if "timezone" in element else {}
    return {"type": kind, _PICKED[kind]: _picked(kind, chosen, around.workspace), **zone}


def action_fields(element: Json, chosen: Any, around: Surroundings) -> Json:
    """Return the part of a block_actions action that says what was pressed or chosen."""
    if element["type"] in ("button", "workflow_button"):
        return {name: element[name] for name in ("type", "text", "value") if name in element}
    shown = {name: element[name] for name in element if name == "placeholder" or name.startswith("initial_")}
    return {**held(element, chosen, around), **shown}


def is_stateful(element: Json) -> bool:
    """Return whether the element holds a value between two presses."""
    return element["type"] not in _STATELESS


def problems(blocks: Sequence[Json], values: Values) -> dict[str, str]:
    """Return what Slack's own client says at inputs, by block id, before it sends a form to the app."""
    found: dict[str, str] = {}
    for block, element in elements(blocks):
        if block["type"] != "input":
            continue
        state = values[block["block_id"]][element["action_id"]]
        if _is_empty(state):
            if not block.get("optional"):
                found[block["block_id"]] = REQUIRED
        elif (problem := _wrong(element, state)) is not None:
            found[block["block_id"]] = problem
    return found


def with_value(values: Values, block: Json, element: Json, state: Json) -> Values:
    """Return a copy of all values in which one input holds *state*."""
    here = {**values.get(block["block_id"], {}), element["action_id"]: state}
    return {**values, block["block_id"]: here}


def options_of(element: Json) -> list[Json]:
    """Return a menu's own options, out of their groups."""
    groups = element.get("option_groups") or [{"options": element.get("options") or []}]
    return [option for group in groups for option in group["options"]]


def text_of(option: Json) -> str:
    """Return what a person reads in an option."""
    return str((option.get("text") or {}).get("text", ""))


def _initial(element: Json, channel: str | None) -> Json:
    state = _empty(kind := element["type"])
    for name in element:
        if name.startswith("initial_"):
            end = name.removeprefix("initial_")
            key = {"value": "rich_text_value" if kind == "rich_text_input" else "value"}.get(
                end, f"selected_{end}"
            )
            state[key] = element[name]
    if element.get("default_to_current_conversation") and channel and _is_empty(state):
        state |= (
            {"selected_conversation": channel}
            if "selected_conversation" in state
            else {"selected_conversations": [channel]}
        )
    return state


def _empty(kind: str) -> Json:
    if kind in _ONE_OPTION:
        return {"type": kind, "selected_option": None}
    if kind in _OPTIONS:
        return {"type": kind, "selected_options": []}
    if kind in _PICKED:
        return {"type": kind, _PICKED[kind]: None}
    if kind in _MANY_PICKED:
        return {"type": kind, _MANY_PICKED[kind]: []}
    return {
        "type": kind,
        {"rich_text_input": "rich_text_value", "file_input": "files"}.get(kind, "value"): (
            [] if kind == "file_input" else None
        ),
    }


def _is_empty(state: Json) -> bool:
    return all(value in (None, "", []) for name, value in state.items() if name not in ("type", "timezone"))


def _still_offered(element: Json, state: Json) -> bool:
    """Return whether a menu's choice is still one of its options."""
    if "external" in element["type"] or not (
        chosen := state.get("selected_options") or state.get("selected_option")
    ):
        return True
    values = {option["value"] for option in options_of(element)}
    return all(option["value"] in values for option in _listed(chosen))


def _listed(chosen: Any) -> list[Any]:
    return chosen if isinstance(chosen, list) else [chosen]


def _option(element: Json, chosen: Any, around: Surroundings) -> Json:
    """Return the option of this value, or else of this text."""
    offered = [*options_of(element), *around.offered]
    for wanted in (lambda option: option["value"], text_of):
        for option in offered:
            if wanted(option) == str(chosen):
                return dict(option)
    raise NotPossible(f"the menu has no option {chosen!r}")


def _picked(kind: str, chosen: Any, workspace: Workspace) -> Any:
    if kind == "datepicker" and not _DATE.fullmatch(str(chosen)):
        raise NotPossible(f"{chosen!r} is no date: write it as 2013-07-04")
    if kind == "timepicker" and not _TIME.fullmatch(str(chosen)):
        raise NotPossible(f"{chosen!r} is no time: write it as 09:30")
    if kind == "datetimepicker":
        if not str(chosen).isdigit():
            raise NotPossible(f"{chosen!r} is no time: give whole seconds since 1970")
        return int(chosen)
    return _reference(kind, str(chosen), workspace)


def _reference(kind: str, name: str, workspace: Workspace) -> str:
    """Return the id of a person or channel for menus that hold such; other values stay as they are."""
    try:
        if "users" in kind:
            return workspace.bot.user_id if name == workspace.bot.user_id else workspace.person(name).id
        if "channels" in kind or "conversations" in kind:
            return workspace.channel(name).id
    except UnknownName as error:
        raise NotPossible(str(error)) from error
    return name


def _rich_text(chosen: Any) -> Json:
    if isinstance(chosen, dict):
        return chosen
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": str(chosen)}]}
    return {"type": "rich_text", "elements": [section]}


def _wrong(element: Json, state: Json) -> str | None:
    """Return what is wrong with a value that is there."""
    match element["type"]:
        case "plain_text_input":
            return _wrong_length(element, len(state["value"]))
        case "number_input":
            return _wrong_number(element, state["value"])
        case "email_text_input" if not _EMAIL.fullmatch(state["value"]):
            return "Please enter a valid email address."
        case "url_text_input" if not _URL.fullmatch(state["value"]):
            return "Please enter a valid URL."
    most = element.get("max_selected_items", element.get("max_files"))
    chosen = next((value for value in state.values() if isinstance(value, list)), [])
    return f"Please choose at most {most}." if most is not None and len(chosen) > most else None


def _wrong_length(element: Json, length: int) -> str | None:
    if length < element.get("min_length", 0):
        return f"Please enter at least {element['min_length']} characters."
    if length > (most := element.get("max_length", 3_000)):
        return f"Please enter at most {most} characters."
    return None


def _wrong_number(element: Json, text: str) -> str | None:
    whole = not element.get("is_decimal_allowed")
    if not re.fullmatch(r"[+-]?\d+" if whole else r"[+-]?(\d+\.?\d*|\.\d+)", text):
        return "Please enter a whole number." if whole else "Please enter a number."
    least, most = element.get("min_value"), element.get("max_value")
    if least is not None and float(text) < float(least):
        return f"Please enter a number of at least {least}."
    if most is not None and float(text) > float(most):
        return f"Please enter a number of at most {most}."
    return None
