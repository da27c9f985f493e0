"""Experiments: the card of a record, the question about what is alike, the list, and results."""

from __future__ import annotations

from bot.connectors.connector import RunStatus
from bot.experiment_records import Recorded
from bot.experiments import Experiment, Facts, Issue, Start
from bot.jobs import Job
from bot.likeness import Resemblance
from bot.messages import experiments
from bot.messages.experiments import Result
from bot.messages.message import Message
from ml.contract import Problem, RunView
from playground.gallery.records import AT, OWNER, job, succeeded_run
from playground.gallery.sample import Chapter, Sample
from playground.gallery.working import REPORT, ended

REPOSITORY = "acme/flights"
PURPOSE = "Does the weather at the destination make the answers better?"
JOB = job(
    "experiment",
    '/ml experiment retrain arrival-delay until=2013-06 purpose="Does the weather at the destination …"',
)
START = Start(verb="retrain", model="arrival-delay", inputs={"until": "2013-06"})
MADE = Experiment(texts={"purpose": PURPOSE}, facts=Facts(id="c-1", asked_by="operator", start=START))
ISSUE = Issue(
    number=12, title=PURPOSE, url="https://github.com/acme/flights/issues/12", author="octocat", created_at=AT
)
ALIKE = (
    Resemblance(what="#7", about="Weather at both ends", at=AT, why=("its purpose is 84% alike",)),
    Resemblance(
        what="run 20130701t060000-b2c3d4", at=AT, why=("the same model and parameters, which made v1",)
    ),
)
RECORD = Recorded(flow_id="c-1", repository=REPOSITORY, number=12, place={}, result=None)
FORBIDDEN = Problem(
    title="No", status=403, detail="It may not write issues there.", reason_code="github_forbidden"
)


def written(job: Job, record: Recorded, run: RunView) -> Message:
    """Return the reply about a result that is in the issue."""
    return experiments.result_written(job, record, experiments.result_of_run(job, run), "body")


def commented(job: Job, record: Recorded, status: RunStatus) -> Message:
    """Return the reply about a result that is in a comment."""
    return experiments.result_written(job, record, experiments.result_of_status(job, status), "comment")


def unwritten(job: Job, record: Recorded, result: Result, problem: Problem) -> Message:
    """Return the reply about a result that could not be written."""
    return experiments.result_not_written(job, record, result, problem)


def without_result(job: Job, record: Recorded, problem: Problem) -> Message:
    """Return the reply about an experiment that never ran."""
    return experiments.result_written(job, record, experiments.result_of_problem(job, problem), "body")


CHAPTER = Chapter(
    "Experiments",
    "What is tried, and why, stands in an issue; the card says so, and the result is a reply in its thread.",
    (
        Sample("It is being recorded.", experiments.recording, (JOB, MADE)),
        Sample("Something like it was done before.", experiments.resembles, (JOB, MADE, ALIKE)),
        Sample("Somebody stopped it.", experiments.stopped, (JOB, MADE, OWNER)),
        Sample("Nobody answered.", experiments.stopped, (JOB, MADE, None)),
        Sample("It could not be recorded.", experiments.not_recorded, (JOB, MADE, FORBIDDEN)),
        Sample("It is recorded.", experiments.recorded, (JOB, MADE, ISSUE)),
        Sample("The result of a retrain.", written, (JOB, RECORD, succeeded_run()), "thread"),
        Sample(
            "The result of a workflow.", commented, (JOB, RECORD, ended("succeeded", report=REPORT)), "thread"
        ),
        Sample("It gave no result.", without_result, (JOB, RECORD, FORBIDDEN), "thread"),
        Sample(
            "The result could not be written.",
            unwritten,
            (JOB, RECORD, Result("", "v2: better by MAE."), FORBIDDEN),
            "thread",
        ),
        Sample(
            "The latest ones.", experiments.listing, ((ISSUE,) * 3, "arrival-delay", REPOSITORY), "private"
        ),
        Sample("There are none.", experiments.listing, ((), None, REPOSITORY), "private"),
    ),
)
