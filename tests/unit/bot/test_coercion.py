"""Typing what people gave by a JSON Schema."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.coercion import coerce, fold
from playground.gallery.records import INPUTS


def test_values_are_typed_under_the_schemas_own_names() -> None:
    """Text becomes numbers, truth, choices and dates; names match in any spelling."""
    values, problems = coerce(
        {
            "FLIGHT": "ua1545",
            "date": "2013/7/4",
            "Carrier": "ua",
            "dep-delay": "−5.5",
            "distance": "１２",
            "holiday": "Yes",
        },
        INPUTS,
    )

    assert problems == ()
    assert values == {
        "flight": "UA1545",
        "date": "2013-07-04",
        "carrier": "UA",
        "dep_delay": -5.5,
        "distance": 12,
        "holiday": True,
    }


def test_all_problems_come_at_once() -> None:
    """Each names the field, the value seen, what is wrong and what is allowed."""
    _, problems = coerce({"carrier": "UAA", "dep_delay": "late", "distanse": "5", "distance": "0"}, INPUTS)

    assert [(one.field, one.value, one.message) for one in problems] == [
        ("carrier", "UAA", "did you mean UA or AA?"),
        ("dep_delay", "late", "it is not a number"),
        ("distanse", "5", "there is no such input; did you mean distance?"),
        ("distance", "0", "it is too small"),
        ("date", None, ""),
    ]
    assert problems[0].allowed == "one of UA, AA, B6 or DL"
    assert problems[1].allowed == "a number from -60 to 1,500"
    assert problems[4].allowed == "a date like 2013-07-04"


@pytest.mark.parametrize(
    ("field", "given", "typed"),
    [
        ({"type": "integer"}, "12", 12),
        ({"type": "integer"}, "12.0", 12),
        ({"type": "integer"}, "\u202d12\u202c\u200b", 12),
        ({"type": "string", "pattern": "^[A-Z]+$"}, "\ufeffua", "UA"),
        ({"type": "integer"}, "+3", 3),
        ({"type": "number"}, "1e3", 1000.0),
        ({"type": "number"}, "−.5", -0.5),
        ({"type": "boolean"}, "off", False),
        ({"enum": [1, 2]}, "2", 2),
        ({"const": "only"}, "ONLY", "only"),
        ({"enum": ["a", "A"]}, "A", "A"),
        ({"type": "string", "format": "date"}, "2013.12.1", "2013-12-01"),
        ({"type": "string", "format": "date-time"}, "2013-07-04 05:15", "2013-07-04T05:15:00"),
        ({"type": "string", "minLength": 2}, "ab", "ab"),
        ({"type": "string"}, "ａ", "ａ"),
        ({"type": "string", "pattern": "^[a-z]$"}, "ａ", "a"),
        ({"type": "string", "pattern": "("}, "x", "x"),
        ({"type": "array", "items": {"type": "integer"}}, "1, 2、3", [1, 2, 3]),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "7", 7),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, "7", "7"),
        ({"$ref": "#/$defs/Size"}, "big", "big"),
        ({"allOf": [{"$ref": "#/$defs/Size"}], "default": "small"}, "BIG", "big"),
        ({}, "anything", "anything"),
        ({"type": "integer"}, 5, 5),
    ],
)
def test_each_type_takes_what_people_type(field: dict[str, Any], given: Any, typed: Any) -> None:
    """One value of each kind, as a person may write it."""
    schema = {"properties": {"x": field}, "$defs": {"Size": {"enum": ["small", "big"]}}}

    assert coerce({"x": given}, schema) == ({"x": typed}, ())


@pytest.mark.parametrize(
    ("field", "given", "message"),
    [
        ({"type": "integer"}, "1,000", "it is not a whole number"),
        ({"type": "integer"}, "1.5", "it is not a whole number"),
        ({"type": "number"}, "nan", "it is not a number"),
        ({"type": "number"}, "1e999", "it is too large"),
        ({"type": "number", "maximum": 1}, "2", "it is too large"),
        ({"type": "number", "exclusiveMaximum": 1}, "1", "it is too large"),
        ({"type": "number", "minimum": 1}, "0", "it is too small"),
        ({"type": "boolean"}, "maybe", "it is neither yes nor no"),
        ({"enum": ["red"]}, "qqq", "it is not one of the choices"),
        ({"type": "string", "format": "date"}, "4 July", "it is not a date"),
        ({"type": "string", "format": "date"}, "2013-02-30", "there is no such date"),
        ({"type": "string", "format": "date-time"}, "soon", "it is not a time"),
        ({"type": "string", "maxLength": 2}, "abc", "it is too long"),
        ({"type": "string", "minLength": 2}, "a", "it is too short"),
        ({"type": "string", "pattern": "^[0-9]+$"}, "abc", "it does not have the right form"),
        ({"type": "array", "items": {"type": "integer"}}, "1,x", "it is not a whole number"),
        ({"type": "integer"}, " ", "no value is given"),
    ],
)
def test_each_type_says_what_is_wrong(field: dict[str, Any], given: str, message: str) -> None:
    """One sentence that a person understands."""
    values, problems = coerce({"x": given}, {"properties": {"x": field}})

    assert values == {}
    assert [problem.message for problem in problems] == [message]


def test_a_long_value_is_shown_shortened() -> None:
    """A refusal does not repeat forty thousand characters."""
    _, problems = coerce({"date": "x" * 40_000}, INPUTS)

    assert len(problems[0].value) < 300


def test_an_open_schema_lets_unknown_names_through() -> None:
    """Only a schema that says so takes what it does not name."""
    assert coerce({"new": "1"}, {"properties": {}, "additionalProperties": True}) == ({"new": "1"}, ())
    assert coerce({"new": "1"}, {"properties": {}})[1][0].allowed == "no inputs"


json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYWORDS = (
    "type",
    "enum",
    "anyOf",
    "$ref",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "items",
)
fields = st.dictionaries(st.sampled_from(KEYWORDS), json)


@given(
    st.dictionaries(st.sampled_from("abc"), st.text()),
    st.dictionaries(st.sampled_from("abc"), st.one_of(fields, json)),
)
def test_no_schema_makes_it_raise(inputs: dict[str, str], properties: dict[str, Any]) -> None:
    """Whatever the schema says, the answer is values and problems."""
    values, problems = coerce(inputs, {"properties": properties, "required": ["a"]})
    named = {*values, *(problem.field for problem in problems)}

    assert named >= set(inputs) | {"a"} & set(properties)


@given(st.text())
def test_a_name_has_one_spelling(name: str) -> None:
    """Folding a folded name changes nothing."""
    assert fold(fold(name)) == fold(name)
