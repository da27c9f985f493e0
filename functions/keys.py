"""Idempotency keys bound to requests: a key belongs to its first request.

A run keeps its key with what it records. A cancellation has no record, and of an alias only the nearest
moves are looked at; their keys are bound here, in the same place and form as the keys of runs.
"""

from __future__ import annotations

import hashlib

from ml.errors import AlreadyExists, NotFound, Refused
from ml.events import decode, encode, utc_now
from ml.objects import ObjectStore


def check_key(store: ObjectStore, key: str | None, about: str, request: str) -> None:
    """Refuse *key* if it came with another request before; binds nothing.

    Raises:
        Refused: `idempotency_key_reused`.
    """
    if key is None:
        return
    path = _path(key)
    try:
        record = decode(path, store.get(path))
    except NotFound:
        return
    if record["request"] != _digest(about, request):
        detail = "This Idempotency-Key came with another request before."
        raise Refused("idempotency_key_reused", detail)


def bind_key(store: ObjectStore, key: str | None, about: str, request: str) -> None:
    """Bind *key* to *request* about a run or an alias; the same key with the same request is fine.

    Raises:
        Refused: `idempotency_key_reused`: the key came with another request before.
    """
    if key is None:
        return
    record = {"format": 1, "at": utc_now(), "request": _digest(about, request), "run_id": about}
    try:
        store.create(_path(key), encode(record))
    except AlreadyExists:
        check_key(store, key, about, request)


def _path(key: str) -> str:
    return f"keys/{hashlib.sha256(key.encode()).hexdigest()}.json"


def _digest(about: str, request: str) -> str:
    return hashlib.sha256(f"{about}\n{request}".encode()).hexdigest()
