"""Forms: any schema makes a modal that Slack takes, and what is entered comes back as typing gives it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.views import View

from bot.coercion import as_text, coerce
from bot.form_fields import ACTION
from bot.forms import Form, build_view, fields_of, find_options, fitted, loading_view, read_view
from playground.slack.blocks import view_problems

TEXTS = st.text(max_size=20) | st.builds(lambda text, times: text * times, st.text(max_size=9), st.just(400))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
MANY = st.lists(SCALARS, max_size=9) | st.integers(0, 130).map(lambda most: [*range(most)])
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "null", 5]),
        "title": TEXTS | st.integers(),
        "description": TEXTS | st.none(),
        "format": st.sampled_from(["date", "date-time", "email"]),
        "enum": MANY | st.none(),
        "items": st.fixed_dictionaries({}, optional={"enum": MANY}) | st.none(),
        "default": SCALARS | st.lists(SCALARS, max_size=4),
        "examples": st.lists(SCALARS, max_size=2) | TEXTS,
        "minimum": st.integers() | st.floats() | TEXTS,
        "maximum": st.integers() | st.floats(),
        "minLength": st.integers(),
        "maxLength": st.integers(),
        "pattern": TEXTS,
        "x-suggestions": st.lists(TEXTS, max_size=9),
    },
)
SCHEMAS = st.builds(
    lambda fields, needed: {"type": "object", "properties": fields, "required": [*fields][:needed]},
    st.dictionaries(TEXTS, FIELDS, min_size=1, max_size=5),
    st.integers(0, 5),
)


def form(properties: dict[str, Any], required: tuple[str, ...] = (), **more: Any) -> Form:
    """Return a form with these fields."""
    schema = {"type": "object", "properties": properties, "required": list(required)}
    about = {"verb": "predict", "model": "arrival-delay", "channel": "C1", "title": "Predict"}
    return Form(schema_=schema, **about | more)


def element(made: Form, given: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the first field's element."""
    shown: dict[str, Any] = build_view(made, given or {}, "x")["blocks"][0]["element"]
    return shown


def as_left(view: dict[str, Any]) -> dict[str, Any]:
    """Return the state that Slack sends when somebody presses the button without touching a field."""
    names = {
        "datepicker": ("initial_date", "selected_date"),
        "datetimepicker": ("initial_date_time", "selected_date_time"),
        "plain_text_input": ("initial_value", "value"),
        "number_input": ("initial_value", "value"),
        "multi_static_select": ("initial_options", "selected_options"),
        "multi_external_select": ("initial_options", "selected_options"),
    }
    values = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            one = block["element"]
            initial, state = names.get(one["type"], ("initial_option", "selected_option"))
            values[block["block_id"]] = {ACTION: {"type": one["type"], state: one.get(initial)}}
    return values


def entering(made: Form, **entered: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what the form makes of these states of its fields."""
    at = {name: block_id for block_id, name, _, _ in fields_of(made)}
    return read_view(made, {at[name]: {ACTION: state} for name, state in entered.items()})


@given(schema=SCHEMAS, words=TEXTS, data=st.data())
@settings(max_examples=60, deadline=None)
def test_slack_takes_the_form_of_any_schema(schema: dict[str, Any], words: str, data: st.DataObject) -> None:
    """Whatever the schema and whatever was given, the modal is within Slack's limits and can be read back."""
    given_inputs = data.draw(st.dictionaries(st.sampled_from([*schema["properties"]]), SCALARS))
    made = Form(schema_=schema, verb="run", channel="C1", title=words, intro=words[:100], submit=words)
    view = build_view(made, given_inputs, "x")
    assert view_problems(view) == []
    View(**view).to_dict()
    assert len(view["private_metadata"]) <= 3000
    json.dumps(view, allow_nan=False).encode()
    fields = [block for block in view["blocks"] if block["type"] == "input"]
    for block in fields:
        for one in find_options(made, block["block_id"], words[:5]):
            assert 0 < len(one["text"]["text"]) <= 75
            assert 0 < len(one["value"]) <= 150
    _, errors = read_view(made, as_left(view))
    assert set(errors) <= {block["block_id"] for block in fields}
    assert all(0 < len(error) <= 300 for error in errors.values())


def test_more_fields_than_slack_takes() -> None:
    """Needed fields go first, the rest is named, and what was given for them is kept."""
    fields = {f"f{number}": {"type": "integer"} for number in range(150)}
    made = form(fields, required=("f149",))
    given_inputs = {"f148": "7", "f1": "1"}
    made = fitted(made, given_inputs)
    view = build_view(made, given_inputs, "x")
    assert len(view["blocks"]) == 96
    assert "55 more" in view["blocks"][-1]["elements"][0]["text"]
    inputs, errors = read_view(made, as_left(view))
    assert inputs == {"f148": "7", "f1": "1"}
    assert [*errors] == [view["blocks"][0]["block_id"]]


def test_larger_than_slack_takes() -> None:
    """Many large menus are searched instead of sent; texts too large for one modal are left to typing."""
    menus = form({f"f{number}": {"enum": [f"{one:070}" for one in range(100)]} for number in range(40)})
    view = build_view(menus, {}, "x")
    assert {block["element"]["type"] for block in view["blocks"]} == {"external_select"}
    texts = form({f"f{number}": {"type": "string", "default": "字" * 3000} for number in range(40)})
    view = build_view(texts, {}, "x")
    assert len(json.dumps(view)) < 250_000
    assert "more inputs can be typed" in view["blocks"][-1]["elements"][0]["text"]


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ({"type": "string"}, "plain_text_input"),
        ({"type": "integer"}, "number_input"),
        ({"type": "boolean"}, "radio_buttons"),
        ({"enum": ["a", "b"]}, "radio_buttons"),
        ({"enum": [*range(6)]}, "static_select"),
        ({"enum": [*range(100)]}, "static_select"),
        ({"enum": [*range(101)]}, "external_select"),
        ({"type": "string", "format": "date"}, "datepicker"),
        ({"type": "string", "format": "date-time"}, "datetimepicker"),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, "multi_static_select"),
        ({"type": "array", "items": {"enum": [*range(101)]}}, "multi_external_select"),
        ({"type": "array", "items": {"type": "integer"}}, "plain_text_input"),
        ({"type": "string", "x-suggestions": ["main"]}, "external_select"),
    ],
)
def test_each_kind_of_field_has_its_element(field: dict[str, Any], kind: str) -> None:
    """Types, formats and numbers of choices decide what a person fills in."""
    assert element(form({"one": field}, required=("one",)))["type"] == kind


@pytest.mark.parametrize("field", [{"type": "boolean"}, {"enum": ["a", "b"]}])
def test_an_optional_choice_can_be_taken_back(field: dict[str, Any]) -> None:
    """What need not be chosen is a menu, which people can empty; with a default there is nothing to empty."""
    assert element(form({"one": field}))["type"] == "static_select"
    filled = element(form({"one": field}), {"ONE": "yes" if "type" in field else "a"})
    assert (filled["type"], "initial_option" in filled) == ("static_select", True)
    default = field.get("enum", [True])[0]
    assert element(form({"one": {**field, "default": default}}))["type"] == "radio_buttons"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ({"type": "string", "minLength": 1}, "two words"),
        ({"type": "integer", "minimum": 0, "maximum": 10}, "7"),
        ({"type": "number"}, "-0.5"),
        ({"type": "boolean"}, "no"),
        ({"enum": ["UA", "AA"]}, "AA"),
        ({"enum": [*range(300)]}, "299"),
        ({"type": "string", "format": "date"}, "2013-07-04"),
        ({"type": "string", "format": "date-time"}, "2013-07-04T05:15:00+00:00"),
        ({"type": "array", "items": {"enum": ["a", "b", "c"]}}, "a,c"),
        ({"type": "array", "items": {"type": "integer"}}, "1,2"),
        ({"type": "string", "x-suggestions": ["main"]}, "feature/other"),
    ],
)
def test_a_form_gives_what_typing_gives(field: dict[str, Any], text: str) -> None:
    """What was typed stands in the form, and leaving it so gives the very inputs that were typed."""
    made = form({"one": field}, required=("one",))
    inputs, errors = read_view(made, as_left(build_view(made, {"ONE": text}, "x")))
    assert (inputs, errors) == ({"one": text}, {})
    by_default = form({"one": {**field, "default": coerce(inputs, made.schema_)[0]["one"]}})
    again, _ = read_view(by_default, as_left(build_view(by_default, {}, "x")))
    assert coerce(again, made.schema_) == coerce(inputs, made.schema_)


def test_choices_with_commas_come_back_whole() -> None:
    """A choice that typing could not write is still a choice."""
    made = form({"one": {"type": "array", "items": {"enum": ["a, b", "c"]}}})
    picked = {"selected_options": [{"value": "0"}, {"value": "1"}]}
    assert entering(made, one=picked) == ({"one": ["a, b", "c"]}, {})
    assert as_text(["a, b", "c"]) == "a, b,c"


def test_errors_stand_at_their_fields() -> None:
    """Each field at fault has its own sentence, with what is allowed; the others have none."""
    made = form(
        {"n": {"type": "integer", "maximum": 10}, "m": {"enum": ["a"]}, "t": {"type": "string"}}, ("m",)
    )
    inputs, errors = entering(made, n={"value": "99"}, m={"selected_option": None}, t={"value": "x"})
    assert inputs == {"n": "99", "t": "x"}
    assert errors == {
        "0:n": "It is too large. Allowed: a whole number, 10 or less.",
        "1:m": "Please fill this in. Allowed: a.",
    }


def test_what_cannot_be_typed_is_left_out_of_its_element() -> None:
    """A bad value never makes Slack refuse the modal; a text field shows it to be mended."""
    assert "initial_date" not in element(form({"one": {"type": "string", "format": "date"}}), {"one": "soon"})
    assert "initial_value" not in element(form({"one": {"type": "integer"}}), {"one": "many"})
    made = form({"one": {"type": "string", "pattern": "^[A-Z]+$"}})
    assert element(made, {"one": "1-2"})["initial_value"] == "1-2"
    assert "initial_option" not in element(form({"one": {"enum": ["a"]}}), {"one": "b"})


def test_searching_menus_find_beginnings_first() -> None:
    """What is typed is looked for anywhere; at most a hundred are shown, and a new name can be taken."""
    made = form({"one": {"enum": [f"JFK{number}" for number in range(200)] + ["AJFK"]}})
    assert len(find_options(made, "0:one", "jfk")) == 100
    assert [one["text"]["text"] for one in find_options(made, "0:one", "jfk199")] == ["JFK199"]
    for typed in ("ＪＦＫ１９９", "jfk199\u200b"):  # as an input method, or the clipboard, gives it
        assert [one["text"]["text"] for one in find_options(made, "0:one", typed)] == ["JFK199"]
    refs = form({"ref": {"type": "string", "x-suggestions": ["main", "release/main"]}})
    assert [one["value"] for one in find_options(refs, "0:ref", "main")] == ["main", "release/main"]
    assert [one["value"] for one in find_options(refs, "0:ref", "v9")] == ["v9"]
    assert find_options(refs, "7:none", "x") == []


def test_labels_hints_and_examples_help() -> None:
    """A field shows its title, its meaning with limits, and an example."""
    field = {"type": "integer", "minimum": 1, "description": "Months of data.", "examples": [6]}
    block = build_view(form({"data_months": field}), {}, "x")["blocks"][0]
    assert block["label"]["text"] == "Data months"
    assert block["hint"]["text"] == "Months of data. A whole number, 1 or more."
    assert block["element"]["placeholder"]["text"] == "6"
    assert block["optional"] is True


def test_the_digest_binds_what_was_shown() -> None:
    """Another schema, order of fields or channel is another form."""
    first = form({"a": {}, "b": {}})
    assert first.digest == form({"a": {}, "b": {}}).digest
    assert (
        len({first.digest, form({"b": {}, "a": {}}).digest, form({"a": {}, "b": {}}, channel="C2").digest})
        == 3
    )


def test_waiting_is_said() -> None:
    """The view that stands there meanwhile is one that Slack takes."""
    assert view_problems(loading_view("Predict", "x")) == []
