"""Idempotency keys of requests that record nothing of their own."""

from __future__ import annotations

import secrets

import pytest

from functions.keys import bind_key, check_key
from ml.errors import Refused
from ml.objects import ObjectStore, open_store
from ml.runs import Runs

RUN = "20130704t120000-abcdef"


@pytest.fixture
def store() -> ObjectStore:
    """Return an empty store in memory."""
    return open_store(f"memory://{secrets.token_hex(4)}", {})


def test_a_key_belongs_to_its_first_request(store: ObjectStore) -> None:
    """The same request may come again with its key, another one may not."""
    bind_key(store, None, RUN, "cancel by owner")
    bind_key(store, "k", RUN, "cancel by owner")
    bind_key(store, "k", RUN, "cancel by owner")
    with pytest.raises(Refused, match="idempotency_key_reused"):
        bind_key(store, "k", RUN, "cancel by viewer")


def test_looking_at_a_key_binds_nothing(store: ObjectStore) -> None:
    """Who is refused for another reason may mend the request and keep the key."""
    check_key(store, "k", "sums/champion", "move to 2")
    bind_key(store, "k", "sums/champion", "move to 3")
    check_key(store, "k", "sums/champion", "move to 3")
    with pytest.raises(Refused, match="idempotency_key_reused"):
        check_key(store, "k", "sums/champion", "move to 2")


def test_keys_of_runs_and_of_cancellations_do_not_mix(store: ObjectStore) -> None:
    """A key that started a run cannot cancel it, and the other way round."""
    runs = Runs(store)
    run_id = runs.create("arrival-delay", "retrain", {}, None, "started").run_id
    with pytest.raises(Refused, match="idempotency_key_reused"):
        bind_key(store, "started", run_id, "cancel by owner")
    bind_key(store, "cancelled", run_id, "cancel by owner")
    with pytest.raises(Refused, match="idempotency_key_reused"):
        runs.create("arrival-delay", "retrain", {}, None, "cancelled")
