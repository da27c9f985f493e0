"""Checkpoints are plain JSON that a later version reads."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from dbos import error as engine_errors
from hypothesis import given
from hypothesis import strategies as st

from bot.checkpoints import JsonSerializer
from bot.errors import FlowFailed, FunctionsUnreachable, SlackRefused

KEPT = JsonSerializer()
NAMES = st.text() | st.sampled_from(["__time__", "__error__", "~__time__", "~~__error__"])
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=10,
)


@given(PLAIN)
def test_plain_values_come_back(value: Any) -> None:
    """Whatever JSON can hold comes back as it was, also under names that are marks of ours."""
    assert KEPT.deserialize(KEPT.serialize(value)) == value


def test_times_come_back_aware() -> None:
    """The engine hands due times to schedules; they come back with their zone."""
    at = datetime(2013, 8, 1, 6, tzinfo=UTC)
    assert KEPT.deserialize(KEPT.serialize({"args": [at]})) == {"args": [at]}


@pytest.mark.parametrize(
    ("error", "kind", "detail"),
    [
        (FunctionsUnreachable("status 500"), "FunctionsUnreachable", "status 500"),
        (SlackRefused("is_archived", "chat.update"), "SlackRefused", "chat.update: is_archived"),
        (FlowFailed("KeyError", "'x'"), "KeyError", "'x'"),
        (
            engine_errors.DBOSMaxStepRetriesExceeded("step", 3, [KeyError("a"), ValueError("b")]),
            "ValueError",
            "b",
        ),
    ],
)
def test_errors_keep_their_kind_and_words(error: Exception, kind: str, detail: str) -> None:
    """An error is read back as what failed last, whatever became of its class."""
    back = KEPT.deserialize(KEPT.serialize(error))
    assert isinstance(back, FlowFailed)
    assert (back.kind, back.detail) == (kind, detail)


def test_nothing_but_json_is_kept() -> None:
    """What JSON cannot hold is refused when it is written, not when it is read."""
    with pytest.raises(TypeError, match="plain JSON"):
        KEPT.serialize({"a": object()})


def test_checkpoints_of_the_first_release_are_read() -> None:
    """What was written once is read for ever."""
    record = '{"done":{"at":{"__time__":"2013-08-01T06:00:00+00:00"}},"e":{"__error__":["ValueError","no"]}}'
    read = KEPT.deserialize(record)
    assert read["done"]["at"] == datetime(2013, 8, 1, 6, tzinfo=UTC)
    assert str(read["e"]) == "ValueError: no"
    assert KEPT.name() == "toban_json"
    assert json.loads(record)
