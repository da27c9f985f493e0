"""Workflows and endpoints: the card of a run that a connector does, in each state, with what it reports."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.command_tables import ReportPart
from bot.connectors.connector import (
    Report,
    ReportMetric,
    Review,
    RunHandle,
    RunJob,
    RunStatus,
    Step,
    Waiting,
)
from bot.messages import work
from ml.contract import Problem, Reason
from playground.gallery.records import AT, OPERATOR, OWNER, OWNERS, job
from playground.gallery.sample import Chapter, Sample

NOW = AT + timedelta(seconds=62)
TITLE = "Retrain in acme/flights"
URL = "https://github.com/acme/flights/actions/runs/77"
JOB = job("run", "/ml run retrain.yml kind=full", model=None, words=("retrain.yml",), inputs={"kind": "full"})
REPORT = Report(
    metrics=(
        ReportMetric(name="mae", value=14.9, unit="min", direction="lower"),
        ReportMetric(name="within 15 minutes", value=0.641, unit="share", direction="higher", business=True),
    ),
    version="v7",
    data="flights-2013-06",
    cost="0.12 USD",
    problems=("The metric bias has no number as its value.",),
)
SCORED = Report(
    fields={
        "rows": 1_204_331,
        "days": [
            {"day": "2013-07-04", "rows": 737, "late": 81},
            {"day": "2013-07-05", "rows": 822, "late": 64},
        ],
        "by_airport": {"EWR": 112, "JFK": 74, "LGA": 58},
        "log": "scored 1204331 rows\nwrote scores.parquet\n",
    }
)
TEMPLATE = (
    ReportPart(title="Scored", value="rows", unit="rows"),
    ReportPart(title="By day", show="table", value="days"),
    ReportPart(title="Late flights", show="chart", value="by_airport"),
    ReportPart(title="Log", show="file", value="log"),
    ReportPart(title="Cost", value="cost"),
)
DISABLED = Problem(
    title="No", status=422, detail="Somebody switched it off.", reason_code="workflow_disabled"
)
GONE = Problem(title="Gone", status=404, detail="Run 77 was deleted.", reason_code="run_deleted")
KEY = Problem(title="No", status=401, detail="GitHub answered 401.", reason_code="github_rejected_token")


def status(**more: Any) -> RunStatus:
    """Return a run that is under way."""
    steps = (
        Step(name="load", state="succeeded", seconds=3.0),
        Step(name="fit", state="running"),
        Step(name="register", state="waiting"),
    )
    fields: dict[str, Any] = {
        "handle": RunHandle(connector="github_actions", id="77", scope="acme/flights", url=URL),
        "name": "Retrain #5",
        "state": "running",
        "jobs": (RunJob(name="train", state="running", steps=steps),),
        "started_at": AT,
        "offers": ("cancel",),
    }
    return RunStatus(**fields | more)


def ended(state: str, **more: Any) -> RunStatus:
    """Return a run that has ended."""
    fields: dict[str, Any] = {
        "finished_at": AT + timedelta(seconds=200),
        "offers": ("rerun",),
        "jobs": (RunJob(name="train", state="succeeded", seconds=190.0),),
    }
    return status(state=state, **fields | more)


FAILED = ended(
    "failed",
    reason=Reason(code="step_failed", detail="fit: MemoryError"),
    jobs=(
        RunJob(
            name="train",
            state="failed",
            seconds=190.0,
            steps=(
                Step(name="load", state="succeeded", seconds=3.0),
                Step(name="fit", state="failed", seconds=187.0),
                Step(name="register", state="skipped"),
            ),
        ),
    ),
    offers=("rerun_failed", "rerun"),
)
HELD = status(
    state="waiting",
    jobs=(RunJob(name="release", state="waiting"),),
    waits=(
        Waiting(environment="production", environment_id=3, reviewers=("octocat",), teams=("ml-leads",)),
        Waiting(environment="audit", environment_id=4, wait_minutes=10),
    ),
    reviews=(
        Review(environment="staging", state="approved", login="toban-bot", user=OWNER),
        Review(environment="canary", state="approved", login="octocat", comment="looks good"),
    ),
)
SCORING = status(
    handle=RunHandle(connector="http", id="batch-9"),
    name="batch-9",
    jobs=(),
    progress=0.6,
    detail="day 18 of 31",
)
WORKFLOWS = {
    "acme/flights": (("retrain.yml", "Retrain", True), ("nightly.yml", "Nightly scores", False)),
    "acme/wine": (),
}
CHAPTER = Chapter(
    "Workflows and endpoints",
    "One card for each run, edited as it goes on, with what can be done about it at the moment.",
    (
        Sample("What can be run.", work.workflows, (WORKFLOWS, "/ml"), "private"),
        Sample("It asks before it starts.", work.to_confirm, (JOB, TITLE, {"kind": "full"}, "main")),
        Sample(
            "It asks in words of the team's own.",
            work.to_confirm,
            (JOB, TITLE, {"kind": "full"}, None, "Train on the whole year? It takes an hour."),
        ),
        Sample("Somebody decided against it.", work.not_started, (JOB, TITLE, OPERATOR)),
        Sample("Nobody confirmed it.", work.not_started, (JOB, TITLE, None)),
        Sample("It is being started.", work.starting, (JOB, TITLE)),
        Sample("GitHub's limit is used up for now.", work.held_up, (JOB, TITLE, NOW)),
        Sample("It could not be started.", work.refused, (JOB, TITLE, DISABLED)),
        Sample("The requester is called.", work.not_started_note, (JOB, TITLE, DISABLED), "thread"),
        Sample("It runs.", work.running, (JOB, TITLE, status(), NOW)),
        Sample("It runs behind an endpoint.", work.running, (JOB, "Nightly scores", SCORING, NOW)),
        Sample("It waits for people.", work.running, (JOB, "Release in acme/flights", HELD, NOW)),
        Sample(
            "Those who decide are called.",
            work.waits_note,
            (JOB, TITLE, ("production",), (OWNERS,)),
            "thread",
        ),
        Sample("Somebody decided.", work.reviewing, (JOB, "production", "approved"), "private"),
        Sample("Somebody else was first.", work.reviewed_before, (JOB, "production", OWNER), "private"),
        Sample("GitHub does not answer meanwhile.", work.out_of_sight, (JOB, TITLE)),
        Sample("GitHub does not let the bot look.", work.out_of_sight, (JOB, TITLE, "GitHub", KEY)),
        Sample("It cannot be seen any more.", work.lost, (JOB, TITLE, URL, GONE)),
        Sample("It is done, and reports.", work.ended, (JOB, TITLE, ended("succeeded", report=REPORT))),
        Sample(
            "It is done, and is shown as the team's report template says.",
            work.ended,
            (JOB, "Nightly scores", ended("succeeded", report=SCORED), None, TEMPLATE),
        ),
        Sample("It failed.", work.ended, (JOB, TITLE, FAILED)),
        Sample("The requester is called.", work.ended_note, (JOB, TITLE, FAILED), "thread"),
        Sample("Somebody stopped it.", work.ended, (JOB, TITLE, ended("cancelled"), OWNER)),
        Sample("A button on an old card was pressed.", work.pressed_too_late, (JOB,), "private"),
        Sample("A model was trained elsewhere.", work.taking_up, (JOB, TITLE)),
        Sample(
            "What that run reported stays in the thread.",
            work.reported,
            (TITLE, ended("succeeded", report=REPORT)),
            "thread",
        ),
    ),
)
