"""Retraining and comparing: the card of a run in each state, and the decision that it leads to."""

from __future__ import annotations

from datetime import timedelta

from bot.jobs import Job
from bot.messages import charts, jobs, versions
from bot.messages.jobs import Decided
from bot.messages.message import Message
from ml.contract import AliasView, Evidence, Problem, RunView, VersionView
from playground.gallery.records import (
    AT,
    DIGEST,
    METRICS,
    OWNER,
    OWNERS,
    RUN_ID,
    alias,
    evidence,
    failed_run,
    job,
    metric,
    run,
    succeeded_run,
)
from playground.gallery.sample import Chapter, Sample

NOW = AT + timedelta(seconds=40)
JOB = job(inputs={"until": "2013-06"})
COMPARING = job("compare", "/ml compare arrival-delay v1 v2", words=("v1", "v2"))
DONE = succeeded_run()
COMPARED = succeeded_run(kind="compare", result={"evidence": DIGEST, "comparison": evidence()})
FIRST = evidence(
    champion=None,
    metrics=tuple(
        metric(one, value, None, rule, None)
        for one, value, rule in zip(METRICS, (14.92, 0.5, 0.641), (16.8, 4.1, 0.57), strict=True)
    ),
    beats_champion=None,
)
LUCKY = evidence(
    test={**evidence().model_dump()["test"], "p_value": 0.31},
    beats_champion=False,
    notes=("All rows are from July: other months may differ.",),
)
UNKNOWN_PARAMETER = Problem(
    title="Unprocessable",
    status=422,
    detail="There is no parameter untill.",
    reason_code="invalid_params",
    suggestions=("until",),
)
ENDINGS = (
    Decided(
        kind="promoted", by=OWNER, at=NOW, why="better by MAE and bias", alias=alias(2, previous=1, event=2)
    ),
    Decided(kind="rejected", by=OWNER, at=NOW, why="the business metric is worse"),
    Decided(kind="expired", at=NOW),
    Decided(kind="superseded", at=NOW),
)
WHEN_DECIDED = (
    "An owner has promoted it.",
    "An owner has rejected it.",
    "Nobody has decided in time.",
    "Another version has become champion meanwhile.",
)
CARD = (
    "## Arrival delay, v2\n\nTrained on **80,789 flights** from January to June 2013.\n\n"
    "| metric | v2 |\n|:--|--:|\n| MAE | 14.9 min |\n| within 15 minutes | 64.1 % |\n\n"
    "- It does not know strikes.\n- Use it at departure, not before.\n"
)
MANIFEST = {
    "model": "arrival-delay",
    "version": 2,
    "recipe": "recipes.arrival_delay:ArrivalDelay",
    "files": {"snapshot": {"digest": DIGEST, "size": 12_345_678}},
    "query": {"text": "flights with weather", "params": {"since": "2013-01"}, "rows": 80_789},
    "code": {"revision": "3f9c2ab"},
    "params": {"until": "2013-06"},
    "seed": 17,
    "run_id": RUN_ID,
    "environment": {"python": "3.11.4", "packages": {"numpy": "2.3.1", "scikit-learn": "1.7.0"}},
}


def histogram(evidence: Evidence) -> Message:
    """Return the picture that stands in the thread of a decision."""
    chart = charts.evidence_chart(evidence)
    return Message("", (), (chart,) if chart else ())


def call_to_decide(job: Job, run: RunView, evidence: Evidence, approvers: tuple[str, ...]) -> Message:
    """Return the reply that calls those who decide."""
    return jobs.run_ended_note(job, run, approvers, evidence)


def already(job: Job, alias: AliasView) -> Message:
    """Return what the second presser is told."""
    return jobs.already_decided(job, "promoted", alias.by)


CHAPTER = Chapter(
    "Retraining and deciding",
    "One message for each job, edited from the queue to the end. Where a new version comes of it, the same "
    "message becomes the card on which people decide; a reply in its thread calls them.",
    (
        Sample("It waits behind another run of the model.", jobs.queued, (JOB, 2, 3)),
        Sample("It is its turn.", jobs.starting, (JOB,)),
        Sample("It runs.", jobs.running, (JOB, run(detail="42 of 100 trees"), NOW)),
        Sample(
            "It is being stopped.",
            jobs.running,
            (JOB, run(cancel_requested=True, attempt=2), NOW),
        ),
        Sample("The function app does not answer meanwhile.", jobs.out_of_sight, (JOB, RUN_ID)),
        Sample("It failed.", jobs.failed, (JOB, failed_run())),
        Sample("The requester is called.", jobs.run_ended_note, (JOB, failed_run()), "thread"),
        Sample("Somebody stopped it while it waited.", jobs.cancelled, (JOB, OWNER)),
        Sample("Somebody stopped it while it ran.", jobs.cancelled, (JOB, OWNER, run(state="cancelled"))),
        Sample("It was not accepted.", jobs.refused, (JOB, UNKNOWN_PARAMETER)),
        Sample("It made a version, and people are to decide.", jobs.decision, (JOB, DONE, evidence(), "d-1")),
        Sample(
            "Requester and approvers are called.",
            call_to_decide,
            (JOB, DONE, evidence(), (OWNERS,)),
            "thread",
        ),
        Sample("How far off each one is.", histogram, (evidence(),), "thread"),
        Sample("The first version of a model.", jobs.decision, (JOB, DONE, FIRST, "d-1")),
        Sample("A lead that may be luck, and a note.", jobs.decision, (JOB, DONE, LUCKY, "d-1")),
        *(
            Sample(when, jobs.decided, (JOB, DONE, evidence(), ending))
            for when, ending in zip(WHEN_DECIDED, ENDINGS, strict=True)
        ),
        Sample("Somebody presses after that.", already, (JOB, alias(2, by=OWNER)), "private"),
        Sample(
            "Two versions were compared, and nothing is to be decided.",
            jobs.finished,
            (COMPARING, COMPARED, "v1 stays the champion."),
        ),
        Sample("The requester is called.", jobs.run_ended_note, (COMPARING, COMPARED.model_copy()), "thread"),
        Sample(
            "The card of a version.",
            versions.card,
            (VersionView(model="arrival-delay", version=2, manifest={}, card=CARD),),
            "private",
        ),
        Sample("Where a version comes from.", versions.lineage, (MANIFEST,), "private"),
    ),
)
