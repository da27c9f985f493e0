"""Messages as a terminal shows them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.slack.blocks import find_problems
from playground.slack.transcript import plain_block, plain_message, plain_text
from playground.slack.workspace import default_workspace

WORKSPACE = default_workspace()
OWNER = WORKSPACE.person("owner").id


@pytest.mark.parametrize(
    ("mrkdwn", "shown"),
    [
        (f"<@{OWNER}> asked", "@owner asked"),
        (f"<@{WORKSPACE.bot.user_id}>", "@toban"),
        ("<#C01ARRIVALS|ml-arrivals>", "#ml-arrivals"),
        ("<#C01ARRIVALS>", "#ml-arrivals"),
        ("<!subteam^S01MLOWNERS>", "@ml-owners"),
        ("<!channel>", "@channel"),
        ("<!date^1392734382^{date}|18 February>", "18 February"),
        ("<https://example.com|the page>", "the page (https://example.com)"),
        ("<https://example.com>", "https://example.com"),
        ("a &lt; b &amp; c", "a < b & c"),
        ("<@U0NOBODY>", "@U0NOBODY"),
    ],
)
def test_references_are_spelled_out(mrkdwn: str, shown: str) -> None:
    """Mentions, channels, groups, dates and links read as Slack shows them."""
    assert plain_text(mrkdwn, WORKSPACE) == shown


def cell(text: str) -> dict[str, Any]:
    """A table cell."""
    return {"type": "raw_text", "text": text}


def test_a_table_is_aligned_also_in_japanese() -> None:
    """Columns line up by width on screen, and numbers stay right where the block says so."""
    block = {
        "type": "table",
        "column_settings": [None, {"align": "right"}],
        "rows": [[cell("指標"), cell("MAE")], [cell("平均"), cell("15.0")], [cell("long name"), cell("4")]],
    }
    assert plain_block(block, WORKSPACE).splitlines() == [
        "指標         MAE",
        "---------  -----",
        "平均        15.0",
        "long name      4",
    ]


def test_each_kind_of_block_has_a_line() -> None:
    """Headers, fields, context, dividers, buttons and images are all readable."""
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": "Result"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": f"for <@{OWNER}>"}},
        {
            "type": "section",
            "fields": [{"type": "mrkdwn", "text": "*MAE*"}, {"type": "mrkdwn", "text": "15.0"}],
        },
        {"type": "divider"},
        {"type": "image", "image_url": "u", "alt_text": "a chart"},
        {
            "type": "context",
            "elements": [{"type": "mrkdwn", "text": "v2"}, {"type": "mrkdwn", "text": "July"}],
        },
        {
            "type": "actions",
            "elements": [
                {"type": "button", "text": {"type": "plain_text", "text": "Promote"}},
                {"type": "static_select", "placeholder": {"type": "plain_text", "text": "Pick"}},
            ],
        },
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "rich"}]}],
        },
        {"type": "card", "title": {"type": "plain_text", "text": "Card"}},
    ]
    message = {"text": "fallback", "blocks": blocks, "files": [{"title": "card.md", "alt_txt": "the card"}]}
    shown = plain_message(message, WORKSPACE).splitlines()
    assert shown == [
        "━━ Result ━━",
        "for @owner",
        "*MAE*  15.0",
        "─" * 40,
        "🖼 a chart",
        "v2 · July",
        "[ Promote ]  [ Pick ▾ ]",
        "rich",
        "Card",
        "📎 card.md (the card)",
    ]


LEAF = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3))
NAMES = [
    "type",
    "text",
    "elements",
    "fields",
    "accessory",
    "rows",
    "alt_text",
    "label",
    "element",
    "caption",
    "url",
]
KINDS = [
    "section",
    "context",
    "actions",
    "rich_text",
    "rich_text_section",
    "rich_text_list",
    "table",
    "raw_text",
]
VALUES = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
        st.builds(
            lambda kind, rest: {**rest, "type": kind},
            st.sampled_from(KINDS),
            st.dictionaries(st.sampled_from(NAMES), inner),
        ),
    ),
)


@given(VALUES, st.sampled_from(["rich_text", "card", "container", "data_visualization", "call", "plan"]))
def test_whatever_is_accepted_can_be_shown(value: Any, kind: str) -> None:
    """Blocks that pass the limits never break the rendering."""
    block = {"type": kind, "elements": value, "title": value, "body": value}
    for candidate in (
        block,
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": value}]},
    ):
        if not find_problems([candidate]):
            assert isinstance(plain_block(candidate, WORKSPACE), str)


def test_without_blocks_the_text_is_shown() -> None:
    """A plain message shows its text, and attachments below it."""
    message = {"text": "hello", "attachments": [{"title": "More", "text": "lines"}]}
    assert plain_message(message, WORKSPACE).splitlines() == ["hello", "│ More", "│ lines"]
