"""What people look up: models, status, runs, themselves; the digest, and the Home tab."""

from __future__ import annotations

from datetime import timedelta

from bot.jobs import Role
from bot.messages import digests, flows, home, snippets, status, versions
from bot.messages.flows import Decision, Deed, FlowFacts
from bot.messages.home import Asked, HomeFacts, Waiting
from bot.messages.message import Message
from bot.snippets import build_snippets, example_row
from ml.contract import (
    HealthView,
    ModelSummary,
    ModelsView,
    ModelView,
    RunsView,
    RunView,
    StoreHealth,
    UsageView,
)
from playground.gallery.records import (
    AT,
    OPERATOR,
    OWNER,
    RUN_ID,
    alias,
    failed_run,
    job,
    model,
    run,
    succeeded_run,
)
from playground.gallery.sample import Chapter, Sample

NOW = AT + timedelta(minutes=5)
MODELS = ModelsView(
    models=(
        ModelSummary(name="arrival-delay", title="Arrival delay", champion=alias(), latest_version=2),
        ModelSummary(
            name="wine", title="Wine quality", problem="its recipe cannot be loaded: no module wine"
        ),
    )
)
HEALTH = HealthView(
    status="ok",
    versions={"toban": "0.1.0", "python": "3.11.4"},
    store=StoreHealth(reachable=True, seconds=0.12),
)
LIMITED = HealthView(
    status="degraded",
    versions={"toban": "0.1.0"},
    store=StoreHealth(reachable=False, detail="timed out after 5 s"),
)
USAGE = UsageView(
    model="arrival-delay",
    since=AT - timedelta(days=1),
    until=AT,
    total=1200,
    by_outcome={"predicted": 1176, "fallback": 24},
    by_source={"champion": 1176, "rule": 24},
    fallback_share=0.02,
    abstain_share=0.01,
)
RETRAIN = job()
DAY = digests.DigestFacts(
    name="daily",
    since=AT - timedelta(days=1),
    until=AT,
    models=(
        digests.DigestModel(name="arrival-delay", title="Arrival delay", champion=alias(), usage=USAGE),
        digests.DigestModel(name="wine", problem="its recipe cannot be loaded: no module wine"),
    ),
    runs=(succeeded_run(), failed_run(run_id="20130801t070000-d4e5f6")),
)
LINK = "https://loopback.slack.com/archives/C01ARRIVALS/p1375336800000100"
HOME = HomeFacts(
    user=OPERATOR,
    role="operator",
    models=MODELS.models,
    waiting=(Waiting(model="arrival-delay", candidate=2, link=LINK),),
    running=((run(), LINK),),
    works=(Asked(at=AT, typed="/ml run nightly.yml", state="running", link=LINK),),
    results=(
        Asked(at=AT - timedelta(hours=2), typed="/ml compare arrival-delay v1 v2", state="done", link=LINK),
    ),
    asked=(Asked(at=AT - timedelta(hours=1), typed="/ml predict arrival-delay flight=UA1545"),),
)
ROLES: tuple[Role, ...] = ("operator", "viewer")


EVERY_RUN: tuple[RunView, ...] = (run(), succeeded_run(), failed_run(run_id="20130801t070000-d4e5f6"))
FLOW = FlowFacts(
    id="c-1",
    kind="retrain",
    state="SUCCESS",
    begun_at=AT,
    job=RETRAIN,
    run=RUN_ID,
    decision=Decision(model="arrival-delay", candidate=2, kind="promoted", by=OWNER),
    issue="acme/flights#12",
    message=LINK,
    deeds=(Deed(at=AT, who=OPERATOR, what="retrain"), Deed(at=NOW, who=OWNER, what="version.promote")),
)
PRIVATE_FLOW = FlowFacts(id="c-2", kind="status", state="ENQUEUED", begun_at=AT, job=RETRAIN, hidden=True)


def asked_elsewhere(model: ModelView, command_name: str) -> Message:
    """Return the programs that ask a model."""
    made = build_snippets("https://flights.example.com", model, example_row(model))
    return snippets.snippets(model, made, command_name)


CHAPTER = Chapter(
    "Looking things up",
    "Lists and status are seen by the asker only. The digest is for the channel; it puts failures first.",
    (
        Sample("The models.", versions.models, (MODELS, NOW), "private"),
        Sample("There is no model yet.", versions.models, (ModelsView(models=()), NOW), "private"),
        Sample("One model.", versions.model, (model(),), "private"),
        Sample(
            "How everything stands.",
            status.status,
            (
                HEALTH,
                MODELS,
                {"arrival-delay": USAGE},
                (run(),),
                (RETRAIN,),
                NOW,
                (("Nightly scores in acme/flights", job("run", "/ml run nightly.yml")),),
            ),
            "private",
        ),
        Sample(
            "The object store does not answer.", status.status, (LIMITED, None, {}, (), (), NOW), "private"
        ),
        Sample("The function app does not answer.", status.status, (None, None, {}, (), (), NOW), "private"),
        Sample("The latest runs.", status.runs, (RunsView(runs=EVERY_RUN, after=RUN_ID), NOW), "private"),
        Sample("There are no runs yet.", status.runs, (RunsView(runs=()), NOW), "private"),
        Sample("One run that is under way.", status.run, (run(), NOW), "private"),
        Sample("One run that made a version.", status.run, (succeeded_run(), NOW), "private"),
        Sample("What became of something that was asked for.", flows.flow, (FLOW,), "private"),
        Sample("Somebody else's, asked privately.", flows.flow, (PRIVATE_FLOW,), "private"),
        Sample("A model asked from a program.", asked_elsewhere, (model(), "/ml"), "private"),
        Sample("A run is to be cancelled.", status.cancelling, (RUN_ID,), "private"),
        Sample("Who am I?", status.whoami, (OPERATOR, ROLES, {"arrival-delay": ("owner",)}), "private"),
        Sample("Somebody without a role.", status.whoami, (OPERATOR, (), {}), "private"),
        Sample("The daily digest.", digests.digest, (DAY,)),
        Sample(
            "The digest after the bot was away.",
            digests.digest,
            (
                digests.DigestFacts(
                    name="daily",
                    since=AT - timedelta(days=3),
                    until=AT,
                    missed=(AT - timedelta(days=2), AT - timedelta(days=1)),
                    problem="The function app did not answer, so use is unknown.",
                ),
            ),
        ),
    ),
)
HOME_CHAPTER = Chapter(
    "The Home tab",
    "A person's own start page: what waits for them, what runs for them, and one press to the next thing.",
    (
        Sample("An operator's page.", home.home, (HOME, "/ml", NOW), "home"),
        Sample(
            "A newcomer's page while the function app does not answer.",
            home.home,
            (HomeFacts(user=OPERATOR, role=None, models=None), "/ml", NOW),
            "home",
        ),
    ),
    ("light", "dark", "phone"),
)
