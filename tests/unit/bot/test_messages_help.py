"""Help."""

from __future__ import annotations

from bot.commands import COMMANDS, find_commands
from bot.messages import help as messages
from playground.gallery.records import model


def test_help_lists_every_command_with_an_example_to_copy() -> None:
    """The slash command is called as it is called here."""
    text = messages.help(COMMANDS.values(), "/ops").text

    for command in COMMANDS.values():
        assert f"*{command.verb}* · {command.summary}\n`/ops {command.examples[0]}`" in text


def test_help_finds_what_a_word_stands_in() -> None:
    """Each word must stand in a command's name, summary, usage or examples, in any case of letters."""
    found = find_commands(["Alias"], COMMANDS.values())
    text = messages.about(["Alias"], found, "/ml").text
    assert "*alias*" in text
    assert "*whoami*" not in text
    assert find_commands(["alias", "nothing"], COMMANDS.values()) == []


def test_help_for_a_command_shows_usage_examples_and_who_may() -> None:
    """Everything about one verb."""
    text = messages.help_for(COMMANDS["retrain"], "/ml").text

    assert "`/ml retrain MODEL [name=value …]`" in text
    assert "`/ml retrain arrival-delay since=2013-01 until=2013-06`" in text
    assert "For `operator` or `owner`. The answer is seen by the channel." in text
    assert "For everybody. The answer is seen by you only." in messages.help_for(COMMANDS["runs"], "/ml").text


def test_help_with_a_model_shows_the_inputs_it_takes() -> None:
    """The same schema that checks them describes them; training shows its own parameters."""
    predict = messages.help_for(COMMANDS["predict"], "/ml", model()).text
    retrain = messages.help_for(COMMANDS["retrain"], "/ml", model()).text

    assert "carrier    one of UA, AA, B6 or DL" in predict
    assert "a number from -60 to 1,500" in predict
    assert "holiday    yes or no" in predict
    assert "no (else no)" in predict
    assert "since    text" in retrain
    assert "carrier" not in retrain


def test_a_model_without_inputs_says_so() -> None:
    """An empty schema is an answer too."""
    assert (
        "It takes no inputs."
        in messages.help_for(COMMANDS["predict"], "/ml", model(schema={"type": "object"})).text
    )


def test_an_unknown_word_is_answered_with_the_nearest() -> None:
    """And with where to find all."""
    text = messages.unknown_verb("pedict", ("predict",), "/ml").text

    assert (
        text
        == ":question: *I know no command `pedict`.*\nDid you mean `predict`?\n`/ml help` lists what I know."
    )
    assert "Did you mean" not in messages.unknown_verb("zzz", ()).text


def test_a_long_word_that_is_no_command_is_cut() -> None:
    """Nobody gets a file back for a word of 100,000 characters."""
    said = messages.unknown_verb("x" * 100_000, ())
    assert "x" * 80 + "…" in said.text
    assert (len(said.text) < 500, said.files) == (True, ())
