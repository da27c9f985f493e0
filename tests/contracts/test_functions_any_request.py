"""Whatever is sent, the function app answers in its own words: never a 5xx, never anything but JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.contract import PredictReply, Problem
from tests.function_hosts import CALLER, FunctionHost, Home

PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ANYTHING = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
)
ROW = st.dictionaries(st.sampled_from(["first", "second", "third", ""]), ANYTHING, max_size=3) | ANYTHING
PREDICTION = st.fixed_dictionaries({"rows": st.lists(ROW, max_size=4) | ANYTHING, "caller": st.just(CALLER)})
POSTS = ("models/sums/retrain", "models/sums/compare", "models/sums/aliases/champion", "models/sums/predict")
SEGMENT = st.text(
    st.characters(codec="utf-8", exclude_characters="/?#%\\\r\n\t\x00"), min_size=1, max_size=12
)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FunctionHost]:
    """Serve a team that has no version yet: the rule answers."""
    with Home(tmp_path_factory.mktemp("home")).host() as running:
        yield running


@given(body=PREDICTION)
def test_any_rows_are_answered(host: FunctionHost, body: Any) -> None:
    """Each row has an answer, or the request as a whole is refused as problem details."""
    answer = host.send(
        "POST", "models/sums/predict", data=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    if answer.status_code == 200:
        reply = PredictReply.model_validate_json(answer.content)
        assert len(reply.results) == len(body["rows"])
    else:
        assert answer.status_code in (400, 422), answer.text
        assert Problem.model_validate_json(answer.content).status == answer.status_code


@given(path=st.sampled_from(POSTS), body=ANYTHING | st.binary(max_size=50))
def test_any_body_is_taken_or_refused(host: FunctionHost, path: str, body: Any) -> None:
    """No body, JSON or not, is a fault."""
    data = body if isinstance(body, bytes) else json.dumps(body)
    answer = host.send("POST", path, data=data, headers={"Content-Type": "application/json"})
    assert answer.status_code < 500, answer.text
    json.loads(answer.content)


@given(segments=st.lists(SEGMENT, min_size=1, max_size=4), method=st.sampled_from(["GET", "POST", "PUT"]))
def test_any_address_is_answered(host: FunctionHost, segments: list[str], method: str) -> None:
    """No address, whatever its characters, is a fault."""
    answer = host.send(method, "/".join(segments))
    assert answer.status_code < 500, answer.text


@given(name=st.sampled_from(["limit", "after", "model", "since"]), value=st.text(max_size=20))
def test_any_query_is_answered(host: FunctionHost, name: str, value: str) -> None:
    """No query value is a fault."""
    for path in ("runs", "models/sums/usage"):
        assert host.get(path, params={name: value}).status_code < 500
