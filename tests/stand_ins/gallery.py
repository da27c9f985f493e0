"""Every block and element that a page has to draw: messages, a form and a Home tab that an app could send."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

MARKUP = (
    "*bold* _italic_ ~struck~ `code` *_both_* a*b*c snake_case_name 2 * 3 * 4\n"
    "<@U01OWNER000> in <#C01ARRIVALS> calls <!subteam^S01MLOWNERS> and <!here>\n"
    "<https://example.com/a?b=1&amp;c=2|a link>, https://example.com/bare. <mailto:team@example.com|mail>\n"
    "<!date^1372939200^{date_long} at {time}^https://example.com/when|4 July 2013>; 1 &lt; 2 &amp;&amp; 3 &gt; 2 :tada:\n"
    "&gt; quoted\n&gt; twice\n```\n*not bold* <https://example.com>\n  indented\n```\nthe end"
)
MARKDOWN = (
    "# Card\nA **bold** word, *italic*, ~~struck~~ and `code`; a [link](https://example.com).\n\n"
    "1. first\n2. second\n   - inner *one*\n   - inner two\n\n- [x] done\n- [ ] open\n\n> quoted\n\n"
    "| metric | v1 | v2 |\n|:--|--:|:-:|\n| MAE | 14.9 | **14.4** |\n| a \\| b | 1 | 2 |\n\n```python\nprint('<b>')\n```\n---\nend"
)


def plain(text: str) -> Json:
    """Return a plain_text object."""
    return {"type": "plain_text", "text": text, "emoji": True}


def option(name: str, about: str = "") -> Json:
    """Return an option whose value is its text in lower case."""
    described = {"description": plain(about)} if about else {}
    return {"text": plain(name), "value": name.lower(), **described}


def confirm() -> Json:
    """Return a question before a press."""
    return {"title": plain("Sure?"), "text": plain("It counts."), "confirm": plain("Do it"), "deny": plain("No")}


FRUIT = [option("Apple", "crisp"), option("Pear"), option("Plum")]

WORDS: list[Json] = [
    {"type": "header", "text": plain("Everything in words :wave:")},
    {"type": "section", "text": {"type": "mrkdwn", "text": MARKUP}},
    {
        "type": "section",
        "text": {"type": "mrkdwn", "text": "*Fields*"},
        "fields": [{"type": "mrkdwn", "text": f"*{name}*\n{value}"} for name, value in (("From", "v1"), ("To", "v2"))],
        "accessory": {"type": "button", "text": plain("Beside"), "action_id": "beside"},
    },
    {"type": "divider"},
    {"type": "context", "elements": [{"type": "mrkdwn", "text": "small *print*"}, plain("and more")]},
    {"type": "image", "image_url": "https://example.com/far.png", "alt_text": "a picture from far away", "title": plain("Far")},
]
LONG_TEXT: list[Json] = [{"type": "markdown", "text": MARKDOWN}]
RICH: list[Json] = [
    {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    {"type": "text", "text": "Rich ", "style": {"bold": True}},
                    {"type": "user", "user_id": "U01VIEWER00"},
                    {"type": "text", "text": " and "},
                    {"type": "link", "url": "https://example.com", "text": "a link"},
                    {"type": "emoji", "name": "rocket"},
                ],
            },
            {
                "type": "rich_text_list",
                "style": "ordered",
                "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
                    for text in ("one", "two")
                ],
            },
            {
                "type": "rich_text_list",
                "style": "bullet",
                "indent": 1,
                "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "inner"}]}],
            },
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "a = 1\nb = 2"}]},
            {"type": "rich_text_quote", "elements": [{"type": "text", "text": "said once"}]},
        ],
    }
]
TABLE: list[Json] = [
    {
        "type": "table",
        "rows": [
            [{"type": "raw_text", "text": text} for text in ("metric", "v1", "v2")],
            [{"type": "raw_text", "text": text} for text in ("Mean absolute error", "14.9", "14.4")],
            [
                {"type": "rich_text", "elements": RICH[0]["elements"][:1]},
                {"type": "raw_text", "text": "−2.9"},
                {"type": "raw_text", "text": "<img src=x onerror=alert(1)>"},
            ],
        ],
        "column_settings": [{"is_wrapped": True}, {"align": "right"}, {"align": "right"}],
    }
]
CHART: list[Json] = [
    {
        "type": "data_visualization",
        "title": "Rows by error",
        "chart": {
            "type": kind,
            "series": [
                {"name": name, "data": [{"label": f"day {day}", "value": day * step} for day in range(1, 6)]}
                for name, step in (("v1", 3), ("v2", 2))
            ],
            "axis_config": {"categories": [f"day {day}" for day in range(1, 6)]},
        },
    }
    for kind in ("bar", "line")
]
CONTROLS: list[Json] = [
    {
        "type": "actions",
        "block_id": "buttons",
        "elements": [
            {"type": "button", "text": plain("Plain"), "action_id": "plain", "value": "p"},
            {"type": "button", "text": plain("Promote"), "action_id": "promote", "value": "v2", "style": "primary", "confirm": confirm()},
            {"type": "button", "text": plain("Reject"), "action_id": "reject", "value": "v2", "style": "danger"},
            {"type": "overflow", "action_id": "more", "options": [option("Card"), option("Lineage")]},
        ],
    },
    {
        "type": "actions",
        "block_id": "menus",
        "elements": [
            {"type": "static_select", "action_id": "fruit", "placeholder": plain("Choose fruit"), "options": FRUIT},
            {"type": "multi_static_select", "action_id": "fruits", "placeholder": plain("Several"), "options": FRUIT, "initial_options": FRUIT[:1]},
            {"type": "external_select", "action_id": "airport", "placeholder": plain("Search airports"), "min_query_length": 2},
            {"type": "users_select", "action_id": "who", "placeholder": plain("Who")},
            {"type": "channels_select", "action_id": "where", "placeholder": plain("Where")},
            {"type": "datepicker", "action_id": "day", "initial_date": "2013-07-04"},
            {"type": "timepicker", "action_id": "time", "initial_time": "15:30"},
            {"type": "radio_buttons", "action_id": "one", "options": FRUIT[:2], "initial_option": FRUIT[1]},
            {"type": "checkboxes", "action_id": "some", "options": FRUIT[:2]},
        ],
    },
]  # fmt: skip

FORM: Json = {
    "type": "modal",
    "callback_id": "predict",
    "title": plain("Predict"),
    "submit": plain("Predict"),
    "close": plain("Cancel"),
    "blocks": [
        {"type": "section", "text": {"type": "mrkdwn", "text": "How late will it *arrive*?"}},
        {"type": "input", "block_id": "flight", "label": plain("Flight"), "hint": plain("carrier and number"), "element": {"type": "plain_text_input", "action_id": "v", "placeholder": plain("UA1545")}},
        {"type": "input", "block_id": "date", "label": plain("Date"), "element": {"type": "datepicker", "action_id": "v", "initial_date": "2013-07-04"}},
        {"type": "input", "block_id": "origin", "label": plain("Origin"), "element": {"type": "static_select", "action_id": "v", "options": [option("EWR"), option("JFK"), option("LGA")]}},
        {"type": "input", "block_id": "dest", "label": plain("Destination"), "optional": True, "element": {"type": "external_select", "action_id": "v", "min_query_length": 1}},
        {"type": "input", "block_id": "delay", "label": plain("Departure delay"), "element": {"type": "number_input", "action_id": "v", "is_decimal_allowed": False, "min_value": "-30", "max_value": "600"}},
        {"type": "input", "block_id": "kind", "label": plain("Answer"), "element": {"type": "radio_buttons", "action_id": "v", "options": [option("Number"), option("Yes or no")], "initial_option": option("Number")}},
        {"type": "input", "block_id": "notes", "label": plain("Notes"), "optional": True, "element": {"type": "plain_text_input", "action_id": "v", "multiline": True}},
    ],
}  # fmt: skip

HOME: Json = {
    "type": "home",
    "blocks": [
        {"type": "header", "text": plain("Good morning")},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "*Nothing waits for you.*"},
            "accessory": {"type": "button", "text": plain("Predict"), "action_id": "open.form", "style": "primary"},
        },
    ],
}
