"""Slack's limits on blocks, each at its edge and one beyond."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.slack.blocks import find_problems, text_size, view_problems, with_ids

Json = dict[str, Any]


def mrkdwn(size: int) -> Json:
    """A mrkdwn text of this size."""
    return {"type": "mrkdwn", "text": "x" * size}


def plain(size: int) -> Json:
    """A plain text of this size."""
    return {"type": "plain_text", "text": "x" * size}


def section(**fields: Any) -> Json:
    """A section block."""
    return {"type": "section", **fields}


def actions(*elements: Json) -> Json:
    """An actions block."""
    return {"type": "actions", "elements": list(elements)}


def button(**fields: Any) -> Json:
    """A button."""
    return {"type": "button", "text": plain(1), **fields}


def option(text: int = 1, value: int = 1) -> Json:
    """A menu option with a text and a value of these sizes."""
    return {"text": plain(text), "value": "v" * value}


def confirm(**fields: Any) -> Json:
    """A button with a confirm dialog."""
    dialog = {"title": plain(1), "text": plain(1), "confirm": plain(1), "deny": plain(1)}
    return actions(button(confirm={**dialog, **fields}))


def select(**fields: Any) -> Json:
    """A menu with one option."""
    return actions({"type": "static_select", "options": [option()], **fields})


def table(rows: int, cells: int) -> Json:
    """A table block of this size."""
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * cells] * rows}


def data_table(rows: int, cells: int = 2, **fields: Any) -> Json:
    """A data_table block of this size."""
    return {**table(rows, cells), "type": "data_table", "caption": "c", **fields}


# What is limited, the largest size that is taken, and a block of a given size.
EDGES: list[tuple[str, int, Any]] = [
    ("section text", 3_000, lambda n: section(text=mrkdwn(n))),
    ("section field", 2_000, lambda n: section(fields=[mrkdwn(n)])),
    ("section fields", 10, lambda n: section(fields=[mrkdwn(1)] * n)),
    ("header", 150, lambda n: {"type": "header", "text": plain(n)}),
    ("markdown", 12_000, lambda n: {"type": "markdown", "text": "x" * n}),
    ("context elements", 10, lambda n: {"type": "context", "elements": [mrkdwn(1)] * n}),
    ("actions elements", 25, lambda n: actions(*[button()] * n)),
    ("button text", 75, lambda n: actions(button(text=plain(n)))),
    ("button value", 2_000, lambda n: actions(button(value="v" * n))),
    ("button url", 3_000, lambda n: actions(button(url="u" * n))),
    ("action_id", 255, lambda n: actions(button(action_id="a" * n))),
    ("block_id", 255, lambda n: {"type": "divider", "block_id": "b" * n}),
    ("accessory button text", 75, lambda n: section(text=mrkdwn(1), accessory=button(text=plain(n)))),
    ("options", 100, lambda n: select(options=[option()] * n)),
    ("option text", 75, lambda n: select(options=[option(text=n)])),
    ("option value", 150, lambda n: select(options=[option(value=n)])),
    ("placeholder", 150, lambda n: select(placeholder=plain(n))),
    ("overflow options", 5, lambda n: actions({"type": "overflow", "options": [option()] * n})),
    ("confirm title", 100, lambda n: confirm(title=plain(n))),
    ("confirm text", 300, lambda n: confirm(text=plain(n))),
    ("confirm button", 30, lambda n: confirm(confirm=plain(n))),
    ("confirm deny", 30, lambda n: confirm(deny=plain(n))),
    ("alt_text", 2_000, lambda n: {"type": "image", "image_url": "u", "alt_text": "a" * n}),
    ("image_url", 3_000, lambda n: {"type": "image", "image_url": "u" * n, "alt_text": "a"}),
    ("table rows", 100, lambda n: table(n, 1)),
    ("table cells", 20, lambda n: table(1, n)),
    ("table column settings", 20, lambda n: {**table(1, 1), "column_settings": [{"align": "right"}] * n}),
    ("data_table rows", 101, lambda n: data_table(n)),
    ("data_table cells", 20, lambda n: data_table(2, n)),
    ("data_table page_size", 100, lambda n: data_table(2, page_size=n)),
    ("chart title", 50, lambda n: {"type": "data_visualization", "title": "t" * n}),
    ("chart series", 6, lambda n: {"type": "data_visualization", "chart": {"series": [{}] * n}}),
    ("chart categories", 20, lambda n: {"type": "data_visualization", "chart": {"categories": ["c"] * n}}),
    ("card body", 200, lambda n: {"type": "card", "body": mrkdwn(n)}),
    ("context_actions elements", 5, lambda n: {"type": "context_actions", "elements": [feedback()] * n}),
]


def feedback() -> Json:
    """An icon button."""
    return {"type": "icon_button", "icon": "trash", "text": plain(1)}


@pytest.mark.parametrize(("most", "make"), [edge[1:] for edge in EDGES], ids=[edge[0] for edge in EDGES])
def test_each_limit_takes_its_edge_and_refuses_one_more(most: int, make: Any) -> None:
    """A block is accepted at the documented size and refused one beyond."""
    assert find_problems([make(most)]) == []
    assert find_problems([make(most + 1)]) != []


@pytest.mark.parametrize(("surface", "most"), [("message", 50), ("modal", 100), ("home", 100)])
def test_number_of_blocks(surface: Any, most: int) -> None:
    """A message holds 50 blocks, a view 100."""
    assert find_problems([{"type": "divider"}] * most, surface) == []
    assert [p.message for p in find_problems([{"type": "divider"}] * (most + 1), surface)] == [
        f"no more than {most} items allowed"
    ]


def test_a_problem_is_worded_and_located_like_slacks() -> None:
    """The line holds Slack's words and a JSON pointer to the value."""
    (problem,) = find_problems([section(text=mrkdwn(3_001))])
    assert problem.line() == "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([{"type": "nonsense"}], "unsupported type: nonsense"),
        ([{"text": "no type"}], "missing required field: type"),
        (["text"], "must provide an object"),
        ("text", "must provide an array"),
        ([section()], "missing required field: text or fields"),
        ([section(text=mrkdwn(0))], "must be more than 0 characters"),
        ([section(text=mrkdwn(1), surprise=1)], "invalid additional property: surprise"),
        ([section(text="not an object")], "must provide an object"),
        ([{"type": "header", "text": mrkdwn(1)}], "unsupported type: mrkdwn"),
        ([actions()], "no fewer than 1 items allowed"),
        ([actions(button(style="loud"))], "value must be one of: primary, danger"),
        (
            [actions(button(action_id="a"), button(action_id="a"))],
            "`action_id` 'a' already exists for another element",
        ),
        ([{"type": "divider", "block_id": "b"}] * 2, "`block_id` 'b' already exists"),
        ([table(1, 1), table(1, 1)], "only_one_table_allowed"),
        ([{"type": "image", "alt_text": "a"}], "exactly one of image_url and slack_file must be specified"),
        (
            [{"type": "markdown", "text": "x" * 6_001}] * 2,
            "all markdown blocks together must be less than 12001 characters",
        ),
    ],
)
def test_what_is_refused(blocks: Any, message: str) -> None:
    """Wrong kinds, missing and surplus properties, and doubled ids are each named."""
    assert message in [problem.message for problem in find_problems(blocks)]


def rich(*leaves: Json, kind: str = "rich_text_section", **fields: Any) -> Json:
    """A rich_text block with one part."""
    return {"type": "rich_text", "elements": [{"type": kind, "elements": list(leaves), **fields}]}


def test_rich_text_is_judged_down_to_its_leaves() -> None:
    """Known parts and leaves pass, unknown ones and wrong values are located."""
    bold = {"type": "text", "text": "x", "style": {"bold": True}}
    listed = {"type": "rich_text_section", "elements": [bold, {"type": "user", "user_id": "U1"}]}
    assert find_problems([rich(bold), rich(listed, kind="rich_text_list", style="bullet")]) == []
    for wrong in (rich({"type": "shout"}), rich({"type": "text", "text": ""}), rich(bold, kind="poem")):
        assert find_problems([wrong])[0].pointer.startswith("/blocks/0/elements/0")


def test_the_same_action_in_two_blocks_is_fine() -> None:
    """An action_id is unique within its block only, so a list may repeat a button on each row."""
    assert find_problems([actions(button(action_id="run.show")), actions(button(action_id="run.show"))]) == []


def test_table_blocks_belong_in_messages() -> None:
    """A modal takes no table and no markdown block."""
    assert find_problems([table(1, 1)], "modal") != []
    assert find_problems([{"type": "markdown", "text": "x"}], "modal") != []


def test_views_are_judged_as_a_whole() -> None:
    """A modal needs a title of at most 24 characters."""
    modal = {"type": "modal", "title": plain(24), "blocks": [section(text=mrkdwn(1))]}
    assert view_problems(modal) == []
    assert view_problems({**modal, "title": plain(25)}) != []
    assert view_problems({"type": "modal", "blocks": []}) != []
    assert view_problems({"type": "poster"}) != []


def test_text_size_counts_all_text() -> None:
    """The sum covers every text in every block, table cells included."""
    assert text_size([section(text=mrkdwn(5), fields=[mrkdwn(2)]), table(2, 3)]) == 5 + 2 + 6


def test_ids_are_filled_in_and_kept() -> None:
    """Blocks and buttons without an id get one; given ids stay; the argument is not touched."""
    blocks = [actions(button(), button(action_id="mine")), {"type": "divider", "block_id": "b"}]
    first, second = with_ids(blocks)
    assert first["block_id"]
    assert first["elements"][0]["action_id"]
    assert (first["elements"][1]["action_id"], second["block_id"]) == ("mine", "b")
    assert "block_id" not in blocks[0]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["type", "text", "elements", "fields", "rows", "accessory"]), inner
            )
        ),
    )
)
def test_nonsense_never_breaks_the_judge(value: Any) -> None:
    """Whatever JSON comes, the answer is a list of problems and never an exception."""
    assert isinstance(find_problems([value]), list)
    for kind in (
        "section",
        "actions",
        "table",
        "data_table",
        "card",
        "rich_text",
        "data_visualization",
        "image",
    ):
        assert isinstance(
            find_problems([{**value, "type": kind}] if isinstance(value, dict) else value), list
        )
