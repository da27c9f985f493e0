"""The message of a job in each state, the decision card and the notes in its thread."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import pytest

from bot.messages import jobs
from bot.messages.jobs import Decided
from bot.messages.message import Message
from ml.contract import Reason, StageView
from playground.gallery.records import (
    AT,
    DIGEST,
    METRICS,
    OPERATOR,
    OWNER,
    RUN_ID,
    alias,
    evidence,
    failed_run,
    job,
    metric,
    run,
    succeeded_run,
)

JOB = job()


def buttons(message: Message) -> dict[str, str]:
    """Return the value of each button by its action."""
    return {
        one["action_id"]: one["value"]
        for block in message.blocks
        if block["type"] == "actions"
        for one in block["elements"]
    }


@pytest.mark.parametrize(
    "message",
    [
        jobs.queued(JOB, 2, 3),
        jobs.starting(JOB),
        jobs.running(JOB, run(), AT),
        jobs.finished(JOB, succeeded_run()),
        jobs.failed(JOB, failed_run()),
        jobs.cancelled(JOB, OWNER),
        jobs.decision(JOB, succeeded_run(), evidence(), "d-1"),
        jobs.decided(JOB, succeeded_run(), evidence(), Decided(kind="rejected", by=OWNER, at=AT)),
    ],
    ids=["queued", "starting", "running", "finished", "failed", "cancelled", "decision", "decided"],
)
def test_every_state_names_who_asked_and_what_was_typed(message: Message) -> None:
    """Whatever becomes of a job, its message says whose it is."""
    assert message.text.endswith(f"asked by <@{OPERATOR}>: `/ml retrain arrival-delay until=2013-06`")


@pytest.mark.parametrize(
    ("place", "of", "said"), [(0, 0, "turn*\n"), (1, 2, "It is next."), (2, 3, "Place 2 of 3 in the queue.")]
)
def test_a_waiting_job_shows_its_place_and_can_be_cancelled(place: int, of: int, said: str) -> None:
    """The place is said as soon as it is known."""
    message = jobs.queued(JOB, place, of)

    assert said in message.text
    assert buttons(message) == {"run.cancel": JOB.flow_id}


def test_a_running_job_shows_stage_share_time_and_a_bar() -> None:
    """The headline carries the share, the checklist the durations."""
    message = jobs.running(JOB, run(), AT + timedelta(seconds=65))

    assert message.text.split("\n")[:6] == [
        ":gear: *Retraining arrival-delay · fit · 42 %*",
        "▰▰▰▰▱▱▱▱▱▱",
        ":white_check_mark: load · 3.1 s · 80,789 rows",
        ":white_check_mark: features · 1.2 s",
        ":hourglass_flowing_sand: fit · 12 s · 42 of 100 trees",
        ":white_circle: convert",
    ]
    assert "1 min 3 s so far" in message.text
    assert buttons(message) == {"run.cancel": JOB.flow_id}


def test_a_run_that_is_stopping_cannot_be_cancelled_twice() -> None:
    """The button goes as soon as somebody pressed it."""
    message = jobs.running(JOB, run(cancel_requested=True, attempt=2), AT)

    assert "stopping" in message.text
    assert "attempt 2" in message.text
    assert buttons(message) == {}


def test_a_failed_run_names_its_stage_and_the_reason_in_words() -> None:
    """The reader learns where it failed and why without knowing a code."""
    text = jobs.failed(JOB, failed_run()).text

    assert "*Retraining arrival-delay failed* in the stage *fit*" in text
    assert "Training ran out of memory. Killed at 2.0 GB with 80,789 rows." in text


def test_a_failure_without_words_of_ours_shows_its_own() -> None:
    """An unknown code is no obstacle."""
    reason = Reason(code="moon_phase", detail="The moon is full")

    assert "The moon is full." in jobs.failed(JOB, failed_run(reason=reason)).text
    assert "No reason was given." in jobs.failed(JOB, failed_run(reason=None)).text


def test_a_cancelled_job_names_who_stopped_it_and_when() -> None:
    """While it waited, or in which stage."""
    assert f"by <@{OWNER}> before it started" in jobs.cancelled(JOB, OWNER).text
    assert f"by <@{OWNER}> in the stage *fit*" in jobs.cancelled(JOB, OWNER, run()).text


def test_the_verdict_says_what_got_better_what_did_not_and_whether_it_is_luck() -> None:
    """One plain statement from the evidence alone."""
    text = jobs.decision(JOB, succeeded_run(), evidence(), "d-1").text

    assert (
        "v2 beats v1 on *MAE* (14.9 against 15.0 min) and *bias* (0.5 against −5.6 min), "
        "but is slightly worse on *within 15 minutes* (64.1 % against 65.6 %). "
        "The difference in MAE is unlikely to be luck (p = 0.003, 28,000 rows)."
    ) in text


def test_the_decision_is_bound_to_the_evidence_shown() -> None:
    """Each button carries the decision and the digest of what was on the card; Promote asks once more."""
    message = jobs.decision(JOB, succeeded_run(), evidence(), "d-1")
    actions = next(block for block in message.blocks if block["type"] == "actions")

    assert buttons(message) == dict.fromkeys(
        ("version.promote", "version.reject", "version.card"), f"d-1|{DIGEST}"
    )
    assert ["confirm" in one for one in actions["elements"]] == [True, False, False]


def test_the_table_marks_the_business_metric() -> None:
    """Metric, unit, champion, candidate, difference and plain rule, in numbers that can be told apart."""
    message = jobs.decision(JOB, succeeded_run(), evidence(), "d-1")
    table = next(block for block in message.blocks if block["type"] == "table")

    assert [[cell["text"] for cell in row] for row in table["rows"]] == [
        ["metric", "unit", "champion v1", "candidate v2", "difference", "plain rule"],
        ["MAE", "min", "15.0", "14.9", "−0.1 (better)", "16.8"],
        ["bias", "min", "−5.6", "0.5", "+6.1 (better)", "4.1"],
        ["★ within 15 minutes", "%", "65.6", "64.1", "−1.5 (worse)", "57.0"],
    ]


def test_the_first_version_is_set_beside_the_rule_only() -> None:
    """Without a champion nothing is said to beat one."""
    metrics = (metric(METRICS[0], 14.92, None, 16.8, None),)
    first = evidence(candidate=1, champion=None, metrics=metrics, test=None, beats_champion=None)
    text = jobs.decision(JOB, succeeded_run(), first, "d-1").text

    alone = "v1 is compared with the plain rule only: there was no champion beside it."
    assert f"{alone} v1 beats the plain rule." in text


def test_a_candidate_that_beats_neither_says_so() -> None:
    """The sentence that matters most is there, and in bold."""
    metrics = (metric(METRICS[0], 17.5, 15.0, 16.8, False),)
    test = evidence().test
    assert test is not None
    poor = evidence(
        metrics=metrics,
        beats_champion=False,
        beats_rule=False,
        test=test.model_copy(update={"p_value": 0.31}),
    )
    text = jobs.decision(JOB, succeeded_run(), poor, "d-1").text

    assert "v2 does not beat v1: it is worse on *MAE* (17.5 against 15.0 min)." in text
    assert "may well be luck (p = 0.31, 28,000 rows)" in text
    assert "*v2 beats neither the champion nor the plain rule.*" in text


def test_a_first_version_whose_lead_over_the_rule_may_be_luck_says_so() -> None:
    """Better numbers that luck could give are not called a win, nor a defeat."""
    lone = [metric(METRICS[0], 13.4, None, 14.2, None), metric(METRICS[1], -6.1, None, 2.7, None)]
    first = evidence(champion=None, metrics=tuple(lone), test=None, beats_champion=None, beats_rule=False)
    text = jobs.decision(JOB, succeeded_run(), first, "d-1").text

    assert "is ahead of the plain rule on *MAE*, but *its lead may be luck.*" in text
    assert "not even" not in text


def test_what_a_decider_should_know_stands_on_the_card() -> None:
    """Notes of the comparison, such as that the champion could not be scored, come before the table."""
    noted = evidence(notes=("The champion's file is damaged, so it was not scored.",))

    assert "The champion's file is damaged" in jobs.decision(JOB, succeeded_run(), noted, "d-1").text


def test_equal_versions_are_called_equal() -> None:
    """No metric differs, so nothing is better or worse."""
    same = evidence(metrics=(metric(METRICS[0], 15.0, 15.0, 16.8, None),), test=None)

    assert "v2 and v1 score the same." in jobs.decision(JOB, succeeded_run(), same, "d-1").text


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("promoted", f"*v2 was promoted* by <@{OWNER}>, 1 Aug 2013 06:00 UTC. It took over from v1."),
        ("rejected", f"*v2 was rejected* by <@{OWNER}>, 1 Aug 2013 06:00 UTC. The champion stays."),
        ("expired", "*Nobody decided on v2* until 1 Aug 2013 06:00 UTC."),
        ("superseded", "*The champion changed* before anybody decided on v2"),
    ],
)
def test_after_the_decision_the_card_says_who_when_and_why(
    kind: Literal["promoted", "rejected", "expired", "superseded"], said: str
) -> None:
    """The buttons that decide are gone; the numbers stay, and the same can be asked for again."""
    moved = alias(2, previous=1) if kind == "promoted" else None
    decided = Decided(kind=kind, by=OWNER, at=AT, why="fewer late surprises", alias=moved)
    message = jobs.decided(JOB, succeeded_run(), evidence(), decided)

    assert said in message.text
    assert "Reason given: fewer late surprises" in message.text
    assert "v2 beats v1" in message.text
    assert set(buttons(message)) == {"form.again"}


def test_the_note_calls_the_requester_and_the_approvers() -> None:
    """An edit rings nobody's phone; this reply does."""
    text = jobs.run_ended_note(JOB, succeeded_run(), (OWNER, "S0LEADS"), evidence()).text

    assert text.startswith(f"<@{OPERATOR}>")
    assert f"<@{OWNER}> <!subteam^S0LEADS> please decide above" in text


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        (failed_run(), "Retraining arrival-delay failed. Training ran out of memory."),
        (run(state="cancelled"), "Retraining arrival-delay was cancelled."),
        (succeeded_run(), "Retraining arrival-delay is done."),
    ],
)
def test_the_note_says_how_the_run_ended(ended: jobs.RunView, said: str) -> None:
    """Without a decision only the requester is called."""
    assert said in jobs.run_ended_note(JOB, ended).text


def test_a_compare_job_is_called_what_it_is() -> None:
    """The wording follows the kind of the run."""
    compare = job("compare", "/ml compare arrival-delay v2 v1")
    text = jobs.running(
        compare, run(kind="compare", stages=(StageView(name="score", state="running"),)), AT
    ).text

    assert "*Comparing versions of arrival-delay · fit · 42 %*" in text
    assert RUN_ID in text
