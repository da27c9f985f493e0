"""Snippets say the same thing in three languages, whatever stands in a model's texts, and hold no key."""

from __future__ import annotations

import ast
import json
import shlex
from typing import Any

import pytest

from bot.messages import snippets as messages
from bot.messages.text import unescape
from bot.snippets import KEY_NAME, build_snippets, example_row
from playground.gallery import records as samples

ADDRESS = "https://app.example"
NASTY = {"note": 'it\'s `x` <!channel> & "é" $HOME \\ @here', "day": None, "late": True, "n": -1.5}


def sent_by_curl(text: str) -> Any:
    """Return what curl would send: the shell's own words of the command, the body read as JSON."""
    words = shlex.split(text.replace("\\\n", ""))
    return json.loads(words[words.index("--data") + 1])


def rows_in_python(text: str) -> Any:
    """Return the rows that the program asks about."""
    tree = ast.parse(text)
    assigned = {
        one.targets[0].id: one.value
        for one in tree.body
        if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name)
    }
    return ast.literal_eval(assigned["ROWS"])


@pytest.mark.parametrize("row", [{"flight": "UA1545", "date": "2013-07-04"}, NASTY, {}])
def test_what_is_copied_from_the_message_means_the_row(row: dict[str, Any]) -> None:
    """Quotes, backticks, mentions and line noise come through shell, Python and chat as they were."""
    model = samples.model()
    made = build_snippets(ADDRESS, model, row)
    shown = [
        block["text"]["text"] for block in messages.snippets(model, made, "/ml").blocks if "text" in block
    ]
    copied = [unescape(text).strip("`\n") for text in shown if text.startswith("```")]
    assert copied == [made.curl, made.python, made.sheet]
    assert sent_by_curl(made.curl)["rows"] == [row]
    assert rows_in_python(made.python) == [row]


def test_each_names_the_address_and_where_its_key_is() -> None:
    """An address with a slash at its end is the same, and no key but its name is written anywhere."""
    made = build_snippets(f"{ADDRESS}/", samples.model(), {"flight": "UA1"})
    for text in (made.curl, made.python, made.sheet):
        assert f"{ADDRESS}/api/models/arrival-delay/predict" in text
        assert "x-functions-key" in text
        assert KEY_NAME in text


def test_no_secret_of_the_address_is_shown() -> None:
    """A password or a key that stands in the bot's own setting stays there."""
    address = "https://bot:hidden@app.example/base/?code=hidden"
    made = build_snippets(address, samples.model(), {"flight": "UA1"})
    for text in (made.curl, made.python, made.sheet):
        assert "https://app.example/base/api/models/arrival-delay/predict" in text
        assert "hidden" not in text


@pytest.mark.parametrize(
    ("inputs", "formula"),
    [
        (1, "=PREDICT_ARRIVAL_DELAY(A$1:A$1, A2:A2)"),
        (2, "=PREDICT_ARRIVAL_DELAY(A$1:B$1, A2:B2)"),
        (26, "=PREDICT_ARRIVAL_DELAY(A$1:Z$1, A2:Z2)"),
        (27, "=PREDICT_ARRIVAL_DELAY(A$1:AA$1, A2:AA2)"),
        (53, "=PREDICT_ARRIVAL_DELAY(A$1:BA$1, A2:BA2)"),
    ],
)
def test_the_formula_reaches_over_every_input(inputs: int, formula: str) -> None:
    """The range ends at the column of the last input."""
    row = {f"i{number}": number for number in range(inputs)}
    assert build_snippets(ADDRESS, samples.model(), row).formula == formula


def test_the_example_is_the_models_own_or_made_from_its_schema() -> None:
    """Without an example of the recipe, the needed inputs get values that the schema allows."""
    assert example_row(samples.model(examples=({"flight": "UA1545"},))) == {"flight": "UA1545"}
    fields = {
        "day": {"type": "string", "format": "date"},
        "carrier": {"enum": ["UA", "AA"]},
        "gate": {"type": "string", "examples": ["C71"]},
        "delay": {"type": "number", "minimum": -60},
        "seats": {"type": "integer"},
        "wet": {"type": "boolean"},
        "hub": {"anyOf": [{"type": "string", "default": "EWR"}, {"type": "null"}]},
        "left_out": {"type": "string"},
    }
    schema = {
        "type": "object",
        "properties": fields,
        "required": [name for name in fields if name != "left_out"],
    }
    made = example_row(samples.model(schema=schema, examples=()))
    assert made == {
        "day": "2013-07-04",
        "carrier": "UA",
        "gate": "C71",
        "delay": -60,
        "seats": 1,
        "wet": True,
        "hub": "EWR",
    }
