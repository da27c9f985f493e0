"""The card of a connector's run in each state: what it says, what it offers, and that Slack takes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.connectors.connector import Report, ReportMetric, RunHandle, RunJob, RunStatus, Step
from bot.messages import work
from bot.messages.message import Message
from ml.contract import Problem, Reason
from playground.gallery.records import AT, OPERATOR, OWNER, job
from tests.unit.bot.slack_proof import assert_fits

JOB = job("run", "/ml run retrain kind=full")
TITLE = "Retrain in acme/flights"
STEPS = (Step(name="load", state="succeeded", seconds=3.0), Step(name="fit", state="running"))
PROBLEM = Problem(title="no", status=422, detail="It is disabled.", reason_code="workflow_disabled")
REPORT = Report(
    metrics=(ReportMetric(name="mae", value=14.9, unit="min", direction="lower", business=True),),
    version="v7",
    cost="0.12 USD",
    problems=("Metric x has no number as its value.",),
)


def status(**more: Any) -> RunStatus:
    """Return a run that fits."""
    fields: dict[str, Any] = {
        "handle": RunHandle(
            connector="github_actions", id="77", scope="a/b", url="https://github.com/a/b/77"
        ),
        "name": "Retrain #5",
        "state": "running",
        "jobs": (RunJob(name="train", state="running", steps=STEPS),),
        "started_at": AT,
        "offers": ("cancel",),
    }
    return RunStatus(**fields | more)


def ended(state: str, **more: Any) -> RunStatus:
    """Return a run that has ended."""
    return status(state=state, finished_at=AT + timedelta(seconds=200), **more)


def offered(message: Message) -> dict[str, str]:
    """Return the value of each button by its action."""
    return {
        one["action_id"]: one["value"]
        for block in message.blocks
        if block["type"] == "actions"
        for one in block["elements"]
    }


EVERY = {
    "to_confirm": work.to_confirm(JOB, TITLE, {"kind": "full"}, "main"),
    "not_started": work.not_started(JOB, TITLE, OWNER),
    "starting": work.starting(JOB, TITLE),
    "held_up": work.held_up(JOB, TITLE, AT),
    "refused": work.refused(JOB, TITLE, PROBLEM),
    "lost": work.lost(JOB, TITLE, "https://github.com/a/b/77", PROBLEM),
    "running": work.running(JOB, TITLE, status(), AT + timedelta(seconds=62)),
    "out_of_sight": work.out_of_sight(JOB, TITLE),
    "shut_out": work.out_of_sight(JOB, TITLE, "GitHub", PROBLEM),
    "ended": work.ended(JOB, TITLE, ended("succeeded", report=REPORT)),
    "failed": work.ended(JOB, TITLE, ended("failed", reason=Reason(code="step_failed", detail="fit: no"))),
    "cancelled": work.ended(JOB, TITLE, ended("cancelled"), OWNER),
    "too_late": work.pressed_too_late(JOB),
    "taking_up": work.taking_up(JOB, TITLE),
}


@pytest.mark.parametrize("message", EVERY.values(), ids=EVERY)
def test_every_state_fits_and_names_who_asked(message: Message) -> None:
    """Slack takes each card, and each says whose it is."""
    assert_fits(message)
    assert message.text.endswith(f"asked by <@{OPERATOR}>: `/ml run retrain kind=full`")


def test_live_card_shows_jobs_steps_and_time() -> None:
    """Jobs with their steps, the time so far, Cancel and Open."""
    message = EVERY["running"]
    lines = message.text.split("\n")
    for said in (
        ":gear: *Retrain in acme/flights · running*",
        ":hourglass_flowing_sand: *train*",
        f"{work.INDENT}:white_check_mark: load · 3.0 s",
        f"{work.INDENT}:hourglass_flowing_sand: fit",
        "1 min 2 s so far · Retrain #5 · run `77`",
    ):
        assert said in lines
    assert offered(message) == {"work.cancel": f"{JOB.flow_id}|1", "work.open": "open"}


def test_end_says_how_long_and_what_is_reported() -> None:
    """Duration, metrics with units, version and cost, and what was wrong with the report."""
    text = EVERY["ended"].text
    for said in (
        "is done",
        "took 3 min 20 s",
        "mae ★",
        "14.9 min",
        "version `v7`",
        "cost `0.12 USD`",
        "no number",
    ):
        assert said in text
    assert "step failed. Fit: no" in EVERY["failed"].text


def test_reply_keeps_what_a_training_elsewhere_reported() -> None:
    """How long, at what cost, on which data, what was wrong with it, and the way to its page."""
    message = work.reported(TITLE, ended("succeeded", report=REPORT))
    assert_fits(message)
    for said in ("is done", "3 min 20 s", "cost `0.12 USD`", "no number", "Retrain #5 · run `77`"):
        assert said in message.text
    assert offered(message) == {"work.open": "open"}


def test_buttons_carry_the_attempt() -> None:
    """A press on an old card names the attempt that was shown."""
    message = work.ended(JOB, TITLE, ended("failed", attempt=3, offers=("rerun", "rerun_failed")))
    assert offered(message)["work.rerun_failed"] == f"{JOB.flow_id}|3"
    assert "attempt 3" in message.text


def test_many_steps_are_cut_to_those_that_matter() -> None:
    """Of a run with hundreds of steps, the card shows jobs and the steps that run or failed."""
    steps = tuple(Step(name=f"s{n}", state="failed" if n == 7 else "succeeded") for n in range(90))
    jobs = tuple(RunJob(name=f"j{n}", state="failed", steps=steps) for n in range(60))
    message = work.ended(JOB, TITLE, ended("failed", jobs=jobs))
    assert_fits(message)
    assert "s7" in message.text
    assert "s8" not in message.text
    assert "40 lines more" in message.text


@given(st.text(max_size=200))
def test_no_text_of_others_gets_through(text: str) -> None:
    """Whatever a workflow calls itself, its jobs, its errors or its report, the card stays valid."""
    noise = f"{text}<!channel> `x"
    jobs = (RunJob(name=noise, state="failed", steps=(Step(name=noise, state="failed"),)),)
    report = Report(
        metrics=(ReportMetric(name=noise, value=1, unit=noise),), version=noise, problems=(noise,)
    )
    told = ended(
        "failed", jobs=jobs, report=report, name=noise, reason=Reason(code="step_failed", detail=noise)
    )
    for message in (
        work.ended(JOB, noise, told),
        work.running(JOB, noise, status(jobs=jobs, detail=noise), AT),
        work.to_confirm(JOB, noise, {noise: noise}, noise),
        work.ended_note(JOB, noise, told),
        work.reported(noise, told),
        work.workflows({noise: [(noise, noise, False)]}, "/ml"),
    ):
        assert_fits(message)
