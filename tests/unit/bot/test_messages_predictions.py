"""Answers to predict, from the firm one down the ladder to a refusal."""

from __future__ import annotations

import csv
from typing import Any

import pytest

from bot.messages import predictions
from bot.messages.message import Message
from ml.contract import FieldProblem, Interval, PredictionView, PredictReply, Problem
from ml.contract import Warning as RowWarning
from playground.gallery.records import AT, DIGEST, OPERATOR, alias, answer, job, model

JOB = job(
    "predict",
    "/ml predict arrival-delay flight=UA1545 date=2013-07-04",
    inputs={"flight": "UA1545", "date": "2013-07-04"},
)


def shown(*answers: Any, champion: int | None = 1, logged: bool = True, **more: Any) -> Message:
    """Return the message for these answers of a model with this champion."""
    reply = PredictReply(model="arrival-delay", results=answers, logged=logged)
    now = alias(champion) if champion is not None else None
    return predictions.prediction(JOB, reply, model(champion=now, **more))


def test_a_firm_answer_is_shown_beside_what_really_happened() -> None:
    """Value, interval, truth, version, data, looked-up values with source and age, who asked."""
    assert shown(answer(actual=11.0)).text.split("\n") == [
        "*Arrival delay for flight UA1545, date 2013-07-04: about 12 min* (likely between −9 and +38 min)",
        "What really happened: *11 min*, 1 min from the prediction",
        "by v1 (champion) · data a1b2c3d4 · `p-2013080106-abc-0`",
        "looked up: scheduled departure 05:15 (timetable); wind 12 mph (weather of EWR 05:00, 15 min old)",
        f"asked by <@{OPERATOR}>: `/ml predict arrival-delay flight=UA1545 date=2013-07-04`",
    ]


def test_the_next_rung_says_that_it_is_one_and_why() -> None:
    """A damaged champion is named, and so is who answered instead."""
    text = shown(
        answer(
            outcome="fallback", fallback=True, source="previous_champion", reason_code="model_file_damaged"
        ),
        champion=2,
    ).text

    assert (
        ":warning: v2 could not be used (the model's file does not match its digest); "
        "this answer comes from v1, the previous champion."
    ) in text
    assert "by v1 (previous champion)" in text


@pytest.mark.parametrize(
    ("source", "code", "champion", "said"),
    [
        (
            "rule",
            "model_failed",
            2,
            "v2 could not be used (the model failed on this row); this answer comes from the plain rule",
        ),
        (
            "constant",
            "no_champion",
            None,
            "No version is champion yet; this answer comes from the fixed value kept for such cases.",
        ),
        (
            "rule",
            "odd_code",
            1,
            "v1 could not be used (odd code); this answer comes from the plain rule",
        ),
        ("rule", None, 1, "v1 could not be used (no reason was given)"),
    ],
)
def test_each_lower_rung_is_named(source: str, code: str | None, champion: int | None, said: str) -> None:
    """Whatever answers, the reader knows what it was and why."""
    low = answer(
        outcome="fallback", fallback=True, source=source, version=None, interval=None, reason_code=code
    )

    assert f":warning: {said}" in shown(low, champion=champion).text


def test_no_firm_answer_says_what_to_do_instead() -> None:
    """An abstention is not a prediction, and names the safe action."""
    text = shown(
        answer(
            outcome="abstain", value=None, reason_code="interval_too_wide", safe_action="ask the dispatcher"
        )
    ).text

    assert (
        "no firm answer* (likely between −9 and +38 min), because the model is too unsure about this one."
        in text
    )
    assert "What to do: *ask the dispatcher*." in text
    assert "about" not in text.split("because")[0]


def test_no_firm_answer_of_a_lower_rung_says_both() -> None:
    """Why there is no firm answer is one thing, that the champion is out another."""
    unsure = answer(
        outcome="abstain", value=None, fallback=True, source="previous_champion", reason_code="low_confidence"
    )
    text = shown(unsure, champion=2).text

    assert "because the model is too unsure about this one." in text
    assert ":warning: v2 could not be used; this answer comes from v1, the previous champion." in text


def test_doing_nothing_is_an_answer() -> None:
    """It is told apart from a failure."""
    nothing = answer(
        outcome="no_action",
        value=None,
        interval=None,
        source="none",
        version=None,
        reason_code="model_failed",
    )

    assert "do nothing*, because the model failed on this row." in shown(nothing).text


def test_a_refusal_names_field_value_and_what_is_allowed() -> None:
    """The reader can type it right at the next try."""
    problem = Problem(
        title="No",
        status=422,
        detail="One input cannot be used.",
        reason_code="invalid_inputs",
        errors=(
            FieldProblem(
                field="carrier", value="ZZ", allowed="one of UA or AA", message="there is no such carrier"
            ),
        ),
        suggestions=("UA",),
    )
    refused = answer(
        outcome="refused",
        value=None,
        interval=None,
        filled_in={},
        source="none",
        version=None,
        problem=problem,
    )
    text = shown(refused).text

    assert "refused.* Some of the inputs cannot be used." in text
    assert "• `carrier` cannot be `ZZ`: There is no such carrier. Allowed: one of UA or AA." in text
    assert "Did you mean `UA`?" in text


def test_a_classifier_shows_label_and_confidence() -> None:
    """No unit, no interval; how sure it is stands beside the label."""
    label = answer(value="benign", unit=None, interval=None, confidence=0.93, actual="malignant")
    text = shown(label, unit=None).text

    assert "*Arrival delay for flight UA1545, date 2013-07-04: benign* (93 % sure)" in text
    assert "What really happened: *malignant*" in text


def test_small_values_keep_their_digits() -> None:
    """A probability is not rounded to a whole number, and a share is shown in per cent."""
    small = answer(value=0.127, unit="mg", interval=Interval(low=0.1, high=0.2, coverage=0.9))
    share = answer(value=0.127, unit="share", interval=Interval(low=0.1, high=0.2, coverage=0.9))

    assert "about 0.127 mg* (likely between 0.100 and 0.200 mg)" in shown(small).text
    assert "about 12.7 %* (likely between 10 and 20 %)" in shown(share).text


def test_warnings_and_a_missing_log_entry_are_said() -> None:
    """Neither stops the answer, and neither is hidden."""
    text = shown(
        answer(warnings=(RowWarning(code="x", field="wind", message="more wind than in training"),)),
        logged=False,
    ).text

    assert ":small_orange_diamond: `wind`: more wind than in training" in text
    assert "could not be written to the prediction log" in text


def test_many_rows_become_a_table_and_a_file() -> None:
    """Twenty rows are shown; a spreadsheet gets all, with unrounded numbers."""
    rows = [answer(value=3.14159 + at, actual=None) for at in range(30)]
    message = shown(*rows)
    table = next(block for block in message.blocks if block["type"] == "table")
    lines = list(csv.DictReader(message.files[0].content.decode("utf-8-sig").splitlines()))

    assert len(table["rows"]) == 21
    assert [cell["text"] for cell in table["rows"][1]][:6] == ["1", "3.1", "min", "−9.2", "37.8", "v1"]
    assert len(lines) == 30
    assert lines[0]["value"] == "3.14159"
    assert "The first 20 rows are shown; all 30 are in the file *predictions.csv*." in message.text


def test_few_rows_need_no_file() -> None:
    """Outcomes are counted in the headline."""
    message = shown(answer(), answer(outcome="abstain", value=None, reason_code="low_confidence"))

    assert not message.files
    assert "*Arrival delay: 2 rows answered* (1 predicted, 1 no firm answer)" in message.text


def test_text_cells_cannot_run_as_formulas() -> None:
    """A spreadsheet shows what a model wrote and does not run it."""
    rows = [answer(value="=1+1", interval=None)] * 21

    assert b"'=1+1" in shown(*rows).files[0].content


def test_a_logged_prediction_shows_its_six_fields() -> None:
    """When, who, where, what, model version and data version."""
    record = PredictionView(
        format=1,
        prediction_id="p-1",
        at=AT,
        who=OPERATOR,
        where="slack:T0/C0ML",
        model="arrival-delay",
        version=1,
        data_version=DIGEST,
        input={"carrier": "UA", "wind": 12.5, "holiday": True, "gust": None},
        answer=answer(),
    )
    text = predictions.prediction_record(record).text

    assert f"Asked 1 Aug 2013 06:00 UTC by <@{OPERATOR}> in <#C0ML>." in text
    assert "*arrival-delay: about 12 min*" in text
    assert "by v1 (champion) · data a1b2c3d4" in text
    for line in ("carrier  UA", "wind     12.5", "holiday  yes", "gust     –"):
        assert line in text


def test_a_source_of_several_values_is_named_once() -> None:
    """Fifteen values of one timetable do not repeat its name fifteen times; an age of nothing is not said."""
    told = {
        "carrier": {"value": "UA", "source": "timetable"},
        "delay": {"value": 37, "source": "board", "age_seconds": 0.0},
        "dest": {"value": "SFO", "source": "timetable"},
    }
    looked_up = answer().model_copy(update={"filled_in": answer(filled_in=told).filled_in})
    assert "looked up: carrier UA, dest SFO (timetable); delay 37 (board)" in shown(looked_up).text
