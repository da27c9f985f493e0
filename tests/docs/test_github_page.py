"""docs/github.md: its table of what goes wrong says what people are told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.messages.errors import REASONS, sentence

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "github.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## What goes wrong")[2]
ROWS = re.findall(r"^\| (.+) \| (.+) \| `(\w+)` \|$", TABLE, flags=re.MULTILINE)
ALL_ROWS = re.findall(r"^\| (?!What |---)(.+?) \|", TABLE, flags=re.MULTILINE)
OWN_WORDS = {"invalid_inputs"}
CONNECTOR, WORKFLOWS = "unit/bot/test_github_actions.py", "scenarios/test_bot_workflows.py"
REPORTS, EVENTS = "unit/bot/test_run_reports.py", "scenarios/test_github_events.py"
PROOFS = {
    "an input that the workflow does not take": (WORKFLOWS, "test_list_and_slips_of_the_keyboard"),
    "the workflow has changed": (CONNECTOR, "test_each_refusal_of_a_start_has_its_code"),
    "more than 25 inputs are given": (CONNECTOR, "test_more_inputs_than_github_takes"),
    "the file declares more than 25": (CONNECTOR, "test_workflow_file_that_cannot_be_used"),
    "the workflow is disabled": (WORKFLOWS, "test_refused_start_is_told_on_the_card"),
    "it has no `workflow_dispatch`": (WORKFLOWS, "test_list_and_slips_of_the_keyboard"),
    "a branch or tag that is not there": (CONNECTOR, "test_branch_that_is_gone_is_told_with_the_nearest"),
    "a workflow that is not there": (CONNECTOR, "test_what_hides_behind_404_is_told_apart"),
    "a repository that is not in": (CONNECTOR, "test_what_hides_behind_404_is_told_apart"),
    "the token may see the repository": (WORKFLOWS, "test_refused_start_is_told_on_the_card"),
    "the token is wrong": (WORKFLOWS, "test_token_that_expires_while_a_run_goes_on"),
    "the repository was renamed": (WORKFLOWS, "test_renamed_repository_is_followed"),
    "the repository is archived": (CONNECTOR, "test_each_refusal_of_a_start_has_its_code"),
    "GitHub does not answer": (WORKFLOWS, "test_github_away_while_a_run_goes_on"),
    "two runs might be": (CONNECTOR, "test_one_of_several_runs_is_not_guessed"),
    "the run was deleted": (WORKFLOWS, "test_deleted_run_ends_its_card"),
    "a step failed": (WORKFLOWS, "test_failure_and_rerun_of_what_failed"),
    "the run took longer": (CONNECTOR, "test_end_that_no_step_explains"),
    "somebody cancelled it on GitHub": (WORKFLOWS, "test_cancel_by_button_and_on_github"),
    "the rate limit is used up": (WORKFLOWS, "test_limit_is_waited_for"),
    "the artifact or the report": (WORKFLOWS, "test_reports_that_cannot_be_used_whole"),
    "a metric without a number": (REPORTS, "test_report_is_judged_by_the_model"),
    "an event is forged": (EVENTS, "test_what_is_forged_replayed_or_not_ours"),
    "an event comes before": (EVENTS, "test_an_event_may_come_before_the_answer_to_the_start"),
}
"""What goes wrong, as its row begins, and where it is tried."""


@pytest.mark.parametrize(("what", "said", "code"), ROWS)
def test_each_code_is_quoted_in_its_own_words(what: str, said: str, code: str) -> None:
    """The sentence that the table quotes is the one that the card shows."""
    assert code in REASONS, what
    assert code in OWN_WORDS or sentence(code).rstrip(".") in said


def test_the_table_was_read() -> None:
    """The rows above are those of the page."""
    assert len(ROWS) > 15


def test_each_row_is_tried_somewhere() -> None:
    """What people are told of has a test, and each test that is named here exists."""
    begins = [[words for words in PROOFS if row.startswith(words)] for row in ALL_ROWS]
    assert [row for row, found in zip(ALL_ROWS, begins, strict=True) if len(found) != 1] == []
    assert {words for found in begins for words in found} == PROOFS.keys()
    for path, test in PROOFS.values():
        assert f"\ndef {test}(" in (ROOT / "tests" / path).read_text(encoding="utf-8"), test
