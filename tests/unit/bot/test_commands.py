"""The verbs as declared data."""

from __future__ import annotations

import pytest

from bot.commands import COMMANDS, Command, suggest
from bot.parsing import parse


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_examples_and_usage_are_of_their_own_verb(command: Command) -> None:
    """Every example can be typed as it stands, and names a target where one is needed."""
    for example in (command.usage, *command.examples):
        assert parse(example).verb == command.verb
    assert command.examples
    for example in command.examples:
        assert parse(example).problems == ()
        assert parse(example).words or command.target is None


def test_all_verbs_are_there() -> None:
    """Each verb is keyed by its own name."""
    verbs = (
        "help models status predict retrain runs show cancel compare promote whoami registry alias run form"
        " subscribe subscriptions unsubscribe experiment experiments snippet"
    )
    assert set(COMMANDS) == {*verbs.split(), "deploy"}
    assert all(verb == command.verb for verb, command in COMMANDS.items())


def test_only_what_changes_production_touches_it() -> None:
    """A fresh look at roles is taken exactly where a press changes what answers."""
    assert {command.verb for command in COMMANDS.values() if command.touches_production} == {
        "promote",
        "alias",
        "deploy",
    }
    assert COMMANDS["promote"].roles == COMMANDS["alias"].roles == ("owner",)
    assert COMMANDS["predict"].roles == ("viewer", "operator", "owner")


def test_jobs_and_predictions_are_seen_by_the_channel() -> None:
    """Everything else is between the bot and the asker."""
    public = {command.verb for command in COMMANDS.values() if not command.private}

    jobs = {"predict", "retrain", "run", "deploy", "compare", "promote", "alias", "experiment"}
    assert public == {*jobs, "subscribe", "unsubscribe"}


@pytest.mark.parametrize(
    ("word", "verb"),
    [
        ("pedict", "predict"),
        ("TRAIN", "retrain"),
        ("ship", "deploy"),
        ("list", "models"),
        ("dispatch", "run"),
        ("curl", "snippet"),
    ],
)
def test_an_unknown_word_is_answered_with_the_likeliest_verb(word: str, verb: str) -> None:
    """Spelling and other tools' words are both understood."""
    assert suggest(word)[0] == verb


def test_a_word_like_no_other_gets_no_suggestion() -> None:
    """No guess is better than a wild one."""
    assert suggest("zzzzqqqq") == ()
    assert suggest("x" * 40_000) == ()
