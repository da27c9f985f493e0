"""Idempotency for requests that record nothing of their own: a key belongs to its first request.

Runs and alias moves keep the key with what they record; a cancellation has no record, so its key is bound
here, in the same place and form as the keys of runs.
"""

from __future__ import annotations

import hashlib

from ml.errors import AlreadyExists, Refused
from ml.events import decode, encode, utc_now
from ml.objects import ObjectStore


def bind_key(store: ObjectStore, key: str | None, run_id: str, request: str) -> None:
    """Bind *key* to *request* about a run; the same key with the same request is fine.

    Raises:
        Refused: `idempotency_key_reused`: the key came with another request before.
    """
    if key is None:
        return
    digest = hashlib.sha256(f"{run_id}\n{request}".encode()).hexdigest()
    path = f"keys/{hashlib.sha256(key.encode()).hexdigest()}.json"
    record = {"format": 1, "at": utc_now(), "request": digest, "run_id": run_id}
    try:
        store.create(path, encode(record))
    except AlreadyExists:
        if decode(path, store.get(path))["request"] != digest:
            detail = "This Idempotency-Key came with another request before."
            raise Refused("idempotency_key_reused", detail) from None
