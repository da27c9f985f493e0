"""What a file of predictions says of itself, and the file that goes with it."""

from __future__ import annotations

import csv
import io

from bot.csv_files import Table
from bot.messages.batches import BatchRow, batch, which_model
from ml.contract import FieldProblem, Problem
from ml.contract import Warning as RowWarning
from playground.gallery import records as samples
from tests.unit.bot.slack_proof import assert_fits

JOB = samples.job("predict", "predict with flights.csv")
GIVEN = Table(
    ("flight", "Outcome", "=note"), (("UA1", "a", "=1+1"), ("UA2", "-5", "b"), ("UA3", "c", "")), ";"
)
ROWS = (
    BatchRow.of(samples.answer(value=-12.5)),
    BatchRow.of(
        samples.answer(
            outcome="refused",
            value=None,
            interval=None,
            source="none",
            version=None,
            problem=Problem(
                title="No",
                status=422,
                detail="No flight UA2.",
                reason_code="lookup_failed",
                errors=(FieldProblem(field="flight", value="UA2", allowed="a flight", message="unknown"),),
            ),
        )
    ),
    BatchRow.of(
        samples.answer(value=30, warnings=(RowWarning(code="outside", field="wind", message="more wind"),))
    ),
)


def test_the_summary_counts_and_names_what_has_no_answer() -> None:
    """Rows by outcome, the middle and the ends of the predictions, and the first rows without an answer."""
    message = batch(JOB, samples.model(), "flights.csv", GIVEN, ROWS, ["=note"])
    assert_fits(message)
    for words in (
        "3 rows of flights.csv",
        "2 predicted and 1 refused",
        "*1 row could not be answered*",
        "• row 2: No flight UA2.",
        "1 row with a warning",
        "Answered by v1 (2)",
    ):
        assert words in message.text, words


def test_one_number_has_no_middle() -> None:
    """A single prediction is named as it is, and so is what all of them say alike."""
    row, without = BatchRow.of(samples.answer(value=30.4)), ROWS[1]
    one = batch(JOB, samples.model(), "a.csv", GIVEN, [row, without, without], [])
    assert "The prediction is *30.4 min*." in one.text
    alike = batch(JOB, samples.model(), "a.csv", GIVEN, [row, row, without], [])
    assert "All predictions are *30.4 min*." in alike.text


def test_the_file_keeps_every_cell_and_runs_none() -> None:
    """Input columns, then ours under names that are free; formulas are text, negative numbers are numbers."""
    message = batch(JOB, samples.model(), "flights.csv", GIVEN, ROWS, ["=note"])
    answers, picture = message.files
    assert (answers.filename, picture.filename) == (
        "flights-predictions.csv",
        "arrival-delay-predictions.png",
    )
    text = answers.content.decode("utf-8-sig")
    head, *lines = csv.reader(io.StringIO(text, newline=""), delimiter=";")
    assert head[:3] == ["flight", "Outcome", "'=note"]
    assert head[3:5] == ["prediction", "unit"]
    assert "answered_outcome" in head
    assert [line[:4] for line in lines] == [
        ["UA1", "a", "'=1+1", "-12.5"],
        ["UA2", "-5", "b", ""],
        ["UA3", "c", "", "30.0"],
    ]
    assert lines[1][head.index("warnings")] == "No flight UA2."


def test_labels_are_counted_in_place_of_a_histogram() -> None:
    """A classifier's answers are counted by label."""
    rows = [
        BatchRow(outcome="predicted", value=label, source="champion") for label in ("late", "early", "late")
    ]
    message = batch(JOB, samples.model(unit=None), "flights.csv", GIVEN, rows, [])
    assert "*late* 2 and *early* 1" in message.text
    assert message.files[1].alt_text == "Bars: late 2 and early 1 rows"


def test_rows_that_all_failed_have_no_picture() -> None:
    """There is nothing to draw; the file says why for each row."""
    message = batch(
        JOB, samples.model(), "a.csv", GIVEN, [BatchRow(outcome="refused", warnings="no")] * 3, []
    )
    assert [file.filename for file in message.files] == ["a-predictions.csv"]
    assert "Answered by" not in message.text


def test_the_question_offers_each_model() -> None:
    """Which model a file is for is asked with one button each, as many as Slack takes."""
    message = which_model(JOB, "a.csv", [(f"Model {at}", f"m{at}", str(at)) for at in range(30)])
    assert_fits(message)
    buttons = next(block for block in message.blocks if block["type"] == "actions")["elements"]
    assert [one["value"] for one in buttons] == [str(at) for at in range(25)]
