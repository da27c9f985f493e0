"""Which blocks Slack takes: every documented limit, with the pointer to what breaks it. Pure.

Numbers come from slack_sdk's models where they have them; https://docs.slack.dev/reference/block-kit/blocks
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ContextBlock,
    HeaderBlock,
    ImageBlock,
    InputBlock,
    MarkdownBlock,
    SectionBlock,
)
from slack_sdk.models.views import View

from playground.slack.block_checks import (
    Check,
    Json,
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
from playground.slack.block_elements import (
    ACCESSORY,
    ACTION_ELEMENT,
    CONTEXT_ELEMENT,
    INPUT_ELEMENT,
    plain,
    text,
)
from playground.slack.ids import new_secret
from playground.slack.rich_text import ITEMS_MOST, PART

Surface = Literal["message", "modal", "home"]

BLOCKS_MOST: dict[Surface, int] = {"message": 50, "modal": 100, "home": 100}
FIELD_MOST = 2_000
# https://docs.slack.dev/reference/block-kit/blocks/table-block
TABLE_ROWS_MOST = 100
TABLE_CELLS_MOST = 20
# https://docs.slack.dev/reference/block-kit/blocks/data-table-block: a header row and at most 100 more
DATA_TABLE_ROWS_MOST = 101
# https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block; of two numbers the smaller
CHART_SERIES_MOST = 6
CHART_CATEGORIES_MOST = 20
# Undocumented; seen near 13,200 characters: https://github.com/slackapi/bolt-js/issues/2509
ALL_TEXT_MOST = 13_200

_OWN = {"type": anything}
_ID = {"block_id": string(Block.block_id_max_length)}


def _block(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    return record({**_OWN, **required}, {**_ID, **(optional or {})})


def _has_text_or_fields(value: Json, at: str) -> Iterator[Problem]:
    if value.get("text") is None and value.get("fields") is None:
        yield Problem(at, "missing required field: text or fields")


def _has_one_image(value: Json, at: str) -> Iterator[Problem]:
    if ("image_url" in value) == ("slack_file" in value):
        yield Problem(at, "exactly one of image_url and slack_file must be specified")


def _unique_actions(value: Json, at: str) -> Iterator[Problem]:
    """https://docs.slack.dev/reference/block-kit/block-elements: action_id is unique within its block."""
    ids = Counter(
        e.get("action_id") for e in value.get("elements") or [] if isinstance(e, dict) and "action_id" in e
    )
    for action_id, count in ids.items():
        if count > 1:
            yield Problem(f"{at}/elements", f"`action_id` {action_id!r} already exists for another element")


def _by_library(value: Json, at: str) -> Iterator[Problem]:
    """Let slack_sdk's own model judge a kind of block that has no rule of ours."""
    try:
        parsed = Block.parse(value)
        if parsed is not None:
            parsed.to_dict()
    except (SlackObjectFormationError, TypeError, AttributeError, KeyError, ValueError) as error:
        # The last four are how the model stumbles over a value of the wrong shape.
        yield Problem(at, str(error))


_RICH_TEXT = record({**_OWN, "elements": items(PART, ITEMS_MOST, 0)}, _ID)
_CELL = by_type(
    {
        "raw_text": record({**_OWN, "text": string(3_000)}),
        "raw_number": record({**_OWN, "value": number()}, {"text": string(3_000)}),
        "rich_text": _RICH_TEXT,
    }
)
_COLUMN = record({}, {"align": choice("left", "center", "right"), "is_wrapped": boolean})


def _optional_column(value: Any, at: str) -> Iterator[Problem]:
    """Slack lets null stand for a column without settings."""
    if value is not None:
        yield from _COLUMN(value, at)


def _same_width(value: Json, at: str) -> Iterator[Problem]:
    rows = [row for row in value.get("rows") or [] if isinstance(row, list)]
    if len({len(row) for row in rows}) > 1:
        yield Problem(f"{at}/rows", "every row must have the same number of cells")


def _chart_title(value: Json, at: str) -> Iterator[Problem]:
    if "title" in value:
        yield from string(50)(value["title"], f"{at}/title")


def _chart_sizes(value: Json, at: str) -> Iterator[Problem]:
    """Walk a chart, whose shape differs by type, and judge the lists that have a limit."""
    for name, inner in value.items():
        limit = {
            "series": CHART_SERIES_MOST,
            "segments": CHART_SERIES_MOST,
            "categories": CHART_CATEGORIES_MOST,
        }.get(name)
        if limit is not None and isinstance(inner, list) and len(inner) > limit:
            yield Problem(f"{at}/{name}", f"no more than {limit} items allowed")
        if isinstance(inner, dict):
            yield from _chart_sizes(inner, f"{at}/{name}")
        elif name in ("label", "labels", "categories"):
            for label in inner if isinstance(inner, list) else [inner]:
                if isinstance(label, str) and len(label) > 20:
                    yield Problem(f"{at}/{name}", "must be less than 21 characters")


_BOTH_SURFACES: dict[str, Check] = {
    "section": both(
        _block(
            {},
            {
                "text": text(SectionBlock.text_max_length),
                "fields": items(text(FIELD_MOST), SectionBlock.fields_max_length),
                "accessory": ACCESSORY,
                "expand": boolean,
            },
        ),
        _has_text_or_fields,
    ),
    "divider": _block({}),
    "header": _block({"text": plain(HeaderBlock.text_max_length)}, {"level": number(1, 6)}),
    "context": _block({"elements": items(CONTEXT_ELEMENT, ContextBlock.elements_max_length)}),
    "actions": both(
        _block({"elements": items(ACTION_ELEMENT, ActionsBlock.elements_max_length)}), _unique_actions
    ),
    "image": both(
        _block(
            {"alt_text": string(ImageBlock.alt_text_max_length)},
            {
                "image_url": string(ImageBlock.image_url_max_length),
                "slack_file": record({}, {"id": anything, "url": anything}),
                "title": plain(ImageBlock.title_max_length),
            },
        ),
        _has_one_image,
    ),
    "input": _block(
        {"label": plain(InputBlock.label_max_length), "element": INPUT_ELEMENT},
        {"hint": plain(InputBlock.hint_max_length), "optional": boolean, "dispatch_action": boolean},
    ),
    "rich_text": _RICH_TEXT,
    **dict.fromkeys(
        ("call", "file", "video", "context_actions", "container", "card", "carousel"), _by_library
    ),
}
_MESSAGE_ONLY: dict[str, Check] = {
    "markdown": _block({"text": string(MarkdownBlock.text_max_length)}),
    "table": _block(
        {"rows": items(items(_CELL, TABLE_CELLS_MOST), TABLE_ROWS_MOST)},
        {"column_settings": items(_optional_column, TABLE_CELLS_MOST, 0)},
    ),
    "data_table": both(
        _block(
            {
                "caption": string(3_000),
                "rows": items(items(_CELL, TABLE_CELLS_MOST), DATA_TABLE_ROWS_MOST, 2),
            },
            {"page_size": number(1, 100), "row_header_column_index": number(0, TABLE_CELLS_MOST - 1)},
        ),
        _same_width,
    ),
    "data_visualization": both(_chart_title, _chart_sizes),
    "plan": _by_library,
    "task_card": _by_library,
}
_ALERT: dict[str, Check] = {"alert": _by_library}
_KINDS: dict[Surface, Check] = {
    "message": by_type({**_BOTH_SURFACES, **_MESSAGE_ONLY, **_ALERT}),
    "modal": by_type({**_BOTH_SURFACES, **_ALERT}),
    "home": by_type(_BOTH_SURFACES),
}


def find_problems(blocks: Any, surface: Surface = "message", at: str = "/blocks") -> list[Problem]:
    """Return everything that Slack would refuse in these blocks; empty means they are accepted."""
    problems = list(items(_KINDS[surface], BLOCKS_MOST[surface], 0)(blocks, at))
    if not isinstance(blocks, list):
        return problems
    known = [block for block in blocks if isinstance(block, dict)]
    return problems + list(_unique_block_ids(known, at)) + list(_cumulative(known, at))


def view_problems(view: Any) -> list[Problem]:
    """Return everything that Slack would refuse in a modal or Home view."""
    if not isinstance(view, dict):
        return [Problem("/view", "must provide an object")]
    if view.get("type") not in ("modal", "home"):
        return [Problem("/view/type", f"unsupported type: {view.get('type')}")]
    problems = find_problems(view.get("blocks"), view["type"], "/view/blocks")
    if view["type"] == "modal" and "title" not in view:
        problems.append(Problem("/view", "missing required field: title"))
    if not problems:
        try:
            View(**view).validate_json()
        except (SlackObjectFormationError, TypeError) as error:
            problems.append(Problem("/view", str(error)))
    return problems


def text_size(blocks: Any) -> int:
    """Return how many characters of text all blocks hold together."""
    if isinstance(blocks, list):
        return sum(text_size(item) for item in blocks)
    if isinstance(blocks, dict):
        return sum(
            len(value) if name == "text" and isinstance(value, str) else text_size(value)
            for name, value in blocks.items()
        )
    return 0


def with_ids(blocks: list[Json]) -> list[Json]:
    """Return a copy in which every block and interactive element has an id, as Slack gives them."""
    copy: list[Json] = json.loads(json.dumps(blocks))
    for block in copy:
        block.setdefault("block_id", new_secret(5))
        inner = [*(block.get("elements") or []), block.get("accessory"), block.get("element")]
        for element in inner:
            if isinstance(element, dict) and element.get("type") in _INTERACTIVE:
                element.setdefault("action_id", new_secret(5))
    return copy


def _unique_block_ids(blocks: list[Json], at: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        block_id = block.get("block_id")
        if isinstance(block_id, str) and block_id in seen:
            yield Problem(f"{at}/{index}/block_id", f"`block_id` {block_id!r} already exists")
        elif isinstance(block_id, str):
            seen.add(block_id)


def _cumulative(blocks: list[Json], at: str) -> Iterator[Problem]:
    """https://docs.slack.dev/reference/block-kit/blocks/markdown-block: one budget for all of a message's."""
    markdown = sum(len(str(block.get("text", ""))) for block in blocks if block.get("type") == "markdown")
    if markdown > MarkdownBlock.text_max_length:
        yield Problem(
            at,
            f"all markdown blocks together must be less than {MarkdownBlock.text_max_length + 1} characters",
        )
    if sum(block.get("type") == "table" for block in blocks) > 1:
        yield Problem(at, "only_one_table_allowed")


_INTERACTIVE = frozenset(
    {
        "button",
        "overflow",
        "datepicker",
        "timepicker",
        "datetimepicker",
        "checkboxes",
        "radio_buttons",
        "plain_text_input",
        "number_input",
        "email_text_input",
        "url_text_input",
        "rich_text_input",
        "file_input",
        "workflow_button",
        *(
            f"{prefix}{kind}_select"
            for prefix in ("", "multi_")
            for kind in ("static", "external", "users", "conversations", "channels")
        ),
    }
)
