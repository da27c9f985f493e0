"""Every block and element that a page has to draw: messages, a form and a Home tab that an app could send."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

MARKUP = (
    "*bold* _italic_ ~struck~ `code` *_both_* a*b*c snake_case_name 2 * 3 * 4\n"
    "<@U01OWNER000> in <#C01ARRIVALS> calls <!subteam^S01MLOWNERS> and <!here>\n"
    "<https://example.com/a?b=1&amp;c=2|a link>, https://example.com/x. <mailto:team@example.com|mail>\n"
    "<!date^1372939200^{date_long} at {time}^https://example.com/when|4 July 2013>; "
    "1 &lt; 2 &amp;&amp; 3 &gt; 2 :tada:\n"
    "&gt; quoted\n&gt; twice\n```\n*not bold* <https://example.com>\n  indented\n```\nthe end"
)
MARKDOWN = (
    "# Card\nA **bold** word, *italic*, ~~struck~~ and `code`; a [link](https://example.com).\n\n"
    "1. first\n2. second\n   - inner *one*\n   - inner two\n\n- [x] done\n- [ ] open\n\n> quoted\n\n"
    "| metric | v1 | v2 |\n|:--|--:|:-:|\n| MAE | 14.9 | **14.4** |\n| a \\| b | 1 | 2 |\n\n"
    "```python\nprint('<b>')\n```\n---\nend"
)


def plain(text: str) -> Json:
    """Return a plain_text object."""
    return {"type": "plain_text", "text": text, "emoji": True}


def option(name: str, about: str = "") -> Json:
    """Return an option whose value is its text in lower case."""
    described = {"description": plain(about)} if about else {}
    return {"text": plain(name), "value": name.lower(), **described}


def field(name: str, label: str, kind: str, optional: bool = False, hint: str = "", **element: Any) -> Json:
    """Return an input block; its element's action is “v”."""
    about = {"hint": plain(hint)} if hint else {}
    held = {"type": kind, "action_id": "v", **element}
    return {
        "type": "input",
        "block_id": name,
        "label": plain(label),
        "optional": optional,
        "element": held,
        **about,
    }


def menu(name: str, kind: str, placeholder: str, **element: Any) -> Json:
    """Return a menu."""
    return {"type": kind, "action_id": name, "placeholder": plain(placeholder), **element}


def button(name: str, label: str, **element: Any) -> Json:
    """Return a button."""
    return {"type": "button", "text": plain(label), "action_id": name, "value": name, **element}


def confirm() -> Json:
    """Return a question before a press."""
    return {
        "title": plain("Sure?"),
        "text": plain("It counts."),
        "confirm": plain("Do it"),
        "deny": plain("No"),
    }


FRUIT = [option("Apple", "crisp"), option("Pear"), option("Plum")]

WORDS: list[Json] = [
    {"type": "header", "text": plain("Everything in words :wave:")},
    {"type": "section", "text": {"type": "mrkdwn", "text": MARKUP}},
    {
        "type": "section",
        "text": {"type": "mrkdwn", "text": "*Fields*"},
        "fields": [
            {"type": "mrkdwn", "text": f"*{name}*\n{value}"} for name, value in (("From", "v1"), ("To", "v2"))
        ],
        "accessory": {"type": "button", "text": plain("Beside"), "action_id": "beside"},
    },
    {"type": "divider"},
    {"type": "context", "elements": [{"type": "mrkdwn", "text": "small *print*"}, plain("and more")]},
    {
        "type": "image",
        "image_url": "https://example.com/far.png",
        "alt_text": "a picture from far away",
        "title": plain("Far"),
    },
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
            button("plain", "Plain"),
            button("promote", "Promote", style="primary", confirm=confirm()),
            button("reject", "Reject", style="danger"),
            {"type": "overflow", "action_id": "more", "options": [option("Card"), option("Lineage")]},
        ],
    },
    {
        "type": "actions",
        "block_id": "menus",
        "elements": [
            menu("fruit", "static_select", "Choose fruit", options=FRUIT),
            menu("fruits", "multi_static_select", "Several", options=FRUIT, initial_options=FRUIT[:1]),
            menu("airport", "external_select", "Search airports", min_query_length=2),
            menu("who", "users_select", "Who"),
            menu("where", "channels_select", "Where"),
            {"type": "datepicker", "action_id": "day", "initial_date": "2013-07-04"},
            {"type": "timepicker", "action_id": "time", "initial_time": "15:30"},
            {
                "type": "radio_buttons",
                "action_id": "one",
                "options": FRUIT[:2],
                "initial_option": FRUIT[1],
            },
            {"type": "checkboxes", "action_id": "some", "options": FRUIT[:2]},
        ],
    },
]

ORIGINS = [option("EWR"), option("JFK"), option("LGA")]
ANSWERS = [option("Number"), option("Yes or no")]
FORM: Json = {
    "type": "modal",
    "callback_id": "predict",
    "title": plain("Predict"),
    "submit": plain("Predict"),
    "close": plain("Cancel"),
    "blocks": [
        {"type": "section", "text": {"type": "mrkdwn", "text": "How late will it *arrive*?"}},
        field("flight", "Flight", "plain_text_input", hint="carrier and number", placeholder=plain("UA1545")),
        field("date", "Date", "datepicker", initial_date="2013-07-04"),
        field("origin", "Origin", "static_select", options=ORIGINS),
        field("dest", "Destination", "external_select", optional=True, min_query_length=1),
        field(
            "delay",
            "Departure delay",
            "number_input",
            is_decimal_allowed=False,
            min_value="-30",
            max_value="600",
        ),
        field("kind", "Answer", "radio_buttons", options=ANSWERS, initial_option=ANSWERS[0]),
        field("notes", "Notes", "plain_text_input", optional=True, multiline=True),
    ],
}

HOME: Json = {
    "type": "home",
    "blocks": [
        {"type": "header", "text": plain("Good morning")},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "*Nothing waits for you.*"},
            "accessory": {
                "type": "button",
                "text": plain("Predict"),
                "action_id": "open.form",
                "style": "primary",
            },
        },
    ],
}
