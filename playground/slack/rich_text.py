"""Rules for rich text: sections, lists, quotes and code, and what stands in them.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from playground.slack.block_checks import (
    Check,
    anything,
    boolean,
    by_type,
    choice,
    items,
    number,
    record,
    string,
)

ITEMS_MOST = 1_000
TEXT_MOST = 40_000

_OWN = {"type": anything}
_STYLE = record({}, dict.fromkeys(("bold", "italic", "strike", "code", "underline", "highlight"), boolean))
_NAME = string(255)


def _leaf(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    return record({**_OWN, **required}, {"style": _STYLE, **(optional or {})})


LEAF = by_type(
    {
        "text": _leaf({"text": string(TEXT_MOST)}),
        "link": _leaf({"url": string(3_000)}, {"text": string(TEXT_MOST, 0), "unsafe": boolean}),
        "emoji": _leaf({"name": _NAME}, {"unicode": _NAME, "url": string(3_000), "skin_tone": number(1, 6)}),
        "user": _leaf({"user_id": _NAME}),
        "usergroup": _leaf({"usergroup_id": _NAME}),
        "channel": _leaf({"channel_id": _NAME}),
        "team": _leaf({"team_id": _NAME}),
        "broadcast": _leaf({"range": choice("here", "channel", "everyone")}),
        "color": _leaf({"value": _NAME}),
        "date": _leaf({"timestamp": number(), "format": _NAME}, {"url": string(3_000), "fallback": _NAME}),
    }
)
_LEAVES = {"elements": items(LEAF, ITEMS_MOST, 0)}
_BORDER = {"border": number(0, 1)}
_SECTION = record({**_OWN, **_LEAVES})
_LIST = record(
    {
        **_OWN,
        "style": choice("bullet", "ordered"),
        "elements": items(by_type({"rich_text_section": _SECTION}), ITEMS_MOST, 0),
    },
    {**_BORDER, "indent": number(0, 8), "offset": number(0)},
)
PART = by_type(
    {
        "rich_text_section": _SECTION,
        "rich_text_list": _LIST,
        "rich_text_preformatted": record({**_OWN, **_LEAVES}, {**_BORDER, "language": _NAME}),
        "rich_text_quote": record({**_OWN, **_LEAVES}, _BORDER),
    }
)
