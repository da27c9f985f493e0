"""What holds for every message, whatever the texts in it: valid, escaped, complete."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from bot.commands import COMMANDS
from bot.messages import charts, digests, errors, flows, jobs, predictions, snippets, status, versions
from bot.messages import help as help_messages
from bot.messages.jobs import Decided
from bot.messages.message import Message
from bot.snippets import build_snippets, example_row
from ml.contract import (
    FieldProblem,
    HealthView,
    ModelSummary,
    ModelsView,
    PredictionView,
    PredictReply,
    Problem,
    RunsView,
    StoreHealth,
    UsageView,
    VersionView,
)
from ml.contract import Warning as RowWarning
from tests.unit.bot import samples
from tests.unit.bot.samples import AT, DIGEST, OPERATOR, OWNER
from tests.unit.bot.slack_proof import assert_fits, everything

NOW = AT + timedelta(minutes=5)
MARK = "q7z"
JOB = samples.job(inputs={"flight": "UA1545", "date": "2013-07-04"})
PROBLEM = Problem(
    title="No",
    status=422,
    detail="Two inputs cannot be used.",
    reason_code="unknown_to_us",
    errors=(
        FieldProblem(field="carrier", value="ZZ", allowed="one of UA or AA", message="it is not a choice"),
    ),
    suggestions=("carrier",),
)
REFUSED = samples.answer(
    outcome="refused", value=None, interval=None, source="none", version=None, problem=PROBLEM
)
WARNED = samples.answer(
    warnings=(RowWarning(code="outside", field="wind", message="more wind than in training"),)
)
USAGE = UsageView(
    model="arrival-delay",
    since=AT,
    until=NOW,
    total=1200,
    by_outcome={"predicted": 1200},
    by_source={"champion": 1200},
    fallback_share=0.02,
    abstain_share=0.0,
)
MODELS = ModelsView(
    models=(
        ModelSummary(
            name="arrival-delay", title="Arrival delay", champion=samples.alias(), problem="no recipe"
        ),
    )
)
HEALTH = HealthView(
    status="degraded", versions={"toban": "0.1"}, store=StoreHealth(reachable=False, detail="timed out")
)
RECORD = PredictionView(
    format=1,
    prediction_id="p-1",
    at=AT,
    who=OPERATOR,
    where="C0ML",
    model="arrival-delay",
    version=1,
    data_version=DIGEST,
    input={"carrier": "UA", "wind": 12.0, "holiday": True, "gust": None},
    answer=WARNED,
)
DECIDED = Decided(kind="promoted", by=OWNER, at=NOW, why="better by MAE", alias=samples.alias(2, previous=1))
FACTS = digests.DigestFacts(
    name="daily",
    since=AT,
    until=NOW,
    missed=(AT,),
    models=(
        digests.DigestModel(name="arrival-delay", champion=samples.alias(), usage=USAGE, problem="no recipe"),
    ),
    runs=(samples.succeeded_run(), samples.failed_run()),
    problem="usage is unknown",
)
MANIFEST = {
    "model": "arrival-delay",
    "version": 2,
    "recipe": "recipes.arrival_delay:ArrivalDelay",
    "files": {"snapshot": {"digest": DIGEST, "size": 12_345}},
    "query": {"text": "flights", "params": {"since": "2013-01"}, "rows": 100},
    "environment": {"python": "3.11.4", "packages": {"numpy": "2.3"}},
}


def reply(*answers: Any) -> PredictReply:
    """Return a reply that could not be logged."""
    return PredictReply(model="arrival-delay", results=answers, logged=False)


Renderer = tuple[Callable[..., Message], tuple[Any, ...]]
RENDERERS: dict[str, Renderer] = {
    "queued": (lambda job: jobs.queued(job, 2, 3), (JOB,)),
    "starting": (jobs.starting, (JOB,)),
    "running": (lambda job, run: jobs.running(job, run, NOW), (JOB, samples.run(detail="epoch 3"))),
    "finished": (lambda job, run: jobs.finished(job, run, "note"), (JOB, samples.succeeded_run())),
    "failed": (jobs.failed, (JOB, samples.failed_run())),
    "cancelled": (lambda job, run: jobs.cancelled(job, OWNER, run), (JOB, samples.run())),
    "cancelled while waiting": (lambda job: jobs.cancelled(job, OWNER), (JOB,)),
    "refused": (jobs.refused, (JOB, PROBLEM)),
    "decision": (
        lambda *facts: jobs.decision(*facts, "d-1"),
        (JOB, samples.succeeded_run(), samples.evidence()),
    ),
    "decided": (jobs.decided, (JOB, samples.succeeded_run(), samples.evidence(), DECIDED)),
    "run ended": (lambda job, run: jobs.run_ended_note(job, run), (JOB, samples.failed_run())),
    "decision called": (
        lambda job, run, evidence: jobs.run_ended_note(job, run, (OWNER, "S0LEADS"), evidence),
        (JOB, samples.succeeded_run(), samples.evidence()),
    ),
    "prediction": (predictions.prediction, (JOB, reply(WARNED), samples.model())),
    "refused prediction": (predictions.prediction, (JOB, reply(REFUSED), samples.model())),
    "many predictions": (predictions.prediction, (JOB, reply(*[WARNED, REFUSED] * 30), samples.model())),
    "prediction record": (predictions.prediction_record, (RECORD,)),
    "models": (lambda view: versions.models(view, NOW), (MODELS,)),
    "model": (versions.model, (samples.model(),)),
    "flow": (
        flows.flow,
        (
            flows.FlowFacts(
                id="c-1",
                kind="run",
                state="PENDING",
                job=JOB,
                run="77",
                page="https://example.com/77",
                decision=flows.Decision(model="arrival-delay", candidate=2, kind="promoted", by=OWNER),
                issue="acme/flights#1",
                message="https://example.com/archives/C1/p1",
                deeds=(flows.Deed(at=AT, who=OPERATOR, what="run"),),
            ),
        ),
    ),
    "snippets": (
        lambda model: snippets.snippets(
            model, build_snippets("https://app.example", model, example_row(model)), "/ml"
        ),
        (samples.model(),),
    ),
    "card": (
        versions.card,
        (VersionView(model="arrival-delay", version=2, manifest={}, card="# Card\n\nhello"),),
    ),
    "lineage": (
        lambda view: versions.lineage(view.manifest),
        (VersionView(model="m", version=2, manifest=MANIFEST, card=""),),
    ),
    "status": (
        lambda health, models, usage, run, job: status.status(
            health, models, {"arrival-delay": usage}, (run,), (job,), NOW
        ),
        (HEALTH, MODELS, USAGE, samples.run(), JOB),
    ),
    "runs": (
        lambda view: status.runs(view, NOW),
        (RunsView(runs=(samples.failed_run(),) * 20, after=samples.RUN_ID),),
    ),
    "run": (lambda run: status.run(run, NOW), (samples.succeeded_run(),)),
    "digest": (digests.digest, (FACTS,)),
    "problem": (errors.problem, (JOB, PROBLEM)),
    "function app down": (
        lambda job, problem: errors.function_app_down(job, problem.reason_code, problem.detail),
        (JOB, PROBLEM),
    ),
    "not allowed": (lambda job: errors.not_allowed(job.typed, job.user, ("viewer",), ("owner",)), (JOB,)),
    "not in channel": (lambda job: errors.not_in_channel(job.typed, job.channel, "toban"), (JOB,)),
    "unknown verb": (lambda job: help_messages.unknown_verb(job.typed, ("predict",)), (JOB,)),
    "help for a model": (
        lambda model: help_messages.help_for(COMMANDS["predict"], "/ml", model),
        (samples.model(),),
    ),
    "cancelling": (lambda job: status.cancelling(job.flow_id), (JOB,)),
}


def paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where the texts are in plain data."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from paths(one, (*here, key))
    elif isinstance(value, list | tuple):
        for at, one in enumerate(value):
            yield from paths(one, (*here, at))
    elif isinstance(value, str):
        yield here


def put(data: Any, path: tuple[Any, ...], text: str) -> Any:
    """Return a copy of plain data with another text at *path*."""
    if not path:
        return text
    if isinstance(data, dict):
        return {**data, path[0]: put(data[path[0]], path[1:], text)}
    return [put(one, path[1:], text) if at == path[0] else one for at, one in enumerate(data)]


@cache
def free_paths(renderer: str, at: int) -> dict[tuple[Any, ...], bool]:
    """Return the places of a record where any text is accepted; False where its length is limited."""
    record = RENDERERS[renderer][1][at]
    kind, data = type(record), record.model_dump()
    free = [path for path in paths(data) if _accepts(kind, put(data, path, "any <text>"))]
    return {
        path: _accepts(kind, put(data, path, "")) and _accepts(kind, put(data, path, "x" * 40_000))
        for path in free
        if path not in (("flow_id",), ("digest",))  # made by us
    }


def _accepts(kind: type[BaseModel], data: Any) -> bool:
    try:
        kind.model_validate(data)
    except ValidationError:
        return False
    return True


def with_text(renderer: str, text: str) -> tuple[BaseModel, ...]:
    """Return the renderer's records with *text* wherever any text is accepted."""
    changed = []
    limited = (text or "x")[-200:].encode(errors="replace").decode()
    for at, record in enumerate(RENDERERS[renderer][1]):
        data = record.model_dump()
        for path, unlimited in free_paths(renderer, at).items():
            data = put(data, path, text if unlimited else limited)
        changed.append(type(record).model_validate(data))
    return tuple(changed)


@pytest.mark.parametrize("renderer", RENDERERS)
def test_everyday_messages_fit(renderer: str) -> None:
    """Each message of an ordinary day is taken by Slack whole, in the message itself."""
    render, records = RENDERERS[renderer]
    message = render(*records)

    assert_fits(message)
    assert all(file.filename == "predictions.csv" for file in message.files)


@pytest.mark.parametrize("renderer", RENDERERS)
@given(text=st.text(max_size=300))
@example(text="<!channel> @here `*_~ ``` & <@U123> <https://example.com|x>\n\n> quote\n# head")
@example(text="当番 שלום \u202eevil\u202c 😀👩‍🔬 \ud800")
@example(text="&" * 900)
@example(text="`" * 4_000)
@example(text="")
def test_any_text_makes_a_message_that_slack_takes(renderer: str, text: str) -> None:
    """Whatever people or models write, the message is valid and fully escaped."""
    assert_fits(RENDERERS[renderer][0](*with_text(renderer, text)))


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("length", [10, 400, 40_000], ids="{} characters".format)
def test_no_text_is_lost(renderer: str, length: int) -> None:
    """The end of every text that is shown can be read: in the message, or in the file that goes with it."""
    text = "word " * (length // 5) + MARK
    message = RENDERERS[renderer][0](*with_text(renderer, text))

    assert_fits(message)
    if "word" in everything(message):
        assert MARK in everything(message)


def test_the_marks_reach_nearly_every_message() -> None:
    """The two tests above would mean little if the texts were not shown at all."""
    shown = {name for name in RENDERERS if MARK in everything(RENDERERS[name][0](*with_text(name, MARK)))}

    assert shown == set(RENDERERS) - {"cancelling"}


def test_two_hundred_inputs_are_shown() -> None:
    """A model with two hundred features is still shown whole, if need be by a file."""
    names = [f"feature_{number:03d}" for number in range(200)]
    schema = {"properties": {name: {"type": "number", "description": "wind " * 20} for name in names}}
    wide = samples.model(schema=schema, params_schema=schema)
    for message in (versions.model(wide), help_messages.help_for(COMMANDS["predict"], "/ml", wide)):
        assert_fits(message)
        assert all(name in everything(message) for name in names)


def test_two_hundred_looked_up_values_are_shown() -> None:
    """So is an answer for which two hundred values were looked up."""
    looked_up = {f"feature {number}": {"value": number, "source": "weather"} for number in range(200)}
    answer = samples.answer().model_dump() | {"filled_in": looked_up}
    message = predictions.prediction(
        JOB, PredictReply.model_validate({"model": "m", "results": [answer], "logged": True}), samples.model()
    )

    assert_fits(message)
    assert "feature 199" in everything(message)


def test_ten_thousand_rows_are_answered_by_a_file() -> None:
    """The message shows the first rows, and a spreadsheet file holds all."""
    message = predictions.prediction(JOB, reply(*[WARNED] * 10_000), samples.model())

    assert_fits(message)
    assert message.files[0].content.count(b"\n") == 10_001


def test_fifty_models_fit_into_status_and_digest() -> None:
    """A team with fifty models sees all of them."""
    names = [f"model-{number:02d}" for number in range(50)]
    summaries = tuple(ModelSummary(name=name, title=name, champion=samples.alias()) for name in names)
    facts = FACTS.model_copy(
        update={
            "models": tuple(
                digests.DigestModel(name=name, champion=samples.alias(), usage=USAGE) for name in names
            )
        }
    )
    usage = dict.fromkeys(names, USAGE)
    for message in (
        digests.digest(facts),
        status.status(HEALTH, ModelsView(models=summaries), usage, (), (), NOW),
        versions.models(ModelsView(models=summaries), NOW),
    ):
        assert_fits(message)
        assert all(name in everything(message) for name in names)


@given(st.text())
def test_the_chart_takes_any_name(text: str) -> None:
    """A chart is drawn and described whatever the model is called."""
    chart = charts.evidence_chart(samples.evidence(model=text))

    assert chart is not None
    assert 0 < len(chart.alt_text or "") <= 1000
