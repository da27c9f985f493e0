"""Forms: a command's JSON Schema as a Slack modal, and a submitted one as the inputs that typing gives.

Pure. What a form asks for is one record, kept under its digest; the modal carries the digest alone, so that a
submission is judged by exactly what was shown, without asking anybody.
Source: https://docs.slack.dev/reference/views/modal-views
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.coercion import as_text, coerce, fold
from bot.form_fields import (
    MOST_LABEL,
    MOST_OPTIONS,
    MOST_RADIO,
    build_element,
    hint,
    kind_of,
    matching_options,
    one_line,
    placeholder,
    read_element,
)
from bot.messages.blocks import Block, context, section
from bot.messages.errors import as_sentence, problem_blocks
from bot.messages.fields import choices, properties
from bot.messages.message import compose, without_files
from bot.messages.text import cut
from ml.contract import FieldProblem, Problem

View = dict[str, Any]

CALLBACK = "form"
MOST_TITLE = 24
MOST_FIELDS = 95
"""Slack takes 100 blocks in a modal; the rest is for what stands around the fields."""
MOST_BYTES = 230_000
"""Slack answers view_too_large beyond 250 kB (https://docs.slack.dev/reference/methods/views.open)."""
MOST_ERROR = 300
SEARCHES = frozenset({"external_select", "multi_external_select"})
PLACEHOLDER_IN = frozenset({"plain_text_input", "number_input", "static_select", "multi_static_select"})


class Form(BaseModel):
    """What a form asks for, on behalf of which command, and where the answer goes.

    `kept` are inputs that were given and that the form does not show; `submit` is the word on its button.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    verb: str
    model: str | None = None
    words: tuple[str, ...] = ()
    schema_: dict[str, Any]
    kept: dict[str, Any] = Field(default_factory=dict)
    channel: str
    thread_ts: str | None = None
    title: str
    intro: str = ""
    submit: str = "Start"

    @property
    def digest(self) -> str:
        """A digest of all of it; the order of its fields counts."""
        return hashlib.sha256(json.dumps(self.model_dump(), default=str).encode()).hexdigest()


def fields_of(form: Form) -> list[tuple[str, str, dict[str, Any], bool]]:
    """Return block id, name, schema and need of each field that the form shows: needed ones go first where
    not all find room.
    """
    every = list(properties(form.schema_))
    if len(every) > MOST_FIELDS:
        every.sort(key=lambda one: not one[2])
    shown = every[:MOST_FIELDS]
    return [(f"{at}:{one_line(name)[:200]}", name, one, need) for at, (name, one, need) in enumerate(shown)]


def has_fields(schema: Mapping[str, Any]) -> bool:
    """Return whether there is anything to fill in."""
    return next(properties(schema), None) is not None


def fitted(form: Form, given: Mapping[str, Any]) -> Form:
    """Return the form with those of the inputs *given* kept in it that it has no field for."""
    shown = {fold(name) for _, name, _, _ in fields_of(form)}
    kept = {name: value for name, value in given.items() if fold(name) not in shown}
    return form.model_copy(update={"kept": kept})


def build_view(form: Form, given: Mapping[str, Any], external_id: str) -> View:
    """Return the modal, filled with what was *given* and else with defaults.

    Where it would be larger than Slack takes, menus are searched instead of sent along, and what then still
    has no room can be typed only.
    """
    inputs = _inputs(form, given, MOST_OPTIONS)
    if _bytes(inputs) > MOST_BYTES:
        inputs = _inputs(form, given, MOST_RADIO)
    while _bytes(inputs) > MOST_BYTES and len(inputs) > 1:
        inputs.pop()
    blocks: list[Block] = [context(cut(form.intro, MOST_LABEL))] if form.intro else []
    left_out = sum(1 for _ in properties(form.schema_)) - len(inputs)
    note = [context(f"{left_out} more inputs can be typed, but have no room here.")] if left_out > 0 else []
    return {
        **plain_view(form.title, [*blocks, *inputs, *note], external_id),
        "submit": _plain(form.submit),
        "callback_id": CALLBACK,
        "private_metadata": form.digest,
    }


def plain_view(title: str, blocks: Sequence[Block], external_id: str) -> View:
    """Return a modal that only says something."""
    return {
        "type": "modal",
        "title": _plain(title),
        "close": _plain("Close"),
        "external_id": external_id,
        "blocks": [*blocks] or [section("–")],
    }


def problem_view(title: str, problem: Problem, external_id: str) -> View:
    """Return a modal that says why a form cannot be filled in."""
    return plain_view(title, without_files(compose(*problem_blocks(problem))).blocks, external_id)


def loading_view(title: str, external_id: str) -> View:
    """Return what stands there until it is known what the form asks for."""
    return plain_view(
        title, [section(":hourglass_flowing_sand: Looking up what can be filled in …")], external_id
    )


def read_view(form: Form, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the inputs of a submitted modal as typing gives them, and what is wrong by block id."""
    inputs = dict(form.kept)
    for block_id, name, field, _ in fields_of(form):
        state = next(iter((values.get(block_id) or {}).values()), None) or {}
        entered = read_element(field, form.schema_, state)
        if entered is not None:
            inputs[name] = entered
    _, problems = coerce(inputs, form.schema_)
    return inputs, place_errors(form, problems)


def place_errors(form: Form, problems: Sequence[FieldProblem]) -> dict[str, str]:
    """Return what is wrong as a sentence at each field; what has no field stands at the last one."""
    blocks = {name: block_id for block_id, name, _, _ in fields_of(form)}
    last = next(reversed(blocks.values()), "")
    errors: dict[str, str] = {}
    for problem in problems:
        words = field_error(problem)
        if problem.field in blocks:
            errors[blocks[problem.field]] = words
        else:
            errors[last] = f"{errors.get(last, '')} {one_line(problem.field)}: {words}".strip()
    return {block_id: words[:MOST_ERROR] for block_id, words in errors.items()}


def field_error(problem: FieldProblem) -> str:
    """Return one problem as Slack shows it below its field: without markup."""
    said = as_sentence(one_line(problem.message)) or ("Please fill this in." if problem.value is None else "")
    takes = problem.allowed and problem.allowed not in problem.message
    return f"{said} Allowed: {one_line(problem.allowed)}.".strip() if takes else said or "It cannot be used."


def find_options(form: Form, block_id: str, typed: str) -> list[dict[str, Any]]:
    """Return what a searching menu of the form offers for what is *typed*."""
    found = next((field for at, _, field, _ in fields_of(form) if at == block_id), None)
    if found is None or kind_of(found, form.schema_) not in ("choice", "choices", "suggestion"):
        return []
    return matching_options(found, form.schema_, typed)


def _inputs(form: Form, given: Mapping[str, Any], most_options: int) -> list[Block]:
    typed, _ = coerce(_filled(form, given), form.schema_)
    raw = {fold(name): as_text(value) for name, value in given.items()}
    blocks: list[Block] = []
    for block_id, name, field, needed in fields_of(form):
        value, unread = typed.get(name), raw.get(fold(name))
        element = build_element(field, form.schema_, value, unread, most_options, optional=not needed)
        blocks.append(_input(block_id, name, field, form.schema_, element, needed))
    return blocks


def _bytes(blocks: Sequence[Block]) -> int:
    return len(json.dumps(blocks).encode())


def _filled(form: Form, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults as text, under what was given; what the schema does not know is left out."""
    names = {fold(name): name for name, _, _ in properties(form.schema_)}
    defaults = {
        name: str(field["default"]) if choices(field) else as_text(field["default"])
        for name, field, _ in properties(form.schema_)
        if field.get("default") not in (None, "")
    }
    return defaults | {names[fold(name)]: value for name, value in given.items() if fold(name) in names}


def _input(
    block_id: str,
    name: str,
    field: Mapping[str, Any],
    schema: Mapping[str, Any],
    element: dict[str, Any],
    needed: bool,
) -> Block:
    example = "Type to search" if element["type"] in SEARCHES else placeholder(field)
    if example and element["type"] in PLACEHOLDER_IN | SEARCHES:
        element = {**element, "placeholder": _text(example)}
    label = one_line(field.get("title") or name.replace("_", " ")) or "–"
    block: Block = {
        "type": "input",
        "block_id": block_id,
        "label": _text((label[:1].upper() + label[1:])[:MOST_LABEL]),
        "element": element,
        "optional": not needed,
    }
    below = hint(field, schema)
    return {**block, "hint": _text(below)} if below else block


def _plain(text: str) -> dict[str, Any]:
    return _text(one_line(text)[:MOST_TITLE] or "–")


def _text(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}
