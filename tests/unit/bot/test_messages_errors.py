"""Refusals and troubles in words."""

from __future__ import annotations

import pytest

from bot.messages import errors
from bot.messages.errors import REASONS
from ml.contract import FieldProblem, Problem
from playground.gallery.records import OPERATOR, VIEWER, job

JOB = job("predict", "/ml predict arrival-delay")


def problem(reason_code: str, detail: str, **more: object) -> Problem:
    """Return a refusal of the function app."""
    return Problem.model_validate(
        {"title": "No", "status": 422, "detail": detail, "reason_code": reason_code, **more}
    )


@pytest.mark.parametrize(("reason_code", "words"), REASONS.items(), ids=REASONS)
def test_reasons_can_follow_because_and_begin_a_sentence(reason_code: str, words: str) -> None:
    """Clauses in plain words, without codes, markup or an end of their own."""
    assert words[:1].islower() or words.startswith(("I ", "Slack ", "GitHub ", "MLflow "))
    assert not words.endswith((".", "!"))
    assert "_" not in words
    assert not set(words) & set("<>&`*")
    assert errors.sentence(reason_code) == f"{words[:1].upper()}{words[1:]}."


def test_an_unknown_reason_is_shown_by_its_own_words() -> None:
    """A newer function app is understood as far as it explains itself."""
    assert errors.sentence("moon_phase", "the moon is full.") == "The moon is full."
    assert errors.sentence("moon_phase") == "Moon phase."
    assert errors.sentence(None) == "No reason was given."


def test_blank_words_make_no_sentence() -> None:
    """A description of spaces, as a workflow's input may have one, is none."""
    assert errors.as_sentence(" ") == ""


def test_the_detail_is_added_where_it_says_more() -> None:
    """Nothing is said twice."""
    assert errors.with_detail("unknown_model", "There is no such model.") == "There is no such model."
    assert errors.with_detail("unknown_model", "Known: a, b.") == "There is no such model. Known: a, b."
    assert errors.with_detail("moon_phase", "The moon is full.") == "The moon is full."


def test_a_refusal_names_fields_and_suggestions() -> None:
    """All problems at once, then what was perhaps meant, then whose command it was."""
    fields = (
        FieldProblem(
            field="carrier", value="ZZ", allowed="one of UA or AA", message="there is no such carrier"
        ),
        FieldProblem(field="date", value=None, allowed="a date like 2013-07-04", message=""),
        FieldProblem(field="delay", value=5000, allowed="a number up to 1,500", message=""),
    )
    text = errors.problem(
        JOB, problem("invalid_inputs", "Three.", errors=fields, suggestions=("a", "b"))
    ).text

    assert text.split("\n") == [
        ":no_entry: *Some of the inputs cannot be used.*",
        "• `carrier` cannot be `ZZ`: There is no such carrier. Allowed: one of UA or AA.",
        "• `date` is missing. Allowed: a date like 2013-07-04.",
        "• `delay` cannot be `5000`. Allowed: a number up to 1,500.",
        "Did you mean `a` or `b`?",
        f"asked by <@{OPERATOR}>: `/ml predict arrival-delay`",
    ]


def test_nothing_is_said_twice() -> None:
    """A field's message that names what is allowed, or that is the headline, is not repeated."""
    carrier = FieldProblem(
        field="carrier",
        value="ZZ",
        allowed="one of UA or AA",
        message="carrier must be one of UA or AA; did you mean UA?",
    )
    known = errors.problem(
        JOB, problem("invalid_inputs", carrier.message, errors=(carrier,), suggestions=("UA",))
    ).text
    unknown = errors.problem(
        JOB,
        problem(
            "odd_carrier",
            "no such carrier",
            errors=(carrier.model_copy(update={"message": "no such carrier"}),),
        ),
    ).text

    assert known.split("\n")[:2] == [
        ":no_entry: *Some of the inputs cannot be used.*",
        "• `carrier` cannot be `ZZ`: Carrier must be one of UA or AA; did you mean UA?",
    ]
    assert "Did you mean" not in known
    model = problem("unknown_model", "there is no model 'a'; did you mean ab?", suggestions=("ab",))
    assert errors.problem(JOB, model).text.count("ab?") == 1
    assert unknown.split("\n")[:2] == [
        ":no_entry: *No such carrier.*",
        "• `carrier` cannot be `ZZ`. Allowed: one of UA or AA.",
    ]


def test_a_refusal_by_role_names_the_roles_needed_and_held() -> None:
    """And that nothing was done."""
    text = errors.not_allowed("/ml promote arrival-delay v2", VIEWER, ("viewer",), ("operator", "owner")).text

    assert f"<@{VIEWER}>, you may not do this:* `/ml promote arrival-delay v2`" in text
    assert "It takes the role `operator` or `owner`; you have `viewer`. Nothing was done." in text
    assert "you have no role" in errors.not_allowed("/ml x", VIEWER, (), ("owner",)).text


def test_a_channel_without_the_bot_gets_the_exact_invitation() -> None:
    """Copy, paste, try again."""
    text = errors.not_in_channel("/ml models", "C0ML", "toban").text

    assert "I am not in <#C0ML> yet" in text
    assert "Type `/invite @toban` in that channel, then send your command again: `/ml models`" in text


@pytest.mark.parametrize(
    ("reason_code", "advice"),
    [
        ("function_app_unreachable", "Try again in a minute; if it stays so"),
        ("function_app_rejected_key", "should check `TOBAN_FUNCTIONS_KEY`"),
    ],
)
def test_a_function_app_in_trouble_is_told_with_what_to_do(reason_code: str, advice: str) -> None:
    """What happened, that nothing was done, and the next step."""
    text = errors.function_app_down(JOB, reason_code, "timed out after 10 s").text

    assert errors.sentence(reason_code) in text
    assert "Nothing was done." in text
    assert advice in text
    assert "It said: `timed out after 10 s`" in text
