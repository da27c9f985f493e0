"""Deployments: what stands above a card, and the list of what can be deployed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from bot.deployment_records import Held
from bot.deployment_tables import DeploymentTable
from bot.deployments import Change, Commit, Deployed, Deployment
from bot.jobs import Job
from bot.messages import deployments, work
from bot.messages.deployments import Standing
from bot.messages.message import Message
from playground.gallery.records import AT, OWNER, job
from playground.gallery.sample import Chapter, Sample
from playground.gallery.working import HELD, NOW, ended

SHA, OLD = "3f9c2ab" + "0" * 33, "81d0e4f" + "0" * 33
WEB = "https://github.com/acme/flights"
JOB = job("deploy", "/ml deploy flights-api main", model=None, words=("flights-api", "main"))
COMMIT = Commit(
    sha=SHA, subject="Serve v2 of arrival-delay", author="octocat", at=AT, url=f"{WEB}/commit/{SHA}"
)
FIX = Commit(sha="77aa01c" + "0" * 33, subject="Fix the time zone of JFK", author="mona")
BEFORE = Deployed(sha=OLD, ref="main", by="octocat", at=AT - timedelta(days=4))
DEPLOYMENT = Deployment(
    target="flights-api",
    repository="acme/flights",
    environment="production",
    ref="main",
    commit=COMMIT,
    before=BEFORE,
    change=Change(status="ahead", ahead=2, behind=0, commits=(COMMIT, FIX), url=f"{WEB}/compare"),
    checked="5 of 5 succeeded",
)
PUSHED = DEPLOYMENT.model_copy(update={"before": None, "change": None, "pushed_by": "mona"})
TABLE = DeploymentTable(repository="acme/flights", environment="production", branch="main")
HELD_BY = Held(flow_id="cmd-deploy-1", by=OWNER, what="flights-api 3f9c2ab → production", at=AT)
TARGETS = (
    Standing("flights-api", TABLE, BEFORE, None, None),
    Standing("flights-jobs", TABLE, BEFORE, None, HELD_BY),
    Standing("wine-api", TABLE, None, None, None),
    Standing("wine-jobs", TABLE, None, "GitHub answered 404.", None),
)


def asking(deployment: Deployment, job: Job, values: Mapping[str, str]) -> Message:
    """Return the question whether to deploy."""
    return deployments.under(deployment, work.to_confirm(job, deployment.title, values, deployment.ref))


def waiting(deployment: Deployment, job: Job) -> Message:
    """Return the card of a deployment that waits for people."""
    card = work.running(job, deployment.title, HELD, NOW)
    return deployments.under(deployment, card, "https://flights.example.com")


def done(deployment: Deployment, job: Job) -> Message:
    """Return the card of a deployment that is done."""
    return deployments.under(deployment, work.ended(job, deployment.title, ended("succeeded")))


CHAPTER = Chapter(
    "Deployments",
    "The card of a deployment is that of a run, beneath what is deployed: which commit, what it changes, and "
    "what is there now.",
    (
        Sample("What can be deployed.", deployments.targets, (TARGETS, NOW, "/ml"), "private"),
        Sample("It asks before it starts.", asking, (DEPLOYMENT, JOB, {"commit": SHA})),
        Sample("It waits for those who decide.", waiting, (DEPLOYMENT, JOB)),
        Sample("A push is deployed for the first time.", done, (PUSHED, JOB)),
        Sample("It is being deployed by somebody else.", deployments.busy, (JOB, HELD_BY), "private"),
    ),
    ("light", "dark", "phone"),
)
