"""Commands as data: mistakes are found at the start, and what is right becomes a command."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.command_tables import CommandTable
from bot.commands import COMMANDS, all_commands, flow_of, split_words, suggest
from bot.errors import ConfigurationError, Refused
from bot.flows.command import build_request, question
from bot.settings import load_settings
from playground.gallery.records import job

TABLE = """
summary = "Fill a day."
connector = "http"
required = ["day"]
roles = ["operator"]
confirm = "Fill {day}, at most {rows}?"
values = { date = "inputs.day", limit = "inputs.rows", by = "who", none = "inputs.nothing" }
http = { url = "https://jobs.example.com/fill", headers_from = { Authorization = "FILL_TOKEN" } }
[inputs.day]
format = "date"
[inputs.rows]
type = "integer"
minimum = 1
default = 10
"""


WEBHOOK = '[[webhooks]]\nname = "a"\nsecret_from = "S1"\n'


def table(change: tuple[str, str] = ("", "")) -> CommandTable:
    """Return the table with one change in its text."""
    return CommandTable.model_validate(tomllib.loads(TABLE.replace(*change) if change[0] else TABLE))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (('"http"\n', '"azure_functions"\n'), "needs the table azure_functions"),
        (("minimum", "minumum"), "minumum"),
        (("default = 10", "default = 0"), "its default 0 is not a whole number"),
        (('format = "date"', 'pattern = "("'), "no regular expression"),
        (('["day"]', '["dya"]'), "no such input: dya"),
        (("{day}", "{dya}"), "no such input: dya"),
        (('"inputs.day"', '"inputs["'), "not JMESPath"),
        (('["operator"]', "[]"), "at least 1 item"),
        (('["operator"]', '["boss"]'), "viewer"),
        (("summary", "sumary"), "sumary"),
    ],
)
def test_a_mistake_is_found_at_the_start(change: tuple[str, str], word: str) -> None:
    """Unknown keys, missing tables, defaults that do not fit and names that lead nowhere are refused."""
    with pytest.raises(ValidationError) as caught:
        table(change)
    assert word in str(caught.value)


def test_a_table_becomes_a_command() -> None:
    """It is listed with ours, with higher roles, its schema, its own flow, and near names."""
    commands = all_commands({"fill": table()})
    own = commands["fill"]
    assert set(commands) == {*COMMANDS, "fill"}
    assert own.roles == ("operator", "owner")
    assert own.usage == "fill day=… [name=value …]"
    assert own.inputs is not None
    assert own.inputs["required"] == ["day"]
    assert own.inputs["properties"]["rows"] == {"type": "integer", "minimum": 1.0, "default": 10}
    assert (flow_of("fill"), flow_of("models"), flow_of("retrain")) == ("command", "lookup", "retrain")
    assert suggest("fil", commands)[0] == "fill"
    assert "fill" not in suggest("fil")
    assert split_words(own, ("a", "b")) == (None, ("a", "b"))
    assert split_words(COMMANDS["retrain"], ("a", "b")) == ("a", ("b",))


def test_inputs_are_typed_filled_up_and_mapped() -> None:
    """What was typed is typed by the schema, defaults are filled in, expressions make the call's values."""
    asked = job("fill", "/ml fill", model=None, inputs={"DAY": "2013/7/4"})
    request, inputs = build_request(asked, table())
    assert inputs == {"day": "2013-07-04", "rows": 10}
    assert request.values == {"date": "2013-07-04", "limit": 10, "by": asked.user}
    assert request.target == "fill"
    assert question(table(), inputs) == "Fill 2013-07-04, at most 10?"
    with pytest.raises(Refused) as caught:
        build_request(asked.model_copy(update={"inputs": {"rows": "0", "x": "1"}}), table())
    assert {problem.field for problem in caught.value.problem.errors} == {"day", "rows", "x"}


@pytest.mark.parametrize(
    ("text", "env", "words"),
    [
        ("[commands.fill]" + TABLE, {}, ["FILL_TOKEN is not set: a header of the command fill"]),
        (
            "[commands.retrain]" + TABLE.replace("[inputs", "[commands.retrain.inputs"),
            {"FILL_TOKEN": "x"},
            ["built-in command retrain"],
        ),
        ("[commands.Fill]" + TABLE, {"FILL_TOKEN": "x"}, ["commands.Fill"]),
        (
            "[commands.fill]" + TABLE.replace("FILL_TOKEN", "SLACK_BOT_TOKEN"),
            {},
            ["SLACK_BOT_TOKEN is the bot's own secret"],
        ),
        (
            "[commands.fill]" + TABLE.replace('/fill",', '/fill", callback = "to",'),
            {"FILL_TOKEN": "x"},
            ["TOBAN_HOOKS_SECRET is not set", "TOBAN_PUBLIC_URL is not set"],
        ),
        (
            WEBHOOK + 'url = "https://x.example.com/"\nevents = ["run.finished"]',
            {"S1": "short"},
            ["S1 is too short"],
        ),
        (
            WEBHOOK + 'url = "x"\nevents = ["run.ended"]',
            {"S1": "x" * 16, "TOBAN_HOOKS_SECRET": "short"},
            ["webhooks.0.url", "webhooks.0.events.0", "TOBAN_HOOKS_SECRET is too short"],
        ),
    ],
)
def test_settings_name_all_that_is_wrong(
    tmp_path: Path, text: str, env: dict[str, str], words: list[str]
) -> None:
    """Secrets that are missing, too short or the bot's own, and names that are taken, stop the start."""
    path = tmp_path / "toban.toml"
    path.write_text(text.replace("[inputs.", "[commands.fill.inputs."), encoding="utf-8")
    good = {
        "SLACK_BOT_TOKEN": "xoxb-" + "test",
        "TOBAN_FUNCTIONS_URL": "http://127.0.0.1:7071",
        "TOBAN_CONFIG": str(path),
    }
    with pytest.raises(ConfigurationError) as caught:
        load_settings(good | env)
    assert [word for word in words if word not in str(caught.value)] == []


def test_secrets_are_read_and_not_shown(tmp_path: Path) -> None:
    """A header's secret is found under its variable's name and stays out of what is printed."""
    path = tmp_path / "toban.toml"
    path.write_text("[commands.fill]" + TABLE.replace("[inputs.", "[commands.fill.inputs."), encoding="utf-8")
    settings = load_settings(
        {
            "SLACK_BOT_TOKEN": "xoxb-" + "test",
            "TOBAN_FUNCTIONS_URL": "http://127.0.0.1:7071",
            "TOBAN_CONFIG": str(path),
            "FILL_TOKEN": "Bearer of-the-test",
        }
    )
    assert settings.secret("FILL_TOKEN") == "Bearer of-the-test"
    assert "of-the-test" not in repr(settings)
