"""The contract under any JSON: a request is read as it was meant or refused, a reply is never a crash."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from bot.connectors.azure_functions import read_reply
from bot.connectors.wire import HttpReply
from bot.errors import BotError
from functions.operations import OPERATIONS
from ml.contract import Caller
from ml.problems import read_validation_error

REQUESTS = sorted(
    {operation.takes.model for operation in OPERATIONS if operation.takes} | {Caller},
    key=lambda one: one.__name__,
)
REPLIES = sorted({one.answers for one in OPERATIONS if one.answers}, key=lambda one: one.__name__)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
ANYTHING = st.recursive(
    PLAIN | st.sampled_from(["v" * 5_000, "💣", "\u202eevil", "<!channel>", "sha256:" + "0" * 64, 10**400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
LONGEST = 3_000


def objects_of(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Return objects that have some of the fields of *model*, and others, with anything in them."""
    names = st.sampled_from([field.alias or name for name, field in model.model_fields.items()])
    return st.dictionaries(names | st.text(max_size=8), ANYTHING, max_size=5) | ANYTHING


@given(model=st.sampled_from(REQUESTS), data=st.data())
def test_any_request_is_read_or_refused_by_field(model: type[BaseModel], data: st.DataObject) -> None:
    """What is read comes back as it was; what is refused says what is allowed, in bounded JSON."""
    given_ = data.draw(objects_of(model))
    try:
        read = model.model_validate(given_)
    except ValidationError as error:
        refused = read_validation_error(error, model)
        assert refused.errors
        assert all(each.allowed and each.message for each in refused.errors)
        assert all(len(each.model_dump_json()) < LONGEST for each in refused.errors)
    else:
        assert model.model_validate_json(read.model_dump_json()) == read


@given(
    model=st.sampled_from(REPLIES),
    data=st.data(),
    status=st.sampled_from([200, 202, 204, 301, 304, 400, 401, 403, 404, 409, 422, 500, 503]),
)
def test_any_answer_is_a_reply_or_an_error_with_a_name(
    model: type[BaseModel], status: int, data: st.DataObject
) -> None:
    """Whatever stands where the function app should be, the bot has a reply of the contract or an error."""
    body = data.draw(objects_of(model))
    try:
        read = read_reply(HttpReply(status, {}, json.loads(json.dumps(body))), model)
    except BotError as error:
        assert str(error)  # noqa: PT017 - either ending is fine
    else:
        assert isinstance(read, model)
