"""Rules for what stands inside blocks: text objects, options, confirm dialogs, buttons, menus, inputs.

The numbers come from slack_sdk's own models, so they move with the vendor's library.
https://docs.slack.dev/reference/block-kit/block-elements
"""

from collections.abc import Iterator, Mapping
from typing import Any

from slack_sdk.models.blocks import (
    ButtonElement,
    ConfirmObject,
    ImageElement,
    InputInteractiveElement,
    InteractiveElement,
    Option,
    OptionGroup,
    StaticSelectElement,
)

from playground.slack.block_checks import (
    Check,
    Problem,
    anything,
    boolean,
    both,
    by_type,
    choice,
    items,
    number,
    record,
    string,
)

# https://docs.slack.dev/reference/block-kit/composition-objects/text-object
TEXT_MOST = 3_000
OVERFLOW_MOST = 5
CHECKBOXES_MOST = 10

_TYPE = {"type": anything}
_ACTION = {"action_id": string(InteractiveElement.action_id_max_length)}


def plain(most: int = TEXT_MOST) -> Check:
    """A plain_text object of at most *most* characters."""
    return by_type({"plain_text": record({**_TYPE, "text": string(most)}, {"emoji": boolean})})


def text(most: int = TEXT_MOST) -> Check:
    """A plain_text or mrkdwn object of at most *most* characters."""
    return by_type(
        {
            "plain_text": record({**_TYPE, "text": string(most)}, {"emoji": boolean}),
            "mrkdwn": record({**_TYPE, "text": string(most)}, {"verbatim": boolean}),
        }
    )


CONFIRM = record(
    {
        "title": plain(ConfirmObject.title_max_length),
        "text": text(ConfirmObject.text_max_length),
        "confirm": plain(ConfirmObject.confirm_max_length),
        "deny": plain(ConfirmObject.deny_max_length),
    },
    {"style": choice("primary", "danger")},
)
OPTION = record(
    {"text": text(Option.label_max_length), "value": string(Option.value_max_length)},
    {"description": text(Option.label_max_length), "url": string(ButtonElement.url_max_length)},
)
OPTIONS = items(OPTION, StaticSelectElement.options_max_length)
OPTION_GROUPS = items(
    record({"label": plain(OptionGroup.label_max_length), "options": OPTIONS}),
    StaticSelectElement.option_groups_max_length,
)


def _one_source(value: Any, at: str) -> Iterator[Problem]:
    if ("options" in value) == ("option_groups" in value):
        yield Problem(at, "exactly one of options and option_groups must be specified")


_FIELD = {
    **_ACTION,
    "placeholder": plain(InputInteractiveElement.placeholder_max_length),
    "focus_on_load": boolean,
    "confirm": CONFIRM,
}


def _menu(optional: Mapping[str, Check]) -> Check:
    return record(_TYPE, {**_FIELD, **optional})


_Rules = Mapping[str, Check]


def _menus(kind: str, optional: _Rules, initial: _Rules, initials: _Rules) -> dict[str, Check]:
    return {
        f"{kind}_select": _menu({**optional, **initial}),
        f"multi_{kind}_select": _menu({**optional, **initials, "max_selected_items": number(1)}),
    }


_CONVERSATION = {
    "default_to_current_conversation": boolean,
    "response_url_enabled": boolean,
    "filter": anything,
}
_BUTTON = record(
    {**_TYPE, "text": plain(ButtonElement.text_max_length)},
    {
        **_ACTION,
        "url": string(ButtonElement.url_max_length),
        "value": string(ButtonElement.value_max_length, 0),
        "style": choice("primary", "danger"),
        "confirm": CONFIRM,
        "accessibility_label": string(ButtonElement.text_max_length),
    },
)
IMAGE = both(
    record(
        {**_TYPE, "alt_text": string(ImageElement.alt_text_max_length)},
        {"image_url": string(ImageElement.image_url_max_length), "slack_file": anything},
    ),
)
_STATIC: dict[str, Check] = {
    name: both(check, _one_source)
    for name, check in _menus(
        "static",
        {"options": OPTIONS, "option_groups": OPTION_GROUPS},
        {"initial_option": OPTION},
        {"initial_options": OPTIONS},
    ).items()
}
_MENUS: dict[str, Check] = {
    **_STATIC,
    **_menus(
        "external",
        {"min_query_length": number(0)},
        {"initial_option": OPTION},
        {"initial_options": OPTIONS},
    ),
    **_menus("users", {}, {"initial_user": anything}, {"initial_users": anything}),
    **_menus(
        "conversations",
        _CONVERSATION,
        {"initial_conversation": anything},
        {"initial_conversations": anything},
    ),
    **_menus(
        "channels",
        {"response_url_enabled": boolean},
        {"initial_channel": anything},
        {"initial_channels": anything},
    ),
}
_PICKERS: dict[str, Check] = {
    "datepicker": _menu({"initial_date": string(10)}),
    "timepicker": _menu({"initial_time": string(5), "timezone": anything}),
    "datetimepicker": _menu({"initial_date_time": number(0)}),
    "overflow": record({**_TYPE, "options": items(OPTION, OVERFLOW_MOST)}, {**_ACTION, "confirm": CONFIRM}),
    "checkboxes": record(
        {**_TYPE, "options": items(OPTION, CHECKBOXES_MOST)},
        {**_FIELD, "initial_options": items(OPTION, CHECKBOXES_MOST)},
    ),
    "radio_buttons": record(
        {**_TYPE, "options": items(OPTION, CHECKBOXES_MOST)}, {**_FIELD, "initial_option": OPTION}
    ),
}
_TYPED = {"dispatch_action_config": anything, "min_length": number(0, 3_000), "max_length": number(1, 3_000)}
_ENTRIES: dict[str, Check] = {
    "plain_text_input": _menu({**_TYPED, "multiline": boolean, "initial_value": string(3_000, 0)}),
    "number_input": _menu(
        {
            "is_decimal_allowed": boolean,
            "initial_value": anything,
            "min_value": anything,
            "max_value": anything,
            "dispatch_action_config": anything,
        }
    ),
    "email_text_input": _menu({"initial_value": anything, "dispatch_action_config": anything}),
    "url_text_input": _menu({"initial_value": anything, "dispatch_action_config": anything}),
    "rich_text_input": _menu({"initial_value": anything, "dispatch_action_config": anything}),
    "file_input": _menu({"filetypes": anything, "max_files": number(1, 10)}),
}
_WORKFLOW_BUTTON = record(
    {**_TYPE, "text": plain(ButtonElement.text_max_length), "workflow": anything},
    {
        **_ACTION,
        "style": choice("primary", "danger"),
        "accessibility_label": string(ButtonElement.text_max_length),
    },
)

ACTION_ELEMENT = by_type({"button": _BUTTON, "workflow_button": _WORKFLOW_BUTTON, **_MENUS, **_PICKERS})
ACCESSORY = by_type(
    {"button": _BUTTON, "workflow_button": _WORKFLOW_BUTTON, "image": IMAGE, **_MENUS, **_PICKERS}
)
INPUT_ELEMENT = by_type(
    {name: check for name, check in {**_MENUS, **_PICKERS, **_ENTRIES}.items() if name != "overflow"}
)
CONTEXT_ELEMENT = by_type(
    {
        "image": IMAGE,
        "plain_text": record({**_TYPE, "text": string(TEXT_MOST)}, {"emoji": boolean}),
        "mrkdwn": record({**_TYPE, "text": string(TEXT_MOST)}, {"verbatim": boolean}),
    }
)
