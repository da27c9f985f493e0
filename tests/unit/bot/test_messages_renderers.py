"""What holds for every message, whatever the texts in it: valid, escaped, complete."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, get_type_hints

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

import bot.messages
from bot.commands import COMMANDS
from bot.messages import charts, digests, predictions, status, versions
from bot.messages import help as help_messages
from bot.messages.message import Message
from ml.contract import ModelSummary, ModelsView, PredictReply
from playground.gallery import looking, records
from playground.gallery.chapters import CHAPTERS
from playground.gallery.predicting import JOB, LESS_SURE, reply
from playground.gallery.sample import Made, Sample, words
from playground.slack.workspace import default_workspace
from tests.unit.bot.slack_proof import assert_fits, assert_view_fits, everything, strings

MARK = "q7z"
SAMPLES = {
    f"{chapter.name}: {at} {sample.when}": sample
    for chapter in CHAPTERS
    for at, sample in enumerate(chapter.samples)
}
TOOLS = {
    # What other places of the bot do with a finished message, or with parts of one.
    ("message", "without_files"),
    ("blocks", "text_table"),
    ("flows", "known"),
}
Path_ = tuple[Any, ...]


# --- every message has a sample -----------------------------------------------------------------------------


def called_by_samples() -> set[CodeType]:
    """Return the code of every function that is called while the samples are made."""
    called: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            called.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        for sample in SAMPLES.values():
            sample.made()
    finally:
        sys.setprofile(before)
    return called


def public_functions() -> Iterator[tuple[str, str, CodeType]]:
    """Yield module, name and code of the public functions of bot.messages."""
    for path in sorted(Path(bot.messages.__path__[0]).glob("*.py")):
        module = import_module(f"bot.messages.{path.stem}")
        for name, value in vars(module).items():
            if inspect.isfunction(value) and value.__module__ == module.__name__ and name[0] != "_":
                yield path.stem, name, value.__code__


def test_every_message_has_a_sample() -> None:
    """What bot.messages can render is rendered by the gallery: a new message needs a sample there."""
    called = called_by_samples()
    without = {(module, name) for module, name, code in public_functions() if code not in called}

    assert without <= TOOLS


# --- other texts in a sample --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slot:
    """A place in a sample's arguments that takes any text of up to *longest* characters, and perhaps none."""

    path: Path_
    longest: int
    may_be_empty: bool


def parameters(sample: Sample) -> list[tuple[str, TypeAdapter[Any], Any]]:
    """Return the name of each parameter that a sample gives, what validates it, and what is given."""
    hints = get_type_hints(sample.make)
    names = inspect.signature(sample.make).parameters
    return [(name, TypeAdapter(hints[name]), value) for name, value in zip(names, sample.args, strict=False)]


def plain(value: Any) -> Any:
    """Return a record as plain data, down to its leaves."""
    if isinstance(value, BaseModel):
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    if is_dataclass(value):
        return {name: plain(one) for name, one in vars(value).items()}
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def paths(value: Any, here: Path_ = ()) -> Iterator[Path_]:
    """Yield where the texts are in plain data."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from paths(one, (*here, key))
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield from paths(one, (*here, at))
    elif isinstance(value, str):
        yield here


def put(data: Any, path: Path_, text: str) -> Any:
    """Return a copy of plain data with another text at *path*."""
    if not path:
        return text
    if isinstance(data, dict):
        return {**data, path[0]: put(data[path[0]], path[1:], text)}
    return [put(one, path[1:], text) if at == path[0] else one for at, one in enumerate(data)]


OURS = {"flow_id", "digest", "decide_id", "url", "link", "delimiter", "line", "markdown"}
"""Ids that the bot makes itself, addresses, and what is markup already: none of it is text of people."""
OURS_WITHIN = {("handle", "id"), ("choices", 0, 2), ("choices", 1, 2), ("running", 0, 1)}


def ours(path: Path_) -> bool:
    """Return whether what stands there cannot come from people or models."""
    in_template = path[0] == "template" and path[-1] == "value"  # an expression, checked at start
    return in_template or path[-1] in OURS or path[-2:] in OURS_WITHIN or path[-3:] in OURS_WITHIN


@cache
def slots(name: str) -> dict[str, tuple[Slot, ...]]:
    """Return the slots of each parameter of a sample."""
    return {
        parameter: tuple(_slots(parameter, adapter, plain(value)))
        for parameter, adapter, value in parameters(SAMPLES[name])
    }


def _slots(parameter: str, adapter: TypeAdapter[Any], data: Any) -> Iterator[Slot]:
    for path in paths(data):
        tried = (most for most in LENGTHS if takes(adapter, put(data, path, ("any <text> " * most)[:most])))
        longest = next(tried, 0)
        if longest and not ours((parameter, *path)):
            yield Slot(path, longest, takes(adapter, put(data, path, "")))


LENGTHS = (40_000, 200, 80, 20)


def takes(adapter: TypeAdapter[Any], data: Any) -> bool:
    """Return whether a parameter takes this."""
    try:
        validated(adapter, data)
    except ValidationError:
        return False
    return True


def validated(adapter: TypeAdapter[Any], data: Any) -> Any:
    """Return plain data as the parameter takes it; raise ValidationError."""
    value = adapter.validate_python(data)
    return list(value) if isinstance(value, Iterator) else value


def with_text(name: str, text: str) -> Made:
    """Return a sample with *text* (its end, where less is taken) wherever any text is taken."""
    args: list[Any] = []
    for parameter, adapter, value in parameters(SAMPLES[name]):
        data, places = plain(value), slots(name)[parameter]
        for slot in places:
            whole = slot.longest == LENGTHS[0]
            other = text if whole else text[-slot.longest :].encode(errors="replace").decode()
            data = put(data, slot.path, other or ("" if slot.may_be_empty else "x"))
        args.append(validated(adapter, data) if places else value)
    return SAMPLES[name].make(*args)


def assert_taken(made: Made) -> None:
    """Fail unless Slack would take it and show nobody anything but what is meant."""
    if isinstance(made, Message):
        if made.blocks:
            assert_fits(made)
    else:
        assert_view_fits(made if isinstance(made, dict) else {"type": "home", "blocks": [*made]})


def shown(made: Made) -> str:
    """Return all that a person can read of it."""
    return everything(made) if isinstance(made, Message) else "\n".join(strings(made))


SAY_NOTHING_OF_OTHERS = {
    "How far off each one is.",  # a picture; its own test is below
    "There are none.",
    "There is no model yet.",
    "There are no runs yet.",
    "The function app does not answer.",
}


# --- what holds ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLES)
def test_everyday_messages_fit(name: str) -> None:
    """Each message of an ordinary day is taken by Slack whole, in the message itself."""
    made = SAMPLES[name].made()

    assert_taken(made)
    assert words(made, default_workspace()).strip()
    if isinstance(made, Message):
        assert all(file.filename != "whole-message.txt" for file in made.files)


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=settings().max_examples // 10, suppress_health_check=[*HealthCheck])
@given(text=st.text(max_size=300))
@example(text="<!channel> @here `*_~ ``` & <@U123> <https://example.com|x>\n\n> quote\n# head | b")
@example(text="当番 שלום \u202eevil\u202c 😀👩‍🔬 \ud800 =1+1")
@example(text="&" * 900)
@example(text="`" * 4_000)
@example(text="")
def test_any_text_makes_a_message_that_slack_takes(name: str, text: str) -> None:
    """Whatever people or models write, the message is valid and fully escaped."""
    assert_taken(with_text(name, text))


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("length", [10, 400, 40_000], ids="{} characters".format)
def test_no_text_is_lost(name: str, length: int) -> None:
    """The end of every text that is shown can be read: in the message, or in the file that goes with it."""
    made = with_text(name, "word " * (length // 5) + MARK)

    assert_taken(made)
    if isinstance(made, Message) and "word" in shown(made):
        assert MARK in shown(made)


def test_the_marks_reach_nearly_every_message() -> None:
    """The tests above would mean little if the texts were not shown at all."""
    without = {name for name in SAMPLES if MARK not in shown(with_text(name, MARK))}

    assert {SAMPLES[name].when for name in without} == SAY_NOTHING_OF_OTHERS


def test_two_hundred_inputs_are_shown() -> None:
    """A model with two hundred features is still shown whole, if need be by a file."""
    names = [f"feature_{number:03d}" for number in range(200)]
    schema = {"properties": {name: {"type": "number", "description": "wind " * 20} for name in names}}
    wide = records.model(schema=schema, params_schema=schema)
    for message in (versions.model(wide), help_messages.help_for(COMMANDS["predict"], "/ml", wide)):
        assert_fits(message)
        assert all(name in everything(message) for name in names)


def test_two_hundred_looked_up_values_are_shown() -> None:
    """So is an answer for which two hundred values were looked up."""
    looked_up = {f"feature {number}": {"value": number, "source": "weather"} for number in range(200)}
    answer = records.answer().model_dump() | {"filled_in": looked_up}
    message = predictions.prediction(
        JOB, PredictReply.model_validate({"model": "m", "results": [answer], "logged": True}), records.model()
    )

    assert_fits(message)
    assert "feature 199" in everything(message)


def test_ten_thousand_rows_are_answered_by_a_file() -> None:
    """The message shows the first rows, and a spreadsheet file holds all."""
    message = predictions.prediction(JOB, reply(*[LESS_SURE] * 10_000), records.model())

    assert_fits(message)
    assert message.files[0].content.count(b"\n") == 10_001


def test_fifty_models_fit_into_status_and_digest() -> None:
    """A team with fifty models sees all of them."""
    names = [f"model-{number:02d}" for number in range(50)]
    champion, usage = records.alias(), looking.USAGE
    summaries = tuple(ModelSummary(name=name, title=name, champion=champion) for name in names)
    models = tuple(digests.DigestModel(name=name, champion=champion, usage=usage) for name in names)
    every = ModelsView(models=summaries)
    for message in (
        digests.digest(looking.DAY.model_copy(update={"models": models})),
        status.status(looking.HEALTH, every, dict.fromkeys(names, usage), (), (), looking.NOW),
        versions.models(every, looking.NOW),
    ):
        assert_fits(message)
        assert all(name in everything(message) for name in names)


@settings(max_examples=settings().max_examples // 5)
@given(st.text())
def test_the_chart_takes_any_name(text: str) -> None:
    """A chart is drawn and described whatever the model is called."""
    chart = charts.evidence_chart(records.evidence(model=text))

    assert chart is not None
    assert 0 < len(chart.alt_text or "") <= 1000
